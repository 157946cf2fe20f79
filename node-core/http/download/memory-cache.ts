import { type Stats, statSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import type { CataloguedFile } from '../../catalog/catalog.ts';

/** Contents larger than this are not kept in memory. */
export const maxCachedBytes = 256 * 1024;

interface CachedContent {
  readonly file: CataloguedFile;
  readonly onDisk: string;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly body: Buffer;
}

/**
 * Small contents that were read lately. An entry counts only for the very catalogue entry that it was read for, and while
 * the file on disk is still the same: checked with one stat at each use.
 */
export class MemoryCache {
  readonly #contents: LRUCache<string, CachedContent>;

  /** @param maxBytes memory for contents; 0 keeps none. */
  constructor(maxBytes: number) {
    this.#contents = new LRUCache({
      maxSize: Math.max(1, maxBytes),
      maxEntrySize: maxBytes === 0 ? 1 : maxCachedBytes + 1024,
      sizeCalculation: (content) => content.body.byteLength + 512,
    });
  }

  /** The content of a file, if it is here and still true. */
  get(file: CataloguedFile): Buffer | undefined {
    const cached = this.#contents.get(file.path);
    if (!cached) return undefined;
    if (cached.file === file) {
      let stats: Stats | undefined;
      try {
        stats = statSync(cached.onDisk, { throwIfNoEntry: false });
      } catch {
        stats = undefined;
      }
      if (stats && stats.ino === cached.ino && stats.size === cached.size && stats.mtimeMs === cached.mtimeMs) {
        return cached.body;
      }
    }
    this.#contents.delete(file.path);
    return undefined;
  }

  /** Keeps a content that was read whole from an open file. @param onDisk absolute path it was read from. */
  put(file: CataloguedFile, onDisk: string, stats: Stats, body: Buffer): void {
    const { ino, size, mtimeMs } = stats;
    if (size !== body.byteLength) return;
    this.#contents.set(file.path, { file, onDisk, ino, size, mtimeMs, body });
  }
}
