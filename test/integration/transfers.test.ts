/** Bytes between members: verified, resumed, from whoever has them. A member with a key of its own plays false. */
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import { expect, it } from 'vitest';
import { blockBytes } from '../../node-core/domain/digests.ts';
import { ApiClient } from '../support/api-client.ts';
import { allSee, type ClusterNode, startCluster, startMember, testKey } from '../support/cluster-in-process.ts';
import { eventually } from '../support/eventually.ts';
import { callPeer, FakeMember, openPeer, somebody } from '../support/fake-member.ts';
import { digest, download, upload } from '../support/http-client.ts';
import { startNodeProcess } from '../support/node-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const partsOf = (node: { readonly dataDir: string }) => readdir(path.join(node.dataDir, 'files', '_part'));

/** Raw digests of all blocks. */
function listOf(content: Buffer): Buffer {
  const digests: Buffer[] = [];
  for (let start = 0; start < content.byteLength; start += blockBytes)
    digests.push(
      createHash('sha256')
        .update(content.subarray(start, start + blockBytes))
        .digest(),
    );
  return Buffer.concat(digests);
}

function send(response: ServerResponse, bytes: Buffer): void {
  response.writeHead(206, { 'content-length': bytes.byteLength });
  response.end(bytes);
}

/** A pair of which the first knows of a file of the second, and has not begun to fetch it. */
async function pairWithWaiting(content: Buffer): Promise<{ a: ClusterNode; b: ClusterNode; file: string }> {
  const [a, b] = (await startCluster(2)) as [ClusterNode, ClusterNode];
  await a.api.ok('pauseTransfers', { json: { paused: true } });
  const { path: file } = await upload(b, content, { name: 'big.bin' });
  await eventually(async () => (await download(a, file)).status === 503, 'the record is here, the bytes are not');
  await b.node.stop();
  return { a, b, file };
}

const isHere = async (node: { readonly origin: string }, file: string, content: Buffer) => {
  const answer = await download(node, file);
  return answer.status === 200 && digest('sha256', answer.body) === digest('sha256', content);
};

it('what a lying member sends is not kept, in small files and large; the truth is fetched when it comes back', async () => {
  const large = randomBytes(3 * blockBytes + 5);
  const { a, b, file } = await pairWithWaiting(large);
  const asked: string[] = [];
  const { peerPort } = b.node;
  const wrong = Buffer.from(large);
  wrong[blockBytes + 1] = (wrong[blockBytes + 1] ?? 0) ^ 1;
  const liar = await FakeMember.start(b.dataDir, peerPort, {
    blocks: (_request, response) => response.end(listOf(large)),
    bytes: (from, to, response) => {
      asked.push(`${from}-${to}`);
      send(response, wrong.subarray(from, to));
    },
  });
  await a.api.ok('pauseTransfers', { json: { paused: false } });
  await eventually(() => asked.length >= 2, 'it was asked again');
  // The first block was right and is not fetched again; the second one never is.
  expect(asked[0]).toBe('0-undefined');
  expect(asked[1]).toBe(`${blockBytes}-${large.byteLength}`);
  expect((await download(a, file)).status).toBe(503);
  await liar.stop();
  // A list of blocks that is not the record's is as good as none.
  const forger = await FakeMember.start(b.dataDir, peerPort, {
    blocks: (_request, response) => response.end(listOf(wrong)),
    bytes: () => asked.push('forged'),
  });
  const before = asked.length;
  await eventually(
    async () =>
      (await a.api.ok<{ members: { online: boolean }[] }>('listMembers')).members.every(({ online }) => online),
    'it is back',
  );
  await forger.stop();
  expect(asked.slice(before)).not.toContain('forged');
  await startMember('n1', { cluster_key: testKey, peer_addr: `127.0.0.1:${peerPort}` }, b.dataDir);
  await eventually(() => isHere(a, file, large), 'the right bytes are here', 30_000);
  expect(await partsOf(a)).toEqual([]);
});

