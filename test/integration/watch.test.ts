/** `enable_fsnotify`: other programs write the store's folder, and the catalogue follows. */
import { appendFile, chmod, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../node-core/config/schema.ts';
import { EventClient } from '../support/event-client.ts';
import { call, digest, download, expectRefusal, json, totals, upload } from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Quiet at once, and scans only when asked for: what is seen is seen by notices. */
const watched: Partial<Config> = { enable_fsnotify: true, sync_delay: 0, refresh_interval: 3600 };

interface WatchState {
  readonly waiting: number;
  readonly scannedMs?: number;
  readonly held?: {
    readonly id: string;
    readonly files: number;
    readonly total: number;
    readonly paths: readonly string[];
  };
}

interface Watched extends TestNode {
  readonly events: EventClient;
  readonly put: (name: string, content: string) => Promise<string>;
  readonly committed: (name: string) => Promise<unknown>;
  readonly removed: (name: string) => Promise<unknown>;
}

/** A node whose store is being watched by the time it is returned. */
async function start(config: Partial<Config> = {}, dataDir?: string): Promise<Watched> {
  const node = await startNode({ ...watched, ...config }, dataDir);
  const events = await EventClient.connect(node);
  const put = async (name: string, content: string) => {
    const file = path.join(node.dataDir, 'files', name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
    return file;
  };
  const about = (type: string) => (name: string) =>
    events.until((event) => event.type === type && (event.data as { path?: string }).path === name);
  await scanned(node);
  return { ...node, events, put, committed: about('file-committed'), removed: about('file-removed') };
}

const watchState = async (node: TestNode) => json<WatchState>(await call(`${node.origin}/api/v1/watch`));
const scan = async (node: TestNode) =>
  json<WatchState>(await call(`${node.origin}/api/v1/watch/scan`, { method: 'POST' }));
const text = async (node: TestNode, name: string) => {
  const answer = await download(node, `/group1/${name}`);
  return answer.status === 200 ? answer.text : answer.status;
};

/** The first scan follows the moment from which notices count. */
async function scanned(node: TestNode): Promise<void> {
  while ((await watchState(node)).scannedMs === undefined) await new Promise((resolve) => setImmediate(resolve));
}

describe('a watched store', () => {
  it('takes in new, changed, moved and removed files', async () => {
    const node = await start();
    const file = await node.put('theirs/图片/a.txt', 'first');
    await node.committed('theirs/图片/a.txt');
    expect(await text(node, 'theirs/图片/a.txt')).toBe('first');
    expect((await call(`${node.group}/get_file_info?md5=${digest('md5', 'first')}`)).status).toBe(200);
    node.events.events.length = 0;
    await writeFile(file, 'second');
    await node.committed('theirs/图片/a.txt');
    expect(await text(node, 'theirs/图片/a.txt')).toBe('second');
    // What was written over is gone: nothing in the trash says otherwise.
    expect(json<{ entries: unknown[] }>(await call(`${node.origin}/api/v1/trash`)).entries).toEqual([]);
    expect((await call(`${node.group}/get_file_info?md5=${digest('md5', 'first')}`)).status).toBe(404);
    await rename(file, path.join(path.dirname(file), 'b.txt'));
    await node.committed('theirs/图片/b.txt');
    await node.removed('theirs/图片/a.txt');
    expect([await text(node, 'theirs/图片/a.txt'), await text(node, 'theirs/图片/b.txt')]).toEqual([404, 'second']);
    await rm(path.join(path.dirname(file), 'b.txt'));
    await node.removed('theirs/图片/b.txt');
    expect(await totals(node)).toEqual({ files: 0, bytes: 0 });
  });

  it('waits until a file has been quiet', async () => {
    const node = await start({ sync_delay: 1 });
    const begun = performance.now();
    const file = await node.put('slow.bin', 'a');
    let last = 0;
    for (let part = 0; part < 4; part += 1) {
      await new Promise((resolve) => setTimeout(resolve, 400));
      last = performance.now();
      await appendFile(file, 'a');
    }
    await node.committed('slow.bin');
    expect(performance.now() - last).toBeGreaterThan(900);
    expect(last - begun).toBeGreaterThan(1000);
    expect(await text(node, 'slow.bin')).toBe('aaaaa');
    expect(node.events.events.filter(({ type }) => type === 'file-committed')).toHaveLength(1);
  });

  it('never takes its own writes, moves and deletes for news', async () => {
    const node = await start();
    const one = await upload(node, 'mine', { name: 'a.txt', fields: { path: 'own' } });
    await upload(node, 'mine', { name: 'same.txt', fields: { path: 'own' } });
    await upload(node, 'to go', { name: 'gone.txt', fields: { path: 'own' } });
    await call(`${node.group}/delete?path=/group1/own/gone.txt`);
    const body = JSON.stringify({ from: 'own/a.txt', to: 'own/moved.txt' });
    expect((await call(`${node.origin}/api/v1/files/move`, { method: 'POST', body })).status).toBe(200);
    await node.put('_tmp/x', 'not theirs');
    await node.put('_trash/x', 'not theirs');
    await node.put('fence.txt', 'last');
    await node.committed('fence.txt');
    await scan(node);
    const news = node.events.events.filter(({ type }) => type === 'file-committed' || type === 'file-removed');
    expect(news.map(({ type, data }) => `${type} ${(data as { path: string }).path}`).sort()).toEqual([
      'file-committed fence.txt',
      'file-committed own/a.txt',
      'file-committed own/gone.txt',
      'file-committed own/same.txt',
      'file-removed own/gone.txt',
    ]);
    expect((await totals(node)).files).toBe(3);
    expect(one.path).toBe('/group1/own/a.txt');
    // Others write there: no two files share an inode.
    const files = path.join(node.dataDir, 'files', 'own');
    expect((await stat(path.join(files, 'same.txt'))).nlink).toBe(1);
  });

  it('takes a file that is written over one of its own, and keeps the old one in the trash only where it still is', async () => {
    const node = await start({ enable_merge_small_file: true });
    await upload(node, 'packed', { name: 'p.txt', fields: { path: 'own' } });
    await upload(node, 'x'.repeat(2_000_000), { name: 'plain.bin', fields: { path: 'own' } });
    node.events.events.length = 0;
    await node.put('own/p.txt', 'theirs now');
    const plain = path.join(node.dataDir, 'files', 'own', 'plain.bin');
    await chmod(plain, 0o644);
    await writeFile(plain, 'theirs too');
    await Promise.all([node.committed('own/p.txt'), node.committed('own/plain.bin')]);
    expect([await text(node, 'own/p.txt'), await text(node, 'own/plain.bin')]).toEqual(['theirs now', 'theirs too']);
    const { entries } = json<{ entries: { path: string; id: string }[] }>(await call(`${node.origin}/api/v1/trash`));
    expect(entries.map((entry) => entry.path)).toEqual(['own/p.txt']);
    const body = JSON.stringify({ id: entries[0]?.id, path: 'own/back.txt' });
    expect((await call(`${node.origin}/api/v1/trash/restore`, { method: 'POST', body })).status).toBe(200);
    expect(await text(node, 'own/back.txt')).toBe('packed');
  });

  it('finds by a scan what happened while the node did not run', async () => {
    const node = await start();
    for (const name of ['stays', 'changes', 'goes']) {
      await node.put(`d/${name}.txt`, name);
      await node.committed(`d/${name}.txt`);
    }
    await node.node.stop();
    const folder = path.join(node.dataDir, 'files', 'd');
    await writeFile(path.join(folder, 'changes.txt'), 'changed');
    await rm(path.join(folder, 'goes.txt'));
    await writeFile(path.join(folder, 'new.txt'), 'new');
    const again = await start({}, node.dataDir);
    await Promise.all([again.committed('d/changes.txt'), again.committed('d/new.txt'), again.removed('d/goes.txt')]);
    expect(await Promise.all(['stays', 'changes', 'goes', 'new'].map((name) => text(again, `d/${name}.txt`)))).toEqual([
      'stays',
      'changed',
      404,
      'new',
    ]);
  });

  it('may be a link to a folder of another program', async () => {
    const theirs = await temporaryFolder();
    const dataDir = await temporaryFolder();
    await symlink(theirs, path.join(dataDir, 'files'));
    await writeFile(path.join(theirs, 'before.txt'), 'before');
    const node = await start({}, dataDir);
    await node.committed('before.txt');
    await writeFile(path.join(theirs, 'after.txt'), 'after');
    await node.committed('after.txt');
    expect([await text(node, 'before.txt'), await text(node, 'after.txt')]).toEqual(['before', 'after']);
  });

  it('is not packed: the files are not the node’s own', async () => {
    const node = await start();
    await node.put('small.txt', 'small');
    await node.committed('small.txt');
    expectRefusal(await call(`${node.origin}/api/v1/packs`, { method: 'POST' }), 409, 'STORE_WATCHED');
    expect(await readdir(path.join(node.dataDir, 'files'))).toContain('small.txt');
    const off = await startNode();
    expectRefusal(await call(`${off.origin}/api/v1/watch/scan`, { method: 'POST' }), 409, 'WATCH_OFF');
  });
});

describe('many files that go at once', () => {
  /** A store of 40 files of another program. */
  async function crowded(): Promise<Watched> {
    const node = await start();
    for (let number = 0; number < 40; number += 1) await node.put(`d${number % 3}/${number}.txt`, `file ${number}`);
    for (let number = 0; number < 40; number += 1) await node.committed(`d${number % 3}/${number}.txt`);
    return node;
  }
  const removeFolder = (node: Watched, name: string) => rm(path.join(node.dataDir, 'files', name), { recursive: true });
  const answer = (node: Watched, id: string, decision: string) =>
    call(`${node.origin}/api/v1/watch/removals`, { method: 'POST', body: JSON.stringify({ id, decision }) });

  it('are asked about, and removed on a word', async () => {
    const node = await crowded();
    await removeFolder(node, 'd1');
    const { data } = await node.events.untilType('removals-held');
    expect(data).toMatchObject({ total: 40 });
    await scan(node);
    const held = async () => (await watchState(node)).held;
    while ((await held())?.files !== 13) await new Promise((resolve) => setImmediate(resolve));
    expect((await totals(node)).files).toBe(40);
    const id = (await held())?.id ?? '';
    expectRefusal(await answer(node, 'another', 'delete'), 404, 'REMOVALS_NOT_HELD');
    expect(json<{ removed: number }>(await answer(node, id, 'delete')).removed).toBe(13);
    expect((await totals(node)).files).toBe(27);
    expectRefusal(await answer(node, id, 'delete'), 404, 'REMOVALS_NOT_HELD');
  });

  it('stay in the catalogue on a word, and are there again when they come back', async () => {
    const node = await crowded();
    const folder = path.join(node.dataDir, 'files', 'd2');
    await rename(folder, path.join(node.dataDir, 'away'));
    await node.events.untilType('removals-held');
    await scan(node);
    while ((await watchState(node)).held?.files !== 13) await new Promise((resolve) => setImmediate(resolve));
    const id = (await watchState(node)).held?.id ?? '';
    expect((await answer(node, id, 'keep')).status).toBe(200);
    await scan(node);
    while ((await watchState(node)).waiting > 0) await new Promise((resolve) => setImmediate(resolve));
    expect((await watchState(node)).held).toBeUndefined();
    expect((await totals(node)).files).toBe(40);
    expectRefusal(await download(node, '/group1/d2/2.txt'), 503, 'BYTES_DAMAGED');
    await rename(path.join(node.dataDir, 'away'), folder);
    expect(await text(node, 'd2/2.txt')).toBe('file 2');
  });

  it('are never removed when it is the disk that went', async () => {
    const node = await crowded();
    const files = path.join(node.dataDir, 'files');
    await rename(files, path.join(node.dataDir, 'unmounted'));
    await mkdir(files);
    expectRefusal(await call(`${node.origin}/api/v1/watch/scan`, { method: 'POST' }), 503, 'STORE_MISSING');
    while ((await watchState(node)).waiting > 0) await new Promise((resolve) => setImmediate(resolve));
    expect((await watchState(node)).held).toBeUndefined();
    expect((await totals(node)).files).toBe(40);
    await rm(files, { recursive: true });
    await rename(path.join(node.dataDir, 'unmounted'), files);
    await scan(node);
    expect(await text(node, 'd0/3.txt')).toBe('file 3');
    expect(await readFile(path.join(files, 'd0', '3.txt'), 'utf8')).toBe('file 3');
  });

  it('are not asked about when their folder was only renamed', async () => {
    const node = await crowded();
    const folder = path.join(node.dataDir, 'files', 'd1');
    await rename(folder, path.join(node.dataDir, 'files', 'renamed'));
    for (const number of [1, 4, 37]) await node.removed(`d1/${number}.txt`);
    while ((await watchState(node)).waiting > 0) await new Promise((resolve) => setImmediate(resolve));
    expect((await watchState(node)).held).toBeUndefined();
    expect((await totals(node)).files).toBe(40);
    expect(await text(node, 'renamed/37.txt')).toBe('file 37');
  });

  it('are removed without a question when they are few', async () => {
    const node = await crowded();
    for (const number of [0, 3, 6]) await rm(path.join(node.dataDir, 'files', 'd0', `${number}.txt`));
    for (const number of [0, 3, 6]) await node.removed(`d0/${number}.txt`);
    expect((await totals(node)).files).toBe(37);
    // Bit by bit comes to the same as at once.
    for (const number of [9, 12, 15, 18, 21, 24, 27, 30])
      await rm(path.join(node.dataDir, 'files', 'd0', `${number}.txt`));
    await node.events.untilType('removals-held');
    expect((await totals(node)).files).toBeGreaterThan(29);
  });
});
