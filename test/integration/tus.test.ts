/** Resumable uploads (tus 1.0.0) at `G/big/upload/`, by hand and with the client that browsers use. */
import { existsSync } from 'node:fs';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { Readable } from 'node:stream';
import * as tus from 'tus-js-client';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Clock } from '../../node-core/runtime/clock.ts';
import { ApiClient } from '../support/api-client.ts';
import {
  call,
  dataOf,
  digest,
  download,
  expectRefusal,
  type FileInfo,
  json,
  totals,
  upload,
} from '../support/http-client.ts';
import { startNode, type TestNode, writeConfig } from '../support/node-in-process.ts';
import { startNodeProcess } from '../support/node-process.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { stagedNames, untilFileHas } from '../support/store-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import {
  append,
  beginPart,
  create,
  growingFile,
  idOf,
  locationOf,
  metadataHeader,
  offsetOf,
  partType,
  sendCreate,
  sendHead,
  sendPart,
  terminate,
  tusHeaders,
  uploadWhole,
} from '../support/tus-client.ts';

const megabyte = 1024 * 1024;
const random = new SeededRandom(20_261_122);

let node: TestNode;
beforeAll(async () => {
  node = await startNode();
});

/** The record of a finished upload, by its id. */
async function recordOf(target: Pick<TestNode, 'group'>, url: string): Promise<FileInfo> {
  return dataOf<FileInfo>(await call(`${target.group}/get_file_info?md5=${idOf(url)}`));
}

/** Where a finished upload stands, as the path of a URL. */
async function storedPath(target: Pick<TestNode, 'group'>, url: string): Promise<string> {
  const { path: folder, name, rename } = await recordOf(target, url);
  return `/group1/${folder.replace(/^files\/?/, '')}/${rename || name}`;
}

const unfinished = (target: TestNode) => readdir(path.join(target.dataDir, 'files', '_big'));

