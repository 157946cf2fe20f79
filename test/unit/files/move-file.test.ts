import { describe, expect, it } from 'vitest';
import { FileMover } from '../../../node-core/files/move-file.ts';
import { errorOf } from '../temp-folder.ts';
import { Bench } from './fixture.ts';
import { expectOutcome, forEveryStep, type Operation, runUntil, told } from './interrupt.ts';

const by = 'test';
const move = (bench: Bench, from: string, to: string, replace = false) =>
  new FileMover(bench.context).move(from, to, { by, replace });

/** What is interrupted. */
const moves: readonly Operation[] = [
  {
    title: 'a move to a new folder',
    prepare: (bench) => bench.upload('d/e/a.txt', 'moved'),
    run: (bench) => move(bench, 'd/e/a.txt', 'f/g/b.txt'),
    outcomes: { 'd/e/a.txt': ['moved', undefined], 'f/g/b.txt': [undefined, 'moved'] },
  },
  {
    title: 'a move that replaces',
    prepare: async (bench) => {
      await bench.upload('a.txt', 'moved');
      await bench.upload('b.txt', 'replaced');
    },
    run: (bench) => move(bench, 'a.txt', 'b.txt', true),
    outcomes: { 'a.txt': ['moved', undefined], 'b.txt': ['replaced', 'moved'] },
  },
  {
    title: 'a move onto equal content (one inode)',
    prepare: async (bench) => {
      await bench.upload('a.txt', 'twins');
      await bench.upload('d/b.txt', 'twins');
    },
    run: (bench) => move(bench, 'a.txt', 'd/b.txt', true),
    outcomes: { 'a.txt': ['twins', undefined], 'd/b.txt': ['twins', 'twins'] },
  },
  {
    title: 'a move to another letter case',
    prepare: (bench) => bench.upload('d/a.txt', 'moved'),
    run: (bench) => move(bench, 'd/a.txt', 'd/A.txt'),
    outcomes: { 'd/a.txt': ['moved', undefined], 'd/A.txt': [undefined, 'moved'] },
  },
];

describe('FileMover', () => {
  it('renames and never copies', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'content');
    const inode = await bench.inodeOf('a');
    const seen: unknown[] = [];
    bench.context.events.on('file-moved', (event) => seen.push(event));
    await move(bench, 'a', 'd/b');
    expect(await bench.inodeOf('d/b')).toBe(inode);
    expect(seen).toEqual([{ from: 'a', to: 'd/b' }]);
    await bench.expectConsistent();
  });

  it('says what is missing and what is in the way, and changes nothing then', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'content of a');
    await bench.upload('b', 'content of b');
    expect((await errorOf(() => move(bench, 'none', 'c'))).code).toBe('FILE_NOT_FOUND');
    expect((await errorOf(() => move(bench, 'a', 'b'))).code).toBe('TARGET_EXISTS');
    expect([await bench.read('a'), await bench.read('b')]).toEqual(['content of a', 'content of b']);
    await bench.expectConsistent();
  });

  it('crossing moves end with both contents, each once', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'one');
    await bench.upload('b', 'two');
    const swap = [
      move(bench, 'a', 'c'),
      move(bench, 'b', 'a').catch(() => undefined),
      move(bench, 'c', 'b').catch(() => undefined),
    ];
    await Promise.all(swap);
    const contents = await Promise.all((await bench.liveFiles()).map((file) => bench.read(file)));
    expect(contents.sort()).toEqual(['one', 'two']);
    await bench.expectConsistent();
  });
});

describe.each(moves)('a crash during $title', (operation) => {
  it('leaves everything or nothing, whole, and nothing behind', async () => {
    await forEveryStep(async (n) => {
      const { bench, fuse, acknowledged } = await runUntil(operation, n, 'crash');
      await told(fuse, n, async () => {
        const after = await bench.reopen();
        expect(after.recovery?.lost).toEqual([]);
        await expectOutcome(after, operation, acknowledged);
        await after.expectConsistent();
      });
      return fuse;
    });
  }, 60_000);
});

describe.each(moves)('a disk error during $title', (operation) => {
  it('leaves everything or nothing, at once and after the next start', async () => {
    await forEveryStep(async (n) => {
      const { bench, fuse, acknowledged } = await runUntil(operation, n, 'error');
      await told(fuse, n, async () => {
        await expectOutcome(bench, operation, acknowledged);
        const after = await bench.reopen();
        expect(after.recovery?.lost).toEqual([]);
        await expectOutcome(after, operation, acknowledged);
        await after.expectConsistent();
      });
      return fuse;
    });
  }, 60_000);
});
