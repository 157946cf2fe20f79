/**
 * A real catalogue and a real store in a temporary folder for the tests of the use cases, and the ways to make them fail
 * between any two steps.
 */
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { pino } from 'pino';
import { afterEach, expect } from 'vitest';
import { Catalog, type CataloguedFile } from '../../../node-core/catalog/catalog.ts';
import type { CatalogTransaction } from '../../../node-core/catalog/transaction.ts';
import type { TrashEntry } from '../../../node-core/catalog/values.ts';
import type { FileEvents, FilesContext } from '../../../node-core/files/context.ts';
import { PackKeeper } from '../../../node-core/files/pack-keeper.ts';
import { FileReader } from '../../../node-core/files/read-file.ts';
import { type RecoveryReport, recoverFiles } from '../../../node-core/files/recovery.ts';
import { FileRemover } from '../../../node-core/files/remove-file.ts';
import { FileStorer, type StoredFile, type StoreRequest } from '../../../node-core/files/store-file.ts';
import { TrashKeeper } from '../../../node-core/files/trash.ts';
import { EventBus } from '../../../node-core/runtime/events.ts';
import { KeyedLock } from '../../../node-core/runtime/keyed-lock.ts';
import { chunksOf } from '../../../node-core/storage/byte-source.ts';
import { FileStore, isPacked, type PackReader } from '../../../node-core/storage/file-store.ts';
import { FolderSync } from '../../../node-core/storage/folder-sync.ts';
import { PackStore } from '../../../node-core/storage/pack-store.ts';
import { type StagedFile, Staging } from '../../../node-core/storage/staging.ts';
import { markerName, StoreGuard } from '../../../node-core/storage/store-guard.ts';
import { nodeId } from '../domain/versions.ts';
import { makeFolder } from '../temp-folder.ts';

/** What a step that fails throws. */
export class StepFailure extends Error {
  override readonly name = 'StepFailure';
}

/**
 * Decides which step fails. `crash`: everything after it fails as well, as if the process were gone. `error`: that step
 * alone fails, as a disk does now and then, and the node goes on.
 */
export class Fuse {
  readonly #failAt: number;
  readonly #mode: 'crash' | 'error';
  /** Steps passed so far, by name, for the message of a failing case. */
  readonly steps: string[] = [];

  /** @param failAt number of the failing step, from 1; 0 for none. */
  constructor(failAt = 0, mode: 'crash' | 'error' = 'crash') {
    this.#failAt = failAt;
    this.#mode = mode;
  }

  /** Whether the failing step was reached. */
  get blown(): boolean {
    return this.#failAt > 0 && this.steps.length >= this.#failAt;
  }

  pass(step: string): void {
    this.steps.push(step);
    const number = this.steps.length;
    const fails = this.#mode === 'crash' ? number >= this.#failAt : number === this.#failAt;
    if (this.#failAt > 0 && fails) throw new StepFailure(`step ${number}: ${step}`);
  }

  /** Runs one call between two steps. */
  async around<T>(name: string, call: () => Promise<T>): Promise<T> {
    this.pass(`before ${name}`);
    const result = await call();
    this.pass(`after ${name}`);
    return result;
  }
}

/** A file store whose every call is a step. */
class FusedStore extends FileStore {
  readonly #fuse: () => Fuse;

  constructor(root: string, sync: FolderSync, packs: PackReader, fuse: () => Fuse) {
    super(root, sync, packs);
    this.#fuse = fuse;
  }

  override place(...args: Parameters<FileStore['place']>) {
    return this.#fuse().around(`place ${args.at(-1)}`, () => super.place(...args));
  }

  override move(...args: Parameters<FileStore['move']>) {
    return this.#fuse().around(`move ${args.join(' to ')}`, () => super.move(...args));
  }

  override linkStaged(...args: Parameters<FileStore['linkStaged']>) {
    return this.#fuse().around(`link to ${args[1]}`, () => super.linkStaged(...args));
  }

  override remove(...args: Parameters<FileStore['remove']>) {
    return this.#fuse().around(`remove ${args[0]}`, () => super.remove(...args));
  }