describe('the protocol', () => {
  it('OPTIONS tells version, extensions, algorithms and the largest size', async () => {
    const limited = await startNode({ max_upload_bytes: 1000 });
    const answer = await call(`${limited.group}/big/upload/`, { method: 'OPTIONS' });
    expect([200, 204]).toContain(answer.status);
    expect(answer.headers).toMatchObject({ 'tus-version': '1.0.0', 'tus-max-size': '1000' });
    expect(String(answer.headers['tus-extension']).split(',').sort()).toEqual([
      'checksum',
      'concatenation',
      'creation',
      'creation-defer-length',
      'creation-with-upload',
      'expiration',
      'termination',
    ]);
    expect(String(answer.headers['tus-checksum-algorithm']).split(',')).toContain('sha1');
  });

  it('creation answers the address, and HEAD what it is', async () => {
    const metadata = { filename: 'hello.txt', scene: 'tests', empty: '' };
    const url = await create(node, 10, metadata);
    expect(url).toMatch(new RegExp(`^${node.group}/big/upload/[0-9a-f]{32}$`));
    const head = await sendHead(url);
    expect(head.status).toBe(200);
    expect(head.headers).toMatchObject({
      'upload-offset': '0',
      'upload-length': '10',
      'cache-control': 'no-store',
      'tus-resumable': '1.0.0',
    });
    expect(String(head.headers['upload-metadata'])).toContain(
      `filename ${Buffer.from('hello.txt').toString('base64')}`,
    );
    expect((await sendHead(`${node.group}/big/upload/${'0'.repeat(32)}`)).status).toBe(404);
  });

  it('takes parts in order and answers the last one when the file is there', async () => {
    const content = random.content(3 * megabyte);
    const url = await create(node, content.length, { filename: 'parts.bin', scene: 'parts' });
    const cuts = [0, 1, 700_000, 700_000, 2 * megabyte, content.length];
    for (const [index, from] of cuts.slice(0, -1).entries()) {
      expect((await call(url)).status, 'GET before the end').toBe(404);
      await append(url, from, content.subarray(from, cuts[index + 1]));
    }
    // No waiting: the answer of the last part is the promise.
    const file = await call(url);
    expect({ status: file.status, sha256: digest('sha256', file.body) }).toEqual({
      status: 200,
      sha256: digest('sha256', content),
    });
    const record = await recordOf(node, url);
    expect(record).toMatchObject({
      name: 'parts.bin',
      size: content.length,
      md5: digest('md5', content),
      scene: 'parts',
    });
    expect(record.path).toMatch(/^files\/parts\/\d{8}\/\d\d\/\d\d\/[^/]+$/);
    expect((await call(`${node.origin}${await storedPath(node, url)}`)).body.equals(content)).toBe(true);
  });

  it.each([0, 1, 5])('creation-with-upload takes the first %i bytes of 5 at once', async (bytes) => {
    const content = 'hello';
    const answer = await sendCreate(
      node,
      {
        'upload-length': 5,
        'content-type': partType,
        'upload-metadata': metadataHeader({ filename: 'with.txt', scene: `with${bytes}` }),
      },
      content.slice(0, bytes),
    );
    const url = locationOf(answer);
    expect(answer.headers['upload-offset']).toBe(String(bytes));
    if (bytes < 5) await append(url, bytes, content.slice(bytes));
    expect((await call(url)).text).toBe(content);
  });

  it('an upload of nothing is a file of nothing', async () => {
    const url = await create(node, 0, { filename: 'empty.txt', scene: 'nothing' });
    const file = await call(url);
    expect({ status: file.status, size: file.body.length }).toEqual({ status: 200, size: 0 });
    expect((await recordOf(node, url)).size).toBe(0);
  });

  it('creation-defer-length: the length may come with any part, once', async () => {
    const answer = await sendCreate(node, {
      'upload-defer-length': 1,
      'upload-metadata': metadataHeader({ filename: 'deferred.txt', scene: 'deferred' }),
    });
    const url = locationOf(answer);
    expect((await sendHead(url)).headers).toMatchObject({ 'upload-defer-length': '1', 'upload-offset': '0' });
    await append(url, 0, 'abc');
    expect((await sendHead(url)).headers['upload-length']).toBeUndefined();
    expect((await sendPart(url, 3, '', { 'upload-length': 2 })).status, 'less than is there').toBe(400);
    expect((await sendPart(url, 3, 'def', { 'upload-length': 8 })).status).toBe(204);
    expect((await sendHead(url)).headers).toMatchObject({ 'upload-length': '8', 'upload-offset': '6' });
    expect((await sendPart(url, 6, '', { 'upload-length': 9 })).status, 'a second length').toBe(400);
    await append(url, 6, 'gh');
    expect((await call(url)).text).toBe('abcdefgh');
  });

  it('creation-defer-length: an upload is complete when its length comes last, without a byte', async () => {
    const url = locationOf(
      await sendCreate(node, {
        'upload-defer-length': 1,
        'upload-metadata': metadataHeader({ filename: 'late.txt', scene: 'late' }),
      }),
    );
    await append(url, 0, 'all of it');
    expect((await sendPart(url, 9, '', { 'upload-length': 9 })).status).toBe(204);
    expect((await call(url)).text).toBe('all of it');
  });

  it('a wrong offset is 409 and changes nothing', async () => {
    const url = await create(node, 10, { filename: 'offset.txt', scene: 'offset' });
    await append(url, 0, 'abc');
    for (const offset of [0, 2, 4, 10, 11]) expect((await sendPart(url, offset, 'xx')).status).toBe(409);
    expect(await offsetOf(url)).toBe(3);
    await append(url, 3, 'defghij');
    expect((await call(url)).text).toBe('abcdefghij');
  });

  it('a refusal reaches a client that is still sending', async () => {
    const url = await create(node, 60 * megabyte);
    const answer = await sendPart(url, 7, Buffer.alloc(40 * megabyte));
    expect(answer.status).toBe(409);
  });

  const badParts: readonly (readonly [what: string, status: readonly number[], headers: Record<string, string>])[] = [
    ['no version', [412], { 'tus-resumable': '' }],
    ['another version', [412, 400], { 'tus-resumable': '0.2.2' }],
    ['another media type', [415, 400], { 'content-type': 'application/octet-stream' }],
    ['a negative offset', [400], { 'upload-offset': '-1' }],
    ['an offset that is no number', [400], { 'upload-offset': 'abc' }],
    ['an offset like 1e1', [400], { 'upload-offset': '1e1' }],
    ['more bytes than announced', [413, 400], { 'content-length': '11' }],
  ];
  it.each(badParts)('a part with %s is refused and changes nothing', async (_what, statuses, headers) => {
    const url = await create(node, 10);
    const answer = await sendPart(url, 0, 'x'.repeat(11), { ...headers });
    expect(statuses, answer.text).toContain(answer.status);
    expect(await offsetOf(url)).toBe(0);
  });

  it('a part without an offset or media type is refused', async () => {
    const url = await create(node, 10);
    for (const missing of ['upload-offset', 'content-type']) {
      const headers: Record<string, string> = { ...tusHeaders, 'content-type': partType, 'upload-offset': '0' };
      delete headers[missing];
      const { status } = await call(url, { method: 'PATCH', headers, body: 'abc' });
      expect(status, missing).toBeGreaterThanOrEqual(400);
      expect(status, missing).toBeLessThan(500);
    }
    expect(await offsetOf(url)).toBe(0);
  });

  const badCreations: readonly (readonly [what: string, status: number, headers: Record<string, string>])[] = [
    ['no length', 400, {}],
    ['two lengths', 400, { 'upload-length': '5', 'upload-defer-length': '1' }],
    ['a negative length', 400, { 'upload-length': '-5' }],
    ['a length that is no number', 400, { 'upload-length': 'five' }],
    ['a length beyond all numbers', 400, { 'upload-length': '99999999999999999999999' }],
    ['a bad deferral', 400, { 'upload-defer-length': '2' }],
    ['broken metadata', 400, { 'upload-length': '5', 'upload-metadata': 'filename YQ==,filename YQ==' }],
    ['metadata that is no base64', 400, { 'upload-length': '5', 'upload-metadata': 'filename ***' }],
    ['no version', 412, { 'upload-length': '5', 'tus-resumable': '' }],
    ['a bad concatenation', 400, { 'upload-length': '5', 'upload-concat': 'something' }],
  ];
  it.each(badCreations)('a creation with %s is refused and leaves nothing', async (_what, status, headers) => {
    const before = await unfinished(node);
    const answer = await sendCreate(node, { 'upload-metadata': metadataHeader({ filename: 'a' }), ...headers });
    expect(answer.status, answer.text).toBe(status);
    expect(await unfinished(node)).toEqual(before);
  });

  it('termination removes the bytes; a finished upload stays', async () => {
    const url = await create(node, 10);
    await append(url, 0, 'abc');
    expect(existsSync(growingFile(node.dataDir, url))).toBe(true);
    expect((await terminate(url)).status).toBe(204);
    expect(existsSync(growingFile(node.dataDir, url))).toBe(false);
    expect([404, 410]).toContain((await sendHead(url)).status);
    expect([404, 410]).toContain((await sendPart(url, 3, 'def')).status);
    expect([404, 410]).toContain((await terminate(url)).status);
    const done = await uploadWhole(node, 'cannot be terminated', { filename: 'stays.txt', scene: 'stays' });
    const refused = await terminate(done);
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(refused.status).toBeLessThan(500);
    expect((await call(done)).text).toBe('cannot be terminated');
  });

  it('a method that the protocol does not have is refused', async () => {
    const url = await create(node, 10);
    for (const method of ['PUT', 'POST']) {
      const { status } = await call(url, { method, headers: tusHeaders, body: 'x' });
      expect(status, method).toBeGreaterThanOrEqual(400);
      expect(status, method).toBeLessThan(500);
    }
  });
});

