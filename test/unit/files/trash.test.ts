import { chmod, stat, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { digestsOf } from '../domain/versions.ts';
import { Bench, trashOf } from './fixture.ts';

const dayMs = 24 * 60 * 60 * 1000;

describe('TrashKeeper', () => {
  it('frees bytes when their term is over, not before', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'one');
    await bench.remover.removePath('a', 'me');
    const keeper = trashOf(bench, 7);
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
    expect(await trashOf(bench, 2).purge()).toBe(2);
    expect((await bench.trash()).map((entry) => entry.path)).toEqual(['c']);
    await bench.expectConsistent();
  });

  it('frees at once what is deleted while the term is zero days', async () => {
    const bench = await Bench.open();
    const keeper = trashOf(bench, 0);
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
    expect(await trashOf(bench, 0).purge()).toBe(1);
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
    await trashOf(bench, 0).purge();
    await bench.upload('c', 'same');
    expect(await bench.inodeOf('c')).toBe(await bench.inodeOf('b'));
    expect((await stat(bench.pathOf('b'))).nlink).toBe(2);
    await bench.expectConsistent();
  });

  it('does not link new uploads to bytes that it has freed', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'same');
    await bench.remover.removePath('a', 'me');
    await trashOf(bench, 0).purge();
    expect(bench.context.catalog.linkSource(digestsOf('same').sha256)).toBeUndefined();
    await bench.upload('b', 'same');
    expect(await bench.read('b')).toBe('same');
    await bench.storer.drain();
    expect(bench.damaged).toEqual([]);
    await bench.expectConsistent();
  });

  it('stands uploads of the same content while it frees', async () => {
    const bench = await Bench.open();
    const keeper = trashOf(bench, 0);
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

describe('restoring', () => {
  const back = { occupied: 'refuse', by: 'me' } as const;

  async function deleted(bench: Bench, path: string, content: string): Promise<string> {
    await bench.upload(path, content);
    await bench.remover.removePath(path, 'somebody');
    const entry = (await bench.trash()).at(-1);
    expect(entry).toMatchObject({ path, by: 'somebody', reason: 'deleted' });
    return entry?.id ?? '';
  }

  it('brings a deleted file back where it was, with its name, time and bytes, and not a copy', async () => {
    const bench = await Bench.open();
    await bench.upload('folder/a.txt', 'one', { name: 'A (1).txt', mtimeMs: 1234 });
    const inode = await bench.inodeOf('folder/a.txt');
    await bench.remover.removePath('folder/a.txt', 'somebody');
    const [entry] = await bench.trash();
    await trashOf(bench, 30).restore(entry?.id ?? '', back);
    expect(await bench.read('folder/a.txt')).toBe('one');
    expect(await bench.inodeOf('folder/a.txt')).toBe(inode);
    expect(bench.file('folder/a.txt').version).toMatchObject({ name: 'A (1).txt', mtimeMs: 1234 });
    expect(await bench.trash()).toEqual([]);
    await bench.expectConsistent();
  });

  it('refuses a path that is taken, and keeps the entry; elsewhere it goes', async () => {
    const bench = await Bench.open();
    const id = await deleted(bench, 'a', 'one');
    await bench.upload('a', 'two');
    await expect(trashOf(bench, 30).restore(id, back)).rejects.toMatchObject({ code: 'TARGET_EXISTS' });
    expect(await bench.trash()).toHaveLength(1);
    await trashOf(bench, 30).restore(id, { ...back, path: 'b' });
    expect([await bench.read('a'), await bench.read('b')]).toEqual(['two', 'one']);
    await bench.expectConsistent();
  });

  it('brings the replaced content back over its successor, which goes to the trash', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'old');
    await bench.upload('a', 'new');
    const [entry] = await bench.trash();
    await trashOf(bench, 30).restore(entry?.id ?? '', { occupied: 'replace', by: 'me' });
    expect(await bench.read('a')).toBe('old');
    expect(await bench.trash()).toMatchObject([{ path: 'a', reason: 'replaced', by: 'me' }]);
    await bench.expectConsistent();
  });

  it('says so when the entry is gone, or its bytes are not what was deleted', async () => {
    const bench = await Bench.open();
    await expect(trashOf(bench, 30).restore('nothing', back)).rejects.toMatchObject({ code: 'TRASH_NOT_FOUND' });
    const id = await deleted(bench, 'a', 'one');
    await chmod(bench.pathOf(`_trash/${id}`), 0o644);
    await writeFile(bench.pathOf(`_trash/${id}`), 'eno');
    await expect(trashOf(bench, 30).restore(id, back)).rejects.toMatchObject({ code: 'BYTES_DAMAGED' });
    expect(await bench.read('a')).toBeUndefined();
  });

  it('either restores or frees when both are asked for at once', async () => {
    const bench = await Bench.open();
    const keeper = trashOf(bench, 0);
    for (let round = 0; round < 10; round += 1) {
      const id = await deleted(bench, 'a', `content ${round}`);
      const [restored] = await Promise.allSettled([keeper.restore(id, back), keeper.empty()]);
      expect(await bench.read('a')).toBe(restored.status === 'fulfilled' ? `content ${round}` : undefined);
      if (restored.status === 'fulfilled') await bench.remover.removePath('a', 'me');
      await keeper.empty();
      expect(await bench.filesOnDisk()).toEqual([]);
    }
    await bench.expectConsistent();
  });

  it('frees one entry on request and leaves the others', async () => {
    const bench = await Bench.open();
    const first = await deleted(bench, 'a', 'one');
    await deleted(bench, 'b', 'two');
    await trashOf(bench, 30).discard(first);
    expect(await bench.trash()).toMatchObject([{ path: 'b' }]);
    await expect(trashOf(bench, 30).discard(first)).rejects.toMatchObject({ code: 'TRASH_NOT_FOUND' });
  });
});

describe('the trash, when the disk is short of space', () => {
  const fill = async () => {
    const bench = await Bench.open();
    for (const [path, content] of [
      ['first', 'x'.repeat(1000)],
      ['second', 'y'.repeat(1000)],
      ['third', 'z'.repeat(1000)],
    ] as const) {
      await bench.upload(path, content);
      await bench.remover.removePath(path, 'me');
      bench.clock.ms += 1000;
    }
    return bench;
  };
  const left = async (bench: Bench) => (await bench.context.catalog.listTrash(10)).map(({ path }) => path);

  it('frees the oldest first, and no more than is missing', async () => {
    const bench = await fill();
    expect(await trashOf(bench, 30).reclaim(1500)).toBe(2000);
    expect(await left(bench)).toEqual(['third']);
    await bench.expectConsistent();
  });

  it('does not count what a live file still holds', async () => {
    const bench = await fill();
    await bench.upload('alive', 'x'.repeat(1000));
    expect(await trashOf(bench, 30).reclaim(1000)).toBe(1000);
    expect(await left(bench)).toEqual(['third']);
    expect(await bench.read('alive')).toBe('x'.repeat(1000));
  });

  it('frees nothing when all of it would not be enough', async () => {
    const bench = await fill();
    expect(await trashOf(bench, 30).reclaim(3001)).toBe(0);
    expect((await left(bench)).length).toBe(3);
  });
});
