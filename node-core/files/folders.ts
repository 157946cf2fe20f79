import { createHash, randomBytes } from 'node:crypto';
import type { Catalog, FolderCursor } from '../catalog/catalog.ts';
import type { FolderJob } from '../catalog/values.ts';
import type { ContentDigests } from '../domain/digests.ts';
import { ShoalError } from '../domain/errors.ts';
import { baseName, joinPath } from '../domain/paths.ts';
import type { Service } from '../runtime/service.ts';
import { type FilesContext, withPath } from './context.ts';
import type { FileMover } from './move-file.ts';
import type { FileRemover } from './remove-file.ts';

/** Rows read at once while a folder is walked; also the size of one chunk of a job. */
const chunkRows = 200;

/** Removed folders that are remembered for an undo. */
const maxRemoved = 20_000;

const nothing = createHash('sha256').digest('hex');
const noContent: ContentDigests = { size: 0, sha256: nothing, blockRoot: nothing };

/** A running change of a folder. */
export interface FolderProgress {
  readonly job: FolderJob;
  /** Files done so far. */
  readonly done: number;
  /** Files that stayed where they are, with the reason of the last one. */
  readonly failed: number;
  readonly finished: boolean;
}

/** Makes, moves and removes folders. A folder is moved or removed file by file, in chunks; a restart goes on where it was. */
export class FolderKeeper implements Service {
  readonly name = 'folders';
  readonly #context: FilesContext;
  readonly #mover: FileMover;
  readonly #remover: FileRemover;
  readonly #onError: (error: unknown) => void;
  readonly #running = new Map<string, Promise<FolderProgress>>();
  /** Folders that somebody made and that were removed since the start: unlike files they leave nothing in the trash. */
  #removed: { readonly path: string; readonly atMs: number }[] = [];
  #stopped = false;

  constructor(context: FilesContext, mover: FileMover, remover: FileRemover, onError: (error: unknown) => void) {
    this.#context = context;
    this.#mover = mover;
    this.#remover = remover;
    this.#onError = onError;
  }

  /** Goes on with what was interrupted. */
  async start(): Promise<void> {
    for (const job of await this.#context.catalog.folderJobs()) this.#run(job).catch(this.#onError);
  }

  /** Lets the file that is being changed end; the rest goes on at the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled(this.#running.values());
  }

  /** Makes a folder that stays when it is empty. Making one that is there already does nothing. @throws ShoalError TARGET_EXISTS when a file has the name. */
  async make(path: string): Promise<void> {
    await this.#context.guard.checkStore();
    await withPath(this.#context, path, async () => {
      const { catalog } = this.#context;
      if (catalog.find(path)) throw new ShoalError('TARGET_EXISTS', { details: { path } });
      if (catalog.madeFolder(path)) return;
      const nowMs = this.#context.clock.now();
      const times = { mtimeMs: nowMs, storedMs: nowMs };
      await catalog.commit((transaction) => {
        transaction.write(path, { kind: 'dir', digests: noContent, name: baseName(path), scene: '', ...times });
      });
    });
    this.#context.events.emit('folder-made', { path });
  }

  /**
   * Removes a folder with everything below it; the files go to the trash.
   * @throws ShoalError FOLDER_NOT_FOUND; FOLDER_NOT_EMPTY unless `recursive`.
   */
  async remove(path: string, by: string, options: { readonly recursive: boolean }): Promise<FolderProgress> {
    this.#requireFolder(path);
    const [first] = await this.#context.catalog.listFolder(path, { limit: 1 });
    if (first && !options.recursive) throw new ShoalError('FOLDER_NOT_EMPTY', { details: { what: path } });
    return this.#begin({ kind: 'remove', from: path, to: '', by });
  }

  /**
   * Makes folders again that were removed since a moment, as when a removal is undone; those of files come back with them.
   * What was removed before the last start is forgotten.
   */
  async bringBack(isMeant: (path: string) => boolean, sinceMs: number): Promise<{ done: number; failed: number }> {
    const meant = this.#removed.filter(({ path, atMs }) => atMs >= sinceMs && isMeant(path));
    const paths = [...new Set(meant.map(({ path }) => path))].sort();
    let failed = 0;
    for (const path of paths) {
      try {
        await this.make(path);
      } catch (error) {
        // A file has the name now: it stays.
        if (!(error instanceof ShoalError) || error.code !== 'TARGET_EXISTS') throw error;
        failed += 1;
      }
    }
    const gone = new Set(meant);
    this.#removed = this.#removed.filter((one) => !gone.has(one));
    return { done: paths.length - failed, failed };
  }

