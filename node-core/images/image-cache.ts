/** Made images on disk: bounded, the one that was not used for the longest time goes first. Everything in it can be lost. */
import { mkdir, open, readdir, rename, rm, stat, unlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../runtime/clock.ts';
import type { Service } from '../runtime/service.ts';
import { isAbsent } from '../storage/identity.ts';
import type { ImageFormat } from './image-recipe.ts';

/** An image of the cache, opened. Whoever asked for it closes it. */
export interface CachedImage {
  readonly handle: Awaited<ReturnType<typeof open>>;
  readonly format: ImageFormat;
  readonly size: number;
}

interface Entry {
  readonly format: ImageFormat;
  readonly bytes: number;
  /** When the file's times were set last: they carry the age of use over a restart. */
  touchedMs: number;
}

/** How exact the age of use is that a restart finds, in milliseconds. */
const touchMs = 60 * 60 * 1000;

/** A file of the cache takes at least this much of a disk. */
const blockBytes = 4096;

const namePattern = /^([0-9a-f]{64})\.(jpeg|png|webp|avif|gif)$/;

/** Made images by key. */
export class ImageCache implements Service {
  readonly name = 'image cache';
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #entries: LRUCache<string, Entry>;
  readonly #removals = new Set<Promise<unknown>>();

  /** @param folder absolute path, made when missing. @param maxBytes at least one image is kept, whatever it takes. */
  constructor(folder: string, maxBytes: number, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
    this.#entries = new LRUCache({
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: ({ bytes }) => Math.min(Math.max(bytes, blockBytes), Math.max(1, maxBytes)),
      dispose: ({ format }, key, reason) => {
        if (reason === 'evict' || reason === 'delete') this.#remove(this.#fileOf(key, format));
      },
    });
  }

  /** Where images that are being made stand until they are put into the cache. */
  get workFolder(): string {
    return path.join(this.#folder, '_work');
  }

  async start(): Promise<void> {
    await rm(this.workFolder, { recursive: true, force: true });
    await mkdir(this.workFolder, { recursive: true });
    const found: { readonly key: string; readonly entry: Entry }[] = [];
    for (const name of await readdir(this.#folder, { recursive: true })) {
      const [, key, format] = namePattern.exec(path.basename(name)) ?? [];
      const stats = await stat(path.join(this.#folder, name)).catch(() => undefined);
      if (key === undefined || !stats?.isFile()) continue;
      const entry = { format: format as ImageFormat, bytes: stats.size, touchedMs: stats.mtimeMs };
      found.push({ key, entry });
    }
    // The one that was used last goes in last, and stays longest.
    for (const { key, entry } of found.sort((a, b) => a.entry.touchedMs - b.entry.touchedMs))
      this.#entries.set(key, entry);
    await this.#settled();
  }

  async stop(): Promise<void> {
    await this.#settled();
  }

  /** Opens an image; undefined when it is not here. */
  async open(key: string): Promise<CachedImage | undefined> {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    const file = this.#fileOf(key, entry.format);
    try {
      const handle = await open(file, 'r');
      const now = this.#clock.now();
      if (now - entry.touchedMs > touchMs) {
        entry.touchedMs = now;
        await utimes(file, now / 1000, now / 1000).catch(() => undefined);
      }
      return { handle, format: entry.format, size: entry.bytes };
    } catch (error) {
      if (!isAbsent(error)) throw error;
      this.#entries.delete(key);
      return undefined;
    }
  }

  /** Takes in an image that was made in the work folder, and opens it. */
  async put(key: string, made: string, format: ImageFormat): Promise<CachedImage> {
    const file = this.#fileOf(key, format);
    await mkdir(path.dirname(file), { recursive: true });
    // Opened before it can be evicted.
    const handle = await open(made, 'r');
    try {
      const { size } = await handle.stat();
      await rename(made, file);
      this.#entries.set(key, { format, bytes: size, touchedMs: this.#clock.now() });
      return { handle, format, size };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  #fileOf(key: string, format: ImageFormat): string {
    return path.join(this.#folder, key.slice(0, 2), `${key}.${format}`);
  }

  #remove(file: string): void {
    const removal = unlink(file)
      .catch(() => undefined)
      .finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#removals);
  }
}
