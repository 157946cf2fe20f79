import type { Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type Answer,
  boundary,
  call,
  encodeForm,
  expectRefusal,
  type FormPart,
  formTail,
  json,
  parseRaw,
  partHead,
  rawConnection,
  sendRaw,
  sendUpload,
  totals,
  type UploadAnswer,
  upload,
} from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';
import { stagedNames, storedFiles, untilNothingIsStaged, untilStaged } from '../support/store-folder.ts';

const megabyte = 1024 * 1024;
const formType = `multipart/form-data; boundary=${boundary}`;
const fileHead = partHead({ name: 'file', fileName: 'a.txt', bytes: Buffer.alloc(0) });

let node: TestNode;
beforeAll(async () => {
  node = await startNode();
});

// Whatever a client did: nothing is left of it, and the next one is served.
afterEach(async () => {
  await untilNothingIsStaged(node.dataDir);
  const { files } = await totals(node);
  expect((await storedFiles(node.dataDir)).length).toBe(files);
  const probe = await upload(node, `probe ${Math.random()}`, { fields: { path: 'probe' } });
  expect((await call(probe.url)).status).toBe(200);
});

/** The head of an upload. */
function uploadHead(headers: Readonly<Record<string, string | number>>, target = '/group1/upload'): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.join('')}\r\n`;
}

/** Uploads a form that was written by hand. */
function sendForm(body: string | Buffer, type = formType): Promise<Answer> {
  return call(`${node.group}/upload`, { method: 'POST', headers: { 'content-type': type }, body });
}

/** Sends until the other side closes. @returns the bytes that were taken from us. */
async function pump(socket: Socket, encode: (chunk: Buffer) => Buffer): Promise<number> {
  const chunk = encode(Buffer.alloc(64 * 1024, 'x'));
  let open = true;
  const closed = new Promise<void>((resolve) =>
    socket.once('close', () => {
      open = false;
      resolve();
    }),
  );
  while (open) {
    if (!socket.write(chunk)) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed]);
  }
  return socket.bytesWritten - socket.writableLength;
}

describe('a client that goes away', () => {
  const cases = [
    ['with an announced length', { 'content-length': 50 * megabyte }],
    ['with chunked encoding', { 'transfer-encoding': 'chunked' }],
  ] as const;
  for (const how of ['destroy', 'end'] as const) {
    it.each(cases)(`fault 7: in the middle of the bytes leaves nothing (${how}, %s)`, async (_what, headers) => {
      const { socket, received } = rawConnection(node.port);
      socket.write(uploadHead({ 'content-type': formType, ...headers }));
      const body = Buffer.concat([Buffer.from(fileHead), Buffer.alloc(2 * megabyte, 'x')]);
      socket.write('transfer-encoding' in headers ? asChunk(body) : body);
      // Only now are there bytes on disk that could be leaked.
      await untilStaged(node.dataDir, (names) => names.length > 0);
      if (how === 'destroy') socket.destroy();
      else socket.end();
      await received;
      await untilNothingIsStaged(node.dataDir);
    });
  }

  it('fault 7: many times leaks no file, no handle and no place in the queue', async () => {
    const small = await startNode({ max_concurrent_uploads: 3 });
    for (let round = 0; round < 20; round += 1) {
      const { socket, received } = rawConnection(small.port);
      socket.write(uploadHead({ 'content-type': formType, 'content-length': 5 * megabyte }));
      socket.write(Buffer.concat([Buffer.from(fileHead), Buffer.alloc(megabyte, 'x')]));
      await untilStaged(small.dataDir, (names) => names.length > 0);
      socket.destroy();
      await received;
      await untilNothingIsStaged(small.dataDir);
    }
    expect((await upload(small, 'still served')).size).toBe(12);
    expect(await totals(small)).toEqual({ files: 1, bytes: 12 });
  });

  it('before the first byte of its form leaves nothing', async () => {
    const { socket, received } = rawConnection(node.port);
    socket.end(uploadHead({ 'content-type': formType, 'content-length': 1000 }));
    await received;
    expect(await stagedNames(node.dataDir)).toEqual([]);
  });

  it('while it reads a large answer harms nobody', async () => {
    const { path: stored } = await upload(node, Buffer.alloc(20 * megabyte, 'r'), { fields: { path: 'large' } });
    const { socket, received } = rawConnection(node.port);
    socket.write(`GET ${stored} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    await received;
    expect((await call(`${node.origin}${stored}`)).body.length).toBe(20 * megabyte);
  });
});

function asChunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}

