import type { CataloguedFile } from '../catalog/catalog.ts';
import { replicationTables } from '../catalog/replication-values.ts';
import type { ContentDigests } from '../domain/digests.ts';
import { ShoalError } from '../domain/errors.ts';
import type { ByteSource } from '../storage/byte-source.ts';
import { packedIdentity } from '../storage/file-store.ts';
import { type FileIdentity, sameContent } from '../storage/identity.ts';
import { type FilesContext, withPath } from './context.ts';
import { adoptByDigest, settled } from './integrity.ts';

/** The bytes of a file, opened for reading. The reader closes the handle. */
export interface ReadableFile {
  readonly file: CataloguedFile;
  readonly handle: ByteSource;
  readonly identity: FileIdentity;
}

/** Opens a content that is not on this disk, verified; undefined when nobody who can be reached has it. */
export type OpenElsewhere = (content: ContentDigests) => Promise<ByteSource | undefined>;

/** Opens files for reading, without locks: what a path shows is read whole even while it is replaced. */
export class FileReader {
  readonly #context: FilesContext;

  readonly #elsewhere: OpenElsewhere | undefined;

  /** @param elsewhere opens contents that are not on this disk. */
  constructor(context: FilesContext, elsewhere?: OpenElsewhere) {
    this.#context = context;
    this.#elsewhere = elsewhere;
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
   * @throws ShoalError FILE_NOT_FOUND, BYTES_ELSEWHERE, BYTES_LOST, BYTES_DAMAGED.
   */
  async open(path: string): Promise<ReadableFile> {
    // Each round ends well, in an error, or because somebody replaced the file meanwhile; three in a row are a storm.
    for (let round = 0; ; round += 1) {
      const file = this.stat(path);
      if (!file.local) return this.#openElsewhere(file);
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

  async #openElsewhere(file: CataloguedFile): Promise<ReadableFile> {
    const handle = await this.#elsewhere?.(file.version).catch((cause: unknown) => {
      throw new ShoalError('BYTES_ELSEWHERE', { details: { what: file.path }, cause });
    });
    if (!handle) {
      const isLost = this.#context.catalog.row(replicationTables.wants, file.version.sha256)?.lost === true;
      throw new ShoalError(isLost ? 'BYTES_LOST' : 'BYTES_ELSEWHERE', { details: { what: file.path } });
    }
    return { file, handle, identity: packedIdentity(file.version.size) };
  }

  #adopt(file: CataloguedFile): Promise<boolean> {
    return withPath(this.#context, file.recordPath, async () => {
      const current = this.#context.catalog.find(file.path);
      return current !== undefined && adoptByDigest(this.#context, current);
    });
  }
}
