import type { IncomingHttpHeaders } from 'node:http';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { ManagementGate } from '../../../node-core/access/management.ts';
import { RateLimiter } from '../../../node-core/access/rate-limit.ts';
import type { Session } from '../../../node-core/access/sessions.ts';
import { errorOf } from '../temp-folder.ts';
import { requestFrom } from './request.ts';

const policy = {
  admin_ips: ['192.0.2.7', '10.0.0.0/24'],
  trusted_proxies: ['10.9.9.9'],
  trusted_hosts: ['Files.Example.com'],
};
const host = '127.0.0.1:8080';

/** Who calls, with what headers, and how it ends: `ok` or a code. */
const cases: readonly (readonly [string, string, IncomingHttpHeaders, string])[] = [
  ['a script on the host', '127.0.0.1', { host }, 'ok'],
  ['a script on the host, IPv6', '::1', { host: '[::1]:8080' }, 'ok'],
  ['a script on the host, mapped', '::ffff:127.0.0.1', { host }, 'ok'],
  ['a script on the host under any name', '127.0.0.1', { host: 'evil.example' }, 'ok'],
  ['a script from admin_ips', '192.0.2.7', { host }, 'ok'],
  ['a script from a range of admin_ips', '10.0.0.250', { host }, 'ok'],
  ['a stranger', '203.0.113.5', { host }, 'MANAGEMENT_REFUSED'],
  ['a neighbour of an admin', '192.0.2.70', { host }, 'MANAGEMENT_REFUSED'],
  ['a socket that is gone', '', { host }, 'MANAGEMENT_REFUSED'],
  ['a proxy on the host that nobody vouched for', '127.0.0.1', { host, via: '1.1 nginx' }, 'MANAGEMENT_REFUSED'],
  ['the same with X-Real-IP', '127.0.0.1', { host, 'x-real-ip': '127.0.0.1' }, 'MANAGEMENT_REFUSED'],
  ['a stranger that poses as the host', '203.0.113.5', { host, 'x-forwarded-for': '127.0.0.1' }, 'MANAGEMENT_REFUSED'],
  ['an admin behind a trusted proxy', '10.9.9.9', { host, 'x-forwarded-for': '192.0.2.7' }, 'ok'],
  [
    'a stranger behind a trusted proxy who wrote a hop',
    '10.9.9.9',
    { host, 'x-forwarded-for': '192.0.2.7, 203.0.113.5' },
    'MANAGEMENT_REFUSED',
  ],
  ['a page of this node', '127.0.0.1', { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' }, 'ok'],
  ['the address bar', '127.0.0.1', { host, 'sec-fetch-site': 'none' }, 'ok'],
  ['a page of this node without Sec-Fetch-Site', '127.0.0.1', { host, referer: `http://${host}/upload.html` }, 'ok'],
  ['a page of another site', '127.0.0.1', { host, 'sec-fetch-site': 'cross-site' }, 'CROSS_SITE_REFUSED'],
  ['a page of another port', '127.0.0.1', { host, 'sec-fetch-site': 'same-site' }, 'CROSS_SITE_REFUSED'],
  ['another origin', '127.0.0.1', { host, origin: 'http://evil.example' }, 'CROSS_SITE_REFUSED'],
  ['another port', '127.0.0.1', { host, origin: 'http://127.0.0.1:3000' }, 'CROSS_SITE_REFUSED'],
  ['an opaque origin', '127.0.0.1', { host, origin: 'null' }, 'CROSS_SITE_REFUSED'],
  ['another referer', '127.0.0.1', { host, referer: 'http://evil.example/x' }, 'CROSS_SITE_REFUSED'],
  [
    'headers that contradict each other',
    '127.0.0.1',
    { host, origin: 'http://evil.example', 'sec-fetch-site': 'same-origin' },
    'CROSS_SITE_REFUSED',
  ],
  ['a browser that says nothing else', '127.0.0.1', { host, 'user-agent': 'Mozilla/5.0' }, 'CROSS_SITE_REFUSED'],
  [
    'a page under a foreign name (DNS rebinding)',
    '127.0.0.1',
    { host: 'evil.example', origin: 'http://evil.example', 'sec-fetch-site': 'same-origin' },
    'HOST_REFUSED',
  ],
  [
    'a page under a name that only begins alike',
    '127.0.0.1',
    { host: 'localhost.evil.example:8080', 'sec-fetch-site': 'none' },
    'HOST_REFUSED',
  ],
  ['a page under localhost', '127.0.0.1', { host: 'LocalHost:8080', 'sec-fetch-site': 'none' }, 'ok'],
  ['a page under a trusted name', '127.0.0.1', { host: 'files.example.COM', 'sec-fetch-site': 'none' }, 'ok'],
  [
    'a page under the name of the machine',
    '127.0.0.1',
    { host: `${hostname()}.local`, 'sec-fetch-site': 'none' },
    'ok',
  ],
  ['a page under an IPv6 address', '::1', { host: '[::1]:8080', 'sec-fetch-site': 'none' }, 'ok'],
  ['a browser without Host', '127.0.0.1', { 'sec-fetch-site': 'none' }, 'HOST_REFUSED'],
  ['a stranger with a page of this node', '203.0.113.5', { host, 'sec-fetch-site': 'none' }, 'MANAGEMENT_REFUSED'],
];

describe('ManagementGate', () => {
  it.each(cases)('%s', async (_who, address, headers, expected) => {
    const gate = new ManagementGate(() => policy);
    const check = () => gate.check(requestFrom(address === '' ? undefined : address, headers));
    if (expected === 'ok') check();
    else {
      const error = await errorOf(check);
      expect([error.code, error.status]).toEqual([expected, 403]);
    }
  });

  it('takes 0.0.0.0 in admin_ips for the private network, never for the world (fault 19)', async () => {
    const gate = new ManagementGate(() => ({ ...open, admin_ips: ['0.0.0.0'] }));
    for (const address of ['192.168.1.9', 'fd00::9']) gate.check(requestFrom(address, { host }));
    for (const address of ['203.0.113.5', '2001:db8::1']) {
      expect((await errorOf(() => gate.check(requestFrom(address, { host })))).code).toBe('MANAGEMENT_REFUSED');
    }
  });

  it('says which address it refused, without the mapped form', async () => {
    const gate = new ManagementGate(() => policy);
    const request = requestFrom('::ffff:203.0.113.5', { host });
    expect((await errorOf(() => gate.check(request))).details).toEqual({ address: '203.0.113.5' });
    expect(gate.addressOf(request)).toBe('203.0.113.5');
  });

  it('goes by a changed policy from the next request on', async () => {
    let current: typeof policy = policy;
    const gate = new ManagementGate(() => current);
    gate.check(requestFrom('192.0.2.7', { host }));
    current = { ...policy, admin_ips: [] };
    expect((await errorOf(() => gate.check(requestFrom('192.0.2.7', { host })))).code).toBe('MANAGEMENT_REFUSED');
  });
});

describe('proofs besides an address', () => {
  const session: Session = {
    hash: 'a'.repeat(64),
    name: 'admin',
    by: 'password',
    address: '203.0.113.5',
    agent: '',
    createdMs: 0,
    seenMs: 0,
  };
  const clock = { now: () => 0, monotonic: () => 0 };
  const gateWith = (onWrong: () => void = () => undefined) =>
    new ManagementGate(() => policy, {
      bearer: (token) => ({ local: 'token' as const, key: 'key' as const })[token],
      session: (request) => (request.headers.cookie === 'good' ? session : undefined),
      attempts: new RateLimiter(clock, () => ({ burst: 2, perMinute: 1 })),
      onWrong,
    });
  const stranger = (headers: IncomingHttpHeaders, method = 'GET') =>
    Object.assign(requestFrom('203.0.113.5', { host, ...headers }), { method });

  it.each<[string, IncomingHttpHeaders, string, string]>([
    ['the local token', { authorization: 'Bearer local' }, 'POST', 'token'],
    ['the key, from a page of another site too', { authorization: 'Bearer key', origin: 'http://a.b' }, 'POST', 'key'],
    ['the key behind a proxy', { authorization: 'Bearer key', via: '1.1 x' }, 'GET', 'key'],
    ['a cookie that reads', { cookie: 'good' }, 'GET', 'session'],
    ['a cookie and a proof that change', { cookie: 'good', origin: `http://${host}` }, 'DELETE', 'session'],
    ['a cookie that changes without proof', { cookie: 'good' }, 'DELETE', 'CROSS_SITE_REFUSED'],
    ['a cookie from another site', { cookie: 'good', 'sec-fetch-site': 'cross-site' }, 'GET', 'CROSS_SITE_REFUSED'],
    ['a cookie under a foreign name', { cookie: 'good', host: 'a.b', 'sec-fetch-site': 'none' }, 'GET', 'HOST_REFUSED'],
    ['another cookie', { cookie: 'bad' }, 'GET', 'MANAGEMENT_REFUSED'],
    ['a wrong key beside a good cookie', { authorization: 'Bearer x', cookie: 'good' }, 'GET', 'MANAGEMENT_REFUSED'],
  ])('%s', async (_what, headers, method, expected) => {
    const request = stranger(headers, method);
    if (/^[a-z]+$/.test(expected)) {
      expect(gateWith().check(request).kind).toBe(expected);
      expect(gateWith().managerOf(request)?.kind).toBe(expected);
    } else {
      expect((await errorOf(() => gateWith().check(request))).code).toBe(expected);
      expect(gateWith().managerOf(request)).toBeUndefined();
    }
  });

  it('are not guessed: wrong keys are few, right ones do not help then, and the local token always does', async () => {
    let wrong = 0;
    const gate = gateWith(() => {
      wrong += 1;
    });
    const code = async (token: string) =>
      (await errorOf(() => gate.check(stranger({ authorization: `Bearer ${token}` })))).code;
    expect(await code('x')).toBe('MANAGEMENT_REFUSED');
    // Where others are let in too, it is a try, but no attack.
    expect(gate.managerOf(stranger({ authorization: 'Bearer y' }))).toBeUndefined();
    expect(wrong).toBe(1);
    expect(await code('z')).toBe('TOO_MANY_REQUESTS');
    expect(await code('key')).toBe('TOO_MANY_REQUESTS');
    expect(gate.check(stranger({ authorization: 'Bearer local' })).kind).toBe('token');
  });

  it.each([
    ['plain', '203.0.113.5', {}, false, false],
    ['over TLS', '203.0.113.5', {}, true, true],
    ['a trusted proxy over TLS', '10.9.9.9', { 'x-forwarded-proto': 'https' }, false, true],
    ['a trusted proxy over http', '10.9.9.9', { 'x-forwarded-proto': 'http' }, false, false],
    ['a stranger that says so', '203.0.113.5', { 'x-forwarded-proto': 'https' }, false, false],
  ])('knows https: %s', (_what, address, headers, encrypted, expected) => {
    const request = requestFrom(address, headers);
    if (encrypted) Object.assign(request.socket, { encrypted });
    expect(gateWith().isSecure(request)).toBe(expected);
  });
});

const open = { admin_ips: [], trusted_proxies: [], trusted_hosts: [] };
