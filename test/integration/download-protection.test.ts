import { Agent } from 'node:http';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../../node-core/access/one-time-codes.ts';
import type { Config } from '../../node-core/config/schema.ts';
import { startAuthService } from '../support/auth-service.ts';
import { type Answer, call, digest, expectRefusal, json, sendUpload, upload } from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';
import { behindProxy, from, TestClock, withKey } from '../support/strangers.ts';
import { uploadWhole } from '../support/tus-client.ts';

const secret = 'JBSWY3DPEHPK3PXP';

/** The query of a token as clients of go-fastdfs make it. */
function tokenFor(hash: string, nowMs = Date.now(), offsetSeconds = 0): string {
  const timestamp = String(Math.floor(nowMs / 1000) + offsetSeconds);
  return `token=${digest('md5', hash + timestamp)}&timestamp=${timestamp}`;
}

async function startWith(config: Partial<Config>, clock = new TestClock()): Promise<TestNode & { clock: TestClock }> {
  return { ...(await startNode({ ...behindProxy, ...config }, undefined, clock)), clock };
}

/** A download by a stranger. */
const get = (node: TestNode, path: string, query = '', headers: Record<string, string> = {}): Promise<Answer> =>
  call(`${node.origin}${path}${query === '' ? '' : `?${query}`}`, { headers: { ...from(), ...headers } });

describe('download tokens', () => {
  it.each([
    ['md5', {}],
    ['sha1', { file_sum_arithmetic: 'sha1' as const }],
    ['packed', { enable_merge_small_file: true }],
  ])('let in for the very file and time, and nothing else does: %s', async (_what, config) => {
    const node = await startWith({ download_use_token: true, download_token_expire: 60, ...config });
    const { path, md5 } = await upload(node, 'guarded', { fields: { path: 'd', filename: 'a.txt' } });
    const other = await upload(node, 'another file', { fields: { path: 'd', filename: 'b.txt' } });
    const now = node.clock.now();
    const whole = await get(node, path, tokenFor(md5, now));
    expect([whole.text, whole.headers['cache-control']]).toEqual(['guarded', 'private']);
    expect((await get(node, path, tokenFor(md5, now, -55))).text).toBe('guarded');
    expect((await get(node, path, tokenFor(md5, now, 55))).text).toBe('guarded');
    const part = await get(node, path, tokenFor(md5, now), { range: 'bytes=1-3' });
    expect([part.status, part.text]).toEqual([206, 'uar']);
    const good = tokenFor(md5, now);
    const bad = [
      '',
      tokenFor(other.md5, now),
      tokenFor(md5, now, -70),
      tokenFor(md5, now, 70),
      good.replace(/timestamp=\d+/, ''),
      good.replace(/timestamp=\d+/, 'timestamp=1e9'),
      good.replace(/timestamp=(\d+)/, 'timestamp=%20$1'),
      good.replace('token=', 'token=x'),
      'token=&timestamp=0',
      good.replace('token=', 'token=x&token='),
      `${tokenFor('', now)}`,
      `${tokenFor('f'.repeat(32), now)}`,
    ];
    for (const query of bad) expectRefusal(await get(node, path, query), 401, 'DOWNLOAD_TOKEN_REFUSED');
    // Upper case is what some clients make of hex digits.
    const upper = good.replace(/token=(\w+)/, (_all, hex: string) => `token=${hex.toUpperCase()}`);
    expect((await get(node, path, upper)).status).toBe(200);
  });

  it('fault 20: tell nobody what is there, by no way of asking', async () => {
    const node = await startWith({ download_use_token: true });
    const { path, md5 } = await upload(node, 'guarded', { fields: { path: 'd', filename: 'a.txt' } });
    const tus = await uploadWhole(node, 'guarded by tus', { filename: 't.bin' });
    const missing = await get(node, '/group1/d/none.txt', tokenFor(md5));
    const wrong = await get(node, path, 'token=x&timestamp=1');
    expect(missing.text).toBe(wrong.text);
    for (const asked of [
      path,
      '/group1/d/none.txt',
      `${path}/`,
      '/group1/none/',
      '/group1/none/x',
      `${path}?width=5`,
    ]) {
      expectRefusal(await get(node, asked), 401, 'DOWNLOAD_TOKEN_REFUSED');
    }
    expectRefusal(await call(tus, { headers: from() }), 401, 'DOWNLOAD_TOKEN_REFUSED');
    expectRefusal(await call(`${tus.slice(0, -1)}0`, { headers: from() }), 401, 'DOWNLOAD_TOKEN_REFUSED');
    // A look-up by path would give the digest away, and with it every token.
    for (const asked of ['/group1/d/a.txt', '/group1/d/none.txt']) {
      expectRefusal(
        await call(`${node.group}/check_file_exist?path=${encodeURIComponent(asked)}`, { headers: from() }),
        401,
        'DOWNLOAD_TOKEN_REFUSED',
      );
    }
    // Who knows the digest has all that a token proves.
    const known = await call(`${node.group}/check_file_exist?md5=${md5}`, { headers: from() });
    expect(json(known)).toMatchObject({ md5 });
    const head = await call(`${node.origin}${path}`, { method: 'HEAD', headers: from() });
    expect([head.status, head.body.length]).toEqual([401, 0]);
  });

  it('are not asked of who may manage', async () => {
    const node = await startWith({ download_use_token: true });
    const { path } = await upload(node, 'guarded');
    expect((await get(node, path, '', withKey)).text).toBe('guarded');
    expectRefusal(await get(node, '/group1/none', '', withKey), 404, 'FILE_NOT_FOUND');
    const host = await startNode({ download_use_token: true });
    const own = await upload(host, 'guarded');
    expect((await call(`${host.origin}${own.path}`)).text).toBe('guarded');
    const foreign = { origin: 'http://evil.example' };
    expectRefusal(await call(`${host.origin}${own.path}`, { headers: foreign }), 401, 'DOWNLOAD_TOKEN_REFUSED');
  });

  it('slow down who guesses', async () => {
    const node = await startWith({ download_use_token: true });
    const { path, md5 } = await upload(node, 'guarded');
    const answers = [];
    for (let i = 0; i < 125; i += 1) answers.push((await get(node, path, `token=${i}&timestamp=1`)).status);
    expect(answers.slice(0, 120)).toEqual(Array(120).fill(401));
    expect(answers.at(-1)).toBe(429);
    expect((await get(node, path, tokenFor(md5, node.clock.now()), from('198.51.100.1'))).status).toBe(200);
  });

  it('are asked for from the moment on that they are switched on, also of what is kept ready in memory', async () => {
    const node = await startWith({});
    const { path, md5 } = await upload(node, 'hot');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const again = (headers = {}) => call(`${node.origin}${path}`, { agent, headers: { ...from(), ...headers } });
    for (let i = 0; i < 5; i += 1) expect((await again()).text).toBe('hot');
    const change = async (download_use_token: boolean) => {
      const answer = await call(`${node.origin}/api/v1/settings`, {
        method: 'PATCH',
        headers: { ...withKey, 'content-type': 'application/json' },
        body: JSON.stringify({ changes: { download_use_token } }),
      });
      expect(answer.status, answer.text).toBe(200);
    };
    await change(true);
    for (let i = 0; i < 3; i += 1) expectRefusal(await again(), 401, 'DOWNLOAD_TOKEN_REFUSED');
    // What one caller is given is kept for no other.
    for (let i = 0; i < 3; i += 1) expect((await again(withKey)).text).toBe('hot');
    expect((await get(node, path, tokenFor(md5, node.clock.now()))).text).toBe('hot');
    expectRefusal(await again(), 401, 'DOWNLOAD_TOKEN_REFUSED');
    await change(false);
    expect((await again()).text).toBe('hot');
    agent.destroy();
  });
});

