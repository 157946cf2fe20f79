import { randomBytes } from 'node:crypto';
import type { CataloguedFile } from '../catalog/catalog.ts';
import type { RetiredBytes } from '../catalog/transaction.ts';
import type { Intent } from '../catalog/values.ts';
import { ShoalError } from '../domain/errors.ts';
import { formatDot } from '../domain/version.ts';
import { isPacked } from '../storage/file-store.ts';
import { type FilesContext, withPaths } from './context.ts';
import { finishIntent } from './placement.ts';
import { releaseHeld } from './remote-records.ts';

/** How a move treats what stands at its target. */
export interface MoveOptions {
  /** Who moves, for the trash of what is replaced. */
  readonly by: string;
  /** Replaces a file at the target; otherwise it is an error. */
  readonly replace?: boolean;
}

/** Moves and renames files: rename(2) and two records in one commit, never a copy. */
export class FileMover {
  readonly #context: FilesContext;

  constructor(context: FilesContext) {
    this.#context = context;
  }

  /**
   * Moves what shows at a path to another path. Moving a file onto itself does nothing.
   * @throws ShoalError FILE_NOT_FOUND, TARGET_EXISTS, STORE_MISSING.
   */
  async move(from: string, to: string, options: MoveOptions): Promise<CataloguedFile> {
    const { catalog, guard, events } = this.#context;
    await guard.checkStore();
    const owner = catalog.find(from)?.recordPath ?? from;
    const moved = await withPaths(this.#context, [from, owner, to], async () => {
      const file = catalog.find(from);
      if (!file) throw new ShoalError('FILE_NOT_FOUND', { details: { what: from } });
      if (from === to) return file;
      if (catalog.find(to) && options.replace !== true)
        throw new ShoalError('TARGET_EXISTS', { details: { path: to } });
      await this.#context.contentLocks.run(file.version.sha256, () => this.#commit(file, to, options.by));
      if (file.local) await this.#context.store.pruneEmptyFolders(file.local.place);
      return catalog.find(to);
    });
    if (!moved) throw new ShoalError('FILE_NOT_FOUND', { details: { what: to } });
    if (from !== to) events.emit('file-moved', { from, to });
    return moved;
  }

  async #commit(file: CataloguedFile, to: string, by: string): Promise<void> {
    const nowMs = this.#context.clock.now();
    const intent = await this.#context.catalog.commit((transaction) => {
      const retire: RetiredBytes[] = [];
      for (const old of transaction.record(to).versions) {
        const retired = transaction.retire(to, old, { reason: 'replaced', by, nowMs });
        if (retired) retire.push(retired);
      }
      const moved = transaction.move(file.recordPath, file.version, to, by);
      const local = transaction.local(to, moved.dot);
      for (const path of [file.recordPath, to]) retire.push(...releaseHeld(transaction, path, { by, nowMs }));
      const { sha256 } = moved;
      const promised: Intent = {
        id: randomBytes(12).toString('hex'),
        path: to,
        retire,
        // Packed bytes do not move.
        ...(local &&
          !isPacked(local.place) && {
            placing: { dot: formatDot(moved.dot), sha256, identity: local.identity, from: local.place },
          }),
      };
      transaction.putIntent(promised);
      return promised;
    });
    await finishIntent(this.#context, intent);
  }
}
