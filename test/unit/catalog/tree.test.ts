import { cp } from 'node:fs/promises';
import { Level } from 'level';
import { describe, expect, it } from 'vitest';
import { Catalog } from '../../../node-core/catalog/catalog.ts';
import { type Database, readText } from '../../../node-core/catalog/committer.ts';
import { keys } from '../../../node-core/catalog/keys.ts';
import { upgradeCatalog } from '../../../node-core/catalog/migrations.ts';
import { bucketOf, leafOf } from '../../../node-core/catalog/tree.ts';
import { digestsOf, nodeId } from '../domain/versions.ts';
import { makeFolder } from '../temp-folder.ts';

const version = (text: string) => ({
  kind: 'file' as const,
  digests: digestsOf(text),
  name: 'n',
  scene: 's',
  mtimeMs: 1,
  storedMs: 1,
});

async function open(folder: string): Promise<Catalog> {
  const clock = { now: () => 1_700_000_000_000, monotonic: () => 0 };
  const catalog = new Catalog({ folder, nodeId: nodeId('a'), clock, durable: false, onWriteError: () => {} });
  await catalog.start();
  return catalog;
}

/** What the tree must be, worked out from the records. */
async function expectTree(catalog: Catalog, paths: readonly string[]): Promise<void> {
  const sums = new Map<string, bigint>();
  for (const path of paths) {
    const record = catalog.record(path);
    if (!record || record.versions.length === 0) continue;
    const bucket = bucketOf(path);
    expect((await catalog.leaves(bucket))[path]).toBe(leafOf(record));
    sums.set(bucket, (sums.get(bucket) ?? 0n) + BigInt(`0x${leafOf(record)}`));
  }
  const digests = [...sums].map(([bucket, sum]) => [bucket, (sum % (1n << 256n)).toString(16).padStart(64, '0')]);
  expect(await catalog.buckets()).toEqual(Object.fromEntries(digests));
}

describe('the hash tree', () => {
  it('follows writes, replacements, moves and removals, and is empty when all is gone', async () => {
    const catalog = await open(await makeFolder());
    const paths = Array.from({ length: 50 }, (_, number) => `p/${number}`);
    for (const path of paths) await catalog.commit((transaction) => transaction.write(path, version(path)));
    await expectTree(catalog, paths);
    for (const path of paths.slice(0, 20))
      await catalog.commit((transaction) => transaction.write(path, version(`${path} again`)));
    for (const path of paths.slice(10, 30)) await catalog.commit((transaction) => transaction.remove(path, 'me'));
    await expectTree(catalog, paths);
    const removed: string[] = [];
    for await (const { path } of catalog.removals()) removed.push(path);
    expect(removed.sort()).toEqual(paths.slice(10, 30).sort());
    await catalog.commit((transaction) => transaction.write('p/10', version('back')));
    await expectTree(catalog, paths);
    for (const path of paths) await catalog.commit((transaction) => transaction.remove(path, 'me'));
    expect(await catalog.buckets()).toEqual({});
    await catalog.stop();
  });

  it('is built for a catalogue of the format before it, as it would have grown', async () => {
    const folder = await makeFolder();
    const catalog = await open(folder);
    const paths = Array.from({ length: 30 }, (_, number) => `p/${number}`);
    for (const path of paths) await catalog.commit((transaction) => transaction.write(path, version(path)));
    await catalog.commit((transaction) => transaction.remove('p/3', 'me'));
    await catalog.stop();
    const db: Database = new Level<string, string>(folder, { keyEncoding: 'utf8', valueEncoding: 'utf8' });
    for (const range of [keys.allLeaves(), keys.buckets(), keys.removals(), keys.rows('G')]) await db.clear(range);
    await db.put(keys.meta('format'), '1');
    await upgradeCatalog(db);
    expect(readText(db, keys.meta('format'))).toBe('2');
    await db.close();
    const again = await open(folder);
    await expectTree(again, paths);
    const removed: string[] = [];
    for await (const { path } of again.removals()) removed.push(path);
    expect(removed).toEqual(['p/3']);
    const page = await again.readFeed(undefined, 100);
    expect([page.records.length, page.cursor?.arrival]).toEqual([30, 31]);
    await again.stop();
  });
});

describe('the feed', () => {
  it('gives each record once, at the end of its last change, and what all of it amounts to', async () => {
    const catalog = await open(await makeFolder());
    for (const path of ['a', 'b', 'c']) await catalog.commit((transaction) => transaction.write(path, version(path)));
    await catalog.commit((transaction) => transaction.write('a', version('a again')));
    const first = await catalog.readFeed(undefined, 2);
    expect(first.records.map((text) => JSON.parse(text).path)).toEqual(['b', 'c']);
    expect(first.seen).toBeUndefined();
    const second = await catalog.readFeed(first.cursor, 2);
    expect(second.records.map((text) => JSON.parse(text).path)).toEqual(['a']);
    expect(Object.values(second.seen ?? {})).toEqual([4]);
    const third = await catalog.readFeed(second.cursor, 2);
    expect([third.records, third.cursor, third.seen]).toEqual([[], second.cursor, second.seen]);
    await catalog.stop();
  });

  it('goes back to where two lives of a folder part, and begins anew for a run that it does not know', async () => {
    const folder = await makeFolder();
    let catalog = await open(folder);
    await catalog.commit((transaction) => transaction.write('a', version('a')));
    await catalog.stop();
    // The life that is forgotten: the folder comes from a backup of this moment.
    const backup = `${await makeFolder()}/copy`;
    await cp(folder, backup, { recursive: true });
    catalog = await open(folder);
    for (const path of ['b', 'c']) await catalog.commit((transaction) => transaction.write(path, version(path)));
    const ahead = (await catalog.readFeed(undefined, 10)).cursor;
    await catalog.stop();
    const restored = await open(backup);
    for (const path of ['x', 'y', 'z']) await restored.commit((transaction) => transaction.write(path, version(path)));
    const page = await restored.readFeed(ahead, 10);
    expect(page.records.map((text) => JSON.parse(text).path)).toEqual(['a', 'x', 'y', 'z']);
    await restored.stop();
    // Within one run that both lives share, only what came after the parting is read again.
    const again = await open(folder);
    await again.commit((transaction) => transaction.write('d', version('d')));
    const shared = await again.readFeed({ epoch: ahead?.epoch ?? '', arrival: 9 }, 10);
    expect(shared.records.map((text) => JSON.parse(text).path)).toEqual(['d']);
    await again.stop();
  });
});