describe('checksum', () => {
  const part = 'a part with a checksum';
  const sum = (algorithm: 'sha1' | 'md5' | 'sha256', text: string) =>
    `${algorithm} ${Buffer.from(digest(algorithm, text), 'hex').toString('base64')}`;

  it.each(['sha1', 'md5', 'sha256'] as const)('%s: a right one is taken', async (algorithm) => {
    const url = await create(node, part.length, { filename: 'sum.txt', scene: `sum-${algorithm}` });
    expect((await sendPart(url, 0, part, { 'upload-checksum': sum(algorithm, part) })).status).toBe(204);
    expect((await call(url)).text).toBe(part);
  });

  it('a wrong one is 460 and the part does not count, at whatever offset', async () => {
    const url = await create(node, part.length + 3, { filename: 'sum.txt', scene: 'wrong-sum' });
    const send = (offset: number, text: string, of: string) =>
      sendPart(url, offset, text, { 'upload-checksum': sum('sha1', of) });
    expect((await send(0, 'abc', 'abd')).status).toBe(460);
    expect(await offsetOf(url)).toBe(0);
    expect((await send(0, 'abc', 'abc')).status).toBe(204);
    expect((await send(3, part, 'other')).status).toBe(460);
    expect(await offsetOf(url)).toBe(3);
    expect((await stat(growingFile(node.dataDir, url))).size).toBe(3);
    expect((await send(3, part, part)).status).toBe(204);
    const file = await call(url);
    expect(file.text).toBe(`abc${part}`);
    expect((await recordOf(node, url)).md5).toBe(digest('md5', `abc${part}`));
  });

  it.each(['crc32 AAAA', 'sha1', '', 'sha1 !!!', 'md5  '])(
    '%j is refused and the part does not count',
    async (header) => {
      const url = await create(node, part.length);
      const { status } = await sendPart(url, 0, part, { 'upload-checksum': header });
      expect([400, 460]).toContain(status);
      expect(await offsetOf(url)).toBe(0);
    },
  );

  it('a part whose client goes away does not count: nobody can check it', async () => {
    const url = await create(node, 4 * megabyte);
    const sent = beginPart(url, 0, 4 * megabyte);
    sent.destroy();
    const checked = call(url, {
      method: 'PATCH',
      headers: {
        ...tusHeaders,
        'content-type': partType,
        'upload-offset': 0,
        'upload-checksum': sum('sha1', 'whatever'),
        'transfer-encoding': 'chunked',
      },
    });
    expect((await checked).status).toBe(460);
    expect(await offsetOf(url)).toBe(0);
  });
});

describe('expiration', () => {
  const hour = 3_600_000;
  class BentClock implements Clock {
    aheadMs = 0;
    now = () => Date.now() + this.aheadMs;
    monotonic = () => performance.now();
  }

  it('the term is told with every answer of an unfinished upload', async () => {
    const brief = await startNode({ tus_expiration_hours: 2 });
    const answer = await sendCreate(brief, {
      'upload-length': 5,
      'upload-metadata': metadataHeader({ filename: 'a' }),
    });
    const expires = Date.parse(String(answer.headers['upload-expires']));
    expect(Math.abs(expires - Date.now() - 2 * hour)).toBeLessThan(60_000);
    const url = locationOf(answer);
    const patched = await sendPart(url, 0, 'abc');
    expect(Date.parse(String(patched.headers['upload-expires']))).toBe(expires);
    expect((await sendPart(url, 3, 'de')).headers['upload-expires']).toBeUndefined();
  });

  it('what is over is gone, and swept at a start; finished uploads and running ones stay', async () => {
    const clock = new BentClock();
    const dataDir = await temporaryFolder();
    const first = await startNode({ tus_expiration_hours: 1 }, dataDir, clock);
    clock.aheadMs = -2 * hour;
    const begin = (size: number, content: string, metadata: Record<string, string>) =>
      sendCreate(
        first,
        { 'upload-length': size, 'content-type': partType, 'upload-metadata': metadataHeader(metadata) },
        content,
      );
    const old = locationOf(await begin(10, 'abc', { filename: 'old.txt' }));
    const done = locationOf(await begin(17, 'finished long ago', { filename: 'done.txt', path: 'done' }));
    clock.aheadMs = 0;
    const fresh = await create(first, 10);
    await append(fresh, 0, 'abc');
    expect((await sendHead(old)).status).toBe(410);
    expect((await sendPart(old, 3, 'def')).status).toBe(410);
    await writeFile(path.join(dataDir, 'files', '_big', 'garbage'), 'nobody knows this');
    await first.node.stop();
    const second = await startNode({ tus_expiration_hours: 1 }, dataDir, clock);
    const at = (url: string) => url.replace(first.origin, second.origin);
    // The start does not wait for the sweep; the folder tells when it is over.
    await expect.poll(() => unfinished(second), { timeout: 10_000 }).toEqual([idOf(fresh)]);
    expect((await sendHead(at(old))).status).toBe(404);
    expect((await call(at(done))).text).toBe('finished long ago');
    expect(await offsetOf(at(fresh))).toBe(3);
    await append(at(fresh), 3, 'defghij');
    expect((await call(at(fresh))).text).toBe('abcdefghij');
  });
});

