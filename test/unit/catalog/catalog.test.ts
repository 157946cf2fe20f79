import { Level } from 'level';
import { afterEach, describe, expect, it } from 'vitest';
import { Catalog } from '../../../node-core/catalog/catalog.ts';
import { keys } from '../../../node-core/catalog/keys.ts';
import type { CatalogTransaction, NewVersion } from '../../../node-core/catalog/transaction.ts';
import { conflictPath } from '../../../node-core/domain/file-record.ts';
import { wallMsOf } from '../../../node-core/domain/hybrid-clock.ts';
import { covers } from '../../../node-core/domain/version.ts';
import { digestsOf, nodeId } from '../domain/versions.ts';
import { errorOf, makeFolder } from '../temp-folder.ts';

const open: Catalog[] = [];

afterEach(async () => {
  for (const catalog of open.splice(0)) await catalog.stop();
});

async function start(folder: string, wallMs: () => number = () => 1_700_000_000_000): Promise<Catalog> {
  const clock = { now: wallMs, monotonic: wallMs };
  const catalog = new Catalog({ folder, nodeId: nodeId('a'), clock, durable: true, onWriteError: () => {} });
  open.push(catalog);
  await catalog.start();
  return catalog;
}

function next(text: string, changes: Partial<NewVersion> = {}): NewVersion {
  return {
    kind: 'file',
    digests: digestsOf(text),
    name: 'n',
    scene: 's',
    mtimeMs: 1,
    storedMs: 1_700_000_000_000,
    ...changes,
  };
}

const write = (path: string, text: string) => (transaction: CatalogTransaction) => transaction.write(path, next(text));
const identity = { size: 1, ino: '2', mtimeNs: '3', ctimeNs: '4' };

/** Puts text under a key behind the catalogue's back. */
async function meddle(folder: string, key: string, text: string): Promise<void> {
  const db = new Level<string, string>(folder, { keyEncoding: 'utf8', valueEncoding: 'utf8' });
  await db.put(key, text);
  await db.close();
}

