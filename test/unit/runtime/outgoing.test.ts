import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isPublicAddress, type OutgoingPost, post } from '../../../node-core/runtime/outgoing.ts';
import { errorOf } from '../temp-folder.ts';

/** A real service; what it does is said by the path of the call. */
const seen: { readonly path: string; readonly body: string; readonly headers: object }[] = [];
let server: Server;
let port = 0;

const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
  '/ok': (response) => response.end('{"data":"ok"}'),
  '/redirect': (response) => response.writeHead(302, { location: '/ok' }).end(),
  '/refuse': (response) => response.writeHead(403).end('secret words'),
  '/large': (response) => response.end(Buffer.alloc(100_000, 'x')),
  '/silent': () => undefined,
  '/drip': (response) => {
    // Never idle for long, never done: only a limit on the whole ends it.
    const timer = setInterval(() => response.write('x'), 20);
    response.once('close', () => clearInterval(timer));
  },
  '/cut': (response) => response.destroy(),
};

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      seen.push({ path: request.url ?? '', body, headers: request.headers });
      answers[request.url ?? '']?.(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function call(path: string, more: Partial<OutgoingPost> = {}) {
  const url = `http://127.0.0.1:${port}${path}`;
  return post({ url, body: new URLSearchParams({ a: 'ü 1' }), timeoutMs: 400, trust: 'operator', ...more });
}

describe('post', () => {
  it('sends a form or JSON, and answers with the text of the body', async () => {
    expect(await call('/ok', { headers: { 'Auth-Token': 'tok' } })).toEqual({ status: 200, body: '{"data":"ok"}' });
    expect(seen.at(-1)).toMatchObject({ body: 'a=%C3%BC+1', headers: { 'auth-token': 'tok' } });
    await call('/ok', { body: { b: [1] } });
    expect(seen.at(-1)).toMatchObject({ body: '{"b":[1]}', headers: { 'content-type': 'application/json' } });
  });

  it.each([
    ['/redirect', 'it answered with status 302'],
    ['/refuse', 'it answered with status 403'],
    ['/silent', 'it took too long'],
    ['/drip', 'it took too long'],
    ['/cut', 'ECONNRESET'],
    ['/large', 'ERR_BAD_RESPONSE'],
  ])('fails for %s: %s', async (path, reason) => {
    const before = seen.length;
    const error = await errorOf(() => call(path, { headers: { 'Auth-Token': 'hidden' } }));
    expect([error.code, error.details]).toEqual(['CALL_FAILED', { host: '127.0.0.1', reason }]);
    // Whatever is logged of it, nothing that was sent is in it.
    expect(error.cause).toBeUndefined();
    expect(seen.length).toBe(before + 1);
  });

  it('takes no proxy from the environment', async () => {
    const names = ['http_proxy', 'HTTP_PROXY', 'all_proxy'];
    for (const name of names) process.env[name] = 'http://127.0.0.1:1';
    try {
      expect((await call('/ok')).status).toBe(200);
    } finally {
      for (const name of names) delete process.env[name];
    }
  });

  it.each([
    ['an address', '127.0.0.1'],
    ['a name that leads to a private address', 'localhost'],
    ['an address in another spelling', '2130706433'],
    ['a mapped address', '[::ffff:127.0.0.1]'],
  ])('does not connect where a stranger points at the inside: %s', async (_what, host) => {
    // A connection of the operator's own calls stands open to the very same place: it must not be used.
    await call('/ok', { url: `http://localhost:${port}/ok` });
    const before = seen.length;
    const url = `http://${host}:${port}/ok`;
    const error = await errorOf(() => call('/ok', { url, trust: 'stranger' }));
    expect([error.code, error.details.reason]).toEqual(['CALL_FAILED', 'its address is not a public one']);
    expect(seen.length).toBe(before);
  });

  it('goes to a private address for a stranger when the operator allows it', async () => {
    expect((await call('/ok', { trust: 'stranger', privateAllowed: true })).status).toBe(200);
  });
});

describe('isPublicAddress', () => {
  it.each([
    ['1.1.1.1', true],
    ['2606:4700::1111', true],
    ['10.0.0.1', false],
    ['100.64.0.1', false],
    ['169.254.169.254', false],
    ['0.0.0.0', false],
    ['255.255.255.255', false],
    ['192.0.0.1', false],
    ['::', false],
    ['::1', false],
    ['::ffff:10.0.0.1', false],
    ['::10.0.0.1', false],
    ['64:ff9b::a00:1', false],
    ['2002:a00:1::', false],
    ['fe80::1', false],
    ['fd00::1', false],
    ['localhost', false],
    ['', false],
  ])('%s: %s', (address, expected) => {
    expect(isPublicAddress(address)).toBe(expected);
  });
});
