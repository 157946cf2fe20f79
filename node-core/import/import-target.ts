/** How one file of a source gets in: in place, as a hard link, or as a copy; always through the one pipeline. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type CompatibleAlgorithm, digestOf } from '../domain/digests.ts';
import { errnoOf, ShoalError } from '../domain/errors.ts';
import type { FileVersion } from '../domain/file-record.ts';
import { baseName, joinPath, normalizePath, parentOf } from '../domain/paths.ts';
import { adoptPlace } from '../files/adopt-place.ts';
import type { FilesContext } from '../files/context.ts';
import type { FileStorer } from '../files/store-file.ts';
import type { RunControl } from '../runtime/shared-run.ts';
import { ContentHasher } from '../storage/content-hasher.ts';
import { identityOf, sameContent } from '../storage/identity.ts';
import type { StagedFile, Staging } from '../storage/staging.ts';
import type { ImportItem, ImportSkipReason, UploadAlias } from './import-source.ts';

/** Bytes read at once. */
const chunkBytes = 256 * 1024;

/**
 * `in-place`: the source's folder is the store's. `link`: hard links where they can be made, copies elsewhere. `copy`: copies.
 */
export type ImportMode = 'in-place' | 'link' | 'copy';

/** What became of a file. `taken` in a dry run: it would be. */
export type ImportOutcome = 'taken' | 'known' | ImportSkipReason;

/** Where files go. Calls may overlap. */
export interface ImportTarget {
  /**
   * Takes one file in.
   * @returns undefined when the run stops. @throws ShoalError DISK_FULL, STORE_MISSING and other failures of the target:
   * the run ends then.
   */
  take(item: ImportItem, control: RunControl): Promise<ImportOutcome | undefined>;
  /** Lets the id of an upload lead to the file that it became. @returns whether that file is here. */
  alias(alias: UploadAlias): Promise<boolean>;
}

/** What the source could not give. */
class SourceUnreadable extends Error {}

/** The store of this node. */
export class StoreTarget implements ImportTarget {
  readonly #context: FilesContext;
  readonly #storer: FileStorer;
  readonly #options: StoreTargetOptions;

  constructor(context: FilesContext, storer: FileStorer, options: StoreTargetOptions) {
    this.#context = context;
    this.#storer = storer;
    this.#options = options;
  }

