/** What came from members is remembered, what could not be fetched too, and whoever listens is told of what changes. */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import type { ApiClient } from '../support/api-client.ts';
import { allSee, type ClusterNode, startCluster, startMember, testKey } from '../support/cluster-in-process.ts';
import { EventClient, type ReceivedEvent } from '../support/event-client.ts';
import { eventually } from '../support/eventually.ts';
import { FakeMember } from '../support/fake-member.ts';

interface Ended {
  readonly number: number;
  readonly size: number;
  readonly from: readonly string[];
  readonly state: string;
  readonly tries: number;
  readonly files: readonly string[];
  readonly code?: string;
  readonly message?: string;
}

interface Page {
  readonly transfers: readonly Ended[];
  readonly cursor?: number;
}

const history = (api: ApiClient, query = {}) => api.ok<Page>('listEndedTransfers', { query });
const put = (api: ApiClient, path: string, body: Buffer | string) => api.ok('writeFile', { query: { path }, body });
const pair = () => startCluster(2) as Promise<[ClusterNode, ClusterNode]>;

it('tells what came from whom, page by page, names of files as they are now, and forgets when asked', async () => {
  const [a, b] = await pair();
  const events = await EventClient.connect(b);
  const bodies = ['one', 'two', 'three', 'four', 'five'];
  for (const body of bodies) await put(a.api, `文件/${body}.txt`, body);
  await eventually(async () => (await history(b.api)).transfers.length === 5, 'all have come');
  await events.until(({ type, data }) => type === 'transfers-ended' && (data as { latest: number }).latest === 5);
  await b.api.ok('moveEntry', { json: { from: '文件/three.txt', to: 'elsewhere.txt' } });
  const seen: Ended[] = [];
  let cursor: number | undefined;
  do {
    const page: Page = await history(b.api, { limit: 2, ...(cursor !== undefined && { cursor }) });
    expect(page.transfers.length).toBeLessThanOrEqual(2);
    seen.push(...page.transfers);
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect(seen.flatMap(({ files }) => files).sort()).toEqual(
    ['elsewhere.txt', ...['five', 'four', 'one', 'two'].map((name) => `文件/${name}.txt`)].sort(),
  );
  for (const one of seen) expect(one).toMatchObject({ state: 'done', from: [a.node.id], tries: 1 });
  expect((await history(a.api)).transfers).toEqual([]);
  await b.api.ok('forgetEndedTransfers');
  expect((await history(b.api)).transfers).toEqual([]);
});

it('tells why a content could not be fetched, in the language of the asker', async () => {
  const [a, b] = await pair();
  await a.api.ok('pauseTransfers', { json: { paused: true } });
  await put(b.api, 'secret.txt', 'a small secret');
  await eventually(
    async () => (await a.api.send('statFile', { query: { path: 'secret.txt' } })).status === 200,
    'known',
  );
  await b.node.stop();
  const fake = await FakeMember.start(b.dataDir, b.node.peerPort, {
    blocks: (_request, response) => response.end(),
    bytes: (_from, _to, response) =>
      response.writeHead(206, { 'content-length': 14 }).end('another secret'.slice(0, 14)),
  });
  await a.api.ok('pauseTransfers', { json: { paused: false } });
  await eventually(async () => ((await history(a.api)).transfers[0]?.tries ?? 0) >= 2, 'it was tried twice');
  const failed = await a.api.ok<Page>('listEndedTransfers', { headers: { 'accept-language': 'zh-CN' } });
  expect(failed.transfers).toMatchObject([{ state: 'failed', code: 'PEER_BYTES_WRONG', files: ['secret.txt'] }]);
  expect(failed.transfers[0]?.message).toMatch(/\p{Script=Han}/u);
  await fake.stop();
  await startMember('n1', { cluster_key: testKey, peer_addr: `127.0.0.1:${b.node.peerPort}` }, b.dataDir);
  await eventually(async () => (await history(a.api)).transfers[0]?.state === 'done', 'it has come', 30_000);
});

interface Figures {
  readonly total: { readonly files: number };
  readonly missing: { readonly files: number };
}

it('figures of all members and the progress of a verification are told to whoever listens, once for each change', async () => {
  const [a, b] = await pair();
  await allSee([a, b]);
  const events = await EventClient.connect(a);
  const isSame = (files: number) => (event: ReceivedEvent) => {
    if (event.type !== 'member-figures') return false;
    const all = event.data as Record<string, Figures>;
    return [a, b].every(({ node }) => all[node.id]?.total.files === files && all[node.id]?.missing.files === 0);
  };
  await events.until(isSame(0));
  await put(b.api, 'new.bin', randomBytes(5000));
  const told = await events.until(isSame(1));
  expect(told.id).toBeUndefined();
  const texts = events.events
    .filter(({ type }) => type === 'member-figures')
    .map(({ data }) => JSON.stringify(data, (key, value) => (key === 'atMs' ? undefined : value)));
  for (const [index, text] of texts.entries()) expect(text).not.toBe(texts[index + 1]);
  await a.api.ok('verifyStore');
  const done = await events.until(
    ({ type, data }) => type === 'verification' && (data as { state: string }).state === 'finished',
  );
  expect(done.data).toMatchObject({ sound: 1, damaged: 0, missing: 0, bad: [] });
});