describe('concatenation', () => {
  /** A complete part of a later whole. */
  async function partial(content: Buffer | string, target = node): Promise<string> {
    const size = Buffer.byteLength(content);
    const url = locationOf(await sendCreate(target, { 'upload-length': size, 'upload-concat': 'partial' }));
    if (size > 0) await append(url, 0, content);
    return url;
  }

  const finish = (
    urls: readonly string[],
    headers: Record<string, string> = {},
    metadata = { filename: 'joined.bin' },
  ) =>
    sendCreate(node, {
      'upload-concat': `final;${urls.join(' ')}`,
      'upload-metadata': metadataHeader(metadata),
      ...headers,
    });

  it('joins parts in the order that is given; HEAD tells which they were', async () => {
    const contents = [random.content(700_000), Buffer.from('x'), random.content(megabyte), Buffer.alloc(0)];
    const urls = await Promise.all(contents.map((content) => partial(content)));
    for (const url of urls) expect((await sendHead(url)).headers['upload-concat']).toBe('partial');
    const order = [2, 0, 3, 1];
    const named = order.map((index) => urls[index] ?? '');
    // Both whole addresses and paths name a part.
    const final = await finish([named[0] ?? '', ...named.slice(1).map((url) => new URL(url).pathname)]);
    const url = locationOf(final);
    const whole = Buffer.concat(order.map((index) => contents[index] ?? Buffer.alloc(0)));
    expect((await call(url)).body.equals(whole)).toBe(true);
    expect((await recordOf(node, url)).md5).toBe(digest('md5', whole));
    const head = await sendHead(url);
    expect(head.headers['upload-length']).toBe(String(whole.length));
    const listed = String(head.headers['upload-concat']);
    expect(listed).toBe(`final;${named.map((one) => new URL(one).pathname).join(' ')}`);
    for (const one of urls) expect(existsSync(growingFile(node.dataDir, one)), 'bytes of a part').toBe(false);
    expect((await sendPart(url, whole.length, 'more')).status, 'a final upload takes no parts').toBe(403);
  });

  it('refuses parts that are incomplete, unknown, no parts, or none at all; they stay as they are', async () => {
    const complete = await partial('complete');
    const open = locationOf(await sendCreate(node, { 'upload-length': 5, 'upload-concat': 'partial' }));
    await append(open, 0, 'abc');
    const ordinary = await uploadWhole(node, 'an ordinary upload', { filename: 'ordinary.txt', scene: 'ordinary' });
    const unknown = `${node.group}/big/upload/${'f'.repeat(32)}`;
    for (const urls of [[open], [complete, open], [unknown], [complete, ordinary], [], ['/etc/passwd'], ['../..']]) {
      const answer = await finish(urls);
      expect({ urls, status: answer.status }).toEqual({ urls, status: 400 });
    }
    await append(open, 3, 'de');
    expect((await call(locationOf(await finish([complete, open])))).text).toBe('completeabcde');
  });

  it('a partial upload alone is no file', async () => {
    const before = await totals(node);
    const url = await partial('not a file');
    expect((await call(url)).status).toBe(404);
    expect(await totals(node)).toEqual(before);
    expect((await terminate(url)).status, 'and can be given up although it is complete').toBe(204);
  });

  it('speaks the protocol on the last request too: version and pages of other sites', async () => {
    const url = await partial('versioned');
    expect((await finish([url], { 'tus-resumable': '' })).status).toBe(412);
    const answer = await finish([url], { origin: 'http://other.example' });
    expect(answer.status).toBe(201);
    expect(['*', 'http://other.example']).toContain(answer.headers['access-control-allow-origin']);
    expect(String(answer.headers['access-control-expose-headers'])).toContain('Location');
  });

  it('the whole is as large as a file may be, whatever the parts are', async () => {
    const limited = await startNode({ max_upload_bytes: 10 });
    const urls = await Promise.all(['1234567', '1234567'].map((content) => partial(content, limited)));
    const answer = await sendCreate(limited, {
      'upload-concat': `final;${urls.join(' ')}`,
      'upload-metadata': metadataHeader({ filename: 'large.bin' }),
    });
    expect(answer.status).toBe(413);
    expect(await totals(limited)).toEqual({ files: 0, bytes: 0 });
  });
});

describe('a client that goes away', () => {
  it.each(['end', 'destroy'] as const)('keeps what arrived and goes on from there (%s)', async (how) => {
    const content = random.content(4 * megabyte);
    const url = await create(node, content.length, { filename: `${how}.bin`, scene: 'resumed' });
    const sent = beginPart(url, 0, content.length);
    sent.write(content.subarray(0, megabyte));
    await untilFileHas(growingFile(node.dataDir, url), 512 * 1024);
    if (how === 'end') sent.socket?.end();
    else sent.destroy();
    // HEAD waits until the node has noticed: the offset does not move afterwards.
    const offset = await offsetOf(url);
    expect(offset).toBeGreaterThanOrEqual(512 * 1024);
    expect(offset).toBeLessThanOrEqual(megabyte);
    expect(await offsetOf(url)).toBe(offset);
    await append(url, offset, content.subarray(offset));
    const file = await call(url);
    expect(digest('sha256', file.body)).toBe(digest('sha256', content));
    expect((await recordOf(node, url)).md5).toBe(digest('md5', content));
  });

  it('is replaced by itself: a second part does not wait for a dead first one', async () => {
    const content = random.content(2 * megabyte);
    const url = await create(node, content.length, { filename: 'stalled.bin', scene: 'stalled' });
    const stalled = beginPart(url, 0, content.length);
    onTestFinished(() => void stalled.destroy());
    stalled.write(content.subarray(0, megabyte));
    await untilFileHas(growingFile(node.dataDir, url), 512 * 1024);
    // The first connection is still open, as behind a network that vanished.
    const offset = await offsetOf(url);
    expect(offset).toBeLessThanOrEqual(megabyte);
    await append(url, offset, content.subarray(offset));
    expect(digest('sha256', (await call(url)).body)).toBe(digest('sha256', content));
  });

  it('two parts at once: bytes of one of them, never mixed', async () => {
    const size = 600_000;
    for (let round = 0; round < 5; round += 1) {
      const url = await create(node, size, { filename: 'race.bin', scene: `race${round}` });
      const parts = ['a', 'b'].map((letter) => Buffer.alloc(size, letter));
      const answers = await Promise.all(parts.map((part) => sendPart(url, 0, part).catch(() => undefined)));
      expect(answers.filter((answer) => answer?.status === 204).length).toBe(1);
      const file = await call(url);
      const letter = String.fromCharCode(file.body[0] ?? 0);
      expect(file.body.equals(Buffer.alloc(size, letter)), `all of it is ${letter}`).toBe(true);
      expect((await recordOf(node, url)).md5).toBe(digest('md5', file.body));
    }
  });
});

