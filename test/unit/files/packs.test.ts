import { describe, expect, it } from 'vitest';
import { Bench, trashOf } from './fixture.ts';

const packing = { limitBytes: 1024, segmentBytes: 600 };

describe('PackKeeper', () => {
  it('rewrites segments that are more than half dead, and keeps what is used', async () => {
    const bench = await Bench.open({ packing });
    const names = Array.from({ length: 30 }, (_, number) => `file-${number}`);
    for (const name of names) await bench.upload(name, `the content of ${name}`);
    const before = await bench.context.packs.store.segments();
    for (const [number, name] of names.entries()) if (number % 3 !== 0) await bench.remover.removePath(name, 'test');
    // What is in the trash is used.
    expect((await bench.packKeeper.compact()).segments).toBe(0);
    await trashOf(bench, 30).empty();
    const report = await bench.packKeeper.compact();
    expect(report.segments).toBeGreaterThan(3);
    expect(report.moved).toBeGreaterThan(3);
    const after = await bench.context.packs.store.segments();
    expect(after.filter((segment) => before.includes(segment)).length).toBeLessThan(before.length - 3);
    await bench.expectConsistent();
    const again = await bench.reopen();
    for (const [number, name] of names.entries()) {
      expect(await again.read(name)).toBe(number % 3 === 0 ? `the content of ${name}` : undefined);
    }
  });

  it('reads on while frames move', async () => {
    const bench = await Bench.open({ packing });
    for (let number = 0; number < 40; number += 1) await bench.upload(`${number}`, `content ${number}`);
    for (let number = 0; number < 40; number += 1)
      if (number % 4 !== 0) await bench.remover.removePath(`${number}`, 't');
    await trashOf(bench, 30).empty();
    let done = false;
    const compaction = bench.packKeeper.compact().finally(() => {
      done = true;
    });
    let reads = 0;
    do {
      for (let number = 0; number < 40; number += 4) {
        expect(await bench.read(`${number}`)).toBe(`content ${number}`);
        reads += 1;
      }
    } while (!done);
    expect((await compaction).moved).toBeGreaterThan(0);
    expect(reads).toBeGreaterThan(9);
  });

  it('rebuilds a lost index by scanning, with the right number of uses', async () => {
    const bench = await Bench.open({ packing });
    await bench.upload('a', 'shared');
    await bench.upload('b', 'shared');
    await bench.upload('c', 'alone');
    await bench.upload('gone', 'gone');
    await bench.remover.removePath('gone', 'test');
    const { catalog } = bench.context;
    const known: string[] = [];
    for await (const { sha256 } of catalog.packedContents()) known.push(sha256);
    await catalog.commit((transaction) => {
      for (const sha256 of known) transaction.forgetFrame(sha256);
    });
    expect(await bench.read('a')).toBe('shared');
    const again = await bench.reopen();
    await again.expectConsistent();
    expect(await again.read('b')).toBe('shared');
    await again.remover.removePath('a', 'test');
    await trashOf(again, 30).empty();
    expect(await again.read('b')).toBe('shared');
    await again.expectConsistent();
  });
});
