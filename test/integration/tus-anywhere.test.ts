/** A resumable upload goes on at every member, wherever it began. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { Level } from 'level';
import * as tus from 'tus-js-client';
import { expect, it } from 'vitest';
import type { Config } from '../../node-core/config/schema.ts';
import { allSee, type ClusterNode, startCluster, startMember, testKey } from '../support/cluster-in-process.ts';
import { eventually } from '../support/eventually.ts';
import { call, dataOf, digest, download, expectRefusal, type FileInfo, upload } from '../support/http-client.ts';
import { untilFileHas } from '../support/store-folder.ts';
import { behindProxy, from } from '../support/strangers.ts';
import {
  append,
  beginPart,
  create,
  growingFile,
  idOf,
  locationOf,
  metadataHeader,
  offsetOf,
  sendCreate,
  sendHead,
  sendPart,
  terminate,
  tusHeaders,
} from '../support/tus-client.ts';

const megabyte = 1024 * 1024;

/** The address of an upload at another member. */
const at = (node: ClusterNode, url: string) => `${node.group}/big/upload/${idOf(url)}`;

/** Gives an upload of a node that is not running another id. */
async function renameUpload(dataDir: string, from: string, to: string): Promise<void> {
  const db = new Level<string, string>(path.join(dataDir, 'data', 'catalog'));
  const row = JSON.parse(await db.get(`u\0${from}`)) as object;
  await db.batch([
    { type: 'del', key: `u\0${from}` },
    { type: 'put', key: `u\0${to}`, value: JSON.stringify({ ...row, id: to }) },
  ]);
  await db.close();
  const folder = path.join(dataDir, 'files', '_big');
  await rename(path.join(folder, from), path.join(folder, to));
}

const pair = (config: Partial<Config> = {}) => startCluster(2, config) as Promise<[ClusterNode, ClusterNode]>;

it('an upload that began at one member is continued, asked after and finished at others, and is everywhere', async () => {
  const [a, b, c] = (await startCluster(3)) as [ClusterNode, ClusterNode, ClusterNode];
  const content = randomBytes(6 * megabyte + 7);
  const url = await create(a, content.byteLength, { filename: '视频.mp4', scene: 'movies' });
  await append(at(b, url), 0, content.subarray(0, megabyte));
  await append(at(c, url), megabyte, content.subarray(megabyte, 2 * megabyte));
  expect(await offsetOf(at(b, url))).toBe(2 * megabyte);
  expect(await offsetOf(url)).toBe(2 * megabyte);
  const head = await sendHead(at(b, url));
  expect(head.headers).toMatchObject({
    'upload-length': String(content.byteLength),
    'tus-resumable': '1.0.0',
    'cache-control': 'no-store',
    'upload-metadata': metadataHeader({ filename: '视频.mp4', scene: 'movies' }),
  });
  const own = await sendHead(url);
  for (const name of ['upload-expires', 'upload-offset', 'cache-control', 'content-type'])
    expect(head.headers[name], name).toEqual(own.headers[name]);
  await append(at(b, url), 2 * megabyte, content.subarray(2 * megabyte));
  // The file of the finished upload can be had at the member that the client speaks with, at once and in parts.
  for (const node of [b, c, a]) {
    const answer = await call(at(node, url));
    expect([answer.status, digest('sha256', answer.body)]).toEqual([200, digest('sha256', content)]);
    const part = await call(at(node, url), { headers: { range: 'bytes=5242880-5242890' } });
    expect([part.status, part.body]).toEqual([206, content.subarray(5242880, 5242891)]);
    const info = dataOf<FileInfo>(await call(`${node.group}/get_file_info?md5=${idOf(url)}`));
    expect(info).toMatchObject({ size: content.byteLength, scene: 'movies' });
    const where = `/${info.path.replace('files', 'group1')}/${info.rename || info.name}`;
    await eventually(async () => (await download(node, where)).status === 200, `it is on ${node.name}`);
  }
  // What has become a file is not given up as an upload, there or here.
  expect((await terminate(at(b, url))).status).toBe((await terminate(url)).status);
});

