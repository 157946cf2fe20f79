/**
 * Resumable uploads: contents that come in parts and over restarts, until they are complete and take the one pipeline.
 *
 * The bytes of an upload grow in `files/_big/<id>`; its state stands in the catalogue. What a client is told to be there
 * has been synced (`safe`), and a start cuts the file back to it. The content is hashed while it is written; when the
 * hasher was lost (a restart, many uploads at once) one pass over the file makes up for it.
 */
import { randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open, rm } from 'node:fs/promises';
import type { CatalogTransaction } from '../catalog/transaction.ts';
import type { ResumableUpload } from '../catalog/values.ts';
import type { CompatibleAlgorithm } from '../domain/digests.ts';
import { ShoalError } from '../domain/errors.ts';
import type { Service } from '../runtime/service.ts';
import { ContentHasher } from '../storage/content-hasher.ts';
import { storeFolders } from '../storage/file-store.ts';
import { identityOf } from '../storage/identity.ts';
import type { StagedFile } from '../storage/staging.ts';
import type { FilesContext } from './context.ts';
import type { FileStorer, StoredFile, StoreRequest } from './store-file.ts';
import type { UploadRegistry } from './uploads.ts';

/** Hashers kept for uploads that are under way; each is small, but strangers may begin many. */
const maxHashers = 500;

/** Bytes after which what was written is made safe although more is coming. */
const safeEveryBytes = 64 * 1024 * 1024;

/** Bytes written at once. */
const gatherBytes = 512 * 1024;

const hourMs = 60 * 60 * 1000;

/** Settings of the resumable uploads. */
export interface ResumableOptions {
  readonly algorithm: () => CompatibleAlgorithm;
  readonly durable: boolean;
  /** Hours that an unfinished upload is kept. */
  readonly expirationHours: () => number;
  readonly onError: (error: unknown) => void;
}

/** What a new upload is told to be. */
export type NewUpload = Pick<ResumableUpload, 'id' | 'metadata' | 'by'> & {
  readonly size?: number;
  readonly concatenation?: 'partial' | 'final';
  readonly parts?: readonly string[];
};

/** Where a completed upload goes. */
export type PlanUpload = (upload: ResumableUpload) => Omit<StoreRequest, 'alongside' | 'keepOnFailure'>;

/** Keeps uploads while they are incomplete, and hands the complete ones to the pipeline. One caller at a time per id. */
export class ResumableUploads implements Service {
  readonly name = 'resumable uploads';
  readonly #context: FilesContext;
  readonly #storer: FileStorer;
  readonly #registry: UploadRegistry;
  readonly #options: ResumableOptions;
  /** Most recently used last. */
  readonly #hashers = new Map<string, ContentHasher>();
  readonly #completing = new Map<string, Promise<StoredFile>>();
  readonly #writing = new Map<string, Promise<unknown>>();
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<unknown> = Promise.resolve();

  constructor(context: FilesContext, storer: FileStorer, registry: UploadRegistry, options: ResumableOptions) {
    this.#context = context;
    this.#storer = storer;
    this.#registry = registry;
    this.#options = options;
  }

  async start(): Promise<void> {
    const sweep = () => {
      this.#sweeping = this.#sweeping.then(() => this.sweep()).catch(this.#options.onError);
    };
    this.#timer = setInterval(sweep, hourMs).unref();
    sweep();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.allSettled([this.#sweeping, ...this.#writing.values(), ...this.#completing.values()]);
  }

  /** An upload, finished or not. */
  find(id: string): ResumableUpload | undefined {
    return this.#context.catalog.upload(id);
  }

  /** Milliseconds after its creation at which an unfinished upload goes. */
  get expirationMs(): number {
    return this.#options.expirationHours() * hourMs;
  }

  /** Begins an upload. @throws ShoalError DISK_FULL when there is no room for its announced length. */
  async create({ size, parts, ...upload }: NewUpload): Promise<ResumableUpload> {
    await this.#context.guard.checkWrite(size ?? 0);
    const created: ResumableUpload = {
      ...upload,
      ...(size !== undefined && { size }),
      ...(parts && { parts: [...parts] }),
      safe: 0,
      createdMs: this.#context.clock.now(),
    };
    const handle = await open(this.#fileOf(upload.id), 'wx', 0o644);
    await handle.close();
    await this.#context.catalog.commit((transaction) => transaction.putUpload(created));
    this.#keepHasher(upload.id, new ContentHasher(this.#options.algorithm()));
    return created;
  }

  /** Says how long an upload will be that did not say so at first. */
  async declareLength(id: string, size: number): Promise<void> {
    await this.#context.guard.checkWrite(size);
    await this.#change(id, (upload) => ({ ...upload, size }));
  }

  /**
   * Appends to an upload. Whatever happens, what arrived before stays and counts.
   * @param offset where it goes: the upload's `safe`. @param check told of the whole part before it counts; when it
   * throws, the part is cut off again (checksums).
   * @returns the new offset: all bytes before it are on disk.
   */
  async append(id: string, offset: number, chunks: AsyncIterable<Uint8Array>, check?: PartCheck): Promise<number> {
    const upload = this.#require(id);
    // Complete: the bytes may have moved on already, and nothing more can come.
    if (upload.done || upload.size === offset) return offset;
    const writing = this.#append(upload, offset, chunks, check).finally(() => this.#writing.delete(id));
    this.#writing.set(id, writing);
    return writing;
  }

  async #append(
    upload: ResumableUpload,
    offset: number,
    chunks: AsyncIterable<Uint8Array>,
    check: PartCheck | undefined,
  ): Promise<number> {
    const { id } = upload;
    const file = this.#fileOf(id);
    const entry = this.#registry.begin({
      id,
      kind: 'tus',
      name: upload.metadata.filename ?? '',
      total: upload.size,
      received: offset,
    });
    const handle = await open(file, 'r+');
    try {
      // A part that was cut off may have left bytes beyond what counts.
      await handle.truncate(offset);
      const hasher = this.#hasherAt(id, offset);
      const writer = new PartWriter(handle, offset, hasher, check);
      try {
        for await (const chunk of chunks) {
          await writer.write(chunk);
          entry.advance(chunk.byteLength);
          if (writer.unsafe >= safeEveryBytes && !check) await this.#makeSafe(id, handle, await writer.flush());
        }
        check?.complete();
      } catch (error) {
        if (!check) await this.#makeSafe(id, handle, await writer.flush());
        else await this.#cutOff(id, handle, offset);
        throw error;
      }
      const end = await writer.flush();
      await this.#makeSafe(id, handle, end);
      return end;
    } finally {
      await handle.close();
      entry.end();
    }
  }