  /**
   * Moves a folder with everything below it. Files whose new place is taken stay where they are and are counted.
   * @throws ShoalError FOLDER_NOT_FOUND, PATH_INVALID when the target is inside the folder.
   */
  async move(from: string, to: string, by: string): Promise<FolderProgress> {
    this.#requireFolder(from);
    if (to === from || to.startsWith(`${from}/`)) {
      throw new ShoalError('PATH_INVALID', { details: { reason: 'a folder cannot move into itself' } });
    }
    if (this.#context.catalog.find(to)) throw new ShoalError('TARGET_EXISTS', { details: { path: to } });
    return this.#begin({ kind: 'move', from, to, by });
  }

  async #begin(what: Pick<FolderJob, 'kind' | 'from' | 'to' | 'by'>): Promise<FolderProgress> {
    await this.#context.guard.checkStore();
    const startedMs = this.#context.clock.now();
    const job: FolderJob = { id: randomBytes(8).toString('hex'), startedMs, ...what };
    await this.#context.catalog.commit((transaction) => transaction.putJob(job));
    return this.#run(job);
  }

  #run(job: FolderJob): Promise<FolderProgress> {
    const running = this.#work(job).finally(() => this.#running.delete(job.id));
    this.#running.set(job.id, running);
    return running;
  }

  async #work(job: FolderJob): Promise<FolderProgress> {
    let done = 0;
    let failed = 0;
    for await (const { path, kind } of walkFolder(this.#context.catalog, job.from)) {
      if (this.#stopped) return { job, done, failed, finished: false };
      try {
        await this.#one(job, path, kind);
        if (kind === 'file') done += 1;
      } catch (error) {
        // Gone meanwhile is as good as done; a place that is taken stays for a person to decide.
        const code = error instanceof ShoalError ? error.code : undefined;
        if (code !== 'FILE_NOT_FOUND' && code !== 'TARGET_EXISTS') throw error;
        if (code === 'TARGET_EXISTS') failed += 1;
      }
      if (done % chunkRows === 0) this.#context.events.emit('folder-progress', { job, done, failed, finished: false });
    }
    await this.#one(job, job.from, 'dir');
    await this.#context.catalog.commit((transaction) => transaction.removeJob(job.id));
    const progress = { job, done, failed, finished: true };
    this.#context.events.emit('folder-progress', progress);
    return progress;
  }

  async #one(job: FolderJob, path: string, kind: 'file' | 'dir'): Promise<void> {
    const target = joinPath(job.to, path.slice(job.from.length + 1));
    if (kind === 'dir') await this.#oneFolder(job, path, target);
    else if (job.kind === 'move') await this.#mover.move(path, target, { by: job.by });
    else await this.#remover.removePath(path, job.by);
  }

  /** Folders that somebody made move or go like files; others follow from what is below them. */
  async #oneFolder(job: FolderJob, path: string, target: string): Promise<void> {
    const made = this.#context.catalog.madeFolder(path);
    if (!made) return;
    if (job.kind === 'move') await this.make(target);
    await withPath(this.#context, path, () =>
      this.#context.catalog.commit((transaction) => transaction.remove(path, job.by, [made.version.dot])),
    );
    if (job.kind !== 'remove') return;
    this.#removed.push({ path, atMs: this.#context.clock.now() });
    if (this.#removed.length > maxRemoved) this.#removed.splice(0, maxRemoved / 10);
  }

  #requireFolder(path: string): void {
    if (path === '' || !this.#context.catalog.hasFolder(path)) {
      throw new ShoalError('FOLDER_NOT_FOUND', { details: { what: path } });
    }
  }
}

/** Everything below a folder, contents before the folder itself; pages are read as they are needed. */
export async function* walkFolder(
  catalog: Catalog,
  folder: string,
): AsyncGenerator<{ readonly path: string; readonly kind: 'file' | 'dir' }> {
  let after: FolderCursor | undefined;
  for (;;) {
    const rows = await catalog.listFolder(folder, { limit: chunkRows, ...(after && { after }) });
    for (const { name, kind } of rows) {
      const path = joinPath(folder, name);
      if (kind === 'dir') yield* walkFolder(catalog, path);
      yield { path, kind };
      after = { kind, name };
    }
    if (rows.length < chunkRows) return;
  }
}