describe('a part without bytes at the full offset', () => {
  it('answers as the last one did, again and again', async () => {
    const url = await uploadWhole(node, 'said again', { filename: 'again.txt', scene: 'again' });
    for (let round = 0; round < 2; round += 1) {
      const answer = await sendPart(url, 10, '');
      expect(answer.status, answer.text).toBe(204);
      expect(answer.headers['upload-offset']).toBe('10');
    }
    expect((await call(url)).text).toBe('said again');
    expect((await sendPart(url, 10, 'x')).status).not.toBe(204);
    expect((await sendPart(url, 0, 'said again')).status).toBe(409);
  });

  it('sent while the commit is running waits for it and harms nothing', async () => {
    for (let round = 0; round < 10; round += 1) {
      const content = random.content(300_000);
      const url = await create(node, content.length, { filename: 'waits.bin', scene: `waits${round}` });
      const last = sendPart(url, 0, content);
      const repeated = Array.from({ length: 4 }, () => sendPart(url, content.length, ''));
      expect((await last).status).toBe(204);
      for (const answer of await Promise.all([...repeated, sendPart(url, content.length, '')])) {
        // Before the last part is in, the offset is still another one.
        expect([204, 409], answer.text).toContain(answer.status);
      }
      expect(digest('sha256', (await call(url)).body)).toBe(digest('sha256', content));
    }
    const { lines } = await (await ApiClient.of(node)).ok<{ lines: { msg?: string }[] }>('readLog', {
      query: { level: 'error' },
    });
    expect(lines.map(({ msg }) => msg)).toEqual([]);
  });
});

describe('where a file goes', () => {
  const cases: readonly (readonly [metadata: Record<string, string>, stored: RegExp])[] = [
    [{ filename: 'plain.txt' }, /^default\/\d{8}\/\d\d\/\d\d\/[^/]+\/plain\.txt$/],
    [{ filename: 'scene.txt', scene: 'photos' }, /^photos\/\d{8}\/\d\d\/\d\d\/[^/]+\/scene\.txt$/],
    [{ filename: 'path.txt', path: 'a/b' }, /^default\/a\/b\/path\.txt$/],
    [{ filename: 'slashes.txt', path: '/a/b/' }, /^default\/a\/b\/slashes\.txt$/],
    [{ filename: 'both.txt', path: 'a/b', scene: 'photos' }, /^photos\/a\/b\/both\.txt$/],
    [{ filename: '报告 2026.txt', path: '文件夹', scene: '场景' }, /^场景\/文件夹\/报告2026\.txt$/],
    [{ filename: '../../up.txt', path: 'up' }, /^default\/up\/up\.txt$/],
    [{ filename: 'C:\\Users\\me\\win.txt', path: 'win' }, /^default\/win\/win\.txt$/],
    [{ filename: '🐟.txt', path: 'fish' }, /^default\/fish\/🐟\.txt$/],
  ];
  it.each(cases)('fault 9: %j', async (metadata, stored) => {
    const content = `content of ${JSON.stringify(metadata)}`;
    const url = await uploadWhole(node, content, metadata);
    const at = await storedPath(node, url);
    expect(decodeURIComponent(at).replace('/group1/', '')).toMatch(stored);
    expect((await download(node, at)).text).toBe(content);
    expect((await call(url)).text).toBe(content);
  });

  const refused: readonly (readonly [metadata: Record<string, string>, code: string])[] = [
    [{ filename: 'a.txt', path: '../x' }, 'PATH_INVALID'],
    [{ filename: 'a.txt', path: 'x/../../../etc' }, 'PATH_INVALID'],
    [{ filename: 'a.txt', scene: '../x' }, 'PATH_INVALID'],
    [{ filename: 'a.txt', scene: 'a/b' }, 'PATH_INVALID'],
    [{ filename: 'a.txt', scene: '_tmp' }, 'PATH_RESERVED'],
    [{ filename: 'a.txt', scene: '_big', path: 'x' }, 'PATH_RESERVED'],
    [{ filename: 'a\0.txt', path: 'x' }, 'PATH_INVALID'],
    [{ filename: 'a.txt', path: 'x\\y' }, 'PATH_INVALID'],
    [{ filename: 'a.txt', path: 'x'.repeat(5000) }, 'PATH_TOO_LONG'],
    [{ path: 'x' }, 'PARAMETER_MISSING'],
    [{ filename: '' }, 'PARAMETER_MISSING'],
    [{ filename: 'a.txt', callback_url: 'http://127.0.0.1/' }, 'CALLBACK_REFUSED'],
    [{ filename: 'a.txt', callback_url: 'file:///etc/passwd' }, 'CALLBACK_REFUSED'],
    [{ filename: 'a.txt', callback_url: 'nonsense' }, 'CALLBACK_REFUSED'],
  ];
  it.each(refused)('%j is refused before a byte is sent', async (metadata, code) => {
    const before = await unfinished(node);
    const answer = await sendCreate(node, { 'upload-length': 5, 'upload-metadata': metadataHeader(metadata) });
    expect(json<{ code?: string }>(answer).code, answer.text).toBe(code);
    expect(answer.status).toBe(400);
    expect(await unfinished(node)).toEqual(before);
  });

  it('extensions and scenes of the configuration hold here too', async () => {
    const strict = await startNode({ extensions: ['.txt'], scenes: ['known'] });
    const begin = (metadata: Record<string, string>) =>
      sendCreate(strict, { 'upload-length': 5, 'upload-metadata': metadataHeader(metadata) });
    expect((await begin({ filename: 'a.exe' })).status).toBe(415);
    expect((await begin({ filename: 'a.txt', scene: 'unknown' })).status).toBe(400);
    expect((await begin({ filename: 'a.TXT', scene: 'known' })).status).toBe(201);
  });

  it('another content under the same path gets a name of its own', async () => {
    const metadata = { filename: 'same.txt', path: 'same' };
    const first = await uploadWhole(node, 'the first', metadata);
    const second = await uploadWhole(node, 'the second', metadata);
    expect([(await call(first)).text, (await call(second)).text]).toEqual(['the first', 'the second']);
    expect(await storedPath(node, second)).not.toBe(await storedPath(node, first));
  });
});