describe('answers to those who may manage', () => {
  it('are kept for nobody else', async () => {
    const node = await startWith({});
    await upload(node, 'by the API', { fields: { path: 'd', filename: 'a.txt' } });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 5; i += 1) {
      const answer = await call(`${node.origin}/api/v1/files/content?path=d/a.txt`, { agent, headers: withKey });
      expect(answer.text).toBe('by the API');
    }
    for (const url of ['/files/content?path=d/a.txt', '/api/v1/files/content?path=d/a.txt']) {
      expect((await call(`${node.origin}${url}`, { agent, headers: from() })).status).toBeGreaterThanOrEqual(403);
    }
    agent.destroy();
  });
});

describe('codes of scenes', () => {
  const config = { enable_google_auth: true, scenes: [`vault:${secret}`, 'default', 'open'] };

  it('are asked for in scenes with a secret, one step each way; a code stays with the address that used it', async () => {
    const clock = new TestClock();
    const node = await startWith(config, clock);
    const code = (steps = 0) => codeOf(secret, clock.now() + steps * 30_000);
    const put = await sendUpload(node, 'in the vault', {
      fields: { scene: 'vault', output: 'json', code: await code() },
      headers: from('198.51.100.1'),
    });
    const { path } = json<{ path: string }>(put);
    const open = await upload(node, 'in the open', { fields: { scene: 'open' }, headers: from() });
    expect((await get(node, open.path)).text).toBe('in the open');
    for (const query of [
      '',
      'code=',
      'code=abcdef',
      'code=1234567',
      `code=${await code(-2)}`,
      `code=${await code(2)}`,
    ]) {
      expectRefusal(await get(node, path, query), 401, 'CODE_REFUSED');
    }
    // One that somebody else has used is no good.
    expectRefusal(await get(node, path, `code=${await code()}`), 401, 'CODE_REFUSED');
    clock.advance(61);
    const mine = `code=${await code()}`;
    expect((await get(node, path, mine)).text).toBe('in the vault');
    // A download is several requests.
    expect((await get(node, path, mine, { range: 'bytes=3-' })).text).toBe('the vault');
    expectRefusal(await get(node, path, mine, from('198.51.100.2')), 401, 'CODE_REFUSED');
    expectRefusal(await get(node, '/group1/vault/none', ''), 401, 'CODE_REFUSED');
    await node.node.stop();
    const again = { ...(await startNode({ ...behindProxy, ...config }, node.dataDir, clock)), clock };
    expectRefusal(await get(again, path, mine, from('198.51.100.2')), 401, 'CODE_REFUSED');
    expect((await get(again, path, mine)).text).toBe('in the vault');
    expect((await get(again, path, `code=${await code(1)}`, from('198.51.100.3'))).status).toBe(200);
    clock.advance(120);
    expectRefusal(await get(again, path, mine), 401, 'CODE_REFUSED');
  });

  it('of two who use one at the same time, one gets in', async () => {
    const clock = new TestClock();
    const node = await startWith(config, clock);
    const fields = { scene: 'vault', output: 'json', code: await codeOf(secret, clock.now()) };
    const addresses = ['198.51.100.1', '198.51.100.2', '198.51.100.3', '198.51.100.4'];
    const answers = await Promise.all(
      addresses.map((address) => sendUpload(node, `by ${address}`, { fields, headers: from(address) })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401]);
  });

  it('cannot be tried out', async () => {
    const clock = new TestClock();
    const node = await startWith(config, clock);
    for (let i = 0; i < 10; i += 1)
      expectRefusal(await get(node, '/group1/vault/x', `code=${100_000 + i}`), 401, 'CODE_REFUSED');
    expectRefusal(
      await get(node, '/group1/vault/x', `code=${await codeOf(secret, clock.now())}`),
      429,
      'TOO_MANY_REQUESTS',
    );
  });
});