describe('a body that is not what was announced', () => {
  it('is cut at its announced length: a form that lacks its end is refused', async () => {
    const body = `${fileHead}0123456789${formTail}`;
    const short = Buffer.byteLength(body) - 30;
    const text = await sendRaw(node.port, uploadHead({ 'content-type': formType, 'content-length': short }) + body);
    // The rest is a broken second request: its refusal may come first on this connection.
    expect(parseRaw(text).status).toBe(400);
    expect(json(parseRaw(text))).toMatchObject({ code: expect.stringMatching(/^(MULTIPART_INVALID|BAD_REQUEST)$/) });
  });

  it('that is longer is refused and leaves nothing, or is stored as announced', async () => {
    const form = encodeForm([
      { name: 'path', value: 'longer' },
      { name: 'file', fileName: 'a.txt', bytes: Buffer.from('0123456789') },
    ]);
    const head = uploadHead({ 'content-type': formType, 'content-length': form.body.length });
    const text = await sendRaw(node.port, `${head}${form.body}and more that was never announced\r\n\r\n`);
    const { status } = parseRaw(text);
    expect([200, 400]).toContain(status);
    expect(text).toContain('"code":"BAD_REQUEST"');
    const found = await call(`${node.group}/longer/a.txt`);
    if (status === 200) expect(found.text).toBe('0123456789');
    else expect(found.status, 'what was refused is not there').toBe(404);
  });

  it('is refused when length and chunks contradict each other', async () => {
    const head = uploadHead({ 'content-type': formType, 'content-length': 10, 'transfer-encoding': 'chunked' });
    expect(parseRaw(await sendRaw(node.port, `${head}5\r\nhello\r\n0\r\n\r\n`)).status).toBe(400);
  });

  it('is refused when its chunks are broken', async () => {
    const head = uploadHead({ 'content-type': formType, 'transfer-encoding': 'chunked' });
    const text = await sendRaw(node.port, `${head}${fileHead.length.toString(16)}\r\n${fileHead}\r\nzz\r\nnonsense`);
    expect(parseRaw(text).status).toBe(400);
  });

  it.each(['-1', '1e9', 'abc', '99999999999999999999999'])('is refused with the length %s', async (length) => {
    const text = await sendRaw(node.port, uploadHead({ 'content-type': formType, 'content-length': length }), true);
    expect(parseRaw(text).status).toBe(400);
  });
});