describe('a finished upload', () => {
  const content = random.content(100_000);
  let url: string;
  beforeAll(async () => {
    url = await uploadWhole(node, content, { filename: 'finished.png', path: 'finished' });
  });

  it('HEAD tells that all is there', async () => {
    const head = await sendHead(url);
    expect(head.status).toBe(200);
    expect(head.headers).toMatchObject({
      'upload-offset': String(content.length),
      'upload-length': String(content.length),
    });
    expect(head.headers['upload-expires']).toBeUndefined();
  });

  it('GET serves it as the download path does: ranges, conditions, disposition', async () => {
    const ranged = await call(url, { headers: { range: 'bytes=10-19' } });
    expect({ status: ranged.status, range: ranged.headers['content-range'] }).toEqual({
      status: 206,
      range: `bytes 10-19/${content.length}`,
    });
    expect(ranged.body.equals(content.subarray(10, 20))).toBe(true);
    expect((await call(url, { headers: { range: 'bytes=200000-' } })).status).toBe(416);
    const whole = await call(url);
    const etag = String(whole.headers.etag);
    expect((await call(url, { headers: { 'if-none-match': etag } })).status).toBe(304);
    const saved = await call(`${url}?download=1&name=%E5%9B%BE.png`);
    expect(saved.headers['content-disposition']).toContain(`filename*=UTF-8''%E5%9B%BE.png`);
    expect((await call(`${url}?download=0`)).headers['content-type']).toBe('image/png');
  });

  it('is found after it was moved, and while a copy remains', async () => {
    const api = await ApiClient.of(node);
    const own = await uploadWhole(node, 'wanders about', { filename: 'moved.txt', path: 'from here' });
    const from = decodeURIComponent(await storedPath(node, own)).replace('/group1/', '');
    await api.ok('moveEntry', { json: { from, to: 'elsewhere/entirely.txt' } });
    expect((await call(own)).text).toBe('wanders about');
    expect((await recordOf(node, own)).path).toBe('files/elsewhere');
    await api.ok('removeEntry', { query: { path: 'elsewhere/entirely.txt' } });
    expectRefusal(await call(own), 404, 'FILE_NOT_FOUND');
    expectRefusal(await call(`${node.group}/get_file_info?md5=${idOf(own)}`), 404, 'FILE_NOT_FOUND');
  });

  it('shows what was uploaded, not what replaced it at its path', async () => {
    const api = await ApiClient.of(node);
    const own = await uploadWhole(node, 'what was uploaded', { filename: 'replaced.txt', path: 'replaced' });
    const at = decodeURIComponent(await storedPath(node, own)).replace('/group1/', '');
    await api.ok('writeFile', { query: { path: at, replace: true }, body: 'a later content' });
    expectRefusal(await call(own), 404, 'FILE_NOT_FOUND');
  });

  it('of known content shares its bytes: two paths, one inode', async () => {
    const known = random.content(50_000);
    const first = await upload(node, known, { name: 'known.bin', fields: { path: 'dedup/form' } });
    const own = await uploadWhole(node, known, { filename: 'known.bin', path: 'dedup/tus' });
    const at = await storedPath(node, own);
    expect(at).not.toBe(first.path);
    for (const where of [first.path, at]) expect((await download(node, where)).body.equals(known)).toBe(true);
    const inode = async (where: string) =>
      (await stat(path.join(node.dataDir, 'files', decodeURIComponent(where).replace('/group1/', '')))).ino;
    expect(await inode(at)).toBe(await inode(first.path));
    expect(existsSync(growingFile(node.dataDir, own))).toBe(false);
  });

  it('of known content at the same path answers too', async () => {
    const first = await upload(node, 'twice the same', { name: 'same.txt', fields: { path: 'default/twice' } });
    const before = await totals(node);
    const own = await uploadWhole(node, 'twice the same', { filename: 'same.txt', path: 'twice' });
    expect(await storedPath(node, own)).toBe(first.path);
    expect((await call(own)).text).toBe('twice the same');
    expect(await totals(node)).toEqual(before);
    expect(existsSync(growingFile(node.dataDir, own)), 'the bytes that were not needed').toBe(false);
  });
});

describe('limits', () => {
  it('max_upload_bytes: refused at once by length, and in the middle without one', async () => {
    const limited = await startNode({ max_upload_bytes: 1000 });
    const metadata = metadataHeader({ filename: 'large.bin' });
    const large = await sendCreate(limited, { 'upload-length': 1001, 'upload-metadata': metadata });
    expect(large.status).toBe(413);
    const url = locationOf(await sendCreate(limited, { 'upload-defer-length': 1, 'upload-metadata': metadata }));
    expect((await sendPart(url, 0, Buffer.alloc(1001))).status).toBe(413);
    const chunked = await call(url, {
      method: 'PATCH',
      headers: { ...tusHeaders, 'content-type': partType, 'upload-offset': await offsetOf(url), 'upload-length': 5000 },
    });
    expect(chunked.status).toBe(413);
    expect(await offsetOf(url)).toBeLessThanOrEqual(1000);
    await uploadWhole(limited, Buffer.alloc(1000), { filename: 'fits.bin' });
    expect(await totals(limited)).toEqual({ files: 1, bytes: 1000 });
  });

  it('a length that the disk cannot hold is refused at once', async () => {
    const answer = await sendCreate(node, {
      'upload-length': Number.MAX_SAFE_INTEGER,
      'upload-metadata': metadataHeader({ filename: 'huge.bin' }),
    });
    expect(answer.status).toBe(507);
    expect(json<{ code: string }>(answer).code).toBe('DISK_FULL');
  });

  it('read_only refuses every change and lets one read', async () => {
    const dataDir = await temporaryFolder();
    const open = await startNode({}, dataDir);
    const done = await uploadWhole(open, 'read only', { filename: 'a.txt', path: 'p' });
    const half = await create(open, 10);
    await append(half, 0, 'abc');
    await open.node.stop();
    const closed = await startNode({ read_only: true }, dataDir);
    const at = (url: string) => url.replace(open.origin, closed.origin);
    const metadata = metadataHeader({ filename: 'a.txt' });
    for (const answer of [
      await sendCreate(closed, { 'upload-length': 5, 'upload-metadata': metadata }),
      await sendPart(at(half), 3, 'def'),
      await terminate(at(half)),
    ]) {
      expect(answer.status).toBe(403);
      expect(json<{ code: string }>(answer).code).toBe('READ_ONLY');
    }
    expect(await offsetOf(at(half))).toBe(3);
    expect((await call(at(done))).text).toBe('read only');
  });

  it('enable_tus false: there is nothing', async () => {
    const off = await startNode({ enable_tus: false });
    for (const method of ['POST', 'HEAD', 'PATCH', 'DELETE', 'GET', 'OPTIONS']) {
      const answer = await call(`${off.group}/big/upload/${'0'.repeat(32)}`, { method, headers: tusHeaders });
      expect(answer.status, method).toBe(404);
      if (method !== 'HEAD') expectRefusal(answer, 404, 'ROUTE_NOT_FOUND');
    }
  });
});