it('refusals are those of the owner: wrong offset, wrong digest, wrong media type, unknown version', async () => {
  const [a, b] = await pair();
  const url = await create(a, 100);
  const here = at(b, url);
  expect((await sendPart(here, 7, 'x')).status).toBe(409);
  expect((await sendPart(here, 0, 'x', { 'content-type': 'text/plain' })).status).toBe(
    (await sendPart(url, 0, 'x', { 'content-type': 'text/plain' })).status,
  );
  expect((await sendPart(here, 0, 'abc', { 'upload-checksum': 'sha1 AAAA' })).status).toBe(460);
  expect(await offsetOf(url)).toBe(0);
  expect((await call(here, { method: 'HEAD' })).status).toBe(412);
  const right = `sha256 ${Buffer.from(digest('sha256', Buffer.from('abc')), 'hex').toString('base64')}`;
  expect((await sendPart(here, 0, 'abc', { 'upload-checksum': right })).status).toBe(204);
  expect((await terminate(here)).status).toBe(204);
  expect((await sendHead(url)).status).toBe(404);
  expect((await sendHead(here)).status).toBe(404);
  expect(existsSync(growingFile(a.dataDir, url))).toBe(false);
});

it('a client that breaks off in the middle goes on from what has arrived at the owner', async () => {
  const [a, b] = await pair();
  const content = randomBytes(3 * megabyte);
  const url = await create(a, content.byteLength);
  const sent = beginPart(at(b, url), 0, content.byteLength);
  sent.write(content.subarray(0, 2 * megabyte));
  await untilFileHas(growingFile(a.dataDir, url), megabyte);
  sent.destroy();
  await eventually(async () => (await offsetOf(at(b, url))) >= megabyte, 'what came counts');
  const offset = await offsetOf(at(b, url));
  await append(at(b, url), offset, content.subarray(offset));
  expect(digest('sha256', (await call(at(b, url))).body)).toBe(digest('sha256', content));
});

it('the client that browsers use uploads through a member to an upload of another one', async () => {
  const [a, b] = await pair();
  const content = randomBytes(5 * megabyte + 3);
  const url = await create(a, content.byteLength);
  await new Promise<void>((resolve, reject) => {
    const uploading = new tus.Upload(content, {
      uploadUrl: at(b, url),
      chunkSize: megabyte,
      onSuccess: () => resolve(),
      onError: reject,
    });
    uploading.start();
  });
  expect(digest('sha256', (await call(at(b, url))).body)).toBe(digest('sha256', content));
});

it('while the owner is away the answer is 503 with Retry-After; when it is back the upload goes on', async () => {
  const [a, b] = await pair();
  const url = await create(a, 10);
  await append(at(b, url), 0, '01234');
  const sent = beginPart(at(b, url), 5, 5);
  await a.node.stop();
  sent.destroy();
  for (const answer of [await sendPart(at(b, url), 5, '56789'), await terminate(at(b, url)), await call(at(b, url))]) {
    expectRefusal(answer, 503, 'UPLOAD_OWNER_AWAY');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  }
  const head = await sendHead(at(b, url));
  expect([head.status, Number(head.headers['retry-after']) > 0]).toEqual([503, true]);
  const back = await startMember('n0', { cluster_key: testKey, peers: [b.origin] }, a.dataDir);
  await allSee([back, b]);
  expect(await offsetOf(at(b, url))).toBe(5);
  await append(at(b, url), 5, '56789');
  expect((await call(at(b, url))).text).toBe('0123456789');
});

