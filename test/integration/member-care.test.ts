/** Members look after each other: comparisons, figures, offers, and what happens when a disk is full. */
import { randomBytes } from 'node:crypto';
import { access, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Level } from 'level';
import { expect, it } from 'vitest';
import { dayOf } from '../../node-core/domain/days.ts';
import type { ApiClient } from '../support/api-client.ts';
import { allSee, type ClusterNode, startCluster, startMember, testKey } from '../support/cluster-in-process.ts';
import { placeOnDisk } from '../support/damage.ts';
import { EventClient } from '../support/event-client.ts';
import { eventually } from '../support/eventually.ts';
import { call, dataOf, digest, download, expectRefusal, json, remove, upload } from '../support/http-client.ts';
import { runToEnd } from '../support/node-process.ts';

interface Repair {
  readonly running: boolean;
  readonly nextMs?: number;
  readonly members: readonly { member: string; endedMs?: number; buckets?: number; changed?: number; error?: string }[];
}

interface Amount {
  readonly files: number;
  readonly bytes: number;
}

interface Figures {
  readonly total: Amount;
  readonly verified: Amount;
  readonly missing: Amount;
  readonly behind: number;
  readonly ahead: number;
  readonly stalled: boolean;
}

interface Sent {
  readonly queued: number;
  readonly offered: number;
  readonly members: readonly { readonly name: string; readonly queued: number | null }[];
}

const today = dayOf(Date.now());

const figuresOf = async (api: ApiClient, id: string) => {
  const { members } = await api.ok<{ members: { id: string; figures?: Figures }[] }>('listMembers');
  return members.find((member) => member.id === id)?.figures;
};

const isKept = (node: { readonly dataDir: string }, file: string) =>
  access(placeOnDisk(node, file)).then(
    () => true,
    () => false,
  );

const pair = (config = {}) => startCluster(2, config) as Promise<[ClusterNode, ClusterNode]>;

/** Compares with everybody and waits until that has ended. */
async function repaired(node: ClusterNode): Promise<Repair> {
  const began = Date.now();
  await node.api.ok('startRepair');
  await eventually(async () => {
    const { running, members } = await node.api.ok<Repair>('readRepair');
    return !running && members.every(({ endedMs = 0 }) => endedMs >= began);
  }, 'the comparison has ended');
  return node.api.ok<Repair>('readRepair');
}

async function catalogueBytes({ dataDir }: ClusterNode): Promise<number> {
  const folder = path.join(dataDir, 'data', 'catalog');
  let bytes = 0;
  for (const name of await readdir(folder)) bytes += (await stat(path.join(folder, name))).size;
  return bytes;
}