describe('callback_url', () => {
  interface Called {
    readonly url: string;
    readonly type: string;
    readonly body: URLSearchParams;
  }

  /** A service that answers with the given statuses, then with 200. */
  async function listen(
    ...statuses: number[]
  ): Promise<{ readonly url: string; readonly calls: (n: number) => Promise<Called[]> }> {
    const calls: Called[] = [];
    const waiting = new Set<() => void>();
    const server: Server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = new URLSearchParams(Buffer.concat(chunks).toString());
        calls.push({ url: `${request.method} ${request.url}`, type: String(request.headers['content-type']), body });
        const status = statuses.shift() ?? 200;
        response.writeHead(status, status === 302 ? { location: '/redirected' } : {}).end();
        for (const look of [...waiting]) look();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return {
      url: `http://localhost:${(server.address() as AddressInfo).port}/told?by=shoal`,
      calls: (n) =>
        new Promise((resolve) => {
          const look = () => {
            if (calls.length < n) return;
            waiting.delete(look);
            resolve(calls);
          };
          waiting.add(look);
          look();
        }),
    };
  }

  let allowed: TestNode;
  beforeAll(async () => {
    allowed = await startNode({ callback_hosts: ['localhost'], callback_private_addresses: true });
  });

  it('gets id and record of the file, once', async () => {
    const service = await listen();
    const metadata = { filename: 'told.txt', path: 'told', callback_url: service.url };
    const url = await uploadWhole(allowed, 'tell somebody', metadata);
    const [told] = await service.calls(1);
    expect(told?.url).toBe('POST /told?by=shoal');
    expect(told?.type).toContain('application/x-www-form-urlencoded');
    expect(told?.body.get('id')).toBe(idOf(url));
    expect(JSON.parse(told?.body.get('info') ?? '')).toMatchObject({
      name: 'told.txt',
      path: 'files/default/told',
      md5: digest('md5', 'tell somebody'),
      size: 13,
    });
    // The repeated last part is no second file.
    await sendPart(url, 13, '');
    const second = await listen();
    await uploadWhole(allowed, 'tell the other', { ...metadata, callback_url: second.url });
    await second.calls(1);
    expect(await service.calls(1)).toHaveLength(1);
  });

  it('is tried again after a failure', async () => {
    const service = await listen(500);
    await uploadWhole(allowed, 'tell again', { filename: 'again.txt', callback_url: service.url });
    const calls = await service.calls(2);
    expect(calls.map(({ body }) => body.get('id'))).toEqual([calls[0]?.body.get('id'), calls[0]?.body.get('id')]);
  });

  it('does not follow a redirect', async () => {
    const service = await listen(302);
    await uploadWhole(allowed, 'do not follow', { filename: 'redirect.txt', callback_url: service.url });
    const calls = await service.calls(2);
    expect(calls.map(({ url }) => url)).toEqual(['POST /told?by=shoal', 'POST /told?by=shoal']);
  });

  it.each([
    ['another host', 'http://other.example/'],
    ['an address of the same host', 'http://127.0.0.1/'],
    ['a name that ends with an allowed one', 'http://evil.localhost/'],
    ['a name that begins with an allowed one', 'http://localhost.evil.example/'],
    ['credentials', 'http://user:word@localhost/'],
    ['an allowed host as the user of another', 'http://localhost@evil.example/'],
    ['another scheme', 'ftp://localhost/'],
  ])('%s is refused at once', async (_what, callback) => {
    const answer = await sendCreate(allowed, {
      'upload-length': 5,
      'upload-metadata': metadataHeader({ filename: 'a.txt', callback_url: callback }),
    });
    expect(answer.status).toBe(400);
    expect(json<{ code: string }>(answer).code).toBe('CALLBACK_REFUSED');
  });

  it('that does not answer holds nobody up', async () => {
    const closed = await listen();
    const dead = closed.url.replace(/:\d+/, ':9');
    const url = await uploadWhole(allowed, 'nobody there', { filename: 'dead.txt', callback_url: dead });
    expect((await call(url)).text).toBe('nobody there');
  });
});

