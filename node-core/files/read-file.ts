import type { CataloguedFile } from '../catalog/catalog.ts';
import { ShoalError } from '../domain/errors.ts';
import type { ByteSource } from '../storage/byte-source.ts';
import { type FileIdentity, sameContent } from '../storage/identity.ts';
import { type FilesContext, withPath } from './context.ts';
import { adoptByDigest, settled } from './integrity.ts';

/** The bytes of a file, opened for reading. The reader closes the handle. */
export interface ReadableFile {
  readonly file: CataloguedFile;
  readonly handle: ByteSource;
  readonly identity: FileIdentity;
}

/** Opens files for reading, without locks: what a path shows is read whole even while it is replaced. */
export class FileReader {
  readonly #context: FilesContext;

  constructor(context: FilesContext) {
    this.#context = context;
  }

  /** What shows at a path. @throws ShoalError FILE_NOT_FOUND. */
  stat(path: string): CataloguedFile {
    const file = this.#context.catalog.find(path);
    if (!file) throw new ShoalError('FILE_NOT_FOUND', { details: { what: path } });
    return file;
  }

  /**
   * Opens the bytes of a path. They are never other bytes than the record's: a file that was changed from outside is
   * hashed first.
   * @throws ShoalError FILE_NOT_FOUND, BYTES_ELSEWHERE, BYTES_DAMAGED.
   */
  async open(path: string): Promise<ReadableFile> {
    // Each round ends well, in an error, or because somebody replaced the file meanwhile; three in a row are a storm.
    for (let round = 0; ; round += 1) {
      const file = this.stat(path);
      if (!file.local) throw new ShoalError('BYTES_ELSEWHERE', { details: { what: path } });
      const opened = await this.#context.store.open(file.local.place);
      if (opened && sameContent(opened.identity, file.local.identity)) return { file, ...opened };
      await opened?.handle.close();
      // The bytes may just be on their way to their place; whoever moves them holds the path.
      const stays = await settled(this.#context, file);
      if (stays && (!opened || !(await this.#adopt(file)))) {
        await this.#context.guard.checkStore();
        if (!opened) this.#context.events.emit('bytes-damaged', { path, place: file.local.place });
        throw new ShoalError('BYTES_DAMAGED', { details: { what: path } });
      }
      if (round === 100) throw new ShoalError('NOT_READY', { details: { reason: 'the file changes all the time' } });
    }
  }

  #adopt(file: CataloguedFile): Promise<boolean> {
    return withPath(this.#context, file.recordPath, async () => {
      const current = this.#context.catalog.find(file.path);
      return current !== undefined && adoptByDigest(this.#context, current);
    });
  }
}