describe('auth_url', () => {
  it('is asked about downloads, with fields and headers, and only its consent lets in', async () => {
    const service = await startAuthService();
    const node = await startWith({ auth_url: service.url, enable_download_auth: true });
    const { path } = await upload(node, 'asked for', { headers: { 'auth-token': 'good' } });
    service.questions.length = 0;
    const good = await get(node, path, 'auth_token=good&x=%E6%96%87', { cookie: 'a=b; shoal_session_00=secret' });
    expect(good.text).toBe('asked for');
    expect(service.questions[0]?.fields).toEqual({ auth_token: 'good', x: '文' });
    expect(service.questions[0]?.headers).toMatchObject({ 'auth-token': 'good', cookie: 'a=b' });
    expectRefusal(await get(node, path, 'auth_token=bad'), 401, 'AUTH_REFUSED');
    expectRefusal(await get(node, path), 401, 'AUTH_REFUSED');
    expectRefusal(await get(node, '/group1/none', 'auth_token=bad'), 401, 'AUTH_REFUSED');
    expectRefusal(await get(node, '/group1/none', 'auth_token=good'), 404, 'FILE_NOT_FOUND');
    const head = await call(`${node.origin}${path}`, { method: 'HEAD', headers: { ...from(), 'auth-token': 'good' } });
    expect(head.status).toBe(200);
    expect((await get(node, path, '', withKey)).text).toBe('asked for');
  });

  it('may take bearer tokens of its own: they are nobody’s attack on this node', async () => {
    const service = await startAuthService();
    service.answer = (response, { headers }) => response.end(headers.authorization === 'Bearer jwt' ? 'ok' : 'no');
    const node = await startWith({ auth_url: service.url });
    for (let i = 0; i < 15; i += 1) {
      const answer = await sendUpload(node, `content ${i}`, { headers: { ...from(), authorization: 'Bearer jwt' } });
      expect(answer.status).toBe(200);
    }
    const metrics = await call(`${node.origin}/metrics`, { headers: withKey });
    expect(metrics.text).toContain('\nshoal_failed_logins_total 0\n');
  });

  it('is asked again when anything it was told differs, and not for a few seconds when nothing does', async () => {
    const service = await startAuthService();
    const node = await startWith({ auth_url: service.url, enable_download_auth: true });
    const { path } = await upload(node, 'asked for', { headers: { 'auth-token': 'good' } });
    service.questions.length = 0;
    for (let i = 0; i < 3; i += 1) expect((await get(node, path, 'auth_token=good')).status).toBe(200);
    expect(service.questions.length).toBe(1);
    for (const query of ['auth_token=good&a=1', 'auth_token=good&a=2']) await get(node, path, query);
    await get(node, path, 'auth_token=good', from('198.51.100.1'));
    await get(node, path, 'auth_token=good', { 'x-anything': '1' });
    expect(service.questions.length).toBe(5);
    for (let i = 0; i < 2; i += 1) expectRefusal(await get(node, path, 'auth_token=bad'), 401, 'AUTH_REFUSED');
    expect(service.questions.length).toBe(7);
  });

  it.each<[string, number, string]>([
    ['ok', 200, 'ok'],
    ['ok with white space', 200, ' ok\n'],
    ['JSON', 200, '{"data":"ok"}'],
    ['JSON with more', 200, '{"status":"ok","data":"ok"}'],
    ['OK in capitals', 401, 'OK'],
    ['another word', 401, 'okay'],
    ['JSON that says otherwise', 401, '{"data":"fail"}'],
    ['JSON in another place', 401, '{"status":"ok"}'],
    ['JSON text', 401, '"ok"'],
    ['nothing', 401, ''],
    ['a page', 401, '<html>ok</html>'],
    ['null', 401, 'null'],
  ])('takes for consent what go-fastdfs takes: %s', async (_what, status, text) => {
    const service = await startAuthService();
    service.answer = (response) => response.end(text);
    const node = await startWith({ auth_url: service.url });
    expect((await sendUpload(node, 'x', { headers: from() })).status).toBe(status);
  });

  it.each<[string, Parameters<typeof startAuthService> extends [] ? string : never]>([
    ['an error', 'error'],
    ['a redirect to consent', 'redirect'],
    ['a broken connection', 'cut'],
    ['too much', 'large'],
  ])('refuses when the service answers with %s', async (_what, how) => {
    const service = await startAuthService();
    service.answer = (response) => {
      if (how === 'error') response.writeHead(500).end('ok');
      else if (how === 'redirect') response.writeHead(302, { location: `${service.url}?ok` }).end('ok');
      else if (how === 'cut') response.destroy();
      else response.end(`ok${' '.repeat(200_000)}`);
    };
    const node = await startWith({ auth_url: service.url });
    expectRefusal(await sendUpload(node, 'x', { headers: from() }), 401, 'AUTH_REFUSED');
    expect(service.questions.length).toBe(1);
  });

  it('refuses when the service is silent, after five seconds, and when nobody is there', async () => {
    const service = await startAuthService();
    service.answer = () => undefined;
    const node = await startWith({ auth_url: service.url });
    const began = performance.now();
    expectRefusal(await sendUpload(node, 'x', { headers: from() }), 401, 'AUTH_REFUSED');
    expect(performance.now() - began).toBeGreaterThan(4500);
    const nobody = await startWith({ auth_url: 'http://127.0.0.1:1/auth' });
    expectRefusal(await sendUpload(nobody, 'x', { headers: from() }), 401, 'AUTH_REFUSED');
  });
});

