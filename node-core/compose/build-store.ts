/** Catalogue and bytes: everything that the use cases of files stand on. */
import path from 'node:path';
import { Catalog } from '../catalog/catalog.ts';
import type { FileEvents, FilesContext } from '../files/context.ts';
import { EventBus } from '../runtime/events.ts';
import { KeyedLock } from '../runtime/keyed-lock.ts';
import { FileStore, storeFolders } from '../storage/file-store.ts';
import { FolderSync } from '../storage/folder-sync.ts';
import { PackStore } from '../storage/pack-store.ts';
import { Staging } from '../storage/staging.ts';
import { StoreGuard } from '../storage/store-guard.ts';
import type { Ground } from './ground.ts';

/** What is built here. */
export type StoreParts = ReturnType<typeof buildStore>;

/** Builds catalogue, disk and packs, and the context of the use cases. Nothing is opened yet. */
export function buildStore({ dataDir, clock, live, log, identity, reportError }: Ground) {
  const { logger } = log;
  const config = live.current;
  const nodeId = identity.id;
  const root = path.join(dataDir, 'files');
  const durable = config.durability === 'full';
  const catalog = new Catalog({
    folder: path.join(dataDir, 'data', 'catalog'),
    nodeId,
    clock,
    durable,
    onWriteError: (error) => logger.fatal({ err: error }, 'the catalogue cannot be written'),
  });
  const folderSync = new FolderSync(durable);
  const packStore = new PackStore({
    folder: path.join(root, storeFolders.pack),
    durable,
    folderSync,
    locate: (sha256) => catalog.packed(sha256),
  });
  const packBytes = () => (config.enable_merge_small_file ? config.merge_small_file_limit : 0);
  const store = new FileStore(root, folderSync, {
    sizeOf: (sha256) => catalog.packed(sha256)?.size,
    read: (sha256) => packStore.read(sha256),
  });
  const floor = () => ({
    percent: live.current.free_space_floor_percent,
    megabytes: live.current.free_space_floor_mb,
  });
  const guard = new StoreGuard(root, floor, clock);
  const staging = new Staging({
    folder: store.pathOf(storeFolders.staging),
    algorithm: () => config.file_sum_arithmetic,
    durable,
    folderSync,
    packBytes,
    checkSpace: (bytes) => guard.checkWrite(bytes),
  });
  const events = new EventBus<FileEvents>(reportError);
  const files: FilesContext = {
    catalog,
    store,
    staging,
    guard,
    pathLocks: new KeyedLock(),
    unfinished: new Map(),
    contentLocks: new KeyedLock(),
    othersWrite: () => config.enable_fsnotify,
    packs: { store: packStore, limitBytes: packBytes },
    clock,
    events,
  };
  return { catalog, folderSync, packStore, store, guard, staging, events, files, durable };
}
