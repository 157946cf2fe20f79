import { type Stats, statSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import type { CataloguedFile } from '../../catalog/catalog.ts';

/** Contents larger than this are not kept in memory. */
export const maxCachedBytes = 256 * 1024;

/** How long one look at the file on disk counts, in milliseconds. What is in memory is what was stored in any case. */
const lookMs = 1;

/** A content in memory, and the file on disk that it was read from. */
export interface CachedContent {
  readonly file: CataloguedFile;
  readonly onDisk: string;
  readonly ino: number;
  readonly mtimeMs: number;
  readonly body: Buffer;
}

/**
 * Small contents that were read lately. An entry counts only for the very catalogue entry that it was read for, and while
 * the file on disk is still the same: checked with a stat, shared by what comes within a millisecond.
 */
export class MemoryCache {
  readonly #contents: LRUCache<string, CachedContent>;
  /** What was looked at last, and when: a burst of requests for one file shares a look. */
  #lookedAt: CachedContent | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;

  /** @param maxBytes memory for contents; 0 keeps none. */
  constructor(maxBytes: number) {
    this.#contents = new LRUCache({
      maxSize: Math.max(1, maxBytes),
      maxEntrySize: maxBytes === 0 ? 1 : maxCachedBytes + 512,
      sizeCalculation: ({ body }) => body.byteLength + 512,
    });
  }

  /** The content of a file, if it is here and still true. */
  get(file: CataloguedFile): CachedContent | undefined {
    const cached = this.#contents.get(file.path);
    if (!cached) return undefined;
    if (cached.file === file && this.#isTrue(cached)) return cached;
    this.#contents.delete(file.path);
    return undefined;
  }

  #isTrue(cached: CachedContent): boolean {
    const now = performance.now();
    if (this.#lookedAt === cached && now - this.#lookedMs < lookMs) return true;
    if (!isUnchanged(cached)) return false;
    this.#lookedAt = cached;
    this.#lookedMs = now;
    return true;
  }

  /** Keeps a content that was read whole from an open file. @param onDisk absolute path it was read from. */
  put(file: CataloguedFile, onDisk: string, stats: Stats, body: Buffer): void {
    const { ino, size, mtimeMs } = stats;
    if (size !== body.byteLength) return;
    this.#contents.set(file.path, { file, onDisk, ino, mtimeMs, body });
  }
}

function isUnchanged({ onDisk, ino, mtimeMs, body }: CachedContent): boolean {
  try {
    const stats = statSync(onDisk, { throwIfNoEntry: false });
    return stats !== undefined && stats.ino === ino && stats.mtimeMs === mtimeMs && stats.size === body.byteLength;
  } catch {
    return false;
  }
}
