import { LRUCache } from 'lru-cache';
import type { CataloguedFile } from '../../catalog/catalog.ts';
import { type FileIdentity, sameContent } from '../../storage/identity.ts';

/** Contents larger than this are not kept in memory. */
export const maxCachedBytes = 256 * 1024;

/** How long one look at the file on disk counts, in milliseconds. What is in memory is what was stored in any case. */
const lookMs = 1;

/** A content in memory, and what it was read from. */
export interface CachedContent {
  readonly file: CataloguedFile;
  readonly identity: FileIdentity;
  readonly body: Buffer;
}

/**
 * Small contents that were read lately. An entry counts only for the very catalogue entry that it was read for, and while
 * the file on disk is still the same: checked with a stat, shared by what comes within a millisecond.
 */
export class MemoryCache {
  readonly #contents: LRUCache<string, CachedContent>;
  readonly #identify: (place: string) => FileIdentity | undefined;
  /** What was looked at last, and when: a burst of requests for one file shares a look. */
  #lookedAt: CachedContent | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;

  /** @param maxBytes memory for contents; 0 keeps none. @param identify what stands at a place now. */
  constructor(maxBytes: number, identify: (place: string) => FileIdentity | undefined) {
    this.#identify = identify;
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
    if (!this.#isUnchanged(cached)) return false;
    this.#lookedAt = cached;
    this.#lookedMs = now;
    return true;
  }

  /** Keeps a content that was read whole. @param identity of the bytes, from before they were read. */
  put(file: CataloguedFile, identity: FileIdentity, body: Buffer): void {
    if (identity.size === body.byteLength) this.#contents.set(file.path, { file, identity, body });
  }

  #isUnchanged({ file, identity }: CachedContent): boolean {
    try {
      const found = file.local && this.#identify(file.local.place);
      return found !== undefined && found.ino === identity.ino && sameContent(found, identity);
    } catch {
      return false;
    }
  }
}