  async take(item: ImportItem, control: RunControl): Promise<ImportOutcome | undefined> {
    const path = targetPath(this.#options.into, item.path);
    if (typeof path !== 'string') return path.reason;
    const before = this.before(path, item);
    if (before) return before;
    if (isWrongSize(item)) return 'DAMAGED';
    const algorithm = algorithmFor(item, this.#options.algorithm());
    try {
      if (this.#options.mode === 'in-place' && !item.slice) {
        const { expected, name, scene, storedMs } = item;
        return await adoptPlace(
          this.#context,
          {
            place: item.path,
            algorithm,
            ...(expected && { expected }),
            ...(name !== undefined && { name }),
            ...(scene !== undefined && { scene }),
            ...(storedMs !== undefined && { storedMs }),
          },
          control,
        );
      }
      const staged = await this.#stage(item, algorithm, control);
      return typeof staged === 'object' ? await this.#store(staged, path, item) : staged;
    } catch (error) {
      if (error instanceof SourceUnreadable) return 'UNREADABLE';
      throw error;
    }
  }

  async alias({ id, path: raw, name, expected, storedMs }: UploadAlias): Promise<boolean> {
    const path = targetPath(this.#options.into, raw);
    if (typeof path !== 'string') return false;
    if (this.#context.catalog.upload(id)?.done) return true;
    const there = this.#context.catalog.find(path);
    const isIt = there && (!expected || digestOf(there.version, expected.algorithm) === expected.hex);
    const [moved] =
      isIt || !expected ? [there] : await this.#context.catalog.findByDigest(expected.algorithm, expected.hex, 1);
    const file = isIt ? there : expected && moved;
    if (!file) return false;
    const { size, sha256 } = file.version;
    await this.#context.catalog.commit((transaction) =>
      transaction.putUpload({
        id,
        size,
        metadata: { filename: name },
        safe: size,
        createdMs: storedMs,
        by: this.#options.by,
        done: { path: file.path, sha256, atMs: storedMs },
      }),
    );
    return true;
  }

  /** What shows at a path of the store. */
  shown(path: string): FileVersion | undefined {
    return this.#context.catalog.find(path)?.version;
  }

  /** What is known of a path already, if that settles it. */
  before(path: string, item: ImportItem): ImportOutcome | undefined {
    const { catalog } = this.#context;
    const shown = catalog.find(path);
    if (shown) return isSame(shown.version, item) ? 'known' : undefined;
    const record = catalog.record(path);
    const wasHere = record !== undefined && record.versions.length === 0;
    const standsHere = this.#options.mode === 'in-place' && !item.slice;
    return wasHere && this.#options.keepsDeletions && !standsHere ? 'REMOVED_HERE' : undefined;
  }

  async #stage(
    item: ImportItem,
    algorithm: CompatibleAlgorithm,
    control: RunControl,
  ): Promise<StagedFile | ImportOutcome | undefined> {
    if (this.#options.mode === 'link' && !item.slice) {
      const linked = await this.#options.link(item.file, algorithm).catch((error: unknown) => {
        throw isOfSource(error) ? new SourceUnreadable() : error;
      });
      if (linked) return linked;
    }
    const writer = await this.#context.staging.begin({ expectedBytes: item.size, algorithm });
    try {
      const end = await readItem(item, control, (chunk) => writer.write(chunk));
      if (end === 'complete') return await writer.finish();
      await writer.discard();
      return end === 'stopped' ? undefined : end;
    } catch (error) {
      await writer.discard();
      throw error;
    }
  }

  async #store(staged: StagedFile, path: string, item: ImportItem): Promise<ImportOutcome> {
    const { expected } = item;
    if (expected && digestOf(staged.digests, expected.algorithm) !== expected.hex) {
      await this.#context.staging.discard(staged);
      return 'DAMAGED';
    }
    const nowMs = this.#context.clock.now();
    const mtimeMs = Math.min(nowMs, Math.max(0, item.mtimeMs));
    try {
      const { existed } = await this.#storer.store(staged, {
        path,
        name: item.name ?? baseName(path),
        scene: item.scene ?? parentOf(path).split('/')[0] ?? '',
        mtimeMs,
        storedMs: Math.min(nowMs, item.storedMs ?? mtimeMs),
        occupied: 'refuse',
        by: this.#options.by,
      });
      return existed ? 'known' : 'taken';
    } catch (error) {
      if (error instanceof ShoalError && error.code === 'TARGET_EXISTS') return 'TARGET_EXISTS';
      throw error;
    }
  }
}

/** How files get into the store. */
export interface StoreTargetOptions {
  readonly mode: ImportMode;
  /** Folder that everything goes below; `''` for the root. Always the root in place. */
  readonly into: string;
  readonly keepsDeletions: boolean;
  /** Digest that is computed where the source names none. */
  readonly algorithm: () => CompatibleAlgorithm;
  /** Stages a file of a source as a hard link. */
  readonly link: Staging['link'];
  /** Who imports, for the records. */
  readonly by: string;
}

/** Reads and checks everything, and keeps nothing. */
export class DryTarget implements ImportTarget {
  readonly #into: string;
  readonly #store: StoreTarget | undefined;
  readonly #paths = new Set<string>();

  /** @param store what files would go to; undefined for one that does not exist yet. */
  constructor(into: string, store?: StoreTarget) {
    this.#into = into;
    this.#store = store;
  }

