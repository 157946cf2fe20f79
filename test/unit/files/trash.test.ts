import { stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { TrashKeeper } from '../../../node-core/files/trash.ts';
import { digestsOf } from '../domain/versions.ts';
import { Bench } from './fixture.ts';

const dayMs = 24 * 60 * 60 * 1000;

function keeperOf(bench: Bench, days: number): TrashKeeper {
  return new TrashKeeper(
    bench.context,
    () => days,
    (error) => {
      throw error;
    },
  );
}

describe('TrashKeeper', () => {
  it('frees bytes when their term is over, not before', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'one');
    await bench.remover.removePath('a', 'me');
    const keeper = keeperOf(bench, 7);
    bench.clock.ms += 7 * dayMs - 1;
    expect(await keeper.purge()).toBe(0);
    expect(await bench.filesOnDisk()).toHaveLength(1);
    bench.clock.ms += 1;
    expect(await keeper.purge()).toBe(1);
    expect(await bench.filesOnDisk()).toEqual([]);
    expect(await bench.trash()).toEqual([]);
    expect(await bench.context.catalog.placesOf(digestsOf('one').sha256)).toEqual([]);
    await bench.expectConsistent();
  });

  it('frees the older entries and keeps the younger', async () => {
    const bench = await Bench.open();
    for (const name of ['a', 'b', 'c']) {
      await bench.upload(name, name);
      await bench.remover.removePath(name, 'me');
      bench.clock.ms += dayMs;
    }
    expect(await keeperOf(bench, 2).purge()).toBe(2);
    expect((await bench.trash()).map((entry) => entry.path)).toEqual(['c']);
    await bench.expectConsistent();
  });

  it('frees at once what is deleted while the term is zero days', async () => {
    const bench = await Bench.open();
    const keeper = keeperOf(bench, 0);
    await keeper.start();
    await bench.upload('a', 'one');
    await bench.remover.removePath('a', 'me');
    await expect.poll(() => bench.filesOnDisk()).toEqual([]);
    await keeper.stop();
    await bench.expectConsistent();
  });

  it('leaves alone what another path shares, and equal uploads still share it', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'same');
    await bench.upload('b', 'same');
    await bench.remover.removePath('b', 'me');
    expect(await keeperOf(bench, 0).purge()).toBe(1);
    expect(await bench.read('a')).toBe('same');
    await bench.upload('c', 'same');
    expect(await bench.inodeOf('c')).toBe(await bench.inodeOf('a'));
    await bench.storer.drain();
    expect(bench.damaged).toEqual([]);
    await bench.expectConsistent();
  });

  it('keeps equal uploads sharing when the file that they were first linked to is deleted and purged', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'same');
    await bench.upload('b', 'same');
    await bench.remover.removePath('a', 'me');
    await keeperOf(bench, 0).purge();
    await bench.upload('c', 'same');
    expect(await bench.inodeOf('c')).toBe(await bench.inodeOf('b'));
    expect((await stat(bench.pathOf('b'))).nlink).toBe(2);
    await bench.expectConsistent();
  });

  it('does not link new uploads to bytes that it has freed', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'same');
    await bench.remover.removePath('a', 'me');
    await keeperOf(bench, 0).purge();
    expect(bench.context.catalog.linkSource(digestsOf('same').sha256)).toBeUndefined();
    await bench.upload('b', 'same');
    expect(await bench.read('b')).toBe('same');
    await bench.storer.drain();
    expect(bench.damaged).toEqual([]);
    await bench.expectConsistent();
  });

  it('stands uploads of the same content while it frees', async () => {
    const bench = await Bench.open();
    const keeper = keeperOf(bench, 0);
    for (let round = 0; round < 10; round += 1) {
      await bench.upload('a', 'same');
      await bench.remover.removePath('a', 'me');
      await Promise.all([keeper.purge(), bench.upload('b', 'same'), bench.upload('c', 'same'), keeper.purge()]);
      for (const path of ['b', 'c']) {
        expect(await bench.read(path)).toBe('same');
        await bench.remover.removePath(path, 'me');
      }
    }
    await keeper.purge();
    await bench.storer.drain();
    expect(bench.damaged).toEqual([]);
    expect(await bench.filesOnDisk()).toEqual([]);
  });
});
