/** The scrub: what rots is found, set aside and fetched again; what nobody has is told to be lost. */
import { randomBytes } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Level } from 'level';
import { expect, it } from 'vitest';
import { blockBytes } from '../../node-core/domain/digests.ts';
import type { ApiClient } from '../support/api-client.ts';
import { allSee, type ClusterNode, startCluster, startMember, testKey } from '../support/cluster-in-process.ts';
import { lose, placeOnDisk, rewrite, rot, setAsideNames } from '../support/damage.ts';
import { EventClient } from '../support/event-client.ts';
import { eventually } from '../support/eventually.ts';
import { call, digest, download, expectRefusal, remove, upload } from '../support/http-client.ts';

interface Scrub {
  readonly state: string;
  readonly run?: { readonly files: number; readonly bytes: number; readonly damaged: number };
  readonly last?: {
    readonly files: number;
    readonly bytes: number;
    readonly damaged: number;
    readonly finishedMs: number;
  };
  readonly damaged: number;
  readonly repaired: number;
}

interface Lost {
  readonly contents: number;
  readonly files: readonly { readonly path: string; readonly damaged: boolean; readonly previous?: { size: number } }[];
}

/** As fast as the disk is. */
const fast = { scrub_kib_per_second: 4_000_000 };

const scrubOf = (api: ApiClient) => api.ok<Scrub>('readScrub');

/** One run from its beginning to its end. */
async function scrubWhole({ api }: ClusterNode): Promise<NonNullable<Scrub['last']>> {
  const before = (await scrubOf(api)).last?.finishedMs ?? 0;
  await api.ok('startScrub');
  await eventually(async () => ((await scrubOf(api)).last?.finishedMs ?? 0) > before, 'the run has ended', 20_000);
  return (await scrubOf(api)).last as NonNullable<Scrub['last']>;
}

const holds = async (node: ClusterNode, file: string, content: Buffer) =>
  access(placeOnDisk(node, file)).then(
    async () => (await readFile(placeOnDisk(node, file))).equals(content),
    () => false,
  );

/** Two nodes that both hold some files. */
async function pairWith(contents: readonly Buffer[], config = {}) {
  const [a, b] = (await startCluster(2, { ...fast, ...config })) as [ClusterNode, ClusterNode];
  const files: string[] = [];
  for (const [index, content] of contents.entries())
    files.push((await upload(a, content, { name: `文件 ${index}.bin` })).path);
  for (const [index, file] of files.entries())
    await eventually(() => holds(b, file, contents[index] ?? Buffer.alloc(0)), 'both hold it');
  return { a, b, files };
}

it('a sound store is read whole, and nothing of it changes', async () => {
  const large = randomBytes(2 * blockBytes + 11);
  const node = await startMember('n', fast);
  const contents = [Buffer.from('small'), Buffer.alloc(0), randomBytes(blockBytes), large];
  const files = [];
  for (const [index, content] of contents.entries())
    files.push((await upload(node, content, { name: `${index}` })).path);
  const { path: gone } = await upload(node, 'in the trash', { name: 'gone' });
  await remove(node, gone);
  const last = await scrubWhole(node);
  const bytes = contents.reduce((sum, { byteLength }) => sum + byteLength, 'in the trash'.length);
  expect(last).toMatchObject({ files: contents.length + 1, bytes, damaged: 0 });
  for (const [index, file] of files.entries()) expect(await holds(node, file, contents[index] as Buffer)).toBe(true);
  expect(await setAsideNames(node)).toEqual([]);
  expect(await node.api.ok<Lost>('listLost')).toEqual({ contents: 0, files: [] });
});