describe('download_policy', () => {
  it('open: everybody', async () => {
    const node = await startWith({ download_policy: 'open' });
    const { path } = await upload(node, 'x');
    expect((await get(node, path)).status).toBe(200);
    expect((await get(node, '/group1/', 'list=1')).status).toBe(200);
  });

  it.each(['token', 'session', 'off'] as const)('%s: no stranger, by no way', async (download_policy) => {
    const node = await startWith({ download_policy });
    const { path, md5 } = await upload(node, 'closed', { fields: { path: 'd', filename: 'a.txt' } });
    const tus = await uploadWhole(node, 'closed by tus', { filename: 't.bin' });
    const closed = [
      `${node.origin}${path}`,
      `${node.origin}${path}?width=10`,
      `${node.group}/none`,
      `${node.group}/d/`,
      `${node.group}/none/`,
      `${node.group}/?list=1`,
      `${node.group}/check_file_exist?md5=${md5}`,
      `${node.group}/check_file_exist?md5=${'0'.repeat(32)}`,
      `${node.group}/check_file_exist?path=/group1/d/a.txt`,
      `${node.group}/check_files_exist?md5s=${md5}`,
      `${node.group}/upload?md5=${md5}&output=json`,
      `${node.group}/upload?md5=${'0'.repeat(32)}&output=json`,
      tus,
    ];
    for (const url of closed) {
      expectRefusal(await call(url, { headers: from() }), 401, 'DOWNLOAD_REFUSED');
      expect((await call(url, { headers: withKey })).status, url).not.toBe(401);
    }
    // A token of go-fastdfs opens what asks for tokens.
    const answer = await get(node, path, tokenFor(md5, node.clock.now()));
    expect(answer.status).toBe(download_policy === 'token' ? 200 : 401);
    expectRefusal(await call(`${node.origin}/api/v1/files`, { headers: from() }), 403, 'MANAGEMENT_REFUSED');
  });
});
