import { rename } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { digestsOf } from '../domain/versions.ts';
import { errorOf } from '../temp-folder.ts';
import { Bench } from './fixture.ts';

describe('FileRemover', () => {
  it('leaves a tombstone, puts the bytes into the trash and removes folders that are empty now', async () => {
    const bench = await Bench.open();
    await bench.upload('d/e/a.txt', 'gone');
    await bench.upload('d/b.txt', 'stays');
    const removed: string[] = [];
    bench.context.events.on('file-removed', (event) => removed.push(`${event.path} by ${event.by}`));
    const file = await bench.remover.removePath('d/e/a.txt', 'me');
    expect(file.version.sha256).toBe(digestsOf('gone').sha256);
    expect(removed).toEqual(['d/e/a.txt by me']);
    expect(bench.context.catalog.find('d/e/a.txt')).toBeUndefined();
    expect(bench.context.catalog.record('d/e/a.txt')).toMatchObject({ versions: [], removal: { by: 'me' } });
    expect(bench.context.catalog.hasFolder('d/e')).toBe(false);
    expect((await bench.filesOnDisk()).filter((one) => !one.startsWith('_trash/'))).toEqual(['d/b.txt']);
    await bench.expectConsistent();
  });

  it('says so when nothing shows at the path, and the second time too', async () => {
    const bench = await Bench.open();
    expect((await errorOf(() => bench.remover.removePath('a', 'me'))).code).toBe('FILE_NOT_FOUND');
    await bench.upload('a', 'x');
    await bench.remover.removePath('a', 'me');
    expect((await errorOf(() => bench.remover.removePath('a', 'me'))).code).toBe('FILE_NOT_FOUND');
  });

  it('deletes every path of a content in one commit', async () => {
    const bench = await Bench.open();
    for (const path of ['a', 'b/c', 'd']) await bench.upload(path, 'same');
    await bench.upload('e', 'other');
    const removed = await bench.remover.removeContent('md5', digestsOf('same').md5 ?? '', 'me');
    expect(removed.map((file) => file.path).sort()).toEqual(['a', 'b/c', 'd']);
    expect(await bench.liveFiles()).toEqual(['e']);
    await bench.expectConsistent();
    const error = await errorOf(() => bench.remover.removeContent('md5', digestsOf('same').md5 ?? '', 'me'));
    expect(error.code).toBe('FILE_NOT_FOUND');
  });

  it('refuses a digest that belongs to different contents, and deletes none of them', async () => {
    const bench = await Bench.open();
    const { md5 = '' } = digestsOf('one');
    await bench.context.catalog.commit((transaction) => {
      for (const text of ['one', 'two']) {
        const digests = { ...digestsOf(text), md5 };
        transaction.write(text, { kind: 'file', digests, name: text, scene: 's', mtimeMs: 1, storedMs: 1 });
      }
    });
    const error = await errorOf(() => bench.remover.removeContent('md5', md5, 'me'));
    expect([error.code, error.status]).toEqual(['DIGEST_AMBIGUOUS', 409]);
    expect(await bench.liveFiles()).toEqual(['one', 'two']);
  });

  it('lets the path be used again at once', async () => {
    const bench = await Bench.open();
    for (const content of ['one', 'two', 'three']) {
      await bench.upload('d/a', content);
      expect(await bench.read('d/a')).toBe(content);
      await bench.remover.removePath('d/a', 'me');
    }
    await bench.upload('d/a', 'one');
    expect(bench.file('d/a').local.place).toBe('d/a');
    await bench.expectConsistent();
  });

  it('keeps deletes and uploads of one path apart: in the end it is one or the other, whole', async () => {
    const bench = await Bench.open();
    await bench.upload('d/a', 'first');
    const work = Array.from({ length: 30 }, (_, i) =>
      i % 2 === 0
        ? bench.upload('d/a', `content ${i}`)
        : bench.remover.removePath('d/a', 'me').catch((error: unknown) => {
            if ((error as { code?: string }).code !== 'FILE_NOT_FOUND') throw error;
          }),
    );
    await Promise.all(work);
    expect(bench.damaged).toEqual([]);
    await bench.expectConsistent();
  });

  it('refuses while the store is not there: a missing disk deletes nothing', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'x');
    await rename(bench.root, `${bench.root}-away`);
    bench.clock.ms += 2000;
    expect((await errorOf(() => bench.remover.removePath('a', 'me'))).code).toBe('STORE_MISSING');
    await rename(`${bench.root}-away`, bench.root);
    expect(await bench.read('a')).toBe('x');
  });
});
