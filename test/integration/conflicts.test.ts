/** Conflicts between members: listed with all versions, resolved by somebody who looked at them. */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { blockBytes } from '../../node-core/domain/digests.ts';
import type { ApiClient } from '../support/api-client.ts';
import { allSee, type ClusterNode, startCluster, startMember, testKey } from '../support/cluster-in-process.ts';
import { EventClient } from '../support/event-client.ts';
import { eventually } from '../support/eventually.ts';
import { download, upload } from '../support/http-client.ts';

interface Version {
  readonly id: string;
  readonly path: string;
  readonly size: number;
  readonly nodeName: string;
  readonly here: boolean;
}

interface Conflict {
  readonly path: string;
  readonly versions: readonly Version[];
}

interface Page {
  readonly conflicts: readonly Conflict[];
  readonly cursor?: string;
}

const config = { cluster_key: testKey, enable_distinct_file: false };

const put = (node: ClusterNode, content: string, name: string) =>
  upload(node, content, { name, fields: { path: '文档', filename: name } });

const conflictsOf = async (api: ApiClient) => (await api.ok<Page>('listConflicts')).conflicts;

/** Two nodes that wrote to the same paths while they were apart. */
async function pairThatWrote(names: readonly string[]) {
  const [a, b] = (await startCluster(2, { enable_distinct_file: false })) as [ClusterNode, ClusterNode];
  await b.node.stop();
  for (const name of names) await put(a, `of the first, ${name}`, name);
  await a.node.stop();
  const other = await startMember('n1', config, b.dataDir);
  for (const name of names) await put(other, `of the second one, ${name}`, name);
  const events = await EventClient.connect(other);
  const one = await startMember('n0', { ...config, peers: [other.origin] }, a.dataDir);
  await allSee([one, other]);
  for (const node of [one, other])
    await eventually(async () => {
      const found = await conflictsOf(node.api);
      return found.length === names.length && found.every(({ versions }) => versions.every(({ here }) => here));
    }, 'both see the conflicts, with all bytes');
  return { a: one, b: other, events };
}

const textOf = async (node: ClusterNode, path: string) => (await download(node, `/group1/${path}`)).text;

it('are listed alike at every member, page by page', async () => {
  const names = ['a.txt', 'b.txt', 'c.txt'];
  const { a, b, events } = await pairThatWrote(names);
  const [first] = await conflictsOf(a.api);
  expect(await conflictsOf(b.api)).toEqual(await conflictsOf(a.api));
  expect(first).toMatchObject({
    path: '文档/a.txt',
    versions: [
      { path: '文档/a.txt', nodeName: 'n1', size: 24 },
      { nodeName: 'n0', size: 19 },
    ],
  });
  expect(first?.versions[1]?.path).toMatch(/^文档\/a \(conflict [0-9a-f]{8} .*\)\.txt$/);
  const paths: string[] = [];
  let cursor: string | undefined;
  do {
    const page: Page = await a.api.ok('listConflicts', { query: { limit: 2, ...(cursor && { cursor }) } });
    expect(page.conflicts.length).toBeLessThanOrEqual(2);
    paths.push(...page.conflicts.map(({ path }) => path));
    cursor = page.cursor;
  } while (cursor);
  expect(paths).toEqual(names.map((name) => `文档/${name}`));
  await events.until(({ type, data }) => type === 'conflict-found' && (data as Conflict).path === '文档/c.txt');
});

it('are resolved by keeping one version, whichever it is; the others can be restored', async () => {
  const { a, b, events } = await pairThatWrote(['a.txt', 'b.txt']);
  const [hidden, shown] = (await conflictsOf(a.api)) as [Conflict, Conflict];
  const seen = ({ versions }: Conflict) => versions.map(({ id }) => id);
  const json = { path: hidden.path, seen: seen(hidden), keep: seen(hidden)[1], others: 'delete' };
  await a.api.ok('resolveConflict', { json });
  await a.api.ok('resolveConflict', {
    json: { path: shown.path, seen: seen(shown), keep: seen(shown)[0], others: 'delete' },
  });
  for (const node of [a, b]) {
    await eventually(async () => (await conflictsOf(node.api)).length === 0, 'nothing is left of them');
    expect(await textOf(node, hidden.path)).toBe('of the first, a.txt');
    expect(await textOf(node, shown.path)).toBe('of the second one, b.txt');
    const { entries } = await node.api.ok<{ entries: { name: string }[] }>('listTrash');
    expect(entries.map(({ name }) => name).sort()).toEqual(['a.txt', 'b.txt']);
  }
  await events.until(({ type, data }) => type === 'conflict-gone' && (data as Conflict).path === shown.path);
  await a.api.refused('resolveConflict', 404, 'CONFLICT_NOT_FOUND', { json });
});

