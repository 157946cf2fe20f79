/**
 * Anything on every route: no request makes the node fail, hang or grow. A failing case is printed with its seed;
 * `SHOAL_FUZZ_SEED` repeats it.
 */
import { Agent, type IncomingMessage, request } from 'node:http';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { actionNames } from '../../node-core/http/compat/surface.ts';
import { ApiClient } from '../support/api-client.ts';
import { boundary, encodeForm, rawConnection, upload } from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';
import { stagedNames, untilNothingIsStaged } from '../support/store-folder.ts';
import { create } from '../support/tus-client.ts';

// The same requests on every run, so that a change is judged by itself; SHOAL_FUZZ_SEED=random looks for new ones.
const given = process.env.SHOAL_FUZZ_SEED ?? '1';
const seed = given === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(given);
const hangMs = 15_000;

/** One request, ready to be sent. */
interface FuzzRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

let node: TestNode;
let routes: readonly string[];
const agent = new Agent({ keepAlive: true, maxSockets: 4 });

beforeAll(async () => {
  node = await startNode({ durability: 'os', memory_cache_mb: 1, log_level: 'error', access_log: false });
  const api = await ApiClient.of(node);
  await upload(node, 'known', { name: 'known.txt', fields: { path: 'known' } });
  const tus = new URL(await create(node, 1000)).pathname;
  routes = [
    ...new Set(api.operations().map(({ path }) => `/api/v1${path}`)),
    '/api/v1/openapi.json',
    ...[...actionNames].map((name) => `/group1/${name}`),
    '/group1/big/upload/',
    tus,
    '/group1/known/known.txt',
    '/group1/known',
    ...['/', '/group1', '/group1/', '/healthz', '/readyz', '/metrics', '/api/v1', '/favicon.ico'],
  ];
});

const nasty = fc.constantFrom(
  ...[
    '',
    ' ',
    '.',
    '..',
    '/',
    '//',
    '\\',
    '\0',
    '%',
    '%00',
    '%2e%2e',
    '%ff',
    'known',
    'known/known.txt',
    '/group1/known/known.txt',
  ],
  ...[
    '0',
    '-1',
    '1',
    '1e300',
    'NaN',
    '99999999999999999999',
    'true',
    'null',
    '{}',
    '[]',
    '"',
    "'",
    '<script>',
    '文件',
    '🐟',
    '\u202E',
    '\r\n',
  ],
  ...[
    'x'.repeat(300),
    '长'.repeat(1500),
    '_tmp',
    '_big',
    '__proto__',
    'constructor',
    'toString',
    '20261122',
    'd41d8cd98f00b204e9800998ecf8427e',
  ],
);
const text = fc.oneof(
  { weight: 3, arbitrary: nasty },
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
);

/** Bytes of UTF-8 as they may stand in a request line, encoded or raw. */
const inUrl = (value: string, raw: boolean) =>
  raw
    ? Buffer.from(value)
        .toString('latin1')
        .replace(/[^!-~\x80-\xff]|#/g, '+')
    : encodeURIComponent(value.toWellFormed());

const parameterNames = [
  ...['path', 'md5', 'md5s', 'dir', 'kw', 'output', 'scene', 'filename', 'date', 'download', 'name', 'width', 'height'],
  ...[
    'folder',
    'cursor',
    'limit',
    'q',
    'replace',
    'recursive',
    'mtimeMs',
    'level',
    'action',
    'cfg',
    'secret',
    'inner',
    'echart',
    'token',
    'timestamp',
  ],
];
const query = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...parameterNames), text), text, fc.boolean()), { maxLength: 4 })
  .map((pairs) => pairs.map(([name, value, raw]) => `${inUrl(name, raw)}=${inUrl(value, raw)}`).join('&'));

