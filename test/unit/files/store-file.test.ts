import { chmod, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { conflictPath } from '../../../node-core/domain/file-record.ts';
import { digestsOf } from '../domain/versions.ts';
import { errorOf } from '../temp-folder.ts';
import { Bench } from './fixture.ts';

/** Changes bytes in place, as a meddling program does; the store keeps them read-only. */
async function overwriteOnDisk(file: string, content: string): Promise<void> {
  await chmod(file, 0o644);
  await writeFile(file, content);
}

/** Makes two conflicting versions at a path, as a merge with another member would; the later one shows there. */
async function makeConflict(bench: Bench, path: string, earlier: string, later: string): Promise<string> {
  await bench.upload(path, earlier);
  await bench.upload('elsewhere', later);
  const { version } = bench.file(path);
  const bytes = bench.file('elsewhere');
  await bench.context.catalog.commit((transaction) => {
    const { name, scene, mtimeMs, storedMs } = bytes.version;
    const digests = digestsOf(later);
    const written = transaction.write(path, { kind: 'file', digests, name, scene, mtimeMs, storedMs }, []);
    transaction.setLocal(path, written, bytes.local);
    transaction.remove('elsewhere', 'test');
  });
  return conflictPath(path, version);
}

describe('FileStorer', () => {
  it('stores a content at its path: natural place, read-only, counted, shown, announced', async () => {
    const bench = await Bench.open();
    const { file, existed } = await bench.upload('docs/é a.txt', 'hello', { name: 'A.txt', scene: 's' });
    expect(existed).toBe(false);
    expect(file).toMatchObject({ path: 'docs/é a.txt', version: { ...digestsOf('hello'), name: 'A.txt', scene: 's' } });
    expect(file.local?.place).toBe('docs/é a.txt');
    const { mode } = await stat(bench.pathOf('docs/é a.txt'));
    expect(mode & 0o777).toBe(0o444);
    expect(await bench.read('docs/é a.txt')).toBe('hello');
    expect(bench.committed).toEqual(['docs/é a.txt']);
    await bench.expectConsistent();
  });

  it('replaces what stands at the path, and keeps the old bytes in the trash', async () => {
    const bench = await Bench.open();
    await bench.upload('a.txt', 'one');
    await bench.upload('a.txt', 'two', { by: 'somebody' });
    expect(await bench.read('a.txt')).toBe('two');
    const trash = await bench.trash();
    expect(trash).toMatchObject([
      { path: 'a.txt', sha256: digestsOf('one').sha256, reason: 'replaced', by: 'somebody' },
    ]);
    await bench.expectConsistent();
  });

  it('numbers names instead of replacing when asked to, and finds its own number again', async () => {
    const bench = await Bench.open();
    for (const [content, shown] of [
      ['one', 'd/a.txt'],
      ['two', 'd/0_a.txt'],
      ['three', 'd/1_a.txt'],
      ['two', 'd/0_a.txt'],
    ] as const) {
      const { file } = await bench.upload('d/a.txt', content, { occupied: 'number' });
      expect(file.path).toBe(shown);
    }
    await bench.expectConsistent();
  });

  it('stores nothing when the same content stands at the path already', async () => {
    const bench = await Bench.open();
    const first = await bench.upload('a.txt', 'same');
    const again = await bench.upload('a.txt', 'same');
    expect(again).toEqual({ file: first.file, existed: true });
    expect(bench.committed).toEqual(['a.txt']);
    await bench.expectConsistent();
  });

  it('answers with a known file that the caller accepts, and stores nothing', async () => {
    const bench = await Bench.open();
    await bench.upload('a.txt', 'same', { scene: 'x' });
    await bench.upload('b.txt', 'same', { scene: 'y' });
    const { file, existed } = await bench.upload('c.txt', 'same', { reuse: (one) => one.version.scene === 'y' });
    expect([file.path, existed]).toEqual(['b.txt', true]);
    expect(await bench.liveFiles()).toEqual(['a.txt', 'b.txt']);
    await bench.expectConsistent();
  });

  it('never answers with a known file whose bytes are gone or damaged', async () => {
    const bench = await Bench.open();
    await bench.upload('a.txt', 'same');
    await rm(bench.pathOf('a.txt'));
    await bench.upload('b.txt', 'same', { reuse: () => true });
    expect(await bench.read('b.txt')).toBe('same');
    await overwriteOnDisk(bench.pathOf('b.txt'), 'evil');
    const { file } = await bench.upload('c.txt', 'same', { reuse: () => true });
    expect(file.path).toBe('c.txt');
    expect(await bench.read('c.txt')).toBe('same');
  });

  it('refuses before it writes when the store is not there, and leaves nothing staged', async () => {
    const bench = await Bench.open();
    const staged = await bench.stage('x');
    await rename(bench.pathOf('.shoal-store'), bench.pathOf('away'));
    bench.clock.ms += 2000;
    const request = { path: 'a', name: 'a', scene: 's', occupied: 'replace', by: 't' } as const;
    expect((await errorOf(() => bench.storer.store(staged, request))).code).toBe('STORE_MISSING');
    expect(bench.context.catalog.find('a')).toBeUndefined();
    expect(await bench.filesOnDisk()).toEqual(['away']);
  });

  it('keeps fifty uploads at once apart, also of one path and of one content', async () => {
    const bench = await Bench.open();
    const uploads = Array.from({ length: 50 }, (_, i) => bench.upload(`d${i % 7}/f${i % 20}.txt`, `content ${i % 10}`));
    await Promise.all(uploads);
    expect(await bench.liveFiles()).toHaveLength(
      new Set(Array.from({ length: 50 }, (_, i) => `${i % 7} ${i % 20}`)).size,
    );
    for (const path of await bench.liveFiles()) expect(await bench.read(path)).toMatch(/^content \d$/);
    await bench.storer.drain();
    expect(bench.damaged).toEqual([]);
    await bench.expectConsistent();
    expect(bench.context.pathLocks.size + bench.context.contentLocks.size).toBe(0);
  });

  it('stores the empty content under many paths without sharing anything', async () => {
    const bench = await Bench.open();
    await bench.upload('a', '');
    await bench.upload('b', '');
    expect(await bench.inodeOf('a')).not.toBe(await bench.inodeOf('b'));
    await bench.expectConsistent();
  });
});

describe('equal contents and hard links', () => {
  it('share their bytes under any number of paths', async () => {
    const bench = await Bench.open();
    for (const path of ['a', 'b/c', 'd']) await bench.upload(path, 'same');
    expect(await bench.inodeOf('b/c')).toBe(await bench.inodeOf('a'));
    expect(await bench.inodeOf('d')).toBe(await bench.inodeOf('a'));
    await bench.expectConsistent();
  });

  it('share their bytes after a restart as well', async () => {
    const first = await Bench.open();
    await first.upload('a', 'same');
    const bench = await first.reopen();
    await bench.upload('b', 'same');
    expect(await bench.inodeOf('b')).toBe(await bench.inodeOf('a'));
  });

  it('share the bytes of a deleted file while they are in the trash', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'same');
    const inode = await bench.inodeOf('a');
    await bench.remover.removePath('a', 'test');
    await bench.upload('b', 'same');
    expect(await bench.inodeOf('b')).toBe(inode);
    await bench.expectConsistent();
  });

  const meddlers: readonly (readonly [string, (bench: Bench) => Promise<unknown>, string[]])[] = [
    ['changed in place, same size', (bench) => overwriteOnDisk(bench.pathOf('a'), 'evil!'), ['a']],
    [
      'changed in place, with its time set back',
      async (bench) => {
        const { mtime, atime } = await stat(bench.pathOf('a'));
        await overwriteOnDisk(bench.pathOf('a'), 'evil!');
        await utimes(bench.pathOf('a'), atime, mtime);
      },
      ['a'],
    ],
    ['cut short', (bench) => overwriteOnDisk(bench.pathOf('a'), 'e'), ['a']],
    [
      'replaced by another file',
      async (bench) => {
        await writeFile(bench.pathOf('new'), 'evil!');
        await rename(bench.pathOf('new'), bench.pathOf('a'));
      },
      ['a'],
    ],
    ['touched only', (bench) => utimes(bench.pathOf('a'), new Date(), new Date()), []],
    ['made writable only', (bench) => chmod(bench.pathOf('a'), 0o644), []],
  ];

  it.each(meddlers)('never link to bytes that were %s: the target is hashed again', async (_how, meddle, damaged) => {
    const bench = await Bench.open();
    await bench.upload('a', 'right');
    await meddle(bench);
    await bench.upload('b', 'right');
    await bench.storer.drain();
    expect(await bench.inodeOf('b')).not.toBe(await bench.inodeOf('a'));
    expect(await readFile(bench.pathOf('b'), 'utf8')).toBe('right');
    expect(bench.damaged.map((event) => event.path)).toEqual(damaged);
    // From now on equal uploads share the sound bytes.
    await bench.upload('c', 'right');
    expect(await bench.inodeOf('c')).toBe(await bench.inodeOf('b'));
    expect(await bench.read('c')).toBe('right');
  });

  it('are linked to the sound copy when the first one is gone', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'right');
    await rm(bench.pathOf('a'));
    await bench.upload('b', 'right');
    await bench.upload('c', 'right');
    expect(await bench.inodeOf('c')).toBe(await bench.inodeOf('b'));
    expect(await bench.read('c')).toBe('right');
  });
});

