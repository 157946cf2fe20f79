import { readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ImageCache } from '../../../node-core/images/image-cache.ts';
import { systemClock } from '../../../node-core/runtime/clock.ts';
import { makeFolder } from '../temp-folder.ts';

const key = (number: number) => number.toString(16).padStart(64, '0');

async function cacheOf(folder: string, maxBytes: number): Promise<ImageCache> {
  const cache = new ImageCache(folder, maxBytes, systemClock);
  await cache.start();
  return cache;
}

async function put(cache: ImageCache, number: number, bytes: number): Promise<void> {
  const made = path.join(cache.workFolder, `made-${number}`);
  await writeFile(made, Buffer.alloc(bytes, number));
  const image = await cache.put(key(number), made, 'webp');
  expect(image.size).toBe(bytes);
  await image.handle.close();
}

/** Whether an image is there, which counts as a use. */
async function has(cache: ImageCache, number: number): Promise<boolean> {
  const image = await cache.open(key(number));
  await image?.handle.close();
  return image !== undefined;
}

const images = async (folder: string) =>
  (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.webp')).length;

describe('the cache of made images', () => {
  it('stays within its bytes: what was not used for the longest time goes first, from the disk too', async () => {
    const folder = await makeFolder();
    const cache = await cacheOf(folder, 50_000);
    for (let number = 0; number < 5; number += 1) await put(cache, number, 10_000);
    expect(await has(cache, 0)).toBe(true);
    await put(cache, 5, 10_000);
    expect([await has(cache, 0), await has(cache, 1), await has(cache, 5)]).toEqual([true, false, true]);
    await cache.stop();
    expect(await images(folder)).toBe(5);
  });

  it('counts a small image as a block of the disk', async () => {
    const cache = await cacheOf(await makeFolder(), 10 * 4096);
    for (let number = 0; number < 20; number += 1) await put(cache, number, 10);
    const kept = await Promise.all(Array.from({ length: 20 }, (_, number) => has(cache, number)));
    expect(kept.filter(Boolean).length).toBe(10);
    await cache.stop();
  });

  it('knows after a restart what there is and what was used last, and clears what was being made', async () => {
    const folder = await makeFolder();
    const before = await cacheOf(folder, 50_000);
    for (let number = 0; number < 5; number += 1) {
      await put(before, number, 10_000);
      const file = path.join(folder, '00', `${key(number)}.webp`);
      // Number 3 was used the longest time ago.
      const seconds = 1_700_000_000 + (number === 3 ? -10_000 : number);
      await utimes(file, seconds, seconds);
    }
    await writeFile(path.join(before.workFolder, 'half made'), 'x');
    await writeFile(path.join(folder, '00', 'no image'), 'x');
    await before.stop();
    const after = await cacheOf(folder, 50_000);
    expect(await readdir(after.workFolder)).toEqual([]);
    await put(after, 5, 10_000);
    await after.stop();
    expect([await has(after, 3), await has(after, 0), await has(after, 5)]).toEqual([false, true, true]);
  });

  it('takes a smaller limit at the next start', async () => {
    const folder = await makeFolder();
    const before = await cacheOf(folder, 50_000);
    for (let number = 0; number < 5; number += 1) await put(before, number, 10_000);
    await before.stop();
    await (await cacheOf(folder, 20_000)).stop();
    expect(await images(folder)).toBe(2);
  });

  it('misses what somebody removed, and an evicted image that is still open can be read', async () => {
    const folder = await makeFolder();
    const cache = await cacheOf(folder, 10_000);
    await put(cache, 1, 9_000);
    const opened = await cache.open(key(1));
    await put(cache, 2, 9_000);
    await cache.stop();
    await expect(stat(path.join(folder, '00', `${key(1)}.webp`))).rejects.toThrow(/ENOENT/);
    expect((await opened?.handle.readFile())?.equals(Buffer.alloc(9_000, 1))).toBe(true);
    await opened?.handle.close();
    expect((await readFile(path.join(folder, '00', `${key(2)}.webp`))).length).toBe(9_000);
    await rm(path.join(folder, '00'), { recursive: true });
    expect(await has(cache, 2)).toBe(false);
  });
});