it('an owner that dies while a part is being passed on: a coded answer, and nothing of the part is lost that it had', async () => {
  const [a, b] = await pair();
  const url = await create(a, 4 * megabyte);
  const answer = new Promise<number | undefined>((resolve) => {
    const sent = beginPart(at(b, url), 0, 4 * megabyte);
    sent.removeAllListeners('response');
    sent.on('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.write(randomBytes(2 * megabyte));
    void untilFileHas(growingFile(a.dataDir, url), megabyte).then(() => a.node.stop());
  });
  expect(await answer).toBe(503);
  const back = await startMember('n0', { cluster_key: testKey, peers: [b.origin] }, a.dataDir);
  await allSee([back, b]);
  expect(await offsetOf(at(b, url))).toBeGreaterThanOrEqual(megabyte);
});

it('an id that no member knows is not found; one of an unknown owner waits while somebody cannot be asked', async () => {
  const [a, b] = await pair();
  const unknown = `${b.group}/big/upload/${randomBytes(16).toString('hex')}`;
  expect((await sendHead(unknown)).status).toBe(404);
  expect((await sendPart(unknown, 0, 'x')).status).toBe(404);
  expectRefusal(await call(unknown), 404, 'FILE_NOT_FOUND');
  expect((await sendHead(`${b.group}/big/upload/no-id-of-ours`)).status).toBe(404);
  const named = `${b.group}/big/upload/${a.node.id.slice(0, 8)}${randomBytes(12).toString('hex')}`;
  expect((await sendHead(named)).status).toBe(404);
  await a.node.stop();
  await eventually(async () => (await sendHead(unknown)).status === 503, 'it cannot be said');
  expect((await sendHead(`${b.group}/big/upload/no-id-of-ours`)).status).toBe(404);
});

it('addresses of uploads whose ids do not begin with their owner are found by asking', async () => {
  const [a, b] = await pair();
  // As a node wrote them whose key was made anew.
  const url = await create(a, 5);
  await append(url, 0, '12');
  const renamed = `ffffffff${idOf(url).slice(8)}`;
  await a.node.stop();
  await renameUpload(a.dataDir, idOf(url), renamed);
  const back = await startMember('n0', { cluster_key: testKey, peers: [b.origin] }, a.dataDir);
  await allSee([back, b]);
  const here = `${b.group}/big/upload/${renamed}`;
  expect(await offsetOf(here)).toBe(2);
  await append(here, 2, '345');
  expect((await call(here)).text).toBe('12345');
});

it('members of different groups: parts are put together under the names that each group has', async () => {
  const a = await startMember('a', { cluster_key: testKey, group: 'left' });
  const b = await startMember('b', { cluster_key: testKey, peers: [a.origin], support_group_manage: false });
  await allSee([a, b]);
  const part = locationOf(await sendCreate(a, { 'upload-length': 2, 'upload-concat': 'partial' }));
  await append(at(b, part), 0, 'xy');
  expect((await sendHead(at(b, part))).headers['upload-concat']).toBe('partial');
  const whole = await sendCreate(a, {
    'upload-concat': `final;${new URL(part).pathname}`,
    'upload-metadata': metadataHeader({ filename: 'a.txt' }),
  });
  const url = locationOf(whole);
  const head = await sendHead(at(b, url));
  expect(head.headers['upload-concat']).toBe(`final;/big/upload/${idOf(part)}`);
  expectRefusal(await sendPart(at(b, url), 2, 'z'), 403, 'UPLOAD_IS_FINAL');
  expect((await call(at(b, url))).text).toBe('xy');
});

it('parts that began at different members become one file at any of them, and are given up', async () => {
  const nodes = (await startCluster(3)) as [ClusterNode, ClusterNode, ClusterNode];
  const [a, b, c] = nodes;
  const content = randomBytes(3 * megabyte + 5);
  const cuts = [0, megabyte, megabyte, 2 * megabyte + 1, content.byteLength];
  const parts: string[] = [];
  for (let index = 0; index + 1 < cuts.length; index += 1) {
    const bytes = content.subarray(cuts[index], cuts[index + 1]);
    const headers = { 'upload-length': bytes.byteLength, 'upload-concat': 'partial' };
    const part = locationOf(await sendCreate(nodes[index % 3] ?? a, headers));
    if (bytes.byteLength > 0) await append(part, 0, bytes);
    parts.push(part);
  }
  const incomplete = locationOf(await sendCreate(b, { 'upload-length': 9, 'upload-concat': 'partial' }));
  const plain = await create(b, 0);
  const combine = (urls: readonly string[]) =>
    sendCreate(c, {
      'upload-concat': `final;${urls.join(' ')}`,
      'upload-metadata': metadataHeader({ filename: 'whole.bin' }),
    });
  for (const wrong of [incomplete, plain, `${b.group}/big/upload/${randomBytes(16).toString('hex')}`])
    expectRefusal(await combine([...parts, wrong]), 400, 'BAD_REQUEST');
  const url = locationOf(await combine(parts));
  for (const node of nodes) expect(digest('sha256', (await call(at(node, url))).body)).toBe(digest('sha256', content));
  for (const part of parts) await eventually(async () => (await sendHead(part)).status === 404, 'it is given up');
  // A part whose owner is away cannot be read: nothing of the attempt stays.
  const lonely = locationOf(await sendCreate(a, { 'upload-length': 2, 'upload-concat': 'partial' }));
  await append(lonely, 0, 'ab');
  await a.node.stop();
  const before = await readdir(path.join(c.dataDir, 'files', '_big'));
  expectRefusal(await combine([lonely]), 503, 'UPLOAD_OWNER_AWAY');
  expect(await readdir(path.join(c.dataDir, 'files', '_big'))).toEqual(before);
});

it('the last part waits for as many members as the client, or the member that it speaks with, asks for', async () => {
  const a = await startMember('a', { cluster_key: testKey });
  const b = await startMember('b', { cluster_key: testKey, peers: [a.origin], min_replicas: 2 });
  const c = await startMember('c', { cluster_key: testKey, peers: [a.origin] });
  await allSee([a, b, c]);
  const last = async (node: ClusterNode, headers: Record<string, string>) =>
    (await sendPart(at(node, await create(a, 3)), 0, randomBytes(3), headers)).headers['shoal-replicas'];
  expect(await last(c, {})).toBeUndefined();
  expect(await last(c, { 'shoal-min-replicas': '3' })).toBe('3');
  expect(Number(await last(b, {}))).toBeGreaterThanOrEqual(2);
  expect(await last(b, { 'shoal-min-replicas': '3' })).toBe('3');
  const url = at(c, await create(a, 3));
  const refused = await sendPart(url, 0, 'abc', { 'shoal-min-replicas': 'many' });
  expect([refused.status, refused.text.includes('PARAMETER_INVALID')]).toEqual([400, true]);
  // The bytes are there; a request of zero bytes stores them.
  expect((await call(url)).status).toBe(404);
  expect((await sendPart(url, 3, '')).status).toBe(204);
  expect((await call(url)).text).toBe('abc');
});

it('the doors of the member that the client speaks with hold', async () => {
  const a = await startMember('a', { cluster_key: testKey });
  const guarded = { ...behindProxy, download_use_token: true };
  const b = await startMember('b', { cluster_key: testKey, peers: [a.origin], ...guarded });
  await allSee([a, b]);
  const url = await create(a, 3);
  await append(at(b, url), 0, 'abc');
  expect((await call(url)).text).toBe('abc');
  expectRefusal(await call(at(b, url), { headers: from() }), 401, 'DOWNLOAD_TOKEN_REFUSED');
  // What is refused tells nothing of what there is.
  const unknown = `${b.group}/big/upload/${a.node.id.slice(0, 8)}${'0'.repeat(24)}`;
  expectRefusal(await call(unknown, { headers: from() }), 401, 'DOWNLOAD_TOKEN_REFUSED');
  const now = Math.floor(Date.now() / 1000);
  const query = `token=${digest('md5', digest('md5', 'abc') + now)}&timestamp=${now}`;
  expect((await call(`${at(b, url)}?${query}`, { headers: from() })).text).toBe('abc');
  const readOnly = await startMember('c', { cluster_key: testKey, peers: [a.origin], read_only: true });
  await allSee([a, b, readOnly]);
  const other = await create(a, 3);
  expectRefusal(await sendPart(at(readOnly, other), 0, 'abc'), 403, 'READ_ONLY');
  expect(await offsetOf(at(readOnly, other))).toBe(0);
  const closed = await startMember('d', { cluster_key: testKey, peers: [a.origin], enable_tus: false });
  await allSee([a, b, readOnly, closed]);
  expectRefusal(await call(at(closed, other), { headers: tusHeaders }), 404, 'ROUTE_NOT_FOUND');
  // And the owner's: it takes nothing while it is read-only itself.
  await a.node.stop();
  const back = await startMember('a', { cluster_key: testKey, peers: [b.origin], read_only: true }, a.dataDir);
  await allSee([back, b, readOnly, closed]);
  expectRefusal(await sendPart(at(b, other), 0, 'abc'), 403, 'READ_ONLY');
});

it('a page of another site may read the answer where this member lets it', async () => {
  const a = await startMember('a', { cluster_key: testKey, enable_cross_origin: false });
  const b = await startMember('b', { cluster_key: testKey, peers: [a.origin], enable_cross_origin: true });
  await allSee([a, b]);
  const url = await create(a, 3);
  const answer = await call(at(b, url), { method: 'HEAD', headers: { ...tusHeaders, origin: 'https://app.example' } });
  expect(answer.headers['access-control-allow-origin']).toBe('https://app.example');
  expect(answer.headers['access-control-expose-headers']).toContain('upload-offset');
});

it('a large part passes through without being kept in memory of the member in between', async () => {
  const [a, b] = await pair();
  const size = 192 * megabyte;
  const url = await create(a, size);
  const block = randomBytes(megabyte);
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const sent = beginPart(at(b, url), 0, size);
  const answered = new Promise<void>((resolve) => sent.once('response', () => resolve()));
  for (let written = 0; written < size; written += megabyte) {
    if (!sent.write(block)) await new Promise<void>((resolve) => sent.once('drain', () => resolve()));
    most = Math.max(most, process.memoryUsage().arrayBuffers);
  }
  sent.end();
  await answered;
  expect((most - before) / megabyte).toBeLessThan(64);
  expect(await offsetOf(at(b, url))).toBe(size);
}, 60_000);

it('a stored file that has nothing to do with an upload is not touched by an id that looks like its md5', async () => {
  const [a, b] = await pair();
  const { path: file, md5 } = await upload(a, 'plain');
  await eventually(async () => (await download(b, file)).status === 200, 'it is there');
  expect((await terminate(`${b.group}/big/upload/${md5}`)).status).toBe(404);
  expect((await download(b, file)).status).toBe(200);
});
