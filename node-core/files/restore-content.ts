/** Brings back the bytes of files that the catalogue knows and that are not here: from a backup, or whoever has them. */
import type { CataloguedFile } from '../catalog/catalog.ts';
import { ShoalError } from '../domain/errors.ts';
import { chunksOf } from '../storage/byte-source.ts';
import type { StagedFile } from '../storage/staging.ts';
import type { FilesContext } from './context.ts';
import type { FileStorer } from './store-file.ts';

/** Restores contents. */
export class ContentRestorer {
  readonly #context: FilesContext;
  readonly #storer: FileStorer;

  constructor(context: FilesContext, storer: FileStorer) {
    this.#context = context;
    this.#storer = storer;
  }

  /**
   * Takes the bytes of a content for every file that shows it and has none here. Records and times stay as they are.
   * @returns how many files got their bytes. @throws ShoalError DIGEST_MISMATCH, FILE_NOT_FOUND when no file shows the content, DISK_FULL.
   */
  async restore(sha256: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
    const files = await this.#context.catalog.findByDigest('sha256', sha256);
    const [first, ...others] = files;
    if (!first) throw new ShoalError('FILE_NOT_FOUND', { details: { what: sha256 } });
    let restored = await this.#give(first, await this.#stage(sha256, chunks));
    for (const file of others) {
      if (await this.#storer.hasBytes(file)) continue;
      // From the first one's bytes, which it is linked to where links can be made.
      const source = this.#context.catalog.find(first.path)?.local;
      const opened = source && (await this.#context.store.open(source.place));
      if (!opened) throw new ShoalError('BYTES_DAMAGED', { details: { what: first.path } });
      try {
        restored += await this.#give(file, await this.#stage(sha256, chunksOf(opened.handle, 256 * 1024)));
      } finally {
        await opened.handle.close();
      }
    }
    return restored;
  }

  async #give({ path, version }: CataloguedFile, staged: StagedFile): Promise<number> {
    const before = this.#context.catalog.find(path)?.local;
    const { name, scene } = version;
    const { file } = await this.#storer.store(staged, { path, name, scene, occupied: 'refuse', by: 'restore' });
    return file.local?.place === before?.place ? 0 : 1;
  }

  async #stage(sha256: string, chunks: AsyncIterable<Uint8Array>): Promise<StagedFile> {
    const writer = await this.#context.staging.begin();
    try {
      for await (const chunk of chunks) await writer.write(chunk);
    } catch (error) {
      await writer.discard();
      throw error;
    }
    const staged = await writer.finish();
    if (staged.digests.sha256 === sha256) return staged;
    await this.#context.staging.discard(staged);
    throw new ShoalError('DIGEST_MISMATCH', { details: { expected: sha256, actual: staged.digests.sha256 } });
  }
}
