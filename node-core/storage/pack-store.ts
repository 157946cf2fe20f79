/**
 * Pack files: many small contents in few large files, appended and never changed in place. Contents are found by their
 * sha256 through an index that the caller keeps (the catalogue); where the index does not know, the segments do.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { ShoalError } from '../domain/errors.ts';
import type { FolderSync } from './folder-sync.ts';
import { isAbsent } from './identity.ts';
import {
  contentOf,
  decodeHead,
  encodeFrame,
  type FrameHead,
  type FrameHint,
  findFrame,
  frameBytes,
  frameHeadBytes,
  hintBytesOf,
  segmentMagic,
} from './pack-format.ts';

/** Where a frame stands. */
export interface FrameLocation {
  /** Name of the segment: sorts by the time it was begun, and is never used again. */
  readonly segment: string;
  /** Position of the frame in its segment, in bytes. */
  readonly offset: number;
  /** Bytes of the whole frame. */
  readonly length: number;
}

/** A frame that a scan met. */
export interface ScannedFrame extends FrameHead {
  readonly location: FrameLocation;
}

/** What the pack store needs to know of its node. */
export interface PackStoreOptions {
  /** Absolute path of `files/_pack`. */
  readonly folder: string;
  /** Whether frames are made durable before {@link PackStore.append} resolves. */
  readonly durable: boolean;
  readonly folderSync: FolderSync;
  /** Where a content stands, as far as is known. */
  readonly locate: (sha256: string) => FrameLocation | undefined;
  /** Bytes at which a segment is full; the default is 128 MiB. */
  readonly segmentBytes?: number;
}

const defaultSegmentBytes = 128 * 1024 * 1024;

/** Bytes that one write takes at most. */
const maxGroupBytes = 8 * 1024 * 1024;

/** Bytes read at once while frames are looked for behind damaged ones. */
const searchBytes = 1024 * 1024;

const extension = '.pack';

interface Waiting {
  readonly parts: readonly Buffer[];
  readonly length: number;
  readonly resolve: (location: FrameLocation) => void;
  readonly reject: (error: unknown) => void;
}

/** A segment opened for reading. Closed by the last reader once it was removed. */
interface OpenSegment {
  readonly handle: FileHandle;
  readers: number;
  removed: boolean;
}

/** Appends and reads frames. */
export class PackStore {
  readonly #options: PackStoreOptions;
  readonly #segments = new Map<string, Promise<OpenSegment>>();
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #current: { readonly name: string; readonly handle: FileHandle; end: number } | undefined;
  #closed = false;

  constructor(options: PackStoreOptions) {
    this.#options = options;
  }