it.each([
  ['too few bytes', (content: Buffer) => content.subarray(1)],
  ['too many bytes', (content: Buffer) => Buffer.concat([content, Buffer.from('x')])],
  ['other bytes', (content: Buffer) => Buffer.alloc(content.byteLength)],
  ['nothing', () => Buffer.alloc(0)],
])('a small file: %s are not kept', async (_what, distort) => {
  const content = Buffer.from('a small secret');
  const { a, b, file } = await pairWithWaiting(content);
  let asked = 0;
  await FakeMember.start(b.dataDir, b.node.peerPort, {
    blocks: (_request, response) => response.end(),
    bytes: (_from, _to, response) => {
      asked += 1;
      send(response, distort(content));
    },
  });
  await a.api.ok('pauseTransfers', { json: { paused: false } });
  await eventually(() => asked >= 2, 'it was asked, and asked again');
  expect((await download(a, file)).status).toBe(503);
});

it('a transfer goes on where it was when the receiving node was killed', async () => {
  const content = randomBytes(12 * blockBytes + 100);
  const source = await startMember('source', { cluster_key: testKey });
  const dataDir = await temporaryFolder();
  const env = { SHOAL_CLUSTER_KEY: testKey, SHOAL_PEER: source.origin, SHOAL_NAME: 'receiver' };
  const first = await startNodeProcess(dataDir, env);
  const api = await ApiClient.of(first);
  const sees = async (client: ApiClient) =>
    (await client.ok<{ members: unknown[] }>('listMembers')).members.length === 2;
  await eventually(() => sees(api), 'it has joined');
  await api.ok('pauseTransfers', { json: { paused: true } });
  const { path: file } = await upload(source, content, { name: 'big.bin' });
  await eventually(async () => (await download(first, file)).status === 503, 'the record is here');
  await source.node.stop();
  const asked: number[] = [];
  let killed: Promise<unknown> | undefined;
  // Two runs of four blocks come; the third never ends, and the node is killed in it.
  const slow = await FakeMember.start(source.dataDir, source.node.peerPort, {
    blocks: (_request, response) => response.end(listOf(content)),
    bytes: (from, to, response) => {
      asked.push(from / blockBytes);
      if (from < 8 * blockBytes) return send(response, content.subarray(from, to));
      response.writeHead(206, { 'content-length': (to ?? 0) - from });
      response.write(content.subarray(from, from + blockBytes + 1));
      killed ??= first.kill('SIGKILL');
    },
  });
  await api.ok('pauseTransfers', { json: { paused: false } });
  await eventually(() => killed !== undefined, 'the third run was asked for');
  await killed;
  await slow.stop();
  expect(asked).toEqual([0, 4, 8]);
  asked.length = 0;
  await FakeMember.start(source.dataDir, source.node.peerPort, {
    blocks: (_request, response) => response.end(listOf(content)),
    bytes: (from, to, response) => {
      asked.push(from / blockBytes);
      send(response, content.subarray(from, to));
    },
  });
  const again = await startNodeProcess(dataDir, env);
  await eventually(() => isHere(again, file, content), 'the file is here', 30_000);
  expect(Math.min(...asked)).toBeGreaterThanOrEqual(8);
  expect(await partsOf({ dataDir })).toEqual([]);
});

it('a large file comes from several members, and ends well although one of them goes', async () => {
  const nodes = (await startCluster(3)) as [ClusterNode, ClusterNode, ClusterNode];
  const [a, b, c] = nodes;
  await c.api.ok('pauseTransfers', { json: { paused: true } });
  const content = randomBytes(10 * blockBytes + 1);
  const { path: file } = await upload(a, content, { name: 'big.bin' });
  await eventually(() => isHere(b, file, content), 'the second has it');
  await c.api.ok('pauseTransfers', { json: { paused: false } });
  await Promise.all([b.node.stop(), eventually(() => isHere(c, file, content), 'the third has it', 30_000)]);
});

