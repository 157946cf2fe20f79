import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../../node-core/access/one-time-codes.ts';
import { createNode } from '../../node-core/index.ts';
import { ApiClient, type ApiRequest } from '../support/api-client.ts';
import { type Answer, call, expectRefusal, json } from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';
import { behindProxy, from, TestClock, withKey } from '../support/strangers.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const password = 'correct horse ÄÖ 马';
const stranger = '203.0.113.7';

interface State {
  readonly may: boolean;
  readonly by?: string;
  readonly name?: string;
  readonly address: string;
  readonly needs: { readonly setup: boolean; readonly code: boolean };
}

/** The setup link that a node has written. */
async function setupToken(node: TestNode): Promise<string> {
  const text = await readFile(path.join(node.dataDir, 'data', 'setup-link'), 'utf8');
  return /^http:\/\/[\d.]+:\d+\/setup\?token=([\w-]{43})\n$/.exec(text)?.[1] ?? '';
}

function post(node: TestNode, route: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return call(`${node.origin}/api/v1${route}`, {
    method: 'POST',
    headers: { ...from(stranger), 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

/** The cookie that an answer sets, as a browser sends it back. */
function cookieOf(answer: Answer): string {
  return String(answer.headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';
}

/** A node with an administrator, and the cookie of who set it up. */
async function withAdministrator(config = {}, clock = new TestClock()) {
  const node = await startNode({ ...behindProxy, ...config }, undefined, clock);
  const answer = await post(node, '/setup', { token: await setupToken(node), password });
  expect(answer.status, answer.text).toBe(200);
  return { node, clock, cookie: cookieOf(answer) };
}

const signIn = (node: TestNode, body: object, headers: Record<string, string> = {}) =>
  post(node, '/login', body, headers);

/** Headers of a signed-in page of the node. */
function page(node: TestNode, cookie: string): Record<string, string> {
  return { ...from(stranger), cookie, origin: node.origin };
}

async function stateOf(node: TestNode, headers: Record<string, string>): Promise<State> {
  return json<State>(await call(`${node.origin}/api/v1/session`, { headers }));
}

describe('the setup link', () => {
  it('stands in a 0600 file, survives a restart, makes one administrator, and is gone then', async () => {
    const node = await startNode(behindProxy);
    const file = path.join(node.dataDir, 'data', 'setup-link');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const token = await setupToken(node);
    expect(await stateOf(node, from())).toMatchObject({ may: false, needs: { setup: true, code: false } });
    await node.node.stop();
    const again = await startNode(behindProxy, node.dataDir);
    expect(await setupToken(again)).toBe(token);
    for (const wrong of ['x', `${token}x`, '', token.slice(1)]) {
      expectRefusal(await post(again, '/setup', { token: wrong, password }), 401, 'SETUP_REFUSED');
    }
    expectRefusal(await post(again, '/setup', { password }), 403, 'MANAGEMENT_REFUSED');
    expectRefusal(await post(again, '/setup', { token, password: 'short' }), 400, 'PASSWORD_UNFIT');
    const both = await Promise.all([1, 2, 3].map(() => post(again, '/setup', { token, password, name: 'ops' })));
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    const winner = both.find(({ status }) => status === 200);
    expect(json(winner as Answer)).toMatchObject({ may: true, by: 'session', name: 'ops' });
    await expect(stat(file)).rejects.toThrow(/ENOENT/);
    expectRefusal(await post(again, '/setup', { token, password }), 409, 'SETUP_DONE');
    await again.node.stop();
    const third = await startNode(behindProxy, node.dataDir);
    await expect(stat(file)).rejects.toThrow(/ENOENT/);
    expect(third.node.setupUrl()).toBeUndefined();
  });

  it('goes into no file when it is shown on a terminal', async () => {
    const dataDir = await temporaryFolder();
    const node = await createNode({ dataDir, flags: { addr: '127.0.0.1:0' }, onTerminal: true });
    try {
      await expect(stat(path.join(dataDir, 'data', 'setup-link'))).rejects.toThrow(/ENOENT/);
      const url = node.setupUrl() ?? '';
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/setup\?token=[\w-]{43}$/);
      expect((await call(url)).text).toContain('name="again"');
    } finally {
      await node.stop();
    }
  });

  it('is not needed by who may manage anyway', async () => {
    const node = await startNode();
    const answer = await call(`${node.origin}/api/v1/setup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ password }),
    });
    expect(json(answer)).toMatchObject({ may: true });
  });

  it('works as a page without scripts, and so does signing in and out', async () => {
    const node = await startNode(behindProxy);
    const token = await setupToken(node);
    const open = (route: string, headers = {}) =>
      call(`${node.origin}${route}`, { headers: { ...from(), ...headers } });
    const send = (route: string, fields: Record<string, string>, headers = {}) =>
      call(`${node.origin}${route}`, {
        method: 'POST',
        headers: { ...from(), 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams(fields).toString(),
      });
    const form = await open(`/setup?token=${token}`, { 'accept-language': 'zh-CN' });
    expect(form.text).toContain(`value="${token}"`);
    expect(form.text).toContain('设置本节点');
    expect(form.headers).toMatchObject({ 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff' });
    expect(form.headers['content-security-policy']).toContain("frame-ancestors 'none'");
    const unlike = await send('/setup', { token, password, again: `${password}x` });
    expect([unlike.status, unlike.text.includes('role="alert"')]).toEqual([400, true]);
    const made = await send('/setup', { token, name: '<b>', password, again: password });
    expect([made.status, made.headers.location]).toEqual([303, '/']);
    const wrong = await send('/login', { name: '<b>', password: 'wrong password' });
    expect([wrong.status, wrong.text.includes('role="alert"')]).toEqual([401, true]);
    const right = await send('/login', { name: '<b>', password });
    expect(right.status).toBe(303);
    const cookie = cookieOf(right);
    const known = await open('/login', { cookie });
    expect(known.text).toContain('&#60;b&#62;');
    const out = await send('/logout', {}, { cookie, origin: node.origin });
    expect(out.headers['set-cookie']?.[0]).toMatch(/Max-Age=0/);
    expectRefusal(await open('/group1/stat', { cookie }), 403, 'MANAGEMENT_REFUSED');
  });
});

describe('signing in', () => {
  it('takes the right name and password, and says the same of every wrong one', async () => {
    const { node } = await withAdministrator();
    const wrong: readonly object[] = [
      { password: 'wrong password' },
      { password: `${password} ` },
      { name: 'root', password },
      { password: '' },
      { password: 'x'.repeat(1024) },
    ];
    const texts = new Set<string>();
    for (const body of wrong) {
      const answer = await signIn(node, body);
      expectRefusal(answer, 401, 'LOGIN_REFUSED');
      expect(answer.headers['set-cookie']).toBeUndefined();
      texts.add(answer.text);
    }
    expect(texts.size).toBe(1);
    const answer = await signIn(node, { name: 'admin', password: password.normalize('NFD') });
    expect(json(answer)).toMatchObject({ may: true, by: 'session', name: 'admin', address: stranger });
    expect(answer.headers['set-cookie']?.[0]).toMatch(
      /^shoal_session_[0-9a-f]{8}=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Strict$/,
    );
    expect(JSON.stringify(json(answer))).not.toContain(cookieOf(answer).split('=')[1]);
  });

  it('marks the cookie as secure behind a proxy that speaks https', async () => {
    const { node } = await withAdministrator();
    const answer = await signIn(node, { password }, { 'x-forwarded-proto': 'https' });
    expect(answer.headers['set-cookie']?.[0]).toMatch(/; Secure$/);
  });

  it('takes the admin_key too, also before there is an administrator', async () => {
    const node = await startNode(behindProxy);
    const answer = await signIn(node, { password: 'test-admin-key' });
    expect(json(answer)).toMatchObject({ may: true });
    expect((await call(`${node.group}/stat`, { headers: page(node, cookieOf(answer)) })).status).toBe(200);
    const none = await startNode({ ...behindProxy, admin_key: '' });
    expectRefusal(await signIn(none, { password: '' }), 401, 'LOGIN_REFUSED');
  });

  it('is limited for one address, and for all together, whatever is guessed at the same time', async () => {
    const { node, clock } = await withAdministrator();
    const guess = (address: string, body: object = { password: 'a guess 123' }) => signIn(node, body, from(address));
    const answers = await Promise.all(Array.from({ length: 25 }, () => guess('198.51.100.1')));
    const statuses = answers.map(({ status }) => status);
    // The hasher turns some away before they count as guesses answered.
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(10);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(15);
    const limited = await guess('198.51.100.1', { password });
    expectRefusal(limited, 429, 'TOO_MANY_REQUESTS');
    expect(Number(limited.headers['retry-after'])).toBeGreaterThan(5);
    const metrics = await call(`${node.origin}/metrics`, { headers: withKey });
    const failed = statuses.filter((status) => status === 401).length;
    expect(metrics.text).toContain(`\nshoal_failed_logins_total ${failed}\n`);
    // Others are not shut out, and time heals.
    expect((await guess('198.51.100.2', { password })).status).toBe(200);
    clock.advance(120);
    expect((await guess('198.51.100.1', { password })).status).toBe(200);
    // Addresses of one /64 are one caller.
    for (let i = 0; i < 10; i += 1) await guess(`2001:db8::${i + 1}`);
    expectRefusal(await guess('2001:db8::ffff'), 429, 'TOO_MANY_REQUESTS');
  });

  it('is not done for a visitor by a page of another site', async () => {
    const { node } = await withAdministrator();
    for (const headers of [{ origin: 'http://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      for (const [route, body] of [
        ['/login', { password }],
        ['/logout', {}],
        ['/setup', { password }],
      ] as const) {
        expectRefusal(await post(node, route, body, headers), 403, 'CROSS_SITE_REFUSED');
      }
    }
    const rebound = { host: 'evil.example', origin: 'http://evil.example', 'sec-fetch-site': 'same-origin' };
    expectRefusal(await signIn(node, { password }, rebound), 403, 'HOST_REFUSED');
  });
});

describe('a session', () => {
  it('lets its holder manage, from pages of this node only', async () => {
    const { node, cookie } = await withAdministrator();
    const read = (headers: Record<string, string>) =>
      call(`${node.origin}/api/v1/health`, { headers: { ...from(), ...headers } });
    const change = (headers: Record<string, string>) =>
      call(`${node.origin}/api/v1/folders`, {
        method: 'POST',
        headers: { ...from(), 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ path: 'made' }),
      });
    expect((await read({ cookie })).status).toBe(200);
    expect((await read(page(node, cookie))).status).toBe(200);
    expect((await change(page(node, cookie))).status).toBe(200);
    expect((await change({ cookie, 'sec-fetch-site': 'same-origin' })).status).toBe(200);
    // A change needs the proof that a page of this node sent it, whatever the type of its body is.
    expectRefusal(await change({ cookie }), 403, 'CROSS_SITE_REFUSED');
    expectRefusal(await change({ cookie, 'content-type': 'text/plain' }), 403, 'CROSS_SITE_REFUSED');
    for (const foreign of [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'same-site' },
      { origin: node.origin, 'sec-fetch-site': 'cross-site' },
    ]) {
      expectRefusal(await change({ cookie, ...foreign }), 403, 'CROSS_SITE_REFUSED');
      expectRefusal(await read({ cookie, ...foreign }), 403, 'CROSS_SITE_REFUSED');
    }
    const rebound = { cookie, host: 'evil.example', origin: 'http://evil.example' };
    expectRefusal(await change(rebound), 403, 'HOST_REFUSED');
  });

  it('cannot be made up', async () => {
    const { node, cookie } = await withAdministrator();
    const [name = '', value = ''] = cookie.split('=');
    const catalogue = await readdir(path.join(node.dataDir, 'data', 'catalog'));
    expect(catalogue.length).toBeGreaterThan(0);
    for (const forged of [`${name}=x`, `${name}=${value.slice(1)}a`, `${name}=`, `shoal_session_00000000=${value}`]) {
      const answer = await call(`${node.origin}/api/v1/health`, { headers: { ...from(), cookie: forged } });
      expectRefusal(answer, 403, 'MANAGEMENT_REFUSED');
    }
    // What the data folder holds of it does not sign in.
    const files = await Promise.all(
      catalogue.map((file) => readFile(path.join(node.dataDir, 'data', 'catalog', file), 'latin1').catch(() => '')),
    );
    expect(files.join('').includes(value)).toBe(false);
  });

  it('outlives a restart, ends when it is idle, and in any case after a time', async () => {
    const { node, clock, cookie } = await withAdministrator({ session_idle_minutes: 60, session_max_days: 1 });
    const may = async (at: TestNode) => (await stateOf(at, { ...from(), cookie })).may;
    await node.node.stop();
    const again = await startNode(
      { ...behindProxy, session_idle_minutes: 60, session_max_days: 1 },
      node.dataDir,
      clock,
    );
    expect(await may(again)).toBe(true);
    for (let hour = 0; hour < 23; hour += 1) {
      clock.advance(3590);
      expect(await may(again)).toBe(true);
    }
    clock.advance(3600);
    expect(await may(again)).toBe(false);
    const fresh = cookieOf(await signIn(again, { password }));
    clock.advance(3590);
    expect((await stateOf(again, { ...from(), cookie: fresh })).may).toBe(true);
    clock.advance(3700);
    expect((await stateOf(again, { ...from(), cookie: fresh })).may).toBe(false);
  });

  it('is listed and ended, one or all others; a new password ends the others', async () => {
    const { node, cookie } = await withAdministrator();
    const api = await ApiClient.of(node, withKey);
    const own = (request: ApiRequest = {}) => ({ ...request, headers: page(node, cookie) });
    const cookies: string[] = [];
    for (const agent of ['one', 'two', 'three'])
      cookies.push(cookieOf(await signIn(node, { password }, { 'user-agent': agent })));
    const mayNow = () =>
      Promise.all(cookies.map(async (other) => (await stateOf(node, { ...from(), cookie: other })).may));
    const { sessions } = await api.ok<{ sessions: { id: string; agent: string; current: boolean }[] }>(
      'listSessions',
      own(),
    );
    expect(sessions.map(({ agent, current }) => [agent, current]).sort()).toEqual([
      ['', true],
      ['one', false],
      ['three', false],
      ['two', false],
    ]);
    const one = sessions.find(({ agent }) => agent === 'one')?.id ?? '';
    await api.ok('endSession', own({ query: { id: one } }));
    expect(await mayNow()).toEqual([false, true, true]);
    await api.refused('endSession', 404, 'SESSION_NOT_FOUND', own({ query: { id: one } }));
    const next = 'a new password';
    await api.refused('changePassword', 401, 'LOGIN_REFUSED', own({ json: { next } }));
    await api.refused('changePassword', 401, 'LOGIN_REFUSED', own({ json: { current: 'wrong one', next } }));
    await api.refused('changePassword', 400, 'PASSWORD_UNFIT', own({ json: { current: password, next: 'short' } }));
    await api.ok('changePassword', own({ json: { current: password, next } }));
    expect(await mayNow()).toEqual([false, false, false]);
    expect((await stateOf(node, { ...from(), cookie })).may).toBe(true);
    expectRefusal(await signIn(node, { password }), 401, 'LOGIN_REFUSED');
    cookies.push(cookieOf(await signIn(node, { password: next })));
    await api.ok('endSession', own());
    expect(await mayNow()).toEqual([false, false, false, false]);
    // Whoever holds a key, or sits at the host, need not know the old password.
    await api.ok('changePassword', { json: { next: password }, headers: withKey });
    expect((await signIn(node, { password })).status).toBe(200);
  });

  it('does not let its names be guessed: an ended one is like one that never was', async () => {
    const { node, cookie } = await withAdministrator();
    const ended = await post(node, '/logout', {}, page(node, cookie));
    expect(ended.status).toBe(200);
    const forged = await call(`${node.origin}/api/v1/health`, { headers: { ...from(), cookie: 'shoal_session_x=y' } });
    const old = await call(`${node.origin}/api/v1/health`, { headers: { ...from(), cookie } });
    expect(old.text).toBe(forged.text);
  });
});

describe('the second factor', () => {
  const enrol = async (node: TestNode, cookie: string, clock: TestClock) => {
    const api = await ApiClient.of(node, withKey);
    const own = (request: ApiRequest = {}) => ({ ...request, headers: page(node, cookie) });
    const { secret, uri } = await api.ok<{ secret: string; uri: string }>('offerSecondFactor', own());
    expect(uri).toMatch(/^otpauth:\/\/totp\/Shoal/);
    expect(new URL(uri).searchParams.get('secret')).toBe(secret);
    await api.refused('confirmSecondFactor', 401, 'LOGIN_CODE_NEEDED', own({ json: { code: '000000' } }));
    await api.ok('confirmSecondFactor', own({ json: { code: await codeOf(secret, clock.now()) } }));
    await api.refused('offerSecondFactor', 409, 'SECOND_FACTOR_ON', own());
    return { api, own, secret };
  };

  it('is asked for once it is on; a code works once, one step each way, also after a restart', async () => {
    const { node, clock, cookie } = await withAdministrator();
    const { secret } = await enrol(node, cookie, clock);
    const code = (steps = 0) => codeOf(secret, clock.now() + steps * 30_000);
    expect(await stateOf(node, from())).toMatchObject({ needs: { setup: false, code: true } });
    expectRefusal(await signIn(node, { password }), 401, 'LOGIN_CODE_NEEDED');
    // The code that confirmed it is used up, and so is any before it.
    expectRefusal(await signIn(node, { password, code: await code() }), 401, 'LOGIN_CODE_NEEDED');
    expectRefusal(await signIn(node, { password, code: await code(-1) }), 401, 'LOGIN_CODE_NEEDED');
    clock.advance(90);
    for (const far of [-2, 2, 10]) {
      expectRefusal(await signIn(node, { password, code: await code(far) }), 401, 'LOGIN_CODE_NEEDED');
    }
    const present = await code();
    const many = await Promise.all([1, 2, 3].map(() => signIn(node, { password, code: present })));
    expect(many.map(({ status }) => status).sort()).toEqual([200, 401, 401]);
    // A right code does not make a wrong password good, and is not used up by it.
    const late = await code(1);
    expectRefusal(await signIn(node, { password: 'wrong password', code: late }), 401, 'LOGIN_REFUSED');
    await node.node.stop();
    const again = await startNode(behindProxy, node.dataDir, clock);
    expectRefusal(await signIn(again, { password, code: present }), 401, 'LOGIN_CODE_NEEDED');
    expect((await signIn(again, { password, code: late })).status).toBe(200);
    expectRefusal(await signIn(again, { password, code: late }), 401, 'LOGIN_CODE_NEEDED');
    // The key of scripts needs none; signing in with it does.
    expectRefusal(await signIn(again, { password: 'test-admin-key' }), 401, 'LOGIN_CODE_NEEDED');
    const bearer = { ...from(), ...withKey };
    expect((await call(`${again.group}/stat`, { headers: bearer })).status).toBe(200);
  });

  it('is switched off with a code, or by who has a key', async () => {
    const { node, clock, cookie } = await withAdministrator();
    const { api, own, secret } = await enrol(node, cookie, clock);
    await api.refused('removeSecondFactor', 401, 'LOGIN_REFUSED', own({ json: {} }));
    await api.refused('removeSecondFactor', 401, 'LOGIN_CODE_NEEDED', own({ json: { code: '123' } }));
    clock.advance(60);
    await api.ok('removeSecondFactor', own({ json: { code: await codeOf(secret, clock.now()) } }));
    expect((await signIn(node, { password })).status).toBe(200);
    clock.advance(60);
    await enrol(node, cookie, clock);
    await api.ok('removeSecondFactor', { json: {}, headers: withKey });
    expect((await signIn(node, { password })).status).toBe(200);
    await api.refused('removeSecondFactor', 409, 'SECOND_FACTOR_OFF', own({ json: { code: '123456' } }));
  });
});

describe('the key of scripts', () => {
  it('lets its holder manage from anywhere; guesses are limited, and shut nobody else out', async () => {
    const node = await startNode(behindProxy);
    const ask = (key: string, address = '198.51.100.9') =>
      call(`${node.group}/stat`, { headers: { ...from(address), authorization: `Bearer ${key}` } });
    expect((await ask('test-admin-key')).status).toBe(200);
    for (let i = 0; i < 10; i += 1) expectRefusal(await ask(`guess-${i}`), 403, 'MANAGEMENT_REFUSED');
    expectRefusal(await ask('guess'), 429, 'TOO_MANY_REQUESTS');
    expectRefusal(await ask('test-admin-key'), 429, 'TOO_MANY_REQUESTS');
    expect((await ask('test-admin-key', '198.51.100.10')).status).toBe(200);
    const token = JSON.parse(await readFile(path.join(node.dataDir, 'data', 'local-token'), 'utf8')).token;
    expect((await ask(token)).status).toBe(200);
  });
});

describe('the audit log', () => {
  it('tells who did what to what, and how it ended, and never a secret', async () => {
    const { node, cookie } = await withAdministrator();
    const api = await ApiClient.of(node, withKey);
    const headers = page(node, cookie);
    await api.ok('makeFolder', { json: { path: 'a 文件夹' }, headers });
    await api.refused('moveEntry', 404, 'FOLDER_NOT_FOUND', { json: { from: 'none', to: 'b' }, headers });
    await api.ok('changeSettings', { json: { changes: { admin_key: 'another-secret-key' } }, headers });
    await call(`${node.group}/delete?path=/none&auth_token=tok-1234`, {
      headers: { ...from(), authorization: 'Bearer another-secret-key' },
    });
    expectRefusal(await signIn(node, { name: 'root', password: 'not-the-password' }), 401, 'LOGIN_REFUSED');
    await call(`${node.group}/delete?path=/by-a-stranger`, { headers: from() });
    const { entries } = await api.ok<{ entries: Record<string, unknown>[] }>('readAudit', { headers });
    const session = (await stateOf(node, { ...from(), cookie })) as unknown as { id: string };
    expect(entries.map(({ who, action, target, outcome, error }) => [who, action, target, outcome, error])).toEqual([
      ['nobody', 'signIn', 'name=root', 'refused', 'LOGIN_REFUSED'],
      ['key', 'delete', 'path=/none', 'refused', 'FILE_NOT_FOUND'],
      ['admin', 'changeSettings', 'keys=admin_key', 'done', undefined],
      ['admin', 'moveEntry', 'from=none to=b', 'refused', 'FOLDER_NOT_FOUND'],
      ['admin', 'makeFolder', 'path=a 文件夹', 'done', undefined],
      ['admin', 'setUp', '', 'done', undefined],
    ]);
    expect(entries[2]).toMatchObject({ address: stranger, session: session.id, status: 200 });
    const names = (await readdir(path.join(node.dataDir, 'log'))).filter((name) => name.startsWith('audit.'));
    const text = await readFile(path.join(node.dataDir, 'log', names[0] ?? ''), 'utf8');
    for (const secret of [password, 'another-secret-key', 'tok-1234', 'not-the-password', cookie.split('=')[1] ?? '']) {
      expect(text).not.toContain(secret);
    }
    // The log of the node is another one.
    const { lines } = await api.ok<{ lines: { action?: string }[] }>('readLog', { headers });
    expect(lines.some(({ action }) => action !== undefined)).toBe(false);
  });
});