it('are resolved by keeping all of them under names of their own', async () => {
  const { a, b } = await pairThatWrote(['a.txt', 'b.txt', 'c.txt']);
  const [one, two, three] = (await conflictsOf(b.api)) as [Conflict, Conflict, Conflict];
  const ids = ({ versions }: Conflict) => versions.map(({ id }) => id) as [string, string];
  await put(b, 'somebody else', 'b (2).txt');
  for (const conflict of [one, two])
    await b.api.ok('resolveConflict', {
      json: { path: conflict.path, seen: ids(conflict), keep: ids(conflict)[0], others: 'rename' },
    });
  // The one that shows gets another name, the other one its place.
  const names = { [ids(three)[0]]: '文档/新/c.txt' };
  await b.api.ok('resolveConflict', {
    json: { path: three.path, seen: ids(three), keep: ids(three)[1], others: 'rename', names },
  });
  for (const node of [a, b]) {
    await eventually(async () => (await conflictsOf(node.api)).length === 0, 'nothing is left of them');
    for (const [path, text] of [
      ['文档/a.txt', 'of the second one, a.txt'],
      ['文档/a (2).txt', 'of the first, a.txt'],
      ['文档/b (2).txt', 'somebody else'],
      ['文档/b (3).txt', 'of the first, b.txt'],
      ['文档/c.txt', 'of the first, c.txt'],
      ['文档/新/c.txt', 'of the second one, c.txt'],
    ] as const)
      await eventually(async () => (await textOf(node, path)) === text, `${path} is on ${node.name}`);
  }
});

it('that changed since somebody looked are not resolved', async () => {
  const { a } = await pairThatWrote(['a.txt']);
  const [{ path, versions } = { path: '', versions: [] }] = await conflictsOf(a.api);
  const [keep = '', other = ''] = versions.map(({ id }) => id);
  const wrong = [
    { seen: [keep], keep },
    { seen: [keep, other, `${'0'.repeat(64)}.${'0'.repeat(12)}.1`], keep },
    { seen: [keep, other], keep: 'none of them' },
  ];
  for (const one of wrong)
    await a.api.refused('resolveConflict', 409, 'CONFLICT_CHANGED', { json: { path, others: 'delete', ...one } });
  const occupied = { [other]: path };
  await a.api.refused('resolveConflict', 409, 'TARGET_EXISTS', {
    json: { path, seen: [keep, other], keep, others: 'rename', names: occupied },
  });
  await a.api.refused('resolveConflict', 400, 'PATH_INVALID', {
    json: { path, seen: [keep, other], keep, others: 'rename', names: { [other]: '../../etc/passwd' } },
  });
  expect((await conflictsOf(a.api))[0]?.versions.map(({ id }) => id)).toEqual([keep, other]);
});

it('transfers tell how fast they are, what waits for them, and how much waits in all', async () => {
  const [a, b] = (await startCluster(2, { peer_bandwidth_kib: 4096 })) as [ClusterNode, ClusterNode];
  const events = await EventClient.connect(b);
  const size = 3 * blockBytes;
  await upload(a, randomBytes(size), { name: 'big.bin', fields: { path: 'd', filename: 'big.bin' } });
  interface Transfers {
    readonly waiting: { readonly files: number; readonly bytes: number };
    readonly transfers: readonly { files: string[]; bytesPerSecond: number; done: number }[];
  }
  let seen: Transfers | undefined;
  await eventually(async () => {
    const now = await b.api.ok<Transfers>('listTransfers');
    if ((now.transfers[0]?.bytesPerSecond ?? 0) > 0) seen = now;
    return seen !== undefined;
  }, 'it is under way');
  expect(seen).toMatchObject({ waiting: { files: 1, bytes: size }, transfers: [{ files: ['d/big.bin'] }] });
  // The limit is 4 MiB a second; what a loaded machine makes of it is somewhere below.
  expect(seen?.transfers[0]?.bytesPerSecond).toBeLessThan(12 * 1024 * 1024);
  const done = await events.until(
    ({ type, data }) => type === 'transfer-progress' && (data as { state: string }).state === 'done',
  );
  expect((done.data as { bytesPerSecond: number }).bytesPerSecond).toBeGreaterThan(0);
  await eventually(async () => (await b.api.ok<Transfers>('listTransfers')).waiting.files === 0, 'nothing waits');
});