describe('a form that is broken', () => {
  const forms: readonly (readonly [what: string, body: string, type: string, status: number, code: string])[] = [
    ['without its final boundary', `${fileHead}0123456789`, formType, 400, 'MULTIPART_INVALID'],
    ['that ends inside the head of a part', fileHead.slice(0, 60), formType, 400, 'MULTIPART_INVALID'],
    ['that never uses its boundary', 'no part at all', formType, 400, 'MULTIPART_INVALID'],
    ['without a body', '', formType, 400, 'MULTIPART_INVALID'],
    ['without a boundary', `${fileHead}x${formTail}`, 'multipart/form-data', 400, 'MULTIPART_INVALID'],
    ['with an empty boundary', `${fileHead}x${formTail}`, 'multipart/form-data; boundary=', 400, 'FILE_FIELD_MISSING'],
    ['without parts', `--${boundary}--\r\n`, formType, 400, 'FILE_FIELD_MISSING'],
    [
      'whose field file is no file',
      encodeForm([{ name: 'file', value: 'text' }]).body.toString(),
      formType,
      400,
      'FILE_FIELD_MISSING',
    ],
    [
      'whose file stands in another field',
      encodeForm([{ name: 'data', fileName: 'a.txt', bytes: Buffer.from('x') }]).body.toString(),
      formType,
      400,
      'FILE_FIELD_MISSING',
    ],
    ['of another type', '{"file":"x"}', 'application/json', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['of no known type', 'x', 'nonsense', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [
      'of a multipart type that is no form',
      `${fileHead}x${formTail}`,
      `multipart/mixed; boundary=${boundary}`,
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
  ];
  it.each(forms)('%s is refused with a code', async (_what, body, type, status, code) => {
    expectRefusal(await sendForm(body, type), status, code);
  });

  const file: FormPart = { name: 'file', fileName: 'a.txt', bytes: Buffer.from('in a wild form') };
  const repeated = (count: number): FormPart[] =>
    Array.from({ length: count }, (_, index) => ({ name: `field${index}`, value: 'x' }));
  const wild: readonly (readonly [what: string, parts: readonly FormPart[], status: number, code: string])[] = [
    ['200 fields before the file', [...repeated(200), file], 400, 'TOO_MANY_FIELDS'],
    ['200 fields behind the file', [file, ...repeated(200)], 400, 'TOO_MANY_FIELDS'],
    ['a field of 1 MB before the file', [{ name: 'scene', value: 'x'.repeat(megabyte) }, file], 413, 'FIELD_TOO_LARGE'],
    ['a field of 1 MB behind the file', [file, { name: 'scene', value: 'x'.repeat(megabyte) }], 413, 'FIELD_TOO_LARGE'],
    ['a field name of 1 KB', [{ name: 'n'.repeat(1024), value: 'x' }, file], 413, 'FIELD_TOO_LARGE'],
    ['a scene of 60 KB', [{ name: 'scene', value: 'x'.repeat(60_000) }, file], 400, 'PATH_TOO_LONG'],
    ['a nested field', [{ name: 'path[x]', value: 'x' }, file], 400, 'PARAMETER_INVALID'],
    [
      'a path that is not Unicode',
      [{ name: 'path', value: Buffer.from([0x61, 0xff, 0xfe]) }, file],
      400,
      'PATH_INVALID',
    ],
  ];
  it.each(wild)('with %s is refused with a code', async (_what, parts, status, code) => {
    const { files } = await totals(node);
    const answer = await sendForm(encodeForm(parts).body);
    if (code === 'PATH_INVALID' && answer.status === 200) {
      // Read with replacement characters it is a path as well: then it must be a readable one.
      expect((await call(await answer.text)).status).toBe(200);
      return;
    }
    expectRefusal(answer, status, code);
    expect((await totals(node)).files).toBe(files);
  });

  it('with a field twice takes the first, as go-fastdfs does', async () => {
    const twice = encodeForm([
      { name: 'output', value: 'json' },
      { name: 'path', value: 'first' },
      { name: 'path', value: 'second' },
      file,
    ]);
    expect(json<UploadAnswer>(await sendForm(twice.body)).path).toBe('/group1/first/a.txt');
  });

  it('with two files takes the first and keeps nothing of the second', async () => {
    const before = await totals(node);
    const second: FormPart = { name: 'file', fileName: 'b.txt', bytes: Buffer.alloc(megabyte, 'b') };
    const third: FormPart = { name: 'other', fileName: 'c.txt', bytes: Buffer.from('c') };
    const answer = await sendForm(encodeForm([third, { name: 'path', value: 'two' }, file, second]).body);
    expect(answer.status, answer.text).toBe(200);
    expect((await call(answer.text)).text).toBe('in a wild form');
    expect((await totals(node)).files).toBe(before.files + 1);
  });

  it('cannot reach into objects of the node', async () => {
    const names = ['__proto__', 'constructor', '__proto__[polluted]', 'toString', 'hasOwnProperty'];
    const answer = await sendForm(encodeForm([...names.map((name) => ({ name, value: 'x' })), file]).body);
    expect(answer.status, answer.text).toBe(200);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('an upload that is larger than max_upload_bytes', () => {
  let limited: TestNode;
  beforeAll(async () => {
    limited = await startNode({ max_upload_bytes: megabyte });
  });

  it('is taken up to the limit exactly', async () => {
    expect((await upload(limited, Buffer.alloc(megabyte, 'a'))).size).toBe(megabyte);
    expectRefusal(await sendUpload(limited, Buffer.alloc(megabyte + 1, 'b')), 413, 'FILE_TOO_LARGE');
    expect(await stagedNames(limited.dataDir)).toEqual([]);
  });

  const gigabytes = 1024 * megabyte;
  it.each([
    ['an announced length', { 'content-length': 500 * gigabytes }],
    ['chunks', { 'transfer-encoding': 'chunked' }],
  ] as const)('is answered while it is still coming, and not swallowed: %s', async (_what, headers) => {
    const { socket, received } = rawConnection(limited.port);
    const chunked = 'transfer-encoding' in headers;
    socket.write(uploadHead({ 'content-type': formType, ...headers }));
    socket.write(chunked ? asChunk(Buffer.from(fileHead)) : fileHead);
    // The client never stops by itself: only the node can end this.
    const taken = await pump(socket, chunked ? asChunk : (chunk) => chunk);
    const answer = parseRaw(await received);
    expectRefusal(answer, 413, 'FILE_TOO_LARGE');
    expect(answer.headers.connection).toBe('close');
    expect(taken).toBeGreaterThan(megabyte);
    await untilNothingIsStaged(limited.dataDir);
  });
});

describe('an address or a head that no client should send', () => {
  it.each([10_000, 15_000])('of %i characters is refused with a code', async (length) => {
    for (const target of [
      `/group1/${'x'.repeat(length)}`,
      `/${'x'.repeat(length)}`,
      `/group1/stat?${'x'.repeat(length)}`,
    ]) {
      const answer = await call(`${node.origin}${target}`);
      if (target.includes('?')) expect(answer.status).toBe(200);
      else {
        expect([400, 404, 414]).toContain(answer.status);
        expect(json(answer)).toMatchObject({ status: 'fail', code: expect.stringMatching(/^[A-Z_]+$/) });
        expect(answer.text.length).toBeLessThan(5000);
      }
    }
  });

  it.each([
    ['a huge header', `GET / HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(100_000)}\r\n\r\n`, 431],
    ['a huge address', `GET /${'x'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
    ['thousands of headers', `GET / HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(20_000)}\r\n`, 431],
    ['no HTTP', 'hello there\r\n\r\n', 400],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['a header with a line break of its own', 'GET / HTTP/1.1\r\nHost: x\r\nA: b\nc d\r\n\r\n', 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ] as const)('%s is refused in short words', async (_what, bytes, status) => {
    const answer = parseRaw(await sendRaw(node.port, bytes, true));
    expect(answer.status).toBe(status);
    if (answer.headers['content-type'] !== undefined)
      expect(json(answer)).toMatchObject({ status: 'fail', data: null });
  });

  const broken = ['/group1/%zz', '/%zz', '/group1/list_dir?dir=%zz', '/group1/upload?md5=%zz', '/group1/%c3%28', '/%'];
  it.each(broken)('with a broken percent encoding is a 4xx: %s', async (target) => {
    const answer = await call(`${node.origin}${target}`);
    expect(answer.status, answer.text).toBeGreaterThanOrEqual(400);
    expect(answer.status, answer.text).toBeLessThan(500);
    expect(json(answer)).toMatchObject({ status: 'fail', code: expect.stringMatching(/^[A-Z_]+$/) });
  });

  it.each(['PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND'])(
    'a method that nobody offers is a 4xx: %s',
    async (method) => {
      const { path: stored } = await upload(node, `method ${method}`, { fields: { path: 'method' } });
      const answer = await call(`${node.origin}${stored}`, { method });
      expect([404, 405]).toContain(answer.status);
      expect((await call(`${node.origin}${stored}`)).status).toBe(200);
    },
  );

  it('a parameter that is too large is a 4xx', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const body = `md5s=${'x'.repeat(3 * megabyte)}`;
    const answer = await call(`${node.group}/check_files_exist`, { method: 'POST', headers, body });
    expectRefusal(answer, 413, 'BODY_TOO_LARGE');
    const many = `a=1&`.repeat(5000);
    const refused = await call(`${node.group}/check_files_exist`, { method: 'POST', headers, body: many });
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(refused.status).toBeLessThan(500);
    const form = encodeForm(Array.from({ length: 200 }, (_, index) => ({ name: `f${index}`, value: 'x' })));
    const posted = await call(`${node.group}/check_file_exist`, { method: 'POST', ...form });
    expect(posted.status, posted.text).toBe(400);
  });
});

describe('a client that is slow', () => {
  it('fault 31: is never cut while bytes keep coming, however long it takes', async () => {
    const impatient = await startNode({ read_timeout: 1, write_timeout: 1 });
    const { socket, received } = rawConnection(impatient.port);
    const body = Buffer.from(`${fileHead}${'slow but steady '.repeat(8)}${formTail}`);
    const head = uploadHead({ 'content-type': formType, 'content-length': body.length, connection: 'close' });
    socket.write(head);
    const step = Math.ceil(body.length / 8);
    // Eight pieces, each after less than the time-out, together more than twice the time-out.
    for (let at = 0; at < body.length; at += step) {
      socket.write(body.subarray(at, at + step));
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(parseRaw(await received).status).toBe(200);
  });

  it('is given up when nothing comes any more, and leaves nothing', async () => {
    const impatient = await startNode({ read_timeout: 1, write_timeout: 1 });
    const { socket, received } = rawConnection(impatient.port);
    socket.write(uploadHead({ 'content-type': formType, 'content-length': 5 * megabyte }));
    socket.write(Buffer.concat([Buffer.from(fileHead), Buffer.alloc(megabyte, 'x')]));
    await untilStaged(impatient.dataDir, (names) => names.length > 0);
    await received;
    await untilNothingIsStaged(impatient.dataDir);
    expect(await totals(impatient)).toEqual({ files: 0, bytes: 0 });
  });
});

describe('more uploads than are allowed', () => {
  it('are asked to come back later', async () => {
    const busy = await startNode({ max_concurrent_uploads: 1 });
    const { socket, received } = rawConnection(busy.port);
    socket.write(uploadHead({ 'content-type': formType, 'content-length': 5 * megabyte }));
    socket.write(Buffer.concat([Buffer.from(fileHead), Buffer.alloc(megabyte, 'x')]));
    await untilStaged(busy.dataDir, (names) => names.length > 0);
    const refused = await sendUpload(busy, 'one too many');
    expectRefusal(refused, 503, 'TOO_MANY_UPLOADS');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    socket.destroy();
    await received;
    await untilNothingIsStaged(busy.dataDir);
    expect((await upload(busy, 'now there is room')).size).toBe(17);
  });
});