  /**
   * Stores a complete upload as a file. Asked again, it waits for the same commit or answers with the file it became.
   * @throws ShoalError of the pipeline; the upload is still there then, and can be completed again.
   */
  complete(id: string, plan: PlanUpload): Promise<StoredFile> {
    const running = this.#completing.get(id);
    if (running) return running;
    const completing = this.#complete(id, plan).finally(() => this.#completing.delete(id));
    this.#completing.set(id, completing);
    return completing;
  }

  /** The file that a finished upload became: at its path, or wherever its content shows now. */
  async fileOf(id: string) {
    const done = this.find(id)?.done;
    if (!done) return undefined;
    const there = this.#context.catalog.find(done.path);
    if (there?.version.sha256 === done.sha256) return there;
    const [moved] = await this.#context.catalog.findByDigest('sha256', done.sha256, 1);
    return moved;
  }

  /** Appends the bytes of complete parts to a new upload, in order. @throws what reading a part throws: the upload is given up then. */
  async concatenate(id: string, parts: readonly AsyncIterable<Uint8Array>[]): Promise<void> {
    try {
      let offset = 0;
      for (const part of parts) offset = await this.append(id, offset, part);
    } catch (error) {
      await this.remove(id);
      throw error;
    }
  }

  /** The bytes of an unfinished upload, as far as they are safe. */
  async *bytesOf(id: string): AsyncGenerator<Uint8Array> {
    const { safe } = this.#require(id);
    if (safe === 0) return;
    const handle = await open(this.#fileOf(id), 'r');
    try {
      yield* handle.createReadStream({ highWaterMark: gatherBytes, autoClose: false, end: safe - 1 });
    } finally {
      await handle.close();
    }
  }

  /** Gives an unfinished upload up. */
  async remove(id: string): Promise<void> {
    this.#hashers.delete(id);
    await this.#context.catalog.commit((transaction) => transaction.removeUpload(id));
    await rm(this.#fileOf(id), { force: true });
  }

  /** Removes unfinished uploads whose term is over, and bytes that belong to none. @returns how many uploads went. */
  async sweep(): Promise<number> {
    const before = this.#context.clock.now() - this.expirationMs;
    const known = new Set<string>();
    let removed = 0;
    for await (const upload of this.#context.catalog.uploads()) {
      known.add(upload.id);
      const isWaiting = upload.done === undefined && !this.#writing.has(upload.id) && !this.#completing.has(upload.id);
      if (isWaiting && upload.createdMs < before) {
        await this.remove(upload.id);
        removed += 1;
      } else if (upload.done) await rm(this.#fileOf(upload.id), { force: true });
    }
    for (const id of await this.#context.store.idsIn('resumable')) {
      if (!known.has(id) && !this.find(id)) await rm(this.#fileOf(id), { force: true, recursive: true });
    }
    return removed;
  }

  async #complete(id: string, plan: PlanUpload): Promise<StoredFile> {
    const upload = this.#require(id);
    const already = await this.fileOf(id);
    if (already) return { file: already, existed: true };
    if (upload.done) throw new ShoalError('FILE_NOT_FOUND', { details: { what: id } });
    const staged = await this.#stagedOf(upload);
    const alongside = (transaction: CatalogTransaction, path: string) => {
      const done = { path, sha256: staged.digests.sha256, atMs: this.#context.clock.now() };
      transaction.putUpload({ ...upload, done });
      for (const part of upload.parts ?? []) transaction.removeUpload(part);
    };
    const stored = await this.#storer.store(staged, { ...plan(upload), alongside, keepOnFailure: true });
    this.#hashers.delete(id);
    for (const part of upload.parts ?? []) await rm(this.#fileOf(part), { force: true });
    return stored;
  }

  async #stagedOf(upload: ResumableUpload): Promise<StagedFile> {
    const { id } = upload;
    const file = this.#fileOf(id);
    const kept = this.#hashers.get(id);
    const hasher = kept && kept.size === upload.size ? kept : await this.#hashAgain(file);
    const handle = await open(file, 'r');
    try {
      await handle.chmod(0o444);
      if (this.#options.durable) await handle.sync();
      const identity = identityOf(await handle.stat({ bigint: true }));
      return { id: randomBytes(12).toString('hex'), place: this.#placeOf(id), file, identity, ...hasher.finish() };
    } finally {
      await handle.close();
      // A finished hasher cannot go on: should the store fail, the next try reads the file.
      this.#hashers.delete(id);
    }
  }

  async #hashAgain(file: string): Promise<ContentHasher> {
    const hasher = new ContentHasher(this.#options.algorithm());
    const handle = await open(file, 'r');
    try {
      for await (const chunk of handle.createReadStream({ highWaterMark: gatherBytes, autoClose: false })) {
        hasher.update(chunk as Buffer);
      }
    } finally {
      await handle.close();
    }
    return hasher;
  }

  async #makeSafe(id: string, handle: FileHandle, safe: number): Promise<void> {
    if (this.#options.durable) await handle.datasync();
    await this.#change(id, (upload) => ({ ...upload, safe }));
  }

  async #cutOff(id: string, handle: FileHandle, offset: number): Promise<void> {
    await handle.truncate(offset);
    this.#hashers.delete(id);
  }

  async #change(id: string, change: (upload: ResumableUpload) => ResumableUpload): Promise<void> {
    await this.#context.catalog.commit((transaction) => {
      const upload = transaction.upload(id);
      if (upload) transaction.putUpload(change(upload));
    });
  }

  /** The hasher that has seen exactly what stands before the offset, if it is still there. */
  #hasherAt(id: string, offset: number): ContentHasher | undefined {
    const kept = offset === 0 ? new ContentHasher(this.#options.algorithm()) : this.#hashers.get(id);
    this.#hashers.delete(id);
    if (kept?.size !== offset) return undefined;
    this.#keepHasher(id, kept);
    return kept;
  }

  #keepHasher(id: string, hasher: ContentHasher): void {
    this.#hashers.set(id, hasher);
    const [oldest] = this.#hashers.keys();
    if (this.#hashers.size > maxHashers && oldest !== undefined) this.#hashers.delete(oldest);
  }

  #require(id: string): ResumableUpload {
    const upload = this.find(id);
    if (!upload) throw new ShoalError('FILE_NOT_FOUND', { details: { what: id } });
    return upload;
  }

  #placeOf(id: string): string {
    return `${storeFolders.resumable}/${id}`;
  }