describe('Catalog, opened and closed', () => {
  it('refuses a folder that another node uses', async () => {
    const folder = await makeFolder();
    await start(folder);
    const error = await errorOf(() => start(folder));
    expect([error.code, error.details]).toEqual(['DATA_LOCKED', { folder }]);
  });

  it('refuses a catalogue of a newer version, and lets go of its folder', async () => {
    const folder = await makeFolder();
    await meddle(folder, keys.meta('format'), '99');
    expect((await errorOf(() => start(folder))).code).toBe('CATALOG_TOO_NEW');
    await open.pop()?.stop();
    await meddle(folder, keys.meta('format'), '1');
    await start(folder);
  });

  it('keeps everything over a restart', async () => {
    const folder = await makeFolder();
    const first = await start(folder);
    await first.setStoreId('the store');
    const version = await first.commit((transaction) => {
      const written = transaction.write('d/a', next('one'));
      transaction.setLocal('d/a', written, { place: 'd/a', identity, verifiedMs: 5 });
      transaction.setLinkSource(written.sha256, { place: 'd/a', identity });
      transaction.putIntent({ id: 'i', path: 'd/a', retire: [] });
      return written;
    });
    const told = async (catalog: Catalog) => ({
      record: catalog.record('d/a'),
      file: catalog.find('d/a'),
      rows: await catalog.listFolder('d', { limit: 9 }),
      days: await catalog.dayStatistics(),
      totals: catalog.totals(),
      digest: (await catalog.findByDigest('sha256', version.sha256)).map((file) => file.path),
      places: await catalog.placesOf(version.sha256),
      source: catalog.linkSource(version.sha256),
      intents: await catalog.intents(),
      store: catalog.storeId(),
    });
    const before = await told(first);
    expect(before.file?.local?.place).toBe('d/a');
    await first.stop();
    expect(await told(await start(folder))).toEqual(before);
  });

  it('begins a new epoch with the first commit after each start, from number 1', async () => {
    const folder = await makeFolder();
    const dots = [];
    for (let round = 0; round < 3; round += 1) {
      const catalog = await start(folder);
      dots.push((await catalog.commit(write('a', `${round}`))).dot, (await catalog.commit(write('b', `${round}`))).dot);
      await catalog.stop();
    }
    expect(dots.map((one) => one.number)).toEqual([1, 2, 1, 2, 1, 2]);
    expect(new Set(dots.map((one) => one.epoch)).size).toBe(3);
    expect(new Set(dots.map((one) => one.node))).toEqual(new Set([nodeId('a')]));
  });

  it('never goes back in time over a restart, with the wall clock set back', async () => {
    const folder = await makeFolder();
    const first = await start(folder, () => 2_000_000_000_000);
    const before = await first.commit(write('a', 'one'));
    await first.stop();
    const second = await start(folder, () => 1_000_000_000_000);
    const after = await second.commit(write('a', 'two'));
    expect(after.clock > before.clock).toBe(true);
    expect(wallMsOf(after.clock)).toBe(2_000_000_000_000);
  });

  it('says that it is not ready before it was started and after it was stopped', async () => {
    const folder = await makeFolder();
    const clock = { now: () => 1, monotonic: () => 1 };
    const catalog = new Catalog({ folder, nodeId: nodeId('a'), clock, durable: true, onWriteError: () => {} });
    expect((await errorOf(() => catalog.find('a'))).code).toBe('NOT_READY');
    expect((await errorOf(() => catalog.commit(write('a', 'x')))).code).toBe('NOT_READY');
    await catalog.start();
    await catalog.stop();
    expect((await errorOf(() => catalog.find('a'))).code).toBe('NOT_READY');
    await expect(catalog.commit(write('a', 'x'))).rejects.toThrow();
  });

  /** Makes LevelDB fail its next batch, before or after the batch has reached the disk. */
  async function failingBatch<T>(when: 'before' | 'after', work: () => Promise<T>): Promise<T> {
    const prototype = Level.prototype as unknown as { batch?: unknown };
    const original = prototype.batch as (...args: unknown[]) => { write: (...args: unknown[]) => Promise<void> };
    prototype.batch = function batch(this: unknown, ...args: unknown[]) {
      const made = original.apply(this, args);
      const write = made.write.bind(made);
      made.write = async (...options) => {
        if (when === 'after') await write(...options);
        throw new Error('the disk failed');
      };
      return made;
    };
    try {
      return await work();
    } finally {
      delete prototype.batch;
    }
  }

  it.each(['before', 'after'] as const)(
    'uses no number of a failed batch again, which failed %s it reached the disk',
    async (when) => {
      const folder = await makeFolder();
      const errors: unknown[] = [];
      const clock = { now: () => 1_700_000_000_000, monotonic: () => 0 };
      const onWriteError = (error: unknown) => errors.push(error);
      const catalog = new Catalog({ folder, nodeId: nodeId('a'), clock, durable: true, onWriteError });
      open.push(catalog);
      await catalog.start();
      const first = await catalog.commit(write('a', 'one'));
      expect(catalog.find('a')?.version.dot).toEqual(first.dot);
      await failingBatch(when, () => expect(catalog.commit(write('a', 'two'))).rejects.toThrow('the disk failed'));
      expect(errors).toHaveLength(1);
      expect(catalog.writeError).toBe(errors[0]);
      expect(catalog.find('a')?.version.dot, 'what is shown is what is recorded').toEqual(
        catalog.record('a')?.versions[0]?.dot,
      );
      const last = await catalog.commit(write('b', 'three'));
      expect(last.dot.epoch).not.toBe(first.dot.epoch);
      expect(last.dot.number).toBe(1);
    },
  );
});