it.each([
  ['in the first block', 3],
  ['in the last block', 2 * blockBytes + 5],
])('a bit that flips %s of a large file: set aside, fetched again, told', async (_where, at) => {
  const content = randomBytes(2 * blockBytes + 6);
  const { a, b, files } = await pairWith([content, Buffer.from('beside')]);
  const [file = ''] = files;
  await rot(placeOnDisk(b, file), at);
  const events = await EventClient.connect(b);
  expect(await scrubWhole(b)).toMatchObject({ damaged: 1 });
  await eventually(() => holds(b, file, content), 'it is whole again', 20_000);
  const [name = '', ...others] = await setAsideNames(b);
  expect(others).toEqual([]);
  expect(name).toMatch(/^\d{8}T\d{6}Z-rotten-[0-9a-f]{16}-[0-9a-f]{6}-文件0\.bin$/);
  const aside = await readFile(path.join(b.dataDir, 'files', '_damaged', name));
  expect(aside[at]).toBe((content[at] ?? 0) ^ 1);
  expect(digest('sha256', (await download(b, file)).body)).toBe(digest('sha256', content));
  await eventually(async () => (await scrubOf(b.api)).repaired === 1, 'it is counted');
  const told = events.events.filter(({ type }) => /^bytes-/.test(type)).map(({ type }) => type);
  expect(told).toEqual(['bytes-damaged', 'bytes-set-aside', 'bytes-repaired']);
  const metrics = (await call(`${b.origin}/metrics`)).text;
  expect(metrics).toMatch(/^shoal_set_aside_total 1$/m);
  expect(metrics).toMatch(/^shoal_repaired_total 1$/m);
  expect(Number(/^shoal_scrubbed_bytes_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0);
  expect(await scrubWhole(b)).toMatchObject({ damaged: 0 });
  expect(await holds(a, file, content)).toBe(true);
});

it('what is cut short, overwritten or removed is fetched again; the name says why', async () => {
  const contents = [randomBytes(1000), randomBytes(1001), randomBytes(1002)];
  const { b, files } = await pairWith(contents);
  const [short = '', other = '', gone = ''] = files;
  await rewrite(placeOnDisk(b, short), (contents[0] as Buffer).subarray(0, 10));
  await rewrite(placeOnDisk(b, other), Buffer.from('somebody wrote this'));
  await lose(placeOnDisk(b, gone));
  expect(await scrubWhole(b)).toMatchObject({ damaged: 3 });
  for (const [index, file] of files.entries())
    await eventually(() => holds(b, file, contents[index] as Buffer), 'it is whole again');
  const names = await setAsideNames(b);
  expect(names.map((name) => name.split('-')[1])).toEqual(['changed', 'changed']);
  const kept = await Promise.all(
    names.map((name) => readFile(path.join(b.dataDir, 'files', '_damaged', name), 'utf8')),
  );
  expect(kept).toContain('somebody wrote this');
});

it('paths that share an inode are all mended when it rots', async () => {
  const content = randomBytes(5000);
  const { a, b, files } = await pairWith([content]);
  const [first = ''] = files;
  const { path: second } = await upload(a, content, { name: 'second.bin', fields: { path: 'elsewhere' } });
  await eventually(() => holds(b, second, content), 'it is there');
  expect(second).not.toBe(first);
  const inode = async (file: string) => (await stat(placeOnDisk(b, file))).ino;
  expect(await inode(first)).toBe(await inode(second));
  await rot(placeOnDisk(b, first), 100);
  await scrubWhole(b);
  for (const file of [first, second]) await eventually(() => holds(b, file, content), 'it is whole again');
});

it('a packed content that rots is fetched again, and its frame is kept', async () => {
  const content = randomBytes(3000);
  const packed = { enable_merge_small_file: true, merge_small_file_limit: 10_000 };
  const [a, b] = (await startCluster(2, { ...fast, ...packed })) as [ClusterNode, ClusterNode];
  const { path: file } = await upload(a, content, { name: 'packed.bin' });
  const isSound = async () => (await download(b, file)).status === 200;
  await eventually(async () => (await isSound()) && (await b.api.ok<Lost>('listLost')).contents === 0, 'it is there');
  const folder = path.join(b.dataDir, 'files', '_pack');
  await eventually(async () => {
    for (const name of await readdir(folder)) {
      const segment = path.join(folder, name);
      const at = (await readFile(segment)).indexOf(content);
      if (at < 0) continue;
      await rot(segment, at + 7);
      return true;
    }
    return false;
  }, 'the frame is on disk');
  expect(await scrubWhole(b)).toMatchObject({ damaged: 1 });
  await eventually(async () => (await scrubOf(b.api)).repaired === 1, 'it is fetched again');
  await a.node.stop();
  expect(digest('sha256', (await download(b, file)).body)).toBe(digest('sha256', content));
  const [name = ''] = await setAsideNames(b);
  const aside = await readFile(path.join(b.dataDir, 'files', '_damaged', name));
  expect(aside.includes(content.subarray(8))).toBe(true);
});

it('whoever meets damaged bytes has them mended at once where there are members', async () => {
  const content = randomBytes(4000);
  const { b, files } = await pairWith([content]);
  const [file = ''] = files;
  await rewrite(placeOnDisk(b, file), randomBytes(4000));
  await download(b, file);
  await eventually(() => holds(b, file, content), 'it is whole again');
  expect((await setAsideNames(b)).length).toBe(1);
});

it('a node alone tells that a file is lost, and makes it what it was before when it is asked to', async () => {
  const node = await startMember('n', { ...fast, enable_distinct_file: false });
  const options = { name: 'a.txt', fields: { path: 'd', filename: 'a.txt' } };
  const { path: file } = await upload(node, 'the first version', options);
  await upload(node, 'the second', options);
  const { path: other } = await upload(node, 'never replaced', { name: 'b.txt' });
  const events = await EventClient.connect(node);
  for (const one of [file, other]) await rot(placeOnDisk(node, one));
  expect(await scrubWhole(node)).toMatchObject({ damaged: 2 });
  await eventually(async () => (await node.api.ok<Lost>('listLost')).contents === 2, 'they are lost');
  expectRefusal(await download(node, file), 503, 'BYTES_LOST');
  const { files } = await node.api.ok<Lost>('listLost');
  const logical = (one: string) => one.split('/').slice(2).join('/');
  expect(files.find((one) => one.path === logical(file))).toMatchObject({ damaged: true, previous: { size: 17 } });
  expect(files.find((one) => one.path === logical(other))?.previous).toBeUndefined();
  await events.until(() => events.events.filter(({ type }) => type === 'files-lost').length === 2);
  await node.api.refused('restorePrevious', 404, 'LOST_NOT_FOUND', { json: { path: logical(other) } });
  await node.api.refused('restorePrevious', 404, 'LOST_NOT_FOUND', { json: { path: 'no/such/file' } });
  await node.api.ok('restorePrevious', { json: { path: logical(file) } });
  expect((await download(node, file)).text).toBe('the first version');
  // Somebody still has the other one and stores it again.
  await upload(node, 'never replaced', { name: 'b.txt' });
  expect((await download(node, other)).text).toBe('never replaced');
  await eventually(async () => (await node.api.ok<Lost>('listLost')).files.length === 0, 'nothing is lost');
});

it('what has rotted everywhere is lost only when every member was asked; a member that brings it back ends that', async () => {
  const content = randomBytes(2000);
  const { a, b, files } = await pairWith([content]);
  const [file = ''] = files;
  await a.node.stop();
  await rot(placeOnDisk(b, file));
  await scrubWhole(b);
  await eventually(async () => (await download(b, file)).status === 503, 'it is set aside');
  expect(await b.api.ok<Lost>('listLost')).toEqual({ contents: 0, files: [] });
  await rot(placeOnDisk(a, file));
  const back = await startMember('n0', { cluster_key: testKey, peers: [b.origin], ...fast }, a.dataDir);
  await allSee([back, b]);
  await eventually(async () => (await b.api.ok<Lost>('listLost')).contents === 1, 'it is lost', 20_000);
  // The other member may still find out that its bytes are bad: until then it says that it has them.
  await eventually(async () => {
    const answer = await download(b, file);
    expect(answer.status).toBe(503);
    return answer.text.includes('BYTES_LOST');
  }, 'clients are told');
  await upload(back, content, { name: 'again.bin', fields: { path: 'again' } });
  await eventually(() => holds(b, file, content), 'it is back', 20_000);
  expect((await b.api.ok<Lost>('listLost')).contents).toBe(0);
});

it('goes on after a restart where it was, and writes nothing while it goes', async () => {
  const slow = { scrub_kib_per_second: 512 };
  const node = await startMember('n', slow);
  const contents = Array.from({ length: 12 }, () => randomBytes(256 * 1024));
  for (const [index, content] of contents.entries()) await upload(node, content, { name: `${index}` });
  await node.api.ok('startScrub');
  const read = async () => (await scrubOf(node.api)).run?.files ?? 0;
  await eventually(async () => (await read()) >= 2, 'it has begun');
  const written = async () => {
    const folder = path.join(node.dataDir, 'data', 'catalog');
    const sizes = await Promise.all(
      (await readdir(folder)).map(async (name) => (await stat(path.join(folder, name))).size),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  };
  const [before, files] = [await written(), await read()];
  await eventually(async () => (await read()) > files, 'it goes on');
  expect(await written()).toBe(before);
  await node.node.stop();
  const again = await startMember('n', fast, node.dataDir);
  await eventually(async () => (await scrubOf(again.api)).last !== undefined, 'it has ended', 20_000);
  // Every content is read once: those of before the restart are not read again.
  expect((await scrubOf(again.api)).last).toMatchObject({ files: 12, bytes: 12 * 256 * 1024, damaged: 0 });
  const since = (await call(`${again.origin}/metrics`)).text;
  expect(Number(/^shoal_scrubbed_files_total (\d+)$/m.exec(since)?.[1])).toBeLessThan(11);
});

it('a large file that is slower than the time between two restarts is read on from its block', async () => {
  const content = randomBytes(4 * blockBytes);
  const node = await startMember('n', { scrub_kib_per_second: 4 * 1024 });
  const { path: file } = await upload(node, content, { name: 'large' });
  await node.api.ok('startScrub');
  await eventually(
    async () => ((await scrubOf(node.api)).run?.bytes ?? 0) >= 2 * blockBytes,
    'it is in its second block',
  );
  await node.node.stop();
  const db = new Level<string, string>(path.join(node.dataDir, 'data', 'catalog'));
  const state = JSON.parse(await db.get('S\0state')) as { run: { at: { block: number } } };
  await db.close();
  expect(state.run.at.block).toBeGreaterThanOrEqual(1);
  // What it has read already is not looked at again in this run.
  await rot(placeOnDisk(node, file), 0);
  const again = await startMember('n', fast, node.dataDir);
  await eventually(async () => (await scrubOf(again.api)).last !== undefined, 'it has ended', 20_000);
  expect((await scrubOf(again.api)).last).toMatchObject({ damaged: 0 });
  expect(await scrubWhole(again)).toMatchObject({ damaged: 1 });
});

it('a large content whose list of blocks is not known is judged by its whole digest', async () => {
  const content = randomBytes(blockBytes + 100);
  const node = await startMember('n', fast);
  const { path: file } = await upload(node, content, { name: 'large' });
  await node.node.stop();
  const db = new Level<string, string>(path.join(node.dataDir, 'data', 'catalog'));
  await db.del(`k\0${digest('sha256', content)}`);
  await db.close();
  const again = await startMember('n', fast, node.dataDir);
  expect(await scrubWhole(again)).toMatchObject({ files: 1, damaged: 0 });
  expect(await holds(again, file, content)).toBe(true);
  await rot(placeOnDisk(again, file), blockBytes + 50);
  expect(await scrubWhole(again)).toMatchObject({ files: 1, damaged: 1 });
});

it('can be paused over a restart, and turned off', async () => {
  const node = await startMember('n', { scrub_kib_per_second: 64 });
  await upload(node, randomBytes(1024 * 1024));
  await upload(node, randomBytes(1024 * 1024 + 1));
  const events = await EventClient.connect(node);
  await node.api.ok('startScrub');
  expect(await node.api.ok<Scrub>('pauseScrub', { json: { paused: true } })).toMatchObject({ state: 'paused' });
  await node.node.stop();
  const again = await startMember('n', fast, node.dataDir);
  expect((await scrubOf(again.api)).state).toBe('paused');
  await again.api.ok('pauseScrub', { json: { paused: false } });
  await eventually(async () => (await scrubOf(again.api)).last !== undefined, 'it goes on');
  expect(events.events.filter(({ type }) => type === 'scrub-changed').map(({ data }) => data)).toEqual(
    expect.arrayContaining([{ state: 'running' }, { state: 'paused' }]),
  );
  const off = await startMember('off', { scrub_kib_per_second: 0 });
  expect((await scrubOf(off.api)).state).toBe('off');
  await off.api.refused('startScrub', 409, 'SCRUB_OFF');
});

it('in a store that other programs write, what they changed is theirs; what rots is not', async () => {
  const node = await startMember('n', { ...fast, enable_fsnotify: true, sync_delay: 3600, refresh_interval: 3600 });
  const { path: changed } = await upload(node, 'as it was', { name: 'changed.txt' });
  const { path: rotten } = await upload(node, 'as it should be', { name: 'rotten.txt' });
  await rewrite(placeOnDisk(node, changed), Buffer.from('as somebody wants it'));
  await rot(placeOnDisk(node, rotten));
  expect(await scrubWhole(node)).toMatchObject({ damaged: 1 });
  expect(await readFile(placeOnDisk(node, changed), 'utf8')).toBe('as somebody wants it');
  expect((await setAsideNames(node)).map((name) => name.split('-')[1])).toEqual(['rotten']);
});

it('a store whose disk is gone has no damaged files', async () => {
  const node = await startMember('n', fast);
  const { path: file } = await upload(node, 'still there');
  const folder = path.join(node.dataDir, 'files');
  await rename(folder, `${folder}.away`);
  await mkdir(folder);
  await node.api.ok('startScrub');
  await eventually(async () => (await scrubOf(node.api)).state === 'waiting', 'it has given up');
  await rm(folder, { recursive: true });
  await rename(`${folder}.away`, folder);
  await eventually(async () => (await download(node, file)).text === 'still there', 'it is back');
  expect((await scrubOf(node.api)).damaged).toBe(0);
});

it('bytes whose other digests are not those of the record are not kept, and not fetched again', async () => {
  const source = await startMember('source', { cluster_key: testKey });
  const content = Buffer.from('what the record lies about');
  const { path: file, md5 } = await upload(source, content, { name: 'a.txt' });
  await source.node.stop();
  const db = new Level<string, string>(path.join(source.dataDir, 'data', 'catalog'));
  const key = `r\0${file.split('/').slice(2).join('/')}`;
  await db.put(key, (await db.get(key)).replace(md5, 'f'.repeat(32)));
  await db.close();
  const back = await startMember('source', { cluster_key: testKey }, source.dataDir);
  const node = await startMember('n', { cluster_key: testKey, peers: [back.origin] });
  const events = await EventClient.connect(node);
  const sha256 = digest('sha256', content);
  await eventually(async () => {
    const { quarantined } = await node.api.ok<{ quarantined: string[] }>('listTransfers');
    return quarantined.includes(sha256);
  }, 'it is quarantined');
  expect(await holds(node, file, content)).toBe(false);
  // Whatever is tried from now on, none of its bytes is asked for again.
  const about = () => events.events.filter(({ data }) => (data as { sha256?: string }).sha256 === sha256).length;
  const before = about();
  for (const name of ['b.txt', 'c.txt']) {
    const { path: other } = await upload(back, `an honest ${name}`, { name });
    await eventually(() => holds(node, other, Buffer.from(`an honest ${name}`)), 'others come');
  }
  expect(about()).toBe(before);
});
