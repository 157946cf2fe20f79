import { mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { formatDot } from '../../../node-core/domain/version.ts';
import { digestsOf } from '../domain/versions.ts';
import { Bench } from './fixture.ts';

describe('recoverFiles', () => {
  it('sweeps staged and trashed files that nothing refers to, and nothing else', async () => {
    const first = await Bench.open();
    await first.upload('a', 'mine');
    await first.upload('b', 'gone');
    await first.remover.removePath('b', 'me');
    await writeFile(first.pathOf('_tmp/left'), 'half');
    await writeFile(first.pathOf('_tmp/left.link'), 'half');
    await mkdir(first.pathOf('_tmp/folder'));
    await writeFile(first.pathOf('_trash/nobody'), 'x');
    await mkdir(first.pathOf('foreign'));
    await writeFile(first.pathOf('foreign/file'), 'x');
    const bench = await first.reopen();
    expect(bench.recovery).toEqual({ redone: 0, lost: [], swept: 3 });
    expect((await bench.filesOnDisk()).map((file) => file.replace(/^_trash\/.*/, '_trash/*'))).toEqual([
      '_trash/*',
      'a',
      'foreign/file',
    ]);
  });

  it('tells which acknowledged bytes are nowhere, and finishes the intent all the same', async () => {
    const first = await Bench.open();
    await first.context.catalog.commit((transaction) => {
      const identity = { size: 4, ino: '1', mtimeNs: '1', ctimeNs: '1' };
      const digests = digestsOf('lost');
      const next = { kind: 'file', digests, name: 'a', scene: 's', mtimeMs: 1, storedMs: 1 } as const;
      const version = transaction.write('a', next);
      transaction.setLocal('a', version, { place: '_tmp/id', identity, verifiedMs: 1 });
      const placing = { dot: formatDot(version.dot), sha256: digests.sha256, identity, from: '_tmp/id' };
      transaction.putIntent({ id: 'id', path: 'a', placing, retire: [] });
    });
    const bench = await first.reopen();
    expect(bench.recovery).toEqual({ redone: 1, lost: ['a'], swept: 0 });
    expect(await bench.context.catalog.intents()).toEqual([]);
    // The record stays: another member may have the bytes.
    expect(bench.context.catalog.find('a')).toBeDefined();
  });
});
