/**
 * A content on its way, in `files/_part`: `<sha256>` with the blocks that have come, `<sha256>.map` with which those are. The
 * map is written behind the bytes and names none that are not on disk; whoever starts again after a crash goes on from it.
 */
import { type FileHandle, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { CompatibleAlgorithm } from '../../domain/digests.ts';
import { blockBytes } from '../../domain/digests.ts';
import { ContentHasher, type HashedContent } from '../../storage/content-hasher.ts';
import type { FolderSync } from '../../storage/folder-sync.ts';
import { isAbsent } from '../../storage/identity.ts';

const mapShape = z.object({
  size: z.number().int().positive(),
  blockRoot: z.string(),
  /** One bit a block, lowest first, base64. */
  blocks: z.string(),
});

/** The map is written after so many blocks. */
const blocksBetweenMaps = 4;

/** What a content on its way is. */
export interface PartialContent {
  readonly sha256: string;
  readonly size: number;
  readonly blockRoot: string;
}

/** What the folder of partial files needs. */
export interface PartialFolder {
  /** Absolute path of `files/_part`. */
  readonly folder: string;
  readonly durable: boolean;
  readonly folderSync: FolderSync;
}

/** One content on its way. */
export class PartialFile {
  readonly content: PartialContent;
  readonly file: string;
  readonly #place: PartialFolder;
  readonly #handle: FileHandle;
  readonly #have: Uint8Array;
  #unmapped = 0;
  #mapping: Promise<void> = Promise.resolve();

  private constructor(place: PartialFolder, content: PartialContent, handle: FileHandle, have: Uint8Array) {
    this.content = content;
    this.file = path.join(place.folder, content.sha256);
    this.#place = place;
    this.#handle = handle;
    this.#have = have;
  }

  /** Opens what there is of a content, or begins it. */
  static async open(place: PartialFolder, content: PartialContent): Promise<PartialFile> {
    const file = path.join(place.folder, content.sha256);
    const have = await readMap(`${file}.map`, content);
    const handle = await openOrMake(file, have !== undefined);
    const empty = () => new Uint8Array(Math.ceil(blockCount(content.size) / 8));
    return new PartialFile(place, content, handle.handle, handle.kept && have ? have : empty());
  }

  get blockCount(): number {
    return blockCount(this.content.size);
  }

  has(block: number): boolean {
    return ((this.#have[block >> 3] ?? 0) & (1 << (block & 7))) !== 0;
  }

  /** Blocks that are lacking, in order. */
  missing(): number[] {
    return Array.from({ length: this.blockCount }, (_none, block) => block).filter((block) => !this.has(block));
  }

  /** Bytes that are here. */
  get bytes(): number {
    let bytes = 0;
    for (let block = 0; block < this.blockCount; block += 1) if (this.has(block)) bytes += this.sizeOf(block);
    return bytes;
  }

  sizeOf(block: number): number {
    return Math.min(blockBytes, this.content.size - block * blockBytes);
  }

  /** Keeps a block that has been verified. */
  async write(block: number, bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.byteLength; ) {
      const { bytesWritten } = await this.#handle.write(
        bytes,
        done,
        bytes.byteLength - done,
        block * blockBytes + done,
      );
      done += bytesWritten;
    }
    this.#have[block >> 3] = (this.#have[block >> 3] ?? 0) | (1 << (block & 7));
    this.#unmapped += 1;
    if (this.#unmapped >= blocksBetweenMaps) await this.save();
  }

  /** Writes the map of what is here, behind the bytes. */
  save(): Promise<void> {
    this.#unmapped = 0;
    const have = Buffer.from(this.#have).toString('base64');
    this.#mapping = this.#mapping.catch(() => undefined).then(() => this.#writeMap(have));
    return this.#mapping;
  }

  /** Reads everything once more and hashes it. What is wrong with it is for the caller to say. */
  async hash(algorithm: CompatibleAlgorithm): Promise<HashedContent> {
    await this.#mapping;
    if (this.#place.durable) await this.#handle.sync();
    const hasher = new ContentHasher(algorithm);
    // Thousands of small files come one after the other: none of them takes more memory than it has bytes.
    const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(this.content.size, 1024 * 1024)));
    for (let position = 0; position < this.content.size; ) {
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.byteLength, position);
      if (bytesRead === 0) break;
      hasher.update(buffer.subarray(0, bytesRead));
      position += bytesRead;
    }
    return hasher.finish();
  }

  /** Closes the file; what is here stays. */
  async close(): Promise<void> {
    await this.#mapping.catch(() => undefined);
    await this.#handle.close();
  }

  /** Forgets what was here. */
  async remove(): Promise<void> {
    await removePart(this.#place, this.content.sha256);
  }

  async #writeMap(blocks: string): Promise<void> {
    const { size, blockRoot } = this.content;
    if (this.#place.durable) await this.#handle.datasync();
    const file = `${this.file}.map`;
    const handle = await open(`${file}.new`, 'w', 0o600);
    try {
      await handle.writeFile(JSON.stringify({ size, blockRoot, blocks }));
      if (this.#place.durable) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${file}.new`, file);
    if (this.#place.durable) await this.#place.folderSync.sync(this.#place.folder);
  }
}

/** Removes what there is of a content. */
export async function removePart({ folder }: PartialFolder, sha256: string): Promise<void> {
  for (const end of ['.map', '.map.new', '']) await rm(path.join(folder, sha256 + end), { force: true });
}

/** Removes what nobody wants any more. @returns how many contents. */
export async function sweepParts(place: PartialFolder, isWanted: (sha256: string) => boolean): Promise<number> {
  const names = await readdir(place.folder).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw error;
  });
  const contents = new Set(names.map((name) => name.replace(/\.map(\.new)?$/, '')));
  let removed = 0;
  for (const sha256 of contents) {
    if (isWanted(sha256)) continue;
    await removePart(place, sha256);
    removed += 1;
  }
  return removed;
}

function blockCount(size: number): number {
  return Math.ceil(size / blockBytes);
}

async function openOrMake(file: string, mapped: boolean): Promise<{ handle: FileHandle; kept: boolean }> {
  if (mapped) {
    try {
      return { handle: await open(file, 'r+'), kept: true };
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }
  return { handle: await open(file, 'w+', 0o600), kept: false };
}

/** What the map says is here; undefined when there is none that fits. */
async function readMap(file: string, { size, blockRoot }: PartialContent): Promise<Uint8Array | undefined> {
  try {
    const map = mapShape.parse(JSON.parse(await readFile(file, 'utf8')));
    const have = new Uint8Array(Buffer.from(map.blocks, 'base64'));
    const fits =
      map.size === size && map.blockRoot === blockRoot && have.byteLength === Math.ceil(blockCount(size) / 8);
    return fits ? have : undefined;
  } catch {
    return undefined;
  }
}