describe('the same content uploaded to a damaged path', () => {
  it.each([
    ['changed', (bench: Bench) => overwriteOnDisk(bench.pathOf('d/a'), 'evil!')],
    ['gone', (bench: Bench) => rm(bench.pathOf('d/a'))],
    ['gone with its folder', (bench: Bench) => rm(bench.pathOf('d'), { recursive: true })],
  ])('heals it when its bytes are %s', async (_how, damage) => {
    const bench = await Bench.open();
    const before = (await bench.upload('d/a', 'right')).file;
    await damage(bench);
    expect((await errorOf(() => bench.read('d/a'))).code).toBe('BYTES_DAMAGED');
    const { file, existed } = await bench.upload('d/a', 'right');
    expect([existed, file.version]).toEqual([true, before.version]);
    expect(await bench.read('d/a')).toBe('right');
    await bench.expectConsistent();
    expect((await bench.trash()).every((one) => one.reason === 'damaged')).toBe(true);
  });

  it('heals it by a link to a sound copy', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'right');
    await rm(bench.pathOf('a'));
    await bench.upload('b', 'right');
    await bench.upload('a', 'right');
    expect(await bench.inodeOf('a')).toBe(await bench.inodeOf('b'));
    expect(await bench.read('a')).toBe('right');
    await bench.expectConsistent();
  });
});