  #fileOf(id: string): string {
    return this.#context.store.pathOf(this.#placeOf(id));
  }
}

/** Watches one part, so that it counts only as a whole. */
export interface PartCheck {
  update(chunk: Uint8Array): void;
  /** Throws when the part is not what was announced. */
  complete(): void;
}

/** Writes one part, gathering small chunks, and lets hasher and check see them in order. */
class PartWriter {
  readonly #handle: FileHandle;
  readonly #hasher: ContentHasher | undefined;
  readonly #check: PartCheck | undefined;
  #position: number;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  /** Bytes taken since the last flush that was asked for. */
  unsafe = 0;

  constructor(handle: FileHandle, position: number, hasher: ContentHasher | undefined, check: PartCheck | undefined) {
    this.#handle = handle;
    this.#position = position;
    this.#hasher = hasher;
    this.#check = check;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.byteLength;
    this.unsafe += chunk.byteLength;
    this.#check?.update(chunk);
    if (this.#gatheredBytes >= gatherBytes) await this.#writeGathered();
  }

  /** Writes what is gathered. @returns the offset that has been reached. */
  async flush(): Promise<number> {
    await this.#writeGathered();
    this.unsafe = 0;
    return this.#position;
  }

  async #writeGathered(): Promise<void> {
    const chunks = this.#gathered;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    for (const chunk of chunks) {
      for (let done = 0; done < chunk.byteLength; ) {
        const { bytesWritten } = await this.#handle.write(chunk, done, chunk.byteLength - done, this.#position);
        // What is written is hashed, no more and no less: a full disk must not leave the two apart.
        this.#hasher?.update(chunk.subarray(done, done + bytesWritten));
        done += bytesWritten;
        this.#position += bytesWritten;
      }
    }
  }
}
