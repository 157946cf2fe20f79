import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ShoalError } from '../../../node-core/domain/errors.ts';
import { FolderSync } from '../../../node-core/storage/folder-sync.ts';
import { Staging } from '../../../node-core/storage/staging.ts';
import { errorOf, makeFolder } from '../temp-folder.ts';

const mebibyte = 1024 * 1024;

async function open(checkSpace: (bytes: number) => Promise<void> = async () => {}) {
  const folder = await makeFolder();
  const options = {
    folder,
    algorithm: () => 'sha1' as const,
    durable: true,
    folderSync: new FolderSync(true),
    checkSpace,
  };
  return { folder, staging: new Staging(options) };
}

describe('Staging', () => {
  it('creates nothing on disk before the first byte', async () => {
    const { folder, staging } = await open();
    const writer = await staging.begin({ expectedBytes: 10 });
    expect(await readdir(folder)).toEqual([]);
    await writer.discard();
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    ['nothing', 0, 1],
    ['a byte', 1, 1],
    ['just below what is gathered', 256 * 1024 - 1, 1000],
    ['what is gathered', 256 * 1024, 256 * 1024],
    ['a little more', 256 * 1024 + 1, 77_777],
    ['several blocks', 9 * mebibyte + 5, 300_001],
  ])('finishes %s: whole, read-only, under its id, with digests and identity', async (_what, size, chunkBytes) => {
    const { folder, staging } = await open();
    const content = randomBytes(size);
    const writer = await staging.begin();
    for (let at = 0; at < size; at += chunkBytes) await writer.write(content.subarray(at, at + chunkBytes));
    expect(writer.size).toBe(size);
    const staged = await writer.finish();
    expect(await readdir(folder)).toEqual([staged.id]);
    expect(staged.file).toBe(staging.pathOf(staged.id));
    expect((await readFile(staged.file)).equals(content)).toBe(true);
    const stats = await stat(staged.file, { bigint: true });
    expect(stats.mode & 0o777n).toBe(0o444n);
    expect(staged.identity).toEqual({
      size,
      ino: String(stats.ino),
      mtimeNs: String(stats.mtimeNs),
      ctimeNs: String(stats.ctimeNs),
    });
    expect(staged.digests).toMatchObject({
      size,
      sha256: createHash('sha256').update(content).digest('hex'),
      sha1: createHash('sha1').update(content).digest('hex'),
    });
    await staging.discard(staged);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([0, 10, mebibyte])('leaves nothing after a discard at %i bytes, also a second time', async (size) => {
    const { folder, staging } = await open();
    const writer = await staging.begin();
    if (size > 0) await writer.write(Buffer.alloc(size));
    await writer.discard();
    await writer.discard();
    expect(await readdir(folder)).toEqual([]);
    await expect(writer.write(Buffer.from('x'))).rejects.toThrow('ended');
    await expect(writer.finish()).rejects.toThrow('ended');
  });

  it('refuses what is longer than allowed: announced at once, unannounced at the first byte too much', async () => {
    const { staging } = await open();
    const announced = await errorOf(() => staging.begin({ maxBytes: 10, expectedBytes: 11 }));
    expect([announced.code, announced.status, announced.details]).toEqual(['FILE_TOO_LARGE', 413, { maxBytes: 10 }]);
    const writer = await staging.begin({ maxBytes: 10, expectedBytes: 10 });
    await writer.write(Buffer.alloc(10));
    expect((await errorOf(() => writer.write(Buffer.alloc(1)))).code).toBe('FILE_TOO_LARGE');
    await writer.discard();
  });

  it('asks for room before it begins and while bytes flow', async () => {
    const asked: number[] = [];
    let full = false;
    const { folder, staging } = await open(async (bytes) => {
      if (full) throw new ShoalError('DISK_FULL');
      asked.push(bytes);
    });
    const writer = await staging.begin({ expectedBytes: 123 });
    expect(asked).toEqual([123]);
    full = true;
    const chunk = Buffer.alloc(mebibyte);
    const error = await errorOf(async () => {
      for (let i = 0; i < 65; i += 1) await writer.write(chunk);
    });
    expect(error.code).toBe('DISK_FULL');
    await writer.discard();
    expect(await readdir(folder)).toEqual([]);
    expect((await errorOf(() => staging.begin())).code).toBe('DISK_FULL');
  });

  it.each([10, 3 * mebibyte])('tells a failure of the disk to its writer, after %i bytes', async (size) => {
    const { folder, staging } = await open();
    const writer = await staging.begin();
    await rm(folder, { recursive: true });
    const failure = (async () => {
      for (let at = 0; at < size; at += mebibyte) await writer.write(Buffer.alloc(Math.min(mebibyte, size)));
      await writer.finish();
    })();
    await expect(failure).rejects.toMatchObject({ code: 'ENOENT' });
    await writer.discard();
    await mkdir(folder);
  });

  it('keeps several writers apart', async () => {
    const { staging } = await open();
    const contents = Array.from({ length: 8 }, () => randomBytes(700_000));
    const staged = await Promise.all(
      contents.map(async (content) => {
        const writer = await staging.begin();
        for (let at = 0; at < content.byteLength; at += 90_001) await writer.write(content.subarray(at, at + 90_001));
        return writer.finish();
      }),
    );
    expect(new Set(staged.map((one) => one.id)).size).toBe(8);
    for (const [i, one] of staged.entries())
      expect((await readFile(one.file)).equals(contents[i] as Buffer)).toBe(true);
  });

  it('sweeps what a crash left, and spares what is referred to or being written', async () => {
    const { folder, staging } = await open();
    await writeFile(path.join(folder, 'left'), 'x');
    await writeFile(path.join(folder, 'left.link'), 'x');
    await mkdir(path.join(folder, 'folder'));
    await writeFile(path.join(folder, 'folder', 'x'), 'x');
    await writeFile(path.join(folder, 'referred'), 'x');
    const writer = await staging.begin();
    await writer.write(Buffer.alloc(mebibyte));
    expect(await staging.sweep((id) => id === 'referred')).toBe(3);
    const staged = await writer.finish();
    expect((await readdir(folder)).sort()).toEqual([staged.id, 'referred'].sort());
  });
});