describe('a path with conflicting versions', () => {
  it('shows both, and an upload to the path replaces both', async () => {
    const bench = await Bench.open();
    const conflict = await makeConflict(bench, 'd/a.txt', 'earlier', 'later');
    expect(await bench.read('d/a.txt')).toBe('later');
    expect(await bench.read(conflict)).toBe('earlier');
    await bench.upload('d/a.txt', 'newest');
    expect(await bench.liveFiles()).toEqual(['d/a.txt']);
    expect(await bench.read('d/a.txt')).toBe('newest');
    await bench.expectConsistent();
  });

  it('lets the conflict be replaced under its name: the upload is answered with a file that can be read', async () => {
    const bench = await Bench.open();
    const conflict = await makeConflict(bench, 'd/a.txt', 'earlier', 'later');
    const { file } = await bench.upload(conflict, 'solved');
    expect(await bench.read(file.path)).toBe('solved');
    const shown = await Promise.all((await bench.liveFiles()).map((path) => bench.read(path)));
    expect(shown.sort(), 'the other version is untouched').toEqual(['later', 'solved']);
    await bench.expectConsistent();
  });

  it('is locked as a whole while an upload to the conflict name is under way', async () => {
    const bench = await Bench.open();
    const conflict = await makeConflict(bench, 'd/a.txt', 'earlier', 'later');
    // One lock per path covers everything that changes its record (replication.md, 9).
    const release = await bench.context.pathLocks.acquire('d/a.txt');
    let done = false;
    const upload = bench.upload(conflict, 'solved').then(
      () => {
        done = true;
      },
      () => {
        done = true;
      },
    );
    const commits = bench.context.catalog.record('d/a.txt');
    for (let turn = 0; turn < 50 && !done; turn += 1) await bench.stage('time passes').then(({ file }) => rm(file));
    expect(bench.context.catalog.record('d/a.txt'), 'nobody else writes the record meanwhile').toEqual(commits);
    release();
    await upload;
  });

  it('keeps the bytes of the hidden version when a delete takes the shown one', async () => {
    const bench = await Bench.open();
    await makeConflict(bench, 'd/a.txt', 'earlier', 'later');
    await bench.remover.removePath('d/a.txt', 'test');
    expect(await bench.read('d/a.txt')).toBe('earlier');
    await bench.expectConsistent();
  });
});