const headerNames = [
  ...[
    'range',
    'if-range',
    'if-none-match',
    'if-modified-since',
    'if-match',
    'accept-language',
    'accept-encoding',
    'last-event-id',
  ],
  ...[
    'upload-offset',
    'upload-length',
    'upload-metadata',
    'upload-concat',
    'upload-checksum',
    'upload-defer-length',
    'tus-resumable',
  ],
  ...[
    'origin',
    'referer',
    'x-forwarded-for',
    'auth-token',
    'cookie',
    'authorization',
    'content-disposition',
    'content-encoding',
  ],
];
const headerValue = fc.oneof(
  fc.constantFrom(
    'bytes=0-1',
    'bytes=-0',
    'bytes=5-1',
    'bytes=0-0,2-3,-1',
    '1.0.0',
    'partial',
    'final;/a /b',
    'sha1 AAAA',
    'filename YQ==',
    '0',
    '5',
    '1',
  ),
  text.map((value) => inUrl(value, true)),
);
const contentType = fc.constantFrom(
  ...[
    'application/json',
    'application/x-www-form-urlencoded',
    `multipart/form-data; boundary=${boundary}`,
    'multipart/form-data',
  ],
  ...['application/offset+octet-stream', 'text/plain; charset=nonsense', 'nonsense'],
);
const headers = fc
  .tuple(fc.dictionary(fc.constantFrom(...headerNames), headerValue, { maxKeys: 4 }), fc.option(contentType))
  .map(([some, type]) => ({ ...some, ...(type !== null && { 'content-type': type }) }));

const jsonBody = fc.oneof(
  fc.record({ from: text, to: text, replace: fc.anything() }, { requiredKeys: [] }),
  fc.record({ path: text }),
  fc.record({
    changes: fc.dictionary(fc.constantFrom('trash_days', 'node_name', 'nope', '__proto__', 'toString'), text),
  }),
  fc.jsonValue(),
);
const form = fc
  .array(fc.tuple(fc.constantFrom(...parameterNames, 'file'), text, fc.boolean()), { maxLength: 4 })
  .map((parts) =>
    encodeForm(
      parts.map(([name, value, isFile]) =>
        isFile ? { name, fileName: value.replace(/[\r\n]/g, ' '), bytes: Buffer.from(value) } : { name, value },
      ),
    ).body.toString('latin1'),
  );
const body = fc.option(
  fc.oneof(
    jsonBody.map((value) => Buffer.from(JSON.stringify(value) ?? 'undefined').toString('latin1')),
    form,
    query,
    text.map((value) => Buffer.from(value).toString('latin1')),
  ),
  { nil: undefined },
);

const target = () =>
  fc
    .tuple(
      fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom(...routes) },
        fc
          .tuple(fc.constantFrom(...routes), text, fc.boolean())
          .map(([route, more, raw]) => `${route}/${inUrl(more, raw)}`),
        fc
          .array(fc.tuple(text, fc.boolean()), { maxLength: 4 })
          .map((parts) => `/${parts.map(([part, raw]) => inUrl(part, raw)).join('/')}`),
      ),
      query,
    )
    .map(([path, asked]) => (asked === '' ? path : `${path}?${asked}`));

const anyRequest = (): fc.Arbitrary<FuzzRequest> =>
  fc
    .record({
      method: fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom('GET', 'POST') },
        fc.constantFrom('HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'TRACE'),
      ),
      target: target(),
      headers,
      body,
    })
    .map((one) =>
      // A request line that is no HTTP is answered on the bare socket, where nobody knows that it was a HEAD.
      one.method === 'HEAD' ? { ...one, target: one.target.replace(/[^!-~]/g, '+') } : one,
    );