describe('the client of browsers (tus-js-client)', () => {
  /** Uploads with the client until it is done, and returns the upload. */
  function uploadWithClient(content: Buffer, options: tus.UploadOptions): Promise<tus.Upload> {
    return new Promise((resolve, reject) => {
      const running: tus.Upload = new tus.Upload(content, {
        endpoint: `${node.group}/big/upload/`,
        metadata: { filename: 'client.bin', path: 'client' },
        retryDelays: null,
        ...options,
        onError: reject,
        onSuccess: () => resolve(running),
      });
      running.start();
    });
  }

  it.each([
    ['in one part', {}],
    ['in many parts', { chunkSize: 300_000 }],
    ['with the first part at once', { chunkSize: 400_000, uploadDataDuringCreation: true }],
    ['in parallel parts', { parallelUploads: 3 }],
  ] as const)('%s', async (_what, options) => {
    const content = random.content(megabyte + 17);
    const done = await uploadWithClient(content, options);
    const url = String(done.url);
    expect(digest('sha256', (await call(url)).body)).toBe(digest('sha256', content));
    expect(await recordOf(node, url)).toMatchObject({ md5: digest('md5', content), size: content.length });
  });

  it('of a stream whose length it does not know', async () => {
    // No multiple of the chunk size: the client would wait for more then.
    const content = random.content(megabyte + 17);
    const source = Readable.from([content.subarray(0, 400_000), content.subarray(400_000)], { objectMode: false });
    const url = await new Promise<string>((resolve, reject) => {
      const running: tus.Upload = new tus.Upload(source, {
        endpoint: `${node.group}/big/upload/`,
        metadata: { filename: 'stream.bin', path: 'client' },
        uploadLengthDeferred: true,
        chunkSize: 256 * 1024,
        retryDelays: null,
        onError: reject,
        onSuccess: () => resolve(String(running.url)),
      });
      running.start();
    });
    expect(digest('sha256', (await call(url)).body)).toBe(digest('sha256', content));
  });

  it('paused in the middle and resumed by another', async () => {
    const content = random.content(2 * megabyte);
    const paused = await new Promise<string>((resolve, reject) => {
      const running: tus.Upload = new tus.Upload(content, {
        endpoint: `${node.group}/big/upload/`,
        metadata: { filename: 'paused.bin', path: 'client' },
        chunkSize: 500_000,
        retryDelays: null,
        onError: reject,
        onChunkComplete: () => void running.abort().then(() => resolve(String(running.url)), reject),
      });
      running.start();
    });
    expect(await offsetOf(paused)).toBeGreaterThan(0);
    const done = await uploadWithClient(content, { uploadUrl: paused });
    expect(done.url).toBe(paused);
    expect(digest('sha256', (await call(paused)).body)).toBe(digest('sha256', content));
  });

  it('terminates', async () => {
    const url = await create(node, 10);
    await tus.Upload.terminate(url);
    expect([404, 410]).toContain((await sendHead(url)).status);
  });
});

describe('a restart of the node', () => {
  it('kill -9 in the middle of a part: no byte that was told is lost, and the whole is right', async () => {
    const dataDir = await temporaryFolder();
    await writeConfig(dataDir, {});
    const content = random.content(72 * megabyte);
    const first = await startNodeProcess(dataDir);
    const url = await create(first, content.length, { filename: 'killed.bin', path: 'killed' });
    const told = megabyte;
    await append(url, 0, content.subarray(0, told));
    const sent = beginPart(url, told, content.length - told);
    const size = 70 * megabyte;
    sent.write(content.subarray(told, size));
    // More than what is made safe at once has been written: some of this part counts already.
    await untilFileHas(growingFile(dataDir, url), told + 66 * megabyte);
    await first.kill('SIGKILL');
    sent.destroy();

    const second = await startNodeProcess(dataDir);
    const again = url.replace(first.origin, second.origin);
    const offset = await offsetOf(again);
    expect(offset, 'what was made safe on the way').toBeGreaterThan(told);
    expect(offset).toBeLessThanOrEqual(size);
    await append(again, offset, content.subarray(offset));
    const file = await call(again);
    expect(digest('sha256', file.body)).toBe(digest('sha256', content));
    expect((await recordOf(second, again)).md5).toBe(digest('md5', content));
    // Killed right after the answer: what was acknowledged is there.
    await second.kill('SIGKILL');
    const third = await startNodeProcess(dataDir);
    const last = again.replace(second.origin, third.origin);
    expect(digest('sha256', (await call(last)).body)).toBe(digest('sha256', content));
    expect(await stagedNames(dataDir)).toEqual([]);
    expect(await readdir(path.join(dataDir, 'files', '_big'))).toEqual([]);
    expect(await third.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it('between two parts, and between parts and their concatenation', async () => {
    const dataDir = await temporaryFolder();
    const first = await startNode({}, dataDir);
    const content = random.content(megabyte);
    const half = content.length / 2;
    const metadata = { filename: 'two.bin', path: 'two' };
    const url = await create(first, content.length, metadata);
    await append(url, 0, content.subarray(0, half));
    const parts: string[] = [];
    for (const part of [content.subarray(half), content.subarray(0, half)]) {
      const at = locationOf(await sendCreate(first, { 'upload-length': half, 'upload-concat': 'partial' }));
      await append(at, 0, part);
      parts.push(at);
    }
    await first.node.stop();
    const second = await startNode({}, dataDir);
    const at = (one: string) => one.replace(first.origin, second.origin);
    expect(await offsetOf(at(url))).toBe(half);
    await append(at(url), half, content.subarray(half));
    expect((await call(at(url))).body.equals(content)).toBe(true);
    const joined = locationOf(
      await sendCreate(second, {
        'upload-concat': `final;${parts.map(at).join(' ')}`,
        'upload-metadata': metadataHeader({ filename: 'joined.bin', path: 'two' }),
      }),
    );
    const whole = Buffer.concat([content.subarray(half), content.subarray(0, half)]);
    expect((await call(joined)).body.equals(whole)).toBe(true);
  });

  it('finds a store whose unfinished bytes are gone, and says so instead of storing holes', async () => {
    const dataDir = await temporaryFolder();
    const first = await startNode({}, dataDir);
    const url = await create(first, 10);
    await append(url, 0, 'abcde');
    await first.node.stop();
    await rm(growingFile(dataDir, url));
    const second = await startNode({}, dataDir);
    const at = url.replace(first.origin, second.origin);
    const answer = await sendPart(at, 5, 'fghij');
    expect(answer.status).not.toBe(204);
    expect((await call(at)).status).toBe(404);
  });
});