  override pruneEmptyFolders(...args: Parameters<FileStore['pruneEmptyFolders']>) {
    return this.#fuse().around(`prune ${args[0]}`, () => super.pruneEmptyFolders(...args));
  }
}

/** Fails where a name is about to be made durable: the name is there, what follows is not. */
class FusedSync extends FolderSync {
  readonly #fuse: () => Fuse;
  readonly #root: string;

  constructor(root: string, fuse: () => Fuse) {
    super(false);
    this.#root = root;
    this.#fuse = fuse;
  }

  override async sync(folder: string): Promise<void> {
    this.#fuse().pass(`sync of ${path.relative(this.#root, folder) || 'the root'}`);
  }
}

/** A catalogue whose every commit is a step. */
class FusedCatalog extends Catalog {
  readonly #fuse: () => Fuse;

  constructor(options: ConstructorParameters<typeof Catalog>[0], fuse: () => Fuse) {
    super(options);
    this.#fuse = fuse;
  }

  override commit<T>(work: (transaction: CatalogTransaction) => T): Promise<T> {
    return this.#fuse().around('commit', () => super.commit(work));
  }

  override placesOf(sha256: string): Promise<string[]> {
    return this.#fuse().around('look-up of places', () => super.placesOf(sha256));
  }
}

/** Packs whose every append is a step. */
class FusedPacks extends PackStore {
  readonly #fuse: () => Fuse;

  constructor(options: ConstructorParameters<typeof PackStore>[0], fuse: () => Fuse) {
    super(options);
    this.#fuse = fuse;
  }

  override append(...args: Parameters<PackStore['append']>) {
    return this.#fuse().around('append', () => super.append(...args));
  }

  override removeSegment(segment: string) {
    return this.#fuse().around('removal of a segment', () => super.removeSegment(segment));
  }
}

/** How a bench packs small contents; a limit of 0: not at all. */
export interface PackingOptions {
  limitBytes: number;
  readonly segmentBytes?: number;
}

/** A clock that a test moves. */
export class TestClock {
  ms = Date.UTC(2026, 4, 17, 12);
  now = (): number => this.ms;
  monotonic = (): number => this.ms;
}

/** Everything of the room `files`, on one data folder. */
export class Bench {
  readonly folder: string;
  readonly root: string;
  readonly clock: TestClock;
  readonly context: FilesContext;
  readonly storer: FileStorer;
  readonly remover: FileRemover;
  readonly reader: FileReader;
  readonly packKeeper: PackKeeper;
  readonly packing: PackingOptions;
  readonly damaged: FileEvents['bytes-damaged'][] = [];
  readonly committed: string[] = [];
  recovery: RecoveryReport | undefined;
  /** Errors of handlers of events, which nobody else would see. */
  readonly handlerErrors: unknown[] = [];
  #fuse = new Fuse();

  private constructor(folder: string, clock: TestClock, packing: PackingOptions) {
    const fuse = () => this.#fuse;
    this.folder = folder;
    this.root = path.join(folder, 'files');
    this.clock = clock;
    const catalog = new FusedCatalog(
      { folder: path.join(folder, 'catalog'), nodeId: nodeId('bench'), clock, durable: false, onWriteError: () => {} },
      fuse,
    );
    const folderSync = new FusedSync(this.root, fuse);
    const packStore = new FusedPacks(
      {
        folder: path.join(this.root, '_pack'),
        durable: false,
        folderSync,
        locate: (sha256) => catalog.packed(sha256),
        ...packing,
      },
      fuse,
    );
    const packed: PackReader = {
      sizeOf: (sha256) => catalog.packed(sha256)?.size,
      read: (sha256) => packStore.read(sha256),
    };
    const packs = { store: packStore, limitBytes: () => packing.limitBytes };
    const store = new FusedStore(this.root, folderSync, packed, fuse);
    const guard = new StoreGuard(this.root, () => ({ percent: 0, megabytes: 0 }), clock);
    const staging = new Staging({
      folder: path.join(this.root, '_tmp'),
      algorithm: () => 'md5',
      durable: false,
      folderSync,
      packBytes: packs.limitBytes,
      checkSpace: (bytes) => guard.checkWrite(bytes),
    });
    const events = new EventBus<FileEvents>((error) => this.handlerErrors.push(error));
    events.on('bytes-damaged', (event) => this.damaged.push(event));
    events.on('file-committed', (event) => this.committed.push(event.path));
    const pathLocks = new KeyedLock();
    const contentLocks = new KeyedLock();
    this.context = {
      catalog,
      store,
      staging,
      guard,
      pathLocks,
      unfinished: new Map(),
      contentLocks,
      packs,
      clock,
      events,
    };
    this.packKeeper = new PackKeeper(this.context, pino({ level: 'silent' }));
    this.packing = packing;
    this.storer = new FileStorer(this.context);
    this.remover = new FileRemover(this.context);
    this.reader = new FileReader(this.context);
  }

