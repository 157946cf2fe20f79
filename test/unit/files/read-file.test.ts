import { chmod, copyFile, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { digestsOf } from '../domain/versions.ts';
import { errorOf } from '../temp-folder.ts';
import { Bench } from './fixture.ts';

describe('FileReader', () => {
  it('says so when nothing shows at the path, and when the bytes are on another node', async () => {
    const bench = await Bench.open();
    expect((await errorOf(() => bench.reader.open('a'))).code).toBe('FILE_NOT_FOUND');
    await bench.context.catalog.commit((transaction) => {
      const digests = digestsOf('far away');
      transaction.write('a', { kind: 'file', digests, name: 'a', scene: 's', mtimeMs: 1, storedMs: 1 });
    });
    expect((await errorOf(() => bench.reader.open('a'))).code).toBe('BYTES_ELSEWHERE');
    expect(bench.damaged).toEqual([]);
  });

  it('serves bytes whose times changed once it has hashed them', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'right');
    await utimes(bench.pathOf('a'), new Date(0), new Date(0));
    expect(await bench.read('a')).toBe('right');
    expect(bench.file('a').local.identity.mtimeNs).toBe('0');
    expect(bench.damaged).toEqual([]);
  });

  it('serves a store that was copied to another disk without its times', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'right');
    await copyFile(bench.pathOf('a'), bench.pathOf('copy'));
    await rename(bench.pathOf('copy'), bench.pathOf('a'));
    await utimes(bench.pathOf('a'), new Date(0), new Date(0));
    expect(await bench.read('a')).toBe('right');
  });

  const damages: readonly (readonly [string, (file: string) => Promise<unknown>])[] = [
    ['changed', (file) => chmod(file, 0o644).then(() => writeFile(file, 'evil!'))],
    ['cut short', (file) => chmod(file, 0o644).then(() => writeFile(file, 'r'))],
    ['gone', (file) => rm(file)],
    ['a folder', (file) => rm(file).then(() => mkdir(file))],
    [
      'a symbolic link to the right content',
      async (file) => {
        await rename(file, `${file}.away`);
        await symlink(`${file}.away`, file);
      },
    ],
  ];

  it.each(damages)('never serves bytes that are %s: 503 and an event', async (_how, damage) => {
    const bench = await Bench.open();
    await bench.upload('a', 'right');
    await damage(bench.pathOf('a'));
    const error = await errorOf(() => bench.reader.open('a'));
    expect([error.code, error.status]).toEqual(['BYTES_DAMAGED', 503]);
    expect(bench.damaged).toEqual([{ path: 'a', place: 'a' }]);
  });

  it('says that the store is missing, not that a file is damaged, when the disk is gone', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'right');
    await rename(bench.root, `${bench.root}-away`);
    expect((await errorOf(() => bench.reader.open('a'))).code).toBe('STORE_MISSING');
    expect(bench.damaged).toEqual([]);
  });

  it('reads a path whole while it is replaced again and again', async () => {
    const bench = await Bench.open();
    const contents = ['a'.repeat(100_000), 'b'.repeat(90_000), 'c'.repeat(80_000)];
    await bench.upload('p/x', contents[0] ?? '');
    let writing = true;
    const writer = (async () => {
      for (let i = 1; i <= 30; i += 1) await bench.upload('p/x', contents[i % 3] ?? '');
      writing = false;
    })();
    const reads: (string | undefined)[] = [];
    while (writing) reads.push(await bench.read('p/x'));
    await writer;
    for (const read of reads) expect(contents).toContain(read);
    expect(bench.damaged).toEqual([]);
  });
});