  async take(item: ImportItem, control: RunControl): Promise<ImportOutcome | undefined> {
    const path = targetPath(this.#into, item.path);
    if (typeof path !== 'string') return path.reason;
    const before = this.#store?.before(path, item);
    if (before) {
      this.#paths.add(path);
      return before;
    }
    if (isWrongSize(item)) return 'DAMAGED';
    if (this.#paths.has(path)) return 'TARGET_EXISTS';
    try {
      const hasher = new ContentHasher(algorithmFor(item, 'md5'));
      const end = await readItem(item, control, async (chunk) => hasher.update(chunk));
      if (end !== 'complete') return end === 'stopped' ? undefined : end;
      const { digests } = hasher.finish();
      if (item.expected && digestOf(digests, item.expected.algorithm) !== item.expected.hex) return 'DAMAGED';
      const shown = this.#store?.shown(path);
      if (shown && shown.sha256 !== digests.sha256) return 'TARGET_EXISTS';
    } catch (error) {
      if (error instanceof SourceUnreadable) return 'UNREADABLE';
      throw error;
    }
    this.#paths.add(path);
    return 'taken';
  }

  async alias({ path }: UploadAlias): Promise<boolean> {
    const target = targetPath(this.#into, path);
    return typeof target === 'string' && this.#paths.has(target);
  }
}

/** The path that a file gets, or why it cannot. */
function targetPath(into: string, raw: string): string | { readonly reason: ImportSkipReason } {
  // A name that is not UTF-8 is listed, but cannot be opened by what it is listed as.
  if (raw.includes('\ufffd')) return { reason: 'UNREADABLE' };
  try {
    return normalizePath(joinPath(into, raw));
  } catch (error) {
    if (error instanceof ShoalError) return { reason: error.code as ImportSkipReason };
    throw error;
  }
}

/** Whether a version is what an item would become: by digest, else by size and time. */
function isSame(version: FileVersion, item: ImportItem): boolean {
  const digest = item.expected && digestOf(version, item.expected.algorithm);
  if (item.expected && digest !== undefined) return digest === item.expected.hex;
  return version.size === item.size && version.mtimeMs === item.mtimeMs;
}

function isWrongSize({ size, expectedSize }: ImportItem): boolean {
  return expectedSize !== undefined && expectedSize !== size;
}

/** The compatible digest that lets an announced one be checked. */
function algorithmFor({ expected }: ImportItem, usual: CompatibleAlgorithm): CompatibleAlgorithm {
  return expected && expected.algorithm !== 'sha256' ? expected.algorithm : usual;
}

/**
 * Reads the bytes of an item to their end.
 * @returns `DAMAGED` when there are fewer than there should be, `CHANGING` when the file was written meanwhile.
 */
async function readItem(
  item: ImportItem,
  control: RunControl,
  each: (chunk: Buffer) => Promise<void>,
): Promise<'complete' | 'stopped' | 'DAMAGED' | 'CHANGING'> {
  const handle = await openSource(item.file);
  try {
    const before = identityOf(await handle.stat({ bigint: true }));
    const start = item.slice?.offset ?? 0;
    for (let done = 0; done < item.size; ) {
      if (control.stopping) return 'stopped';
      const chunk = await readChunk(handle, start + done, Math.min(chunkBytes, item.size - done));
      if (chunk.byteLength === 0) return item.slice ? 'DAMAGED' : 'CHANGING';
      done += chunk.byteLength;
      await each(chunk);
    }
    const now = identityOf(await handle.stat({ bigint: true }));
    return sameContent(now, before) && (item.slice || now.size === item.size) ? 'complete' : 'CHANGING';
  } finally {
    await handle.close();
  }
}

/** A link that has taken a file's place is not followed. */
async function openSource(file: string): Promise<FileHandle> {
  return open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch(() => {
    throw new SourceUnreadable();
  });
}

async function readChunk(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await handle.read(buffer, 0, length, position).catch(() => {
    throw new SourceUnreadable();
  });
  return buffer.subarray(0, bytesRead);
}

/** A failed read of a linked file is the source's; anything else, such as a full disk, is the target's. */
function isOfSource(error: unknown): boolean {
  return ['EACCES', 'EIO', 'ENOENT', 'ELOOP'].includes(errnoOf(error) ?? '');
}