  /** Opens the folder as a node does at start: binds the store, recovers, lets writes through. */
  static async open(
    options: { folder?: string; clock?: TestClock; recoveryFuse?: Fuse; packing?: PackingOptions } = {},
  ): Promise<Bench> {
    const packing = options.packing ?? { limitBytes: 0 };
    const bench = new Bench(options.folder ?? (await makeFolder()), options.clock ?? new TestClock(), packing);
    const { catalog, guard, store } = bench.context;
    benches.add(bench);
    await catalog.start();
    const known = catalog.storeId();
    const id = await guard.bind(known);
    if (known === undefined) await catalog.setStoreId(id);
    // Without steps: an interrupted prepare is repeated by the next start.
    await store.prepare();
    await bench.packKeeper.open();
    if (options.recoveryFuse) bench.arm(options.recoveryFuse);
    bench.recovery = await recoverFiles(bench.context);
    bench.arm(new Fuse());
    guard.open();
    return bench;
  }

  /** From now on the calls of store and catalogue are steps of this fuse. */
  arm(fuse: Fuse): void {
    this.#fuse = fuse;
  }

  /** Closes what a failed start left open. */
  static async closeAll(): Promise<void> {
    for (const bench of benches) await bench.close();
  }

  async close(): Promise<void> {
    benches.delete(this);
    await this.storer.drain();
    await this.packKeeper.stop();
    await this.context.catalog.stop();
  }

  /** Opens the same folder anew, as after a crash or a restart. */
  async reopen(options: { recoveryFuse?: Fuse } = {}): Promise<Bench> {
    await this.close();
    return Bench.open({ folder: this.folder, clock: this.clock, packing: this.packing, ...options });
  }

  /** Stages a content in pieces, as a request brings it. */
  async stage(content: string | Uint8Array): Promise<StagedFile> {
    const writer = await this.context.staging.begin();
    const buffer = Buffer.from(content);
    const middle = Math.floor(buffer.byteLength / 2);
    await writer.write(buffer.subarray(0, middle));
    await writer.write(buffer.subarray(middle));
    return writer.finish();
  }

  /** Uploads a content to a path, replacing what stands there. */
  async upload(target: string, content: string | Uint8Array, changes: Partial<StoreRequest> = {}): Promise<StoredFile> {
    const staged = await this.stage(content);
    this.clock.ms += 1000;
    return this.storer.store(staged, {
      path: target,
      name: path.posix.basename(target),
      scene: 'default',
      occupied: 'replace',
      by: 'test',
      ...changes,
    });
  }

