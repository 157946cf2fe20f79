/** Damaged bytes are set aside whole or not at all, whatever breaks in between, and are never removed. */
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { replicationTables } from '../../../node-core/catalog/replication-values.ts';
import { checkContent, type ScrubPace, setAside } from '../../../node-core/files/scrub-content.ts';
import { WantedContent } from '../../../node-core/files/wanted-content.ts';
import { rewrite, rot } from '../../support/damage.ts';
import { Bench, Fuse, StepFailure } from './fixture.ts';
import { forEveryStep, told } from './interrupt.ts';

const atOnce: ScrubPace = { before: async () => undefined, stopping: () => false, at: () => undefined };

/** What the scrub does with one content. */
async function scrub({ context }: Bench, sha256: string) {
  const checked = await checkContent(context, sha256, atOnce);
  return { ...checked, aside: await setAside(context, sha256, checked.suspects) };
}

const asideOf = async ({ root }: Bench) =>
  Promise.all(
    (await readdir(path.join(root, '_damaged'))).map(async (name) => ({
      name,
      text: await readFile(path.join(root, '_damaged', name), 'utf8'),
    })),
  );

/** Two names of one content, a third in the trash, and a file beside them. */
async function benchWithThree() {
  const bench = await Bench.open();
  for (const name of ['a/one.txt', 'b/two.txt', 'c/three.txt']) await bench.upload(name, 'shared content');
  await bench.upload('beside.txt', 'another');
  await bench.remover.removePath('c/three.txt', 'test');
  const { sha256 } = bench.file('a/one.txt').version;
  await rot(bench.pathOf('a/one.txt'));
  return { bench, sha256 };
}

describe('setting damaged bytes aside', () => {
  it('takes all names of the file along, those in the trash too, and wants the content once', async () => {
    const { bench, sha256 } = await benchWithThree();
    const { files, suspects, aside } = await scrub(bench, sha256);
    expect([files, suspects.length, aside]).toEqual([1, 1, { paths: ['a/one.txt', 'b/two.txt'], places: 3 }]);
    expect(bench.context.catalog.row(replicationTables.wants, sha256)).toMatchObject({ damaged: true, attempts: 0 });
    expect(await bench.context.catalog.placesOf(sha256)).toEqual([]);
    expect(await bench.trash()).toEqual([]);
    const kept = await asideOf(bench);
    expect(new Set(kept.map(({ text }) => text))).toEqual(new Set(['rhared content']));
    expect(kept.every(({ name }) => name.includes('-rotten-'))).toBe(true);
    // Nothing of it stands for an upload of the same content, which heals both files.
    await bench.upload('a/one.txt', 'shared content');
    await new WantedContent(bench.context, bench.storer).fillFromHome(sha256);
    for (const name of ['a/one.txt', 'b/two.txt']) expect(await bench.read(name)).toBe('shared content');
    expect(bench.context.catalog.row(replicationTables.wants, sha256)).toBeUndefined();
    await expect(bench.read('beside.txt')).resolves.toBe('another');
    expect(bench.handlerErrors).toEqual([]);
  });

  it('is finished by the next run after a crash between any two steps', async () => {
    await forEveryStep(async (n) => {
      const { bench, sha256 } = await benchWithThree();
      const fuse = new Fuse(n);
      bench.arm(fuse);
      const failure = await scrub(bench, sha256).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure !== undefined && !(failure instanceof StepFailure)) throw failure;
      await told(fuse, n, async () => {
        const after = await bench.reopen();
        await scrub(after, sha256);
        expect(await after.context.catalog.placesOf(sha256)).toEqual([]);
        expect(after.context.catalog.row(replicationTables.wants, sha256)?.damaged).toBe(true);
        expect((await asideOf(after)).map(({ text }) => text)).toContain('rhared content');
        expect(await after.read('beside.txt')).toBe('another');
        await after.upload('a/one.txt', 'shared content');
        await new WantedContent(after.context, after.storer).fillFromHome(sha256);
        for (const name of ['a/one.txt', 'b/two.txt']) expect(await after.read(name)).toBe('shared content');
        await after.close();
      });
      return fuse;
    });
  }, 60_000);

  it('leaves what was mended, replaced or removed meanwhile', async () => {
    const bench = await Bench.open();
    await bench.upload('a.txt', 'as it was');
    const { sha256 } = bench.file('a.txt').version;
    await rot(bench.pathOf('a.txt'));
    const { suspects } = await checkContent(bench.context, sha256, atOnce);
    expect(suspects).toEqual([{ place: 'a.txt', block: 0 }]);
    await rewrite(bench.pathOf('a.txt'), Buffer.from('as it was'));
    expect(await setAside(bench.context, sha256, suspects)).toBeUndefined();
    await bench.upload('a.txt', 'something new');
    expect(await setAside(bench.context, sha256, suspects)).toBeUndefined();
    expect(await bench.read('a.txt')).toBe('something new');
    expect(await asideOf(bench)).toEqual([]);
  });

  it('takes a packed content from another sound frame where there is one', async () => {
    const bench = await Bench.open({ packing: { limitBytes: 1000 } });
    await bench.upload('a.txt', 'packed content');
    const { sha256 } = bench.file('a.txt').version;
    const first = bench.context.catalog.packed(sha256);
    await bench.context.packs.store.append(sha256, Buffer.from('packed content'));
    const segment = path.join(bench.root, '_pack', `${first?.segment}.pack`);
    const at = (await readFile(segment)).indexOf('packed content');
    await rot(segment, at);
    const { suspects, aside } = await scrub(bench, sha256);
    expect([suspects.length, aside]).toEqual([1, undefined]);
    expect(bench.context.catalog.packed(sha256)?.offset).not.toBe(first?.offset);
    expect((await scrub(bench, sha256)).suspects).toEqual([]);
    expect(await bench.read('a.txt')).toBe('packed content');
  });

  it('says no more than that bytes are missing when they are, and makes no folder of them', async () => {
    const bench = await Bench.open();
    await bench.upload('a.txt', 'gone');
    const { sha256 } = bench.file('a.txt').version;
    await rm(bench.pathOf('a.txt'));
    expect((await scrub(bench, sha256)).aside).toEqual({ paths: ['a.txt'], places: 1 });
    expect(await asideOf(bench)).toEqual([]);
    expect(bench.damaged).toEqual([{ path: 'a.txt', place: 'a.txt' }]);
  });
});
