/**
 * Files whose bytes nobody who is a member has any more (replication.md, 11), and what they were before, as far as that is still
 * on this disk: versions that are held until their successor is here, and replaced ones in the trash.
 */
import type { CataloguedFile } from '../catalog/catalog.ts';
import { replicationTables } from '../catalog/replication-values.ts';
import type { TrashEntry } from '../catalog/values.ts';
import { ShoalError } from '../domain/errors.ts';
import type { FileVersion } from '../domain/file-record.ts';
import { chunksOf } from '../storage/byte-source.ts';
import type { FilesContext } from './context.ts';
import type { FileStorer } from './store-file.ts';
import type { TrashKeeper } from './trash.ts';
import { WantedContent } from './wanted-content.ts';

/** What a lost file was before. */
export interface PreviousContent {
  readonly size: number;
  readonly sha256: string;
  /** Last-Modified, milliseconds since 1970. */
  readonly mtimeMs: number;
}

/** A file whose bytes are lost. */
export interface LostFile {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  /** When its bytes were first missed here, milliseconds since 1970. */
  readonly sinceMs: number;
  /** They were here, and were found damaged. */
  readonly damaged: boolean;
  readonly previous?: PreviousContent;
}

/** A version whose bytes stay until those of its successor are here. */
interface HeldVersion {
  readonly version: FileVersion;
  readonly place: string;
}

const copyBytes = 1024 * 1024;

/** Lists lost files, and restores what they were. */
export class LostFiles {
  readonly #context: FilesContext;
  readonly #storer: FileStorer;
  readonly #trash: TrashKeeper;
  readonly #wanted: WantedContent;

  constructor(context: FilesContext, storer: FileStorer, trash: TrashKeeper) {
    this.#context = context;
    this.#storer = storer;
    this.#trash = trash;
    this.#wanted = new WantedContent(context, storer);
  }

  /** Contents that are lost. */
  async count(): Promise<number> {
    let contents = 0;
    for await (const { lost } of this.#context.catalog.rows(replicationTables.wants)) if (lost) contents += 1;
    return contents;
  }

  /** Up to so many of them, in order of their contents. */
  async list(limit: number): Promise<LostFile[]> {
    const { catalog } = this.#context;
    const replaced = new Map<string, TrashEntry>();
    const found: LostFile[] = [];
    for await (const { sha256, size, addedMs, damaged, lost } of catalog.rows(replicationTables.wants)) {
      if (!lost) continue;
      if (found.length === 0) for (const entry of await this.#replaced()) replaced.set(entry.path, entry);
      for (const file of await catalog.findByDigest('sha256', sha256)) {
        if (file.local) continue;
        if (found.length === limit) return found;
        const previous = this.#previous(file, replaced.get(file.path));
        found.push({
          path: file.path,
          size,
          sha256,
          sinceMs: addedMs,
          damaged: damaged === true,
          ...(previous && { previous }),
        });
      }
    }
    return found;
  }

  /** Makes a lost file what it was before, as an ordinary new version. @throws ShoalError LOST_NOT_FOUND, BYTES_DAMAGED, DISK_FULL. */
  async restorePrevious(path: string, by: string): Promise<CataloguedFile> {
    const { catalog } = this.#context;
    const file = catalog.find(path);
    const isLost = file && !file.local && catalog.row(replicationTables.wants, file.version.sha256)?.lost === true;
    if (!isLost) throw new ShoalError('LOST_NOT_FOUND', { details: { path } });
    const held = this.#held(file);
    const restored = held ? await this.#restoreHeld(path, held, by) : await this.#restoreTrashed(path, by);
    // Nobody may need the lost content any more.
    await this.#wanted.fillFromHome(file.version.sha256);
    return restored;
  }

  async #restoreTrashed(path: string, by: string): Promise<CataloguedFile> {
    const entry = (await this.#replaced()).findLast((one) => one.path === path);
    if (!entry) throw new ShoalError('LOST_NOT_FOUND', { details: { path } });
    return this.#trash.restore(entry.id, { occupied: 'replace', by });
  }

  async #restoreHeld(path: string, { version, place }: HeldVersion, by: string): Promise<CataloguedFile> {
    const { store, staging } = this.#context;
    const opened = await store.open(place);
    if (!opened) throw new ShoalError('BYTES_DAMAGED', { details: { what: path } });
    const writer = await staging.begin({ expectedBytes: version.size });
    try {
      for await (const chunk of chunksOf(opened.handle, copyBytes)) await writer.write(chunk);
    } catch (error) {
      await writer.discard();
      throw error;
    } finally {
      await opened.handle.close();
    }
    const staged = await writer.finish();
    if (staged.digests.sha256 !== version.sha256) {
      await staging.discard(staged);
      throw new ShoalError('BYTES_DAMAGED', { details: { what: path } });
    }
    const { name, scene, mtimeMs } = version;
    const stored = await this.#storer.store(staged, { path, name, scene, mtimeMs, occupied: 'replace', by });
    return stored.file;
  }

  #previous(file: CataloguedFile, trashed: TrashEntry | undefined): PreviousContent | undefined {
    const held = this.#held(file)?.version;
    if (held) return { size: held.size, sha256: held.sha256, mtimeMs: held.mtimeMs };
    return trashed && { size: trashed.size, sha256: trashed.sha256, mtimeMs: trashed.mtimeMs };
  }

  /** The newest version that is held at a path with its bytes. */
  #held({ recordPath }: CataloguedFile): HeldVersion | undefined {
    const { catalog } = this.#context;
    const held = (catalog.row(replicationTables.held, recordPath) ?? []) as readonly FileVersion[];
    return held
      .flatMap((version) => {
        const place = catalog.localOf(recordPath, version.dot)?.place;
        return place === undefined ? [] : [{ version, place }];
      })
      .sort((a, b) => (a.version.clock < b.version.clock ? 1 : -1))[0];
  }

  /** Replaced contents in the trash, oldest first. */
  async #replaced(): Promise<TrashEntry[]> {
    const found: TrashEntry[] = [];
    for await (const entry of this.#context.catalog.trash()) if (entry.reason === 'replaced') found.push(entry);
    return found;
  }
}