  /** The content that shows at a path, as text; undefined when there is none. */
  async read(target: string): Promise<string | undefined> {
    if (!this.context.catalog.find(target)) return undefined;
    const { handle } = await this.reader.open(target);
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of chunksOf(handle, 64 * 1024)) chunks.push(chunk);
      return Buffer.concat(chunks).toString('utf8');
    } finally {
      await handle.close();
    }
  }

  async #sha256Of(place: string): Promise<string> {
    const hash = createHash('sha256');
    const opened = await this.context.store.open(place);
    if (!opened) throw new Error(`nothing stands at ${place}`);
    for await (const chunk of chunksOf(opened.handle, 64 * 1024)) hash.update(chunk);
    await opened.handle.close();
    return hash.digest('hex');
  }

  /** Absolute path of a place. */
  pathOf(place: string): string {
    return this.context.store.pathOf(place);
  }

  async inodeOf(place: string): Promise<number> {
    return (await stat(this.pathOf(place))).ino;
  }

  /** What shows at a path, and fails the test when nothing does. */
  file(target: string): CataloguedFile & { readonly local: NonNullable<CataloguedFile['local']> } {
    const file = this.context.catalog.find(target);
    if (!file?.local) throw new Error(`${target} does not show, or has no bytes`);
    return { ...file, local: file.local };
  }

  /** Every file below `files/`, without the marker. */
  async filesOnDisk(): Promise<string[]> {
    const entries = await readdir(this.root, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(this.root, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
      .filter((file) => file !== markerName && !file.startsWith('_pack/'))
      .sort();
  }

  /** What is in the trash, oldest first. */
  async trash(): Promise<TrashEntry[]> {
    const entries: TrashEntry[] = [];
    for await (const entry of this.context.catalog.trash()) entries.push(entry);
    return entries;
  }

  /** Every live file, by walking the folders. */
  async liveFiles(folder = ''): Promise<string[]> {
    const found: string[] = [];
    for (const row of await this.context.catalog.listFolder(folder, { limit: 10_000 })) {
      const below = folder === '' ? row.name : `${folder}/${row.name}`;
      if (row.kind === 'file') found.push(below);
      else found.push(...(await this.liveFiles(below)));
    }
    return found.sort();
  }

  /**
   * Checks that catalogue and disk say the same: every live file and every trash entry has its bytes, whole; nothing is
   * on disk that neither refers to; `_tmp` is empty, no intent is left and the statistics are those of the live files.
   */
  async expectConsistent(): Promise<void> {
    const { catalog } = this.context;
    const places: string[] = [];
    const uses = new Map<string, number>();
    const totals = { files: 0, bytes: 0 };
    for (const target of await this.liveFiles()) {
      const { version, local } = this.file(target);
      expect(await this.#sha256Of(local.place), `content of ${target}`).toBe(version.sha256);
      expect(await catalog.placesOf(version.sha256), `places of the content of ${target}`).toContain(local.place);
      if (!isPacked(local.place)) places.push(local.place);
      else uses.set(version.sha256, (uses.get(version.sha256) ?? 0) + 1);
      totals.files += 1;
      totals.bytes += version.size;
    }
    for (const entry of await this.trash()) {
      if (!isPacked(entry.place)) expect(entry.place, 'place of a trash entry').toBe(`_trash/${entry.id}`);
      if (entry.reason !== 'damaged') {
        expect(await this.#sha256Of(entry.place), `trashed content of ${entry.path}`).toBe(entry.sha256);
      }
      if (!isPacked(entry.place)) places.push(entry.place);
      else uses.set(entry.sha256, (uses.get(entry.sha256) ?? 0) + 1);
    }
    expect(await catalog.intents()).toEqual([]);
    expect(catalog.totals()).toEqual(totals);
    const perDay = (await catalog.dayStatistics()).filter((row) => row.day !== 'all');
    expect(perDay.reduce((sum, row) => sum + row.files, 0)).toBe(totals.files);
    expect(perDay.reduce((sum, row) => sum + row.bytes, 0)).toBe(totals.bytes);
    const counted = new Map<string, number>();
    for await (const { sha256, uses: number } of catalog.packedContents()) counted.set(sha256, number);
    expect(counted, 'uses of packed contents').toEqual(new Map([...uses].sort(([a], [b]) => (a < b ? -1 : 1))));
    expect(await this.filesOnDisk(), 'files on disk are those that something refers to').toEqual(places.sort());
  }
}

const benches = new Set<Bench>();

afterEach(async () => {
  await Bench.closeAll();
});

/** The trash of a bench, by its clock unless told otherwise. @param days term of trashed bytes. */
export function trashOf(bench: Bench, days: number, now = () => bench.clock.now()): TrashKeeper {
  return new TrashKeeper(bench.context, bench.storer, {
    termDays: () => days,
    now,
    onError: (error) => {
      throw error;
    },
  });
}