describe('Catalog, damaged on disk', () => {
  const damages: readonly (readonly [string, string, (catalog: Catalog) => unknown])[] = [
    ['a record', keys.record('a'), (catalog) => catalog.find('a')],
    ['where bytes stand', '', (catalog) => catalog.find('a')],
    ['a conflict name', keys.alias('x'), (catalog) => catalog.find('x')],
    ['a folder row', keys.entry('', 'file', 'a'), (catalog) => catalog.listFolder('', { limit: 5 })],
    ['statistics', keys.day('all'), (catalog) => catalog.totals()],
    ['an intent', keys.intent('i'), (catalog) => catalog.intents()],
    ['a link source', keys.linkSource('s'), (catalog) => catalog.linkSource('s')],
    ['the store id', keys.meta('store'), (catalog) => catalog.storeId()],
    ['a record, at a commit', keys.record('a'), (catalog) => catalog.commit(write('a', 'two'))],
    ['a row, at a commit', keys.entry('', 'file', 'a'), (catalog) => catalog.commit(write('a', 'two'))],
  ];

  it.each(damages)('calls %s that cannot be read an error, never "not found"', async (_what, key, ask) => {
    const folder = await makeFolder();
    const first = await start(folder);
    const version = await first.commit((transaction) => {
      const written = transaction.write('a', next('one'));
      transaction.setLocal('a', written, { place: 'a', identity, verifiedMs: 5 });
      return written;
    });
    await first.stop();
    const { node, epoch, number } = version.dot;
    await meddle(folder, key === '' ? keys.local('a', `${node}.${epoch}.${number}`) : key, '{"damaged":');
    const catalog = await start(folder);
    expect((await errorOf(() => ask(catalog))).code).toBe('CATALOG_CORRUPT');
  });
});

describe('Catalog, reads after commits', () => {
  it('never shows a cached file that has changed: its version, its bytes, its conflict name', async () => {
    const catalog = await start(await makeFolder());
    const one = await catalog.commit(write('a', 'one'));
    expect(catalog.find('a')?.local).toBeUndefined();
    await catalog.commit((transaction) => transaction.setLocal('a', one, { place: '_tmp/1', identity, verifiedMs: 5 }));
    expect(catalog.find('a')?.local?.place).toBe('_tmp/1');
    const two = await catalog.commit((transaction) => transaction.write('a', next('two'), []));
    const conflict = conflictPath('a', one);
    expect(catalog.find('a')?.version.dot).toEqual(two.dot);
    expect(catalog.find(conflict)?.local?.place).toBe('_tmp/1');
    await catalog.commit((transaction) => transaction.setLocal('a', one, { place: 'x', identity, verifiedMs: 5 }));
    expect(catalog.find(conflict)?.local?.place).toBe('x');
    await catalog.commit((transaction) => transaction.remove('a', 'me', [two.dot]));
    expect(catalog.find(conflict)).toBeUndefined();
    expect(catalog.find('a')?.local?.place).toBe('x');
    await catalog.commit((transaction) => transaction.remove('a', 'me'));
    expect(catalog.find('a')).toBeUndefined();
    expect(catalog.record('a')?.removal?.by).toBe('me');
  });

  it('covers its own dots in the context of a record, deletes too', async () => {
    const catalog = await start(await makeFolder());
    const one = await catalog.commit(write('a', 'one'));
    await catalog.commit((transaction) => transaction.remove('a', 'me'));
    const context = catalog.record('a')?.context ?? {};
    expect(covers(context, one.dot)).toBe(true);
    expect(covers(context, { ...one.dot, number: 2 })).toBe(true);
    expect(covers(context, { ...one.dot, number: 3 })).toBe(false);
  });

  it('keeps bytes that left their record as trash that counts as a place, until it is freed', async () => {
    const catalog = await start(await makeFolder());
    const { sha256 } = digestsOf('one');
    const retired = await catalog.commit((transaction) => {
      const version = transaction.write('a', next('one'));
      transaction.setLocal('a', version, { place: 'a', identity, verifiedMs: 5 });
      transaction.setLinkSource(sha256, { place: 'a', identity });
      const bytes = transaction.retire('a', version, { reason: 'deleted', by: 'me', nowMs: 7 });
      transaction.remove('a', 'me');
      return bytes;
    });
    expect(await catalog.placesOf(sha256)).toEqual(['a']);
    const trashId = retired?.trashId ?? '';
    const moved = { ...identity, ctimeNs: '99' };
    await catalog.commit((transaction) => transaction.moveTrash(trashId, `_trash/${trashId}`, moved));
    expect(await catalog.placesOf(sha256)).toEqual([`_trash/${trashId}`]);
    expect(catalog.linkSource(sha256)).toEqual({ place: `_trash/${trashId}`, identity: moved });
    await catalog.commit((transaction) => transaction.removeTrash(trashId));
    expect(await catalog.placesOf(sha256)).toEqual([]);
    expect(catalog.linkSource(sha256)).toBeUndefined();
  });
});
