import { randomBytes } from 'node:crypto';
import type { CataloguedFile } from '../catalog/catalog.ts';
import type { CatalogTransaction, RetiredBytes } from '../catalog/transaction.ts';
import type { Intent } from '../catalog/values.ts';
import type { DigestAlgorithm } from '../domain/digests.ts';
import { ShoalError } from '../domain/errors.ts';
import { formatDot, sameDot } from '../domain/version.ts';
import { type FilesContext, withPaths } from './context.ts';
import { finishIntent } from './placement.ts';
import { releaseHeld } from './remote-records.ts';

/** Deletes files: a tombstone in the catalogue, the bytes to the trash. */
export class FileRemover {
  readonly #context: FilesContext;

  constructor(context: FilesContext) {
    this.#context = context;
  }

  /** Deletes what shows at a path. @param by who, for the trash. @throws ShoalError FILE_NOT_FOUND, STORE_MISSING. */
  async removePath(path: string, by: string): Promise<CataloguedFile> {
    const [removed] = await this.#removeAll([path], by);
    if (!removed) throw new ShoalError('FILE_NOT_FOUND', { details: { what: path } });
    return removed;
  }

  /**
   * Deletes every path that shows a content, in one commit.
   * @throws ShoalError FILE_NOT_FOUND; DIGEST_AMBIGUOUS when the digest belongs to different contents.
   */
  async removeContent(algorithm: DigestAlgorithm, hex: string, by: string): Promise<CataloguedFile[]> {
    const found = await this.#context.catalog.findByDigest(algorithm, hex);
    if (new Set(found.map((file) => file.version.sha256)).size > 1) {
      throw new ShoalError('DIGEST_AMBIGUOUS', { details: { digest: hex } });
    }
    const sha256 = found[0]?.version.sha256;
    const removed = await this.#removeAll(
      found.map((file) => file.path),
      by,
      (file) => file.version.sha256 === sha256,
    );
    if (removed.length === 0) throw new ShoalError('FILE_NOT_FOUND', { details: { what: hex } });
    return removed;
  }

  /** Deletes a file if its path still shows the very version that was looked at. @returns whether it did. */
  async removeVersion({ path, version }: CataloguedFile, by: string): Promise<boolean> {
    const removed = await this.#removeAll([path], by, (file) => sameDot(file.version.dot, version.dot));
    return removed.length > 0;
  }

  /** @param stillMeant only files of which it is true are removed. */
  async #removeAll(
    paths: readonly string[],
    by: string,
    stillMeant: (file: CataloguedFile) => boolean = () => true,
  ): Promise<CataloguedFile[]> {
    const { catalog, guard, events } = this.#context;
    await guard.checkStore();
    const owners = paths.flatMap((path) => [path, catalog.find(path)?.recordPath ?? path]);
    const removed: CataloguedFile[] = [];
    await withPaths(this.#context, owners, async () => {
      for (const path of paths) {
        const file = catalog.find(path);
        if (file && stillMeant(file)) removed.push(file);
      }
      if (removed.length === 0) return;
      const nowMs = this.#context.clock.now();
      const intents = await catalog.commit((transaction) =>
        removed.map((file) => commitRemoval(transaction, file, by, nowMs)),
      );
      for (const [index, file] of removed.entries()) {
        const intent = intents[index];
        if (intent) await this.#finish(file, intent);
      }
    });
    for (const { path } of removed) events.emit('file-removed', { path, by });
    return removed;
  }

  async #finish(file: CataloguedFile, intent: Intent): Promise<void> {
    await this.#context.contentLocks.run(file.version.sha256, () => finishIntent(this.#context, intent));
    if (file.local) await this.#context.store.pruneEmptyFolders(file.local.place);
  }
}

/** A deleted file takes the equal versions with it that it hides; other conflict versions are other files and stay. */
function commitRemoval(transaction: CatalogTransaction, file: CataloguedFile, by: string, nowMs: number): Intent {
  const { recordPath, version } = file;
  const going = transaction.record(recordPath).versions.filter((other) => other.sha256 === version.sha256);
  const retire: RetiredBytes[] = [];
  for (const old of going) {
    const retired = transaction.retire(recordPath, old, { reason: 'deleted', by, nowMs });
    if (retired) retire.push(retired);
  }
  transaction.remove(
    recordPath,
    by,
    going.map(({ dot }) => dot),
  );
  retire.push(...releaseHeld(transaction, recordPath, { by, nowMs }));
  const intent: Intent = {
    id: `${formatDot(version.dot)}.${randomBytes(4).toString('hex')}`,
    path: recordPath,
    retire,
  };
  transaction.putIntent(intent);
  return intent;
}