/** Sends a request. A stream of events is only begun. @throws when nothing comes for too long. */
function send({ method, target: path, headers: given, body: bytes }: FuzzRequest) {
  return new Promise<{ status: number; type: string; text: string }>((resolve, reject) => {
    const content = bytes === undefined ? undefined : Buffer.from(bytes, 'latin1');
    const sent = request({
      host: '127.0.0.1',
      port: node.port,
      agent,
      method,
      path,
      headers: { ...given, ...(content && { 'content-length': content.byteLength }) },
    });
    const hang = setTimeout(() => sent.destroy(new Error(`no answer within ${hangMs} ms`)), hangMs);
    sent.on('error', reject);
    sent.on('response', (response: IncomingMessage) => {
      const status = response.statusCode ?? 0;
      const type = String(response.headers['content-type'] ?? '');
      let received = '';
      const done = () => {
        clearTimeout(hang);
        resolve({ status, type, text: received });
      };
      if (type.startsWith('text/event-stream')) {
        response.destroy();
        done();
        return;
      }
      response.setEncoding('latin1').on('data', (chunk: string) => {
        if (received.length < 100_000) received += chunk;
      });
      response.on('end', done).on('error', reject);
    });
    sent.end(content);
  });
}

describe('anything, on every route', () => {
  it('is answered: never a failure of the node, always with a code', async () => {
    const before = process.memoryUsage().rss;
    let sent = 0;
    const property = fc.asyncProperty(anyRequest(), async (one) => {
      sent += 1;
      const answer = await send(one);
      const told = `${answer.status} ${answer.text.slice(0, 300)}`;
      expect(answer.status, told).toBeGreaterThanOrEqual(200);
      if (answer.status >= 500) expect([501, 503, 507], told).toContain(answer.status);
      const isTus = one.target.startsWith('/group1/big/upload');
      if (answer.status < 400 || answer.status === 416 || one.method === 'HEAD' || isTus) return;
      expect(answer.type, told).toMatch(/^application\/json/);
      expect(JSON.parse(Buffer.from(answer.text, 'latin1').toString('utf8')), told).toMatchObject({
        status: 'fail',
        code: expect.stringMatching(/^[A-Z_]+$/),
      });
    });
    await fc.assert(property, { seed, numRuns: 4000, interruptAfterTimeLimit: 15_000 });
    expect(sent).toBeGreaterThan(500);
    await untilNothingIsStaged(node.dataDir);
    expect(process.memoryUsage().rss - before, 'growth of memory').toBeLessThan(400 * 1024 * 1024);
    const health = await (await ApiClient.of(node)).ok<{ ready: boolean }>('health');
    expect(health.ready).toBe(true);
  }, 120_000);

  it('broken off anywhere leaves nothing and harms nobody', async () => {
    const methods = fc.constantFrom(
      'POST /group1/upload',
      'PUT /api/v1/files/content?path=cut&replace=true',
      'POST /group1/big/upload/',
      'POST /api/v1/files/move',
      'PATCH /api/v1/settings',
      'GET /api/v1/zip?path=known',
      'GET /api/v1/events',
    );
    const property = fc.asyncProperty(
      methods,
      contentType,
      fc.nat({ max: 3000 }),
      fc.boolean(),
      async (line, type, cut, soft) => {
        const file = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n${'x'.repeat(5000)}`;
        const tus = 'Tus-Resumable: 1.0.0\r\nUpload-Length: 9000\r\nUpload-Metadata: filename YQ==\r\n';
        const head = `${line} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\n${tus}Content-Length: 9000\r\n\r\n`;
        const { socket, received } = rawConnection(node.port);
        await new Promise((resolve) => socket.write((head + file).slice(0, cut), resolve));
        if (soft) socket.end();
        else socket.destroy();
        socket.setTimeout(hangMs, () => socket.destroy(new Error('hang')));
        await received;
      },
    );
    await fc.assert(property, { seed, numRuns: 300, interruptAfterTimeLimit: 8000 });
    await untilNothingIsStaged(node.dataDir);
    expect(await stagedNames(node.dataDir)).toEqual([]);
    expect((await upload(node, 'still served')).size).toBe(12);
  }, 60_000);
});