  /**
   * Makes ready for appending: a torn frame at the end of the last segment, left by a crash, is cut off. Frames behind a
   * damaged one are kept: such a segment is not appended to any more.
   */
  async open(): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true });
    const last = (await this.segments()).at(-1);
    if (last === undefined) return;
    const handle = await open(this.#fileOf(last), 'r+');
    try {
      const { size } = await handle.stat();
      const { soundEnd, lastEnd } = await scanFrames(handle, size, last, () => undefined);
      if (soundEnd === 0 || soundEnd < lastEnd || size >= this.#segmentBytes) {
        await handle.close();
        return;
      }
      if (soundEnd < size) {
        await handle.truncate(soundEnd);
        await handle.sync();
      }
      this.#current = { name: last, handle, end: soundEnd };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Writes what is waiting and closes every segment. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
    await this.#current?.handle.close();
    this.#current = undefined;
    for (const segment of this.#segments.values()) await segment.then(({ handle }) => handle.close()).catch(() => {});
    this.#segments.clear();
  }

  /** Names of all segments, oldest first. */
  async segments(): Promise<string[]> {
    const names = await readdir(this.#options.folder).catch((error: unknown) => {
      if (isAbsent(error)) return [];
      throw error;
    });
    return names
      .filter((name) => name.endsWith(extension))
      .map((name) => name.slice(0, -extension.length))
      .sort();
  }

  /** The segment that is being appended to. */
  get currentSegment(): string | undefined {
    return this.#current?.name;
  }

  /** Bytes of a segment on disk; 0 when there is none. */
  async sizeOf(segment: string): Promise<number> {
    return this.#reading(segment, async (handle) => (await handle.stat()).size).then((size) => size ?? 0);
  }

  /**
   * Appends a content. Resolves when it is on disk; everything that waits at the same time shares one write and one sync.
   * @throws system errors of the disk: nothing of the content counts then.
   */
  append(sha256: string, content: Uint8Array, hint?: FrameHint): Promise<FrameLocation> {
    return this.#enqueue(encodeFrame('content', sha256, content, hint));
  }

  /** Notes in the segments themselves that a content is not used any more, for a recovery without catalogue. */
  async markDeleted(sha256: string): Promise<void> {
    await this.#enqueue(encodeFrame('deleted', sha256, Buffer.alloc(0)));
  }

  /**
   * The content with a digest, verified. Where the index is wrong, or the frame is damaged, the segments are searched for
   * another one.
   * @returns undefined when no sound frame holds it.
   */
  async read(sha256: string): Promise<Buffer | undefined> {
    // A compaction may move the frame between the look-up and the read.
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const location = this.#options.locate(sha256);
      const content = location && (await this.#readFrame(location, sha256));
      if (content) return content;
    }
    return this.#search(sha256);
  }

  /** The content of a frame at a known location, verified. */
  async readAt(location: FrameLocation, sha256: string): Promise<Buffer | undefined> {
    return this.#readFrame(location, sha256);
  }

  /** The bytes of a frame as they stand on disk, sound or not; undefined when the segment is gone. */
  readRaw({ segment, offset, length }: FrameLocation): Promise<Buffer | undefined> {
    return this.#reading(segment, async (handle) => {
      const buffer = Buffer.alloc(length);
      return buffer.subarray(0, await readFully(handle, buffer, offset));
    });
  }

  /** Visits every sound frame head of a segment, in order. The caller must not keep the visit waiting for an append. */
  async scan(segment: string, visit: (frame: ScannedFrame) => void): Promise<void> {
    await this.#reading(segment, async (handle) => {
      const size = this.#current?.name === segment ? this.#current.end : (await handle.stat()).size;
      await scanFrames(handle, size, segment, visit);
    });
  }

  /** Removes a segment whose frames nobody refers to. Reads of it that are under way end well. */
  async removeSegment(name: string): Promise<void> {
    const opened = await this.#segments.get(name);
    this.#segments.delete(name);
    if (opened) {
      opened.removed = true;
      if (opened.readers === 0) await opened.handle.close();
    }
    await rm(this.#fileOf(name), { force: true });
    await this.#options.folderSync.sync(this.#options.folder);
  }

  /** Begins a new segment with the next append, so that the current one can be compacted. */
  async rotate(): Promise<void> {
    await this.#writing;
    await this.#current?.handle.close();
    this.#current = undefined;
  }

  get #segmentBytes(): number {
    return this.#options.segmentBytes ?? defaultSegmentBytes;
  }

  #fileOf(segment: string): string {
    return path.join(this.#options.folder, segment + extension);
  }

  #enqueue(parts: readonly Buffer[]): Promise<FrameLocation> {
    if (this.#closed) return Promise.reject(new ShoalError('SHUTTING_DOWN'));
    const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ parts, length, resolve, reject });
      this.#writing ??= this.#writeWaiting().finally(() => {
        this.#writing = undefined;
      });
    });
  }

  async #writeWaiting(): Promise<void> {
    // Those who ask in this turn of the event loop come along.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      let bytes = 0;
      let count = 0;
      for (const { length } of this.#waiting) {
        if (count > 0 && bytes + length > maxGroupBytes) break;
        bytes += length;
        count += 1;
      }
      const group = this.#waiting.splice(0, count);
      try {
        const locations = await this.#writeGroup(group, bytes);
        for (const [index, { resolve }] of group.entries()) resolve(locations[index] as FrameLocation);
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
  }

  async #writeGroup(group: readonly Waiting[], bytes: number): Promise<FrameLocation[]> {
    if (
      this.#current &&
      this.#current.end > segmentMagic.byteLength &&
      this.#current.end + bytes > this.#segmentBytes
    ) {
      await this.#current.handle.close();
      this.#current = undefined;
    }
    const current = this.#current ?? (await this.#begin());
    this.#current = current;
    const start = current.end;
    try {
      await writeAll(current.handle, Buffer.concat(group.flatMap(({ parts }) => parts)), start);
      if (this.#options.durable) await current.handle.datasync();
    } catch (error) {
      await this.#giveUp(current.handle, start);
      throw error;
    }
    current.end = start + bytes;
    let offset = start;
    return group.map(({ length }) => {
      const location = { segment: current.name, offset, length };
      offset += length;
      return location;
    });
  }

  /** What a failed write left behind is cut off; a segment where that fails too is left as it is, and a new one begun. */
  async #giveUp(handle: FileHandle, end: number): Promise<void> {
    try {
      await handle.truncate(end);
    } catch {
      this.#current = undefined;
      await handle.close().catch(() => undefined);
    }
  }

  async #begin(): Promise<{ name: string; handle: FileHandle; end: number }> {
    const name = `${Date.now().toString(16).padStart(12, '0')}${randomBytes(4).toString('hex')}`;
    const handle = await open(this.#fileOf(name), 'wx+', 0o644);
    try {
      await writeAll(handle, segmentMagic, 0);
      await this.#options.folderSync.sync(this.#options.folder);
    } catch (error) {
      await handle.close();
      await rm(this.#fileOf(name), { force: true });
      throw error;
    }
    return { name, handle, end: segmentMagic.byteLength };
  }

  async #readFrame(location: FrameLocation, sha256: string): Promise<Buffer | undefined> {
    const frame = await this.#reading(location.segment, async (handle) => {
      const buffer = Buffer.allocUnsafe(location.length);
      return (await readFully(handle, buffer, location.offset)) === location.length ? buffer : undefined;
    });
    if (!frame) return undefined;
    const head = decodeHead(frame);
    if (head?.kind !== 'content' || head.sha256 !== sha256) return undefined;
    const content = contentOf(frame, head);
    return content && createHash('sha256').update(content).digest('hex') === sha256 ? content : undefined;
  }

  async #search(sha256: string): Promise<Buffer | undefined> {
    for (const segment of (await this.segments()).reverse()) {
      const found: FrameLocation[] = [];
      await this.scan(segment, (frame) => {
        if (frame.kind === 'content' && frame.sha256 === sha256) found.push(frame.location);
      });
      for (const location of found.reverse()) {
        const content = await this.#readFrame(location, sha256);
        if (content) return content;
      }
    }
    return undefined;
  }

  /** Runs a read on a segment, which stays open meanwhile. Undefined when there is no such segment. */
  async #reading<T>(segment: string, read: (handle: FileHandle) => Promise<T>): Promise<T | undefined> {
    let opening = this.#segments.get(segment);
    if (!opening) {
      opening = open(this.#fileOf(segment), 'r').then((handle) => ({ handle, readers: 0, removed: false }));
      this.#segments.set(segment, opening);
      opening.catch(() => this.#segments.delete(segment));
    }
    let opened: OpenSegment;
    try {
      opened = await opening;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
    if (opened.removed) return undefined;
    opened.readers += 1;
    try {
      return await read(opened.handle);
    } finally {
      opened.readers -= 1;
      if (opened.removed && opened.readers === 0) await opened.handle.close();
    }
  }
}

/**
 * Visits the frames of a segment. Behind a damaged one the next is looked for.
 * @returns where the first run of sound frames ends (0 when the head is wrong), and where the last sound frame ends.
 */
async function scanFrames(
  handle: FileHandle,
  size: number,
  segment: string,
  visit: (frame: ScannedFrame) => void,
): Promise<{ readonly soundEnd: number; readonly lastEnd: number }> {
  const magic = Buffer.alloc(segmentMagic.byteLength);
  await readFully(handle, magic, 0);
  let sound = magic.equals(segmentMagic);
  let soundEnd = sound ? segmentMagic.byteLength : 0;
  let lastEnd = soundEnd;
  for (let offset = segmentMagic.byteLength; offset < size; ) {
    const head = await readHead(handle, offset);
    const length = head && frameBytes(head);
    if (head && length !== undefined && offset + length <= size && (await isWhole(handle, head, offset, size))) {
      visit({ ...head, location: { segment, offset, length } });
      offset += length;
      lastEnd = offset;
      if (sound) soundEnd = offset;
      continue;
    }
    sound = false;
    const nextFrame = await searchFrame(handle, offset + 1, size);
    if (nextFrame < 0) break;
    offset = nextFrame;
  }
  return { soundEnd, lastEnd };
}

/** The last frame of a segment may be torn inside its content: a sparse end reads as zeros. Others are judged by their head. */
async function isWhole(handle: FileHandle, head: FrameHead, offset: number, size: number): Promise<boolean> {
  const length = frameBytes(head);
  if (offset + length < size) {
    const following = Buffer.alloc(frameHeadBytes);
    const got = await readFully(handle, following, offset + length);
    if (hintBytesOf(following.subarray(0, got)) !== undefined) return true;
  }
  const frame = Buffer.allocUnsafe(length);
  return (await readFully(handle, frame, offset)) === length && contentOf(frame, head) !== undefined;
}

async function readHead(handle: FileHandle, offset: number): Promise<FrameHead | undefined> {
  const head = Buffer.alloc(frameHeadBytes);
  const got = await readFully(handle, head, offset);
  const hintBytes = hintBytesOf(head.subarray(0, got));
  if (hintBytes === undefined) return undefined;
  const whole = Buffer.alloc(frameHeadBytes + hintBytes);
  await readFully(handle, whole, offset);
  return decodeHead(whole);
}

async function searchFrame(handle: FileHandle, from: number, size: number): Promise<number> {
  const buffer = Buffer.allocUnsafe(searchBytes);
  // Windows overlap by what a magic number may straddle.
  for (let position = from; position < size; position += searchBytes - 3) {
    const got = await readFully(handle, buffer, position);
    const found = findFrame(buffer.subarray(0, got), 0);
    if (found >= 0) return position + found;
  }
  return -1;
}

async function readFully(handle: FileHandle, buffer: Buffer, position: number): Promise<number> {
  let done = 0;
  while (done < buffer.byteLength) {
    const { bytesRead } = await handle.read(buffer, done, buffer.byteLength - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    done += (await handle.write(bytes, done, bytes.byteLength - done, position + done)).bytesWritten;
  }
}
