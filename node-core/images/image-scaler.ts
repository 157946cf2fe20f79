/**
 * node-core/images: images scaled and converted for downloads and thumbnails.
 *
 * Belongs here: recipes, the processes that do the work, the cache of results. Does not belong here: which request asks
 * for an image (http), where contents stand (files): the caller brings the bytes.
 */
import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import { LRUCache } from 'lru-cache';
import { ShoalError } from '../domain/errors.ts';
import { type ByteSource, chunksOf } from '../storage/byte-source.ts';
import type { CachedImage, ImageCache } from './image-cache.ts';
import type { ImagePool } from './image-pool.ts';
import { type ImageRecipe, resultKey } from './image-recipe.ts';

/** A content that may be an image. */
export interface ImageContent {
  readonly sha256: string;
  readonly size: number;
  /** Opens the bytes; they are closed here. */
  readonly open: () => Promise<ByteSource>;
}

/** What bounds the work on one image. */
export interface ImageLimits {
  readonly image_max_pixels: number;
  /** Seconds. */
  readonly image_timeout: number;
}

/** Contents larger than this are no images that anybody would want scaled. */
const maxInputBytes = 256 * 1024 * 1024;

const copyBytes = 1024 * 1024;

/** How long a content that could not be decoded is remembered, in milliseconds, and how many are. */
const faultMs = 10 * 60 * 1000;
const maxFaults = 10_000;

/** Faults that the same content would meet again. */
const lasting = new Set(['IMAGE_UNSUPPORTED', 'IMAGE_DAMAGED', 'IMAGE_TOO_LARGE', 'IMAGE_TIMEOUT']);

/** Makes images, each result once: from the cache, else in a process, while identical requests wait for the same one. */
export class ImageScaler {
  readonly #cache: ImageCache;
  readonly #pool: ImagePool;
  readonly #limits: () => ImageLimits;
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #faults = new LRUCache<string, ShoalError>({ max: maxFaults, ttl: faultMs });

  constructor(cache: ImageCache, pool: ImagePool, limits: () => ImageLimits) {
    this.#cache = cache;
    this.#pool = pool;
    this.#limits = limits;
  }

  /**
   * What a recipe makes of a content. The caller closes the handle.
   * @throws ShoalError IMAGE_UNSUPPORTED, IMAGE_DAMAGED, IMAGE_TOO_LARGE, IMAGE_TIMEOUT, TOO_MANY_IMAGES, and what opening
   * the content throws.
   */
  async scale(content: ImageContent, recipe: ImageRecipe): Promise<CachedImage> {
    const key = resultKey(content.sha256, recipe);
    const limits = this.#limits();
    // Twice: what was made for another request may already have been evicted again.
    for (let round = 0; ; round += 1) {
      const fault = this.#faults.get(faultKey(key, limits));
      if (fault) throw fault;
      const cached = await this.#cache.open(key);
      if (cached) return cached;
      const other = this.#underWay.get(key);
      if (!other || round > 0) return this.#make(key, content, recipe, limits);
      await other;
    }
  }

  async #make(key: string, content: ImageContent, recipe: ImageRecipe, limits: ImageLimits): Promise<CachedImage> {
    const making = this.#render(key, content, recipe, limits);
    const done = making.then(
      () => undefined,
      () => undefined,
    );
    this.#underWay.set(key, done);
    try {
      return await making;
    } catch (error) {
      if (error instanceof ShoalError && lasting.has(error.code)) this.#faults.set(faultKey(key, limits), error);
      throw error;
    } finally {
      if (this.#underWay.get(key) === done) this.#underWay.delete(key);
    }
  }

  async #render(key: string, content: ImageContent, recipe: ImageRecipe, limits: ImageLimits): Promise<CachedImage> {
    if (content.size === 0) throw new ShoalError('IMAGE_UNSUPPORTED', { details: { reason: 'it is empty' } });
    if (content.size > maxInputBytes)
      throw new ShoalError('IMAGE_TOO_LARGE', { details: { reason: `${content.size} bytes` } });
    const base = path.join(this.#cache.workFolder, randomUUID());
    const input = `${base}.in`;
    const output = `${base}.out`;
    try {
      // A copy of verified bytes: the file may be moved or replaced while it is decoded, and packed ones have no file.
      await copyOut(content, input);
      const made = await this.#pool.run({ input, output, recipe, maxPixels: limits.image_max_pixels });
      return await this.#cache.put(key, output, made.format);
    } finally {
      await Promise.all([rm(input, { force: true }), rm(output, { force: true })]);
    }
  }
}

/** With other limits the same content may be welcome. */
function faultKey(key: string, { image_max_pixels, image_timeout }: ImageLimits): string {
  return `${key} ${image_max_pixels} ${image_timeout}`;
}

async function copyOut(content: ImageContent, file: string): Promise<void> {
  const source = await content.open();
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      for await (const chunk of chunksOf(source, copyBytes)) await handle.writeFile(chunk);
    } finally {
      await handle.close();
    }
  } finally {
    await source.close();
  }
}