it('bytes come no faster than the configuration allows', async () => {
  const [a, b] = (await startCluster(2, { peer_bandwidth_kib: 2048 })) as [ClusterNode, ClusterNode];
  const content = randomBytes(3 * 1024 * 1024);
  const { path: file } = await upload(a, content, { name: 'big.bin' });
  const began = performance.now();
  await eventually(() => isHere(b, file, content), 'it is here');
  expect(performance.now() - began).toBeGreaterThan(1000);
});

it('partial files that nobody wants are gone after a start', async () => {
  const node = await startMember('n');
  await node.node.stop();
  const parts = path.join(node.dataDir, 'files', '_part');
  for (const name of ['0'.repeat(64), `${'0'.repeat(64)}.map`, `${'1'.repeat(64)}.map.new`])
    await writeFile(path.join(parts, name), 'x');
  const again = await startMember('n', {}, node.dataDir);
  await eventually(async () => (await partsOf(again)).length === 0, 'they are swept');
});

it('a member serves ranges of what it has, verifies before it serves, and says what it has not', async () => {
  const [a, b] = (await startCluster(2)) as [ClusterNode, ClusterNode];
  const content = randomBytes(2 * blockBytes + 10);
  const sha256 = digest('sha256', content);
  const { path: file } = await upload(a, content, { name: 'big.bin' });
  await eventually(() => isHere(b, file, content), 'both have it');
  await b.node.stop();
  const who = await somebody(b.dataDir);
  const ask = async (target: string, headers: Record<string, string> = {}) =>
    callPeer(await openPeer(a.node.peerPort, who), `/peer/v1/${target}`, { method: 'GET', headers });
  expect((await ask(`blocks?sha256=${sha256}`)).body).toEqual(listOf(content));
  for (const [from, to] of [
    [0, 1],
    [blockBytes - 1, blockBytes + 1],
    [2 * blockBytes, content.byteLength],
  ] as const) {
    const part = await ask(`bytes?sha256=${sha256}`, { range: `bytes=${from}-${to - 1}` });
    expect([part.status, part.headers['content-range']]).toEqual([
      206,
      `bytes ${from}-${to - 1}/${content.byteLength}`,
    ]);
    expect(part.body.equals(content.subarray(from, to))).toBe(true);
  }
  expect((await ask(`bytes?sha256=${sha256}`)).body.equals(content)).toBe(true);
  expect((await ask(`bytes?sha256=${sha256}`, { range: `bytes=${content.byteLength}-` })).status).toBe(416);
  expect((await ask(`bytes?sha256=${sha256}`, { range: 'bytes=5-1' })).status).toBe(416);
  expect((await ask(`bytes?sha256=${'0'.repeat(64)}`)).status).toBe(404);
  expect((await ask('bytes?sha256=../../x')).status).toBe(400);
  // One byte rots on the disk of the member.
  const place = path.join(a.dataDir, 'files', ...file.split('/').slice(2));
  const rotten = await readFile(place);
  rotten[blockBytes + 7] = (rotten[blockBytes + 7] ?? 0) ^ 1;
  await writeFile(`${place}.new`, rotten);
  await rename(`${place}.new`, place);
  const sound = await ask(`bytes?sha256=${sha256}`, { range: `bytes=0-${blockBytes - 1}` });
  expect(sound.status).toBe(206);
  expect((await ask(`bytes?sha256=${sha256}`, { range: `bytes=${blockBytes}-${blockBytes + 10}` })).status).toBe(404);
});

it('a cluster goes on over restarts of all nodes, with the one that was away catching up', async () => {
  const [a, b] = (await startCluster(2)) as [ClusterNode, ClusterNode];
  await b.node.stop();
  const content = Buffer.from('while you were away');
  const { path: file } = await upload(a, content);
  const back = await startMember('n1', { cluster_key: testKey }, b.dataDir);
  await allSee([a, back]);
  await eventually(() => isHere(back, file, content), 'it has caught up');
});