/** Works on the catalogue of a node that is not running. */
async function withCatalogue<T>(dataDir: string, work: (db: Level<string, string>) => Promise<T>): Promise<T> {
  const db = new Level<string, string>(path.join(dataDir, 'data', 'catalog'));
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

/** Two nodes of which the second has not heard of a removal, and believes that it has read everything. */
async function pairThatDiffers() {
  const [a, b] = await pair();
  const { path: file } = await upload(a, 'to be removed', { name: 'gone.txt' });
  const { path: stays } = await upload(a, 'to stay', { name: 'stays.txt' });
  await eventually(async () => (await isKept(b, file)) && (await isKept(b, stays)), 'both hold both');
  await b.node.stop();
  await remove(a, file);
  await a.node.stop();
  const cursor = await withCatalogue(a.dataDir, async (db) => {
    const rows = await db.values({ gt: 'G\0', lt: 'G\u0001' }).all();
    const { epoch } = JSON.parse(rows.at(-1) ?? '') as { epoch: string };
    return { epoch, arrival: Number(await db.get('m\0arrival')) };
  });
  await withCatalogue(b.dataDir, async (db) => {
    const key = `N\0${a.node.id}`;
    await db.put(key, JSON.stringify({ ...(JSON.parse(await db.get(key)) as object), cursor }));
  });
  const again = await startMember('n0', { cluster_key: testKey }, a.dataDir);
  const other = await startMember('n1', { cluster_key: testKey, peers: [again.origin] }, b.dataDir);
  await allSee([again, other]);
  return { a: again, b: other, file, stays };
}

it('a comparison mends what the feeds did not tell, and finds nothing the next time', async () => {
  const { a, b, file, stays } = await pairThatDiffers();
  expect((await download(b, file)).status).toBe(200);
  const events = await EventClient.connect(b);
  const { members, nextMs = 0 } = await repaired(b);
  expect(members).toMatchObject([{ member: a.node.id, buckets: 1, changed: 1 }]);
  expect(nextMs).toBeGreaterThan(Date.now());
  expect((await download(b, file)).status).toBe(404);
  expect((await download(b, stays)).text).toBe('to stay');
  await events.until(({ type, data }) => type === 'repair-changed' && (data as { changed: number }).changed === 1);
  expect((await repaired(b)).members).toMatchObject([{ buckets: 0, changed: 0 }]);
});

it('a comparison that is begun at one member mends the others, too', async () => {
  const { a, b, file } = await pairThatDiffers();
  await call(`${a.group}/repair?force=1`);
  await eventually(async () => (await download(b, file)).status === 404, 'the other one has compared');
});

it('nodes that agree compare without writing anything', async () => {
  const [a, b] = await pair();
  for (let index = 0; index < 20; index += 1) await upload(a, `file ${index}`, { name: `${index}` });
  await eventually(async () => (await figuresOf(b.api, a.node.id))?.ahead === 0, 'they agree');
  await eventually(async () => (await figuresOf(a.api, b.node.id))?.missing.files === 0, 'the bytes are there');
  await repaired(a);
  await repaired(b);
  // What a member has seen is noted a moment after it said so: the first rounds may still meet that.
  await eventually(async () => {
    const before = [await catalogueBytes(a), await catalogueBytes(b)];
    for (let run = 0; run < 3; run += 1)
      for (const node of [a, b]) expect((await repaired(node)).members).toMatchObject([{ buckets: 0, changed: 0 }]);
    return isDeepStrictEqual([await catalogueBytes(a), await catalogueBytes(b)], before);
  }, 'rounds that write nothing');
});

it('a member that is away is told to be, and holds up nobody', async () => {
  const [a, b] = await pair();
  await b.node.stop();
  expect((await repaired(a)).members).toMatchObject([{ member: b.node.id, error: 'PEER_UNREACHABLE' }]);
});

it('figures tell what each member holds and lacks, also while one is away', async () => {
  const [a, b] = await pair();
  await b.api.ok('pauseTransfers', { json: { paused: true } });
  const content = randomBytes(5000);
  const { path: file } = await upload(a, content, { name: 'a.bin' });
  await upload(a, content, { name: 'twice.bin', fields: { path: 'twice' } });
  await upload(b, 'of the other one', { name: 'b.txt' });
  const all = { files: 3, bytes: 10_016 };
  await eventually(async () => {
    const figures = await figuresOf(a.api, b.node.id);
    return figures?.total.files === 3 && figures.behind === 0 && figures.ahead === 0;
  }, 'the records are there');
  const missing = { files: 2, bytes: 10_000 };
  expect(await figuresOf(a.api, b.node.id)).toMatchObject({
    total: all,
    missing,
    verified: { files: 1, bytes: 16 },
    stalled: false,
    device: 'server',
  });
  // A node tells the same of itself.
  expect(await figuresOf(b.api, b.node.id)).toMatchObject({ total: all, missing });
  const status = dataOf<Record<string, unknown>>(await call(`${a.group}/status`));
  expect(status).toMatchObject({ 'Fs.QueueFromPeers': 0, 'Fs.QueueToPeers': 2 });
  expect(status['Fs.Members']).toMatchObject([{ name: 'n1', online: true, files: 3, verified: 1, missing: 2 }]);
  expect(dataOf(await call(`${b.group}/status`))).toMatchObject({ 'Fs.QueueFromPeers': 2 });
  expect((await runToEnd(['status', '--data', a.dataDir])).stdout).toMatch(
    /\n {2}n1 +1 of 3 files verified, 2 missing \(9\.77 KiB\)\n/,
  );
  await b.api.ok('pauseTransfers', { json: { paused: false } });
  await eventually(() => isKept(b, file), 'it is there');
  await eventually(async () => (await figuresOf(a.api, b.node.id))?.verified.files === 3, 'all is verified');
  await b.node.stop();
  await upload(a, 'while it is away', { name: 'c.txt' });
  expect(await figuresOf(a.api, b.node.id)).toMatchObject({ total: all, behind: 1 });
  await eventually(async () => {
    const { members } = await a.api.ok<{ members: { online: boolean }[] }>('listMembers');
    return members.some(({ online }) => !online);
  }, 'it is known to be away');
  const { stdout } = await runToEnd(['status', '--data', a.dataDir], { LANG: 'zh_CN.UTF-8' });
  expect(stdout).toMatch(/\n {2}n1 +离线, 3 个文件中 3 个已校验, 落后 1 项变更\n/);
});

it('sync and receive_md5s have members fetch what they lack; a notice never counts as a copy', async () => {
  const [a, b] = await pair();
  await b.api.ok('pauseTransfers', { json: { paused: true } });
  const { path: file, md5 } = await upload(a, 'not there yet', { name: 'a.txt' });
  const known = async () => (await figuresOf(a.api, b.node.id))?.total.files === 1;
  await eventually(known, 'the record is there');
  for (let time = 0; time < 2; time += 1) {
    const sent = dataOf<Sent>(await call(`${a.group}/sync?date=${today}&force=1`));
    expect(sent).toMatchObject({ date: today, offered: 1, queued: 1, members: [{ name: 'n1', queued: 1 }] });
    expect(dataOf<Sent>(await call(`${a.group}/receive_md5s?md5s=${md5},${'0'.repeat(32)}`))).toMatchObject({
      offered: 1,
      queued: 1,
    });
  }
  // It was told of the file four times, and has none of it.
  expect(json(await call(`${b.group}/check_file_exist?md5=${md5}`))).toMatchObject({ md5: '' });
  expect(await isKept(b, file)).toBe(false);
  const said = encodeURIComponent(JSON.stringify({ name: 'a.txt', md5, path: 'files', size: 13 }));
  expectRefusal(await call(`${b.group}/syncfile_info?fileInfo=${said}`), 403, 'PEER_WORD_REFUSED');
  await b.api.ok('pauseTransfers', { json: { paused: false } });
  await eventually(() => isKept(b, file), 'it is there');
  expect(dataOf<Sent>(await call(`${a.group}/sync?date=${today}`))).toMatchObject({ offered: 1, queued: 0 });
  expect(dataOf<Sent>(await call(`${a.group}/sync?date=20200101`))).toMatchObject({ offered: 0, queued: 0 });
  expect((await call(`${b.group}/syncfile_info?fileInfo=${said}`)).text.split('?')[0]).toBe(`${b.origin}${file}`);
  expect((await call(`${b.group}/get_md5s_by_date?date=${today}`)).text).toBe(md5);
  await b.node.stop();
  await upload(a, 'for nobody', { name: 'b.txt' });
  const unheard = dataOf<Sent>(await call(`${a.group}/sync?date=${today}`));
  expect(unheard).toMatchObject({ queued: 0, members: [{ name: 'n1', queued: null }] });
});

it('sync mends a member whose records differ', async () => {
  const { a, b, file } = await pairThatDiffers();
  await upload(a, 'something to offer', { name: 'new.txt' });
  await b.api.ok('pauseTransfers', { json: { paused: true } });
  await upload(a, 'and more', { name: 'more.txt' });
  await call(`${a.group}/sync?date=${today}`);
  await eventually(async () => (await download(b, file)).status === 404, 'the other one has compared');
});

it('a full disk stops the fetching and says so; it goes on by itself when there is room', async () => {
  const [a, b] = await pair();
  const change = (changes: object) => b.api.ok('changeSettings', { json: { changes } });
  const events = await EventClient.connect(b);
  await change({ free_space_floor_mb: 1_000_000_000 });
  const files = [];
  for (const size of [10, 100_000, 9_000_000])
    files.push((await upload(a, randomBytes(size), { name: `${size}.bin` })).path);
  await events.until(({ type, data }) => type === 'fetching-changed' && (data as { stalled: boolean }).stalled);
  const transfers = () => b.api.ok<{ stalled: boolean; transfers: unknown[] }>('listTransfers');
  expect(await transfers()).toMatchObject({ stalled: true, transfers: [] });
  const alarms = async () => {
    const { alarms: list } = await b.api.ok<{ alarms: { kind: string; closedMs?: number }[] }>('listAlarms');
    return list.filter(({ kind, closedMs }) => kind === 'fetching-stopped' && closedMs === undefined).length;
  };
  await eventually(async () => (await alarms()) === 1, 'the alarm is open');
  await eventually(async () => (await figuresOf(a.api, b.node.id))?.stalled === true, 'others know');
  expect(dataOf(await call(`${b.group}/status`))).toMatchObject({ 'Fs.FetchingStopped': true });
  // Nothing was removed for it, nothing is tried over and over, and what was not fetched is still served, from elsewhere.
  const before = await catalogueBytes(b);
  const [small = ''] = files;
  expect((await download(b, small)).status).toBe(200);
  expect(await isKept(b, small)).toBe(false);
  expect(await catalogueBytes(b)).toBe(before);
  await change({ free_space_floor_mb: 0, free_space_floor_percent: 0 });
  await events.until(({ type, data }) => type === 'fetching-changed' && !(data as { stalled: boolean }).stalled);
  for (const file of files) await eventually(() => isKept(b, file), 'it is fetched');
  expect((await transfers()).stalled).toBe(false);
  expect(digest('sha256', (await download(b, small)).body)).toBe(digest('sha256', (await download(a, small)).body));
}, 30_000);
