import { randomBytes } from 'node:crypto';
import type { CataloguedFile } from '../catalog/catalog.ts';
import type { LinkSource, TrashEntry } from '../catalog/values.ts';
import { ShoalError } from '../domain/errors.ts';
import type { Service } from '../runtime/service.ts';
import { isPacked } from '../storage/file-store.ts';
import { sameContent, untouched } from '../storage/identity.ts';
import type { StagedFile } from '../storage/staging.ts';
import type { FilesContext } from './context.ts';
import { trashPlace } from './placement.ts';
import type { FileStorer, StoreRequest } from './store-file.ts';

/** Where restored bytes go. */
export interface RestoreOptions {
  readonly path?: string;
  readonly occupied: StoreRequest['occupied'];
  readonly by: string;
}

/** What decides when trashed bytes go. */
export interface TrashOptions {
  /** Days that deleted bytes are kept; 0 frees them at once. */
  readonly termDays: () => number;
  /** The time that ages are told by (deletion-clock.ts). */
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}

const dayMs = 24 * 60 * 60 * 1000;

/** How often the trash is looked through, in milliseconds. */
const intervalMs = 60 * 60 * 1000;

/** Frees trashed bytes when their term is over. Bytes that another path shares stay on disk until their last name goes. */
export class TrashKeeper implements Service {
  readonly name = 'trash';
  readonly #context: FilesContext;
  readonly #storer: FileStorer;
  readonly #options: TrashOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(context: FilesContext, storer: FileStorer, options: TrashOptions) {
    this.#context = context;
    this.#storer = storer;
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#timer = setInterval(() => this.#purgeBehind(), intervalMs);
    this.#timer.unref();
    this.#context.events.on('file-removed', () => {
      if (this.#options.termDays() === 0) this.#purgeBehind();
    });
    this.#purgeBehind();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Frees everything whose term is over. @returns the number of entries freed. */
  purge(): Promise<number> {
    const term = this.#options.termDays();
    // Without a term no clock is asked.
    return this.#freeBefore(term === 0 ? Number.POSITIVE_INFINITY : this.#options.now() - term * dayMs);
  }

  /**
   * Frees the oldest entries until so many bytes are freed, because the disk is short of space. Bytes that are shared with a
   * live file, or stand in packs, free nothing at once: they do not count. When all of it would not be enough nothing is
   * freed: a floor that is set too high must not cost the trash.
   * @returns bytes freed.
   */
  async reclaim(bytes: number): Promise<number> {
    let all = 0;
    for await (const entry of this.#context.catalog.trash()) if (isInTrash(entry)) all += entry.size;
    if (all < bytes) return 0;
    let freed = 0;
    for await (const entry of this.#context.catalog.trash()) {
      if (this.#stopped || freed >= bytes) break;
      if (!isInTrash(entry) || isPacked(entry.place)) continue;
      const shared = (await this.#heir(entry)) !== undefined;
      await this.#free(entry);
      if (!shared) freed += entry.size;
    }
    return freed;
  }

  async #freeBefore(before: number): Promise<number> {
    let freed = 0;
    for await (const entry of this.#context.catalog.trash()) {
      if (this.#stopped || entry.trashedMs > before) break;
      // Bytes still at their old place belong to an intent that is being finished.
      if (!isInTrash(entry)) continue;
      await this.#free(entry);
      freed += 1;
    }
    return freed;
  }

  /** Another name of the same bytes, which equal uploads can be linked to from now on. */
  async #heir(entry: TrashEntry): Promise<LinkSource | undefined> {
    const { catalog, store } = this.#context;
    for (const place of await catalog.placesOf(entry.sha256)) {
      const identity = place === entry.place ? undefined : store.identify(place);
      if (identity?.ino === entry.identity.ino) return { place, identity };
    }
    return undefined;
  }

  /** One page, newest first. @param before id of the last entry of the page before. */
  list(limit: number, before?: string): Promise<TrashEntry[]> {
    return this.#context.catalog.listTrash(limit, before);
  }

  /**
   * Brings deleted or replaced bytes back, as an ordinary new commit (replication.md, 17).
   * @param options.path where to; where it was when undefined. @param options.occupied what happens when something stands there.
   * @throws ShoalError TRASH_NOT_FOUND; TARGET_EXISTS; BYTES_DAMAGED when the bytes are not what was deleted.
   */
  async restore(id: string, options: RestoreOptions): Promise<CataloguedFile> {
    const { catalog, store } = this.#context;
    const entry = catalog.trashEntry(id);
    const opened = entry && isInTrash(entry) ? await store.open(entry.place) : undefined;
    await opened?.handle.close();
    if (!entry || !opened) throw new ShoalError('TRASH_NOT_FOUND', { details: { id } });
    if (!sameContent(opened.identity, entry.identity)) {
      throw new ShoalError('BYTES_DAMAGED', { details: { what: entry.path } });
    }
    const { path, name, scene, mtimeMs, size, sha256, md5, sha1, blockRoot, place } = entry;
    const compatible = { ...(md5 !== undefined && { md5 }), ...(sha1 !== undefined && { sha1 }) };
    const staged: StagedFile = {
      id: randomBytes(12).toString('hex'),
      place,
      file: store.pathOf(place),
      identity: opened.identity,
      digests: { size, sha256, ...compatible, blockRoot },
      blocks: catalog.blocks(sha256),
      // Taken in where they stood, or linked to: they had never become what equal uploads are linked to.
      ...(catalog.linkSource(sha256)?.identity.ino !== opened.identity.ino && { foreign: true }),
    };
    const { file } = await this.#storer.store(staged, {
      path: options.path ?? path,
      name,
      scene,
      mtimeMs,
      occupied: options.occupied,
      by: options.by,
      keepOnFailure: true,
      alongside: (transaction) => transaction.removeTrash(id),
    });
    return file;
  }

  /** Frees one entry now. @throws ShoalError TRASH_NOT_FOUND. */
  async discard(id: string): Promise<void> {
    const entry = this.#context.catalog.trashEntry(id);
    if (!entry || !isInTrash(entry)) throw new ShoalError('TRASH_NOT_FOUND', { details: { id } });
    await this.#free(entry);
  }

  /** Frees everything that is in the trash now. @returns the number of entries freed. */
  empty(): Promise<number> {
    return this.#freeBefore(Number.POSITIVE_INFINITY);
  }

  #purgeBehind(): void {
    this.#running = this.#running.then(() => this.purge()).catch(this.#options.onError);
  }

  #free(entry: TrashEntry): Promise<void> {
    const { catalog, store, contentLocks } = this.#context;
    return contentLocks.run(entry.sha256, async () => {
      if (isPacked(entry.place)) {
        await catalog.commit((transaction) => transaction.removeTrash(entry.id));
        if (!catalog.packed(entry.sha256)) await this.#context.packs.store.markDeleted(entry.sha256);
        return;
      }
      const source = catalog.linkSource(entry.sha256);
      const shared = source?.place === entry.place ? await this.#heir(entry) : source;
      const before = shared && store.identify(shared.place);
      // The entry goes first: bytes without an entry are swept at start, an entry without bytes would lie.
      await catalog.commit((transaction) => transaction.removeTrash(entry.id));
      await store.remove(entry.place);
      if (!shared || !before || !untouched(before, shared.identity)) return;
      const after = store.identify(shared.place);
      if (after) {
        await catalog.commit((transaction) =>
          transaction.setLinkSource(entry.sha256, { place: shared.place, identity: after }),
        );
      }
    });
  }
}

/** Whether trashed bytes are where they stay: packed ones do not move, others wait for their intent. */
function isInTrash({ id, place }: TrashEntry): boolean {
  return isPacked(place) || place === trashPlace(id);
}
