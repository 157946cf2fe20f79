import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, fsync, open as openCallback, writeSync } from 'node:fs';
import { chmod, type FileHandle, link, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { CompatibleAlgorithm, ContentDigests } from '../domain/digests.ts';
import { ShoalError } from '../domain/errors.ts';
import { chunksOf } from './byte-source.ts';
import { ContentHasher, type HashedContent } from './content-hasher.ts';
import { cannotLink, packedIdentity } from './file-store.ts';
import type { FolderSync } from './folder-sync.ts';
import { type FileIdentity, identify, identityOf, sameContent } from './identity.ts';

const fsyncAsync = promisify(fsync);
const openAsync = promisify(openCallback);

/** Bytes gathered before they are written: fewer hand-overs to other threads, and the most that one upload holds twice in memory. */
const gatherBytes = 256 * 1024;

/** The same for what has turned out to be large: there are never many such uploads. */
const gatherLargeBytes = 1024 * 1024;

/** A content is large from here on. */
const largeBytes = 8 * 1024 * 1024;

/** What is written of a large content is made durable behind it, in steps of this many bytes: the end has little to wait for. */
const syncBehindBytes = 16 * 1024 * 1024;

/** How often the free space is asked while bytes flow. */
const spaceCheckBytes = 64 * 1024 * 1024;

/** A complete content in `_tmp`, hashed and (unless durability is "os") on disk. Place it or discard it. */
export interface StagedFile extends HashedContent {
  readonly id: string;
  /** Where the staged bytes stand, below `files/`: `_tmp/<id>`, or `_big/<id>` for a resumable upload. */
  readonly place: string;
  /** Their absolute path. */
  readonly file: string;
  readonly identity: FileIdentity;
  /** The content itself, when it is to be packed: then nothing of it is on disk yet. */
  readonly bytes?: Buffer;
  /** A hard link to a file of somebody else, who may write it: nothing is ever linked to it (replication.md, 10). */
  readonly foreign?: true;
}

/** How a content is begun. */
export interface StagingLimits {
  /** The content may not be longer: FILE_TOO_LARGE. */
  readonly maxBytes?: number;
  /** Announced length, if any: DISK_FULL at once when there is no room for it. */
  readonly expectedBytes?: number;
  /** Which compatible digest is computed; that of the node when undefined. */
  readonly algorithm?: CompatibleAlgorithm;
}

/** What the staging area needs to know of its node. */
export interface StagingOptions {
  /** Absolute path of `files/_tmp`. */
  readonly folder: string;
  readonly algorithm: () => CompatibleAlgorithm;
  /** Whether bytes are made durable before they are acknowledged. */
  readonly durable: boolean;
  readonly folderSync: FolderSync;
  /** Contents up to this many bytes stay in memory, to be packed; 0 for none. */
  readonly packBytes?: () => number;
  /** Throws DISK_FULL when that many more bytes would go below the floor. */
  readonly checkSpace: (bytes: number) => Promise<void>;
}

/** The one way in for bytes: everything that is stored passes through here, hashed while it is written. */
export class Staging {
  readonly #options: StagingOptions;
  readonly #open = new Set<string>();

  constructor(options: StagingOptions) {
    this.#options = options;
  }

  /** Absolute path of a staged file. */
  pathOf(id: string): string {
    return path.join(this.#options.folder, id);
  }

  /**
   * Begins a new staged content. Nothing is created on disk before the first bytes are written.
   * @throws ShoalError FILE_TOO_LARGE, DISK_FULL, STORE_MISSING.
   */
  async begin(limits: StagingLimits = {}): Promise<StagedWriter> {
    if (limits.expectedBytes !== undefined && limits.maxBytes && limits.expectedBytes > limits.maxBytes) {
      throw new ShoalError('FILE_TOO_LARGE', { details: { maxBytes: limits.maxBytes } });
    }
    await this.#options.checkSpace(limits.expectedBytes ?? 0);
    const id = randomBytes(12).toString('hex');
    this.#open.add(id);
    return new StagedWriter(id, this.pathOf(id), this.#options, limits, () => this.#open.delete(id));
  }

  /**
   * Stages a file of somebody else without copying it: a hard link, hashed through it.
   * @returns undefined where no link can be made (another disk, not our file, no support); `CHANGING` when it was written
   * meanwhile. @throws ShoalError STORE_MISSING; system errors of the disk.
   */
  async link(source: string, algorithm?: CompatibleAlgorithm): Promise<StagedFile | 'CHANGING' | undefined> {
    await this.#options.checkSpace(0);
    const id = randomBytes(12).toString('hex');
    const file = this.pathOf(id);
    this.#open.add(id);
    try {
      try {
        await link(source, file);
      } catch (error) {
        if (cannotLink(error)) return undefined;
        throw error;
      }
      const hashed = await this.#hashLinked(file, algorithm ?? this.#options.algorithm());
      if (hashed === undefined) {
        await rm(file, { force: true });
        return 'CHANGING';
      }
      return { id, place: `${path.basename(this.#options.folder)}/${id}`, file, foreign: true, ...hashed };
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    } finally {
      this.#open.delete(id);
    }
  }

  /** Hashes a file; undefined when it was written meanwhile. Durable when it resolves. */
  async #hashLinked(
    file: string,
    algorithm: CompatibleAlgorithm,
  ): Promise<(HashedContent & { readonly identity: FileIdentity }) | undefined> {
    const handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    try {
      const identity = identityOf(await handle.stat({ bigint: true }));
      const hasher = new ContentHasher(algorithm);
      for await (const chunk of chunksOf(handle, gatherBytes)) hasher.update(chunk);
      if (this.#options.durable) {
        await Promise.all([handle.sync(), this.#options.folderSync.sync(this.#options.folder)]);
      }
      const now = identityOf(await handle.stat({ bigint: true }));
      return sameContent(now, identity) && hasher.size === identity.size
        ? { identity: now, ...hasher.finish() }
        : undefined;
    } finally {
      await handle.close();
    }
  }

  /** Removes a staged file that will not be placed. */
  async discard(staged: StagedFile): Promise<void> {
    if (staged.bytes) return;
    await rm(staged.file, { force: true });
  }

  /**
   * Stages bytes that stand in the store already, as a hard link, so that a large file is not copied on one disk.
   * @param source a place whose bytes are known to be untouched. @param content what they are.
   * @returns undefined where no link can be made.
   */
  async linkOwn(source: string, content: ContentDigests, blocks: Buffer): Promise<StagedFile | undefined> {
    const id = randomBytes(12).toString('hex');
    const file = this.pathOf(id);
    try {
      await link(path.join(path.dirname(this.#options.folder), ...source.split('/')), file);
    } catch (error) {
      if (cannotLink(error)) return undefined;
      throw error;
    }
    if (this.#options.durable) await this.#options.folderSync.sync(this.#options.folder);
    const identity = identify(file);
    if (!identity) return undefined;
    const { size, sha256, md5, sha1, blockRoot } = content;
    const compatible = { ...(md5 !== undefined && { md5 }), ...(sha1 !== undefined && { sha1 }) };
    const place = `${path.basename(this.#options.folder)}/${id}`;
    return { id, place, file, identity, digests: { size, sha256, ...compatible, blockRoot }, blocks };
  }

  /**
   * Takes over a complete file of this disk, hashed and synced by the caller: it is moved to `_tmp`, never copied.
   * @param file absolute path, on the disk of the store.
   */
  async takeOver(file: string, content: HashedContent): Promise<StagedFile> {
    const id = randomBytes(12).toString('hex');
    const target = this.pathOf(id);
    this.#open.add(id);
    try {
      await chmod(file, 0o444);
      await rename(file, target);
      if (this.#options.durable) await this.#options.folderSync.sync(this.#options.folder);
      const identity = identify(target);
      if (!identity) throw new Error('the file vanished while it was taken over');
      const place = `${path.basename(this.#options.folder)}/${id}`;
      return { id, place, file: target, identity, ...content };
    } finally {
      this.#open.delete(id);
    }
  }

  /** Waits until every content that was begun is finished or removed, but not longer than `ms`. */
  async drain(ms: number): Promise<void> {
    const end = performance.now() + ms;
    while (this.#open.size > 0 && performance.now() < end) await sleep(10);
  }

  /** Removes staged files that nobody refers to: left by a crash. Files being written by this process stay. */
  async sweep(isReferred: (id: string) => boolean): Promise<number> {
    let removed = 0;
    for (const name of await readdir(this.#options.folder)) {
      if (this.#open.has(name) || isReferred(name)) continue;
      await rm(path.join(this.#options.folder, name), { recursive: true, force: true });
      removed += 1;
    }
    return removed;
  }
}

/**
 * Writes one content to `_tmp` while hashing it. Calls must not overlap: await each write (back-pressure).
 * Ends with exactly one of {@link finish} or {@link discard}.
 */
export class StagedWriter {
  readonly id: string;
  readonly file: string;
  readonly #options: StagingOptions;
  readonly #maxBytes: number | undefined;
  readonly #release: () => void;
  readonly #place: string;
  readonly #hasher: ContentHasher;
  #handle: FileHandle | undefined;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;
  #unchecked = 0;
  #unsynced = 0;
  #syncing: Promise<void> | undefined;
  #ended = false;

  constructor(id: string, file: string, options: StagingOptions, limits: StagingLimits, release: () => void) {
    this.id = id;
    this.file = file;
    this.#options = options;
    this.#maxBytes = limits.maxBytes;
    this.#release = release;
    this.#place = `${path.basename(options.folder)}/${id}`;
    this.#hasher = new ContentHasher(limits.algorithm ?? options.algorithm());
  }

  /** Bytes taken so far. */
  get size(): number {
    return this.#hasher.size;
  }

  /**
   * Takes a chunk; the caller must not change it afterwards. Resolves when more may come.
   * @throws ShoalError FILE_TOO_LARGE, DISK_FULL; system errors of the disk.
   */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.#ended) throw new Error('the staged file has ended');
    if (this.#maxBytes && this.#hasher.size + chunk.byteLength > this.#maxBytes) {
      throw new ShoalError('FILE_TOO_LARGE', { details: { maxBytes: this.#maxBytes } });
    }
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.byteLength;
    if (this.#gatheredBytes < (this.#hasher.size < largeBytes ? gatherBytes : gatherLargeBytes)) {
      this.#hasher.update(chunk);
      return;
    }
    // The disk works on the previous batch while this one is hashed.
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
    this.#unchecked += this.#gatheredBytes;
    if (this.#unchecked >= spaceCheckBytes) {
      this.#unchecked = 0;
      await this.#options.checkSpace(spaceCheckBytes);
    }
    this.#startWrite();
    this.#hasher.update(chunk);
  }

  /** Completes the content: everything written, hashed, and durable together with its name in `_tmp`. */
  async finish(): Promise<StagedFile> {
    if (this.#ended) throw new Error('the staged file has ended');
    try {
      if (!this.#handle && this.size === this.#gatheredBytes) return await this.#finishSmall();
      await this.#writing;
      if (this.#failure !== undefined) throw this.#failure;
      this.#startWrite();
      await this.#writing;
      if (this.#failure !== undefined) throw this.#failure;
      const handle = await this.#opened();
      await this.#syncing;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#options.durable) {
        await Promise.all([handle.sync(), this.#options.folderSync.sync(path.dirname(this.file))]);
      }
      const identity = identityOf(await handle.stat({ bigint: true }));
      await handle.close();
      this.#handle = undefined;
      this.#end();
      return { id: this.id, place: this.#place, file: this.file, identity, ...this.#hasher.finish() };
    } catch (error) {
      await this.discard();
      throw error;
    }
  }

  /**
   * A content that fits into one write: file operations that never wait for the disk are made here and now, since
   * handing each to another thread costs more than the operation. Making a file and syncing it may wait.
   */
  async #finishSmall(): Promise<StagedFile> {
    const { size } = this;
    const packBytes = this.#options.packBytes?.() ?? 0;
    if (packBytes > 0 && size <= packBytes) {
      const bytes = Buffer.concat(this.#gathered);
      this.#gathered = [];
      this.#end();
      const common = { id: this.id, place: this.#place, file: this.file, identity: packedIdentity(size), bytes };
      return { ...common, ...this.#hasher.finish() };
    }
    const descriptor = await openAsync(this.file, 'wx', 0o444);
    let identity: FileIdentity;
    try {
      const bytes = this.#gathered.length === 1 ? this.#gathered[0] : Buffer.concat(this.#gathered);
      writeWhole(descriptor, bytes ?? Buffer.alloc(0));
      this.#gathered = [];
      if (this.#options.durable) {
        await Promise.all([fsyncAsync(descriptor), this.#options.folderSync.sync(path.dirname(this.file))]);
      }
      identity = identityOf(fstatSync(descriptor, { bigint: true }));
    } finally {
      closeSync(descriptor);
    }
    this.#end();
    return { id: this.id, place: this.#place, file: this.file, identity, ...this.#hasher.finish() };
  }

  /** Gives the content up and removes what was written. Idempotent; harmless after {@link finish} has thrown. */
  async discard(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#gathered = [];
    try {
      await this.#writing;
      await this.#syncing;
      const handle = this.#handle;
      this.#handle = undefined;
      await handle?.close();
      await rm(this.file, { force: true });
    } finally {
      // Only now: a stop waits for what is being removed.
      this.#release();
    }
  }

  #end(): void {
    this.#ended = true;
    this.#release();
  }

  /** Never rejects: the failure is kept for the next call, so that nothing is unhandled between two of them. */
  #startWrite(): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#writing = this.#writeAll(gathered).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  async #writeAll(chunks: Uint8Array[]): Promise<void> {
    const handle = await this.#opened();
    let total = 0;
    for (const chunk of chunks) total += chunk.byteLength;
    if (total === 0) return;
    const { bytesWritten } = await handle.writev(chunks);
    this.#syncBehind(handle, total);
    if (bytesWritten === total) return;
    // A short write: the disk is nearly full, or a signal came. Write the rest, which then tells.
    const rest = Buffer.concat(chunks).subarray(bytesWritten);
    for (let done = 0; done < rest.byteLength; ) {
      done += (await handle.write(rest, done)).bytesWritten;
    }
  }

  /** Keeps the disk busy while bytes arrive. A failure is told by the next call, as one of a write is. */
  #syncBehind(handle: FileHandle, bytes: number): void {
    this.#unsynced += bytes;
    if (!this.#options.durable || this.#syncing || this.#unsynced < syncBehindBytes) return;
    this.#unsynced = 0;
    this.#syncing = handle
      .datasync()
      .catch((error: unknown) => {
        this.#failure = error;
      })
      .finally(() => {
        this.#syncing = undefined;
      });
  }

  async #opened(): Promise<FileHandle> {
    // 0444 from the start: the bytes of a stored file never change, hard links rest on it (replication.md, 10).
    this.#handle ??= await open(this.file, 'wx', 0o444);
    return this.#handle;
  }
}

function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.byteLength; ) done += writeSync(descriptor, bytes, done);
}
