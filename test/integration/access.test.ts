import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { call, digest, expectRefusal, type FileInfo, json, upload } from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';

const managed = ['delete', 'get_file_info', 'list_dir', 'stat', 'status'];
const open = ['check_file_exist', 'check_files_exist'];
const browser = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36';

describe('management', () => {
  let node: TestNode;
  let host: string;
  beforeAll(async () => {
    node = await startNode({ trusted_hosts: ['files.example.com'] });
    host = `127.0.0.1:${node.port}`;
  });

  const refused = (): readonly (readonly [what: string, code: string, headers: Readonly<Record<string, string>>])[] => [
    ['a proxied caller', 'MANAGEMENT_REFUSED', { 'x-forwarded-for': '127.0.0.1' }],
    ['a proxied caller from elsewhere', 'MANAGEMENT_REFUSED', { 'x-forwarded-for': '203.0.113.9, 127.0.0.1' }],
    ['a caller behind Forwarded', 'MANAGEMENT_REFUSED', { forwarded: 'for=127.0.0.1' }],
    ['a caller behind X-Real-IP', 'MANAGEMENT_REFUSED', { 'x-real-ip': '127.0.0.1' }],
    ['a caller behind Via', 'MANAGEMENT_REFUSED', { via: '1.1 cache' }],
    ['a page of another site', 'CROSS_SITE_REFUSED', { origin: 'http://evil.example' }],
    ['a page without an origin', 'CROSS_SITE_REFUSED', { origin: 'null' }],
    ['a page on another port of this host', 'CROSS_SITE_REFUSED', { origin: 'http://127.0.0.1:1' }],
    ['a link on another site', 'CROSS_SITE_REFUSED', { referer: 'http://evil.example/page', 'user-agent': browser }],
    ['an image on another site', 'CROSS_SITE_REFUSED', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    ['a page of the same site', 'CROSS_SITE_REFUSED', { 'sec-fetch-site': 'same-site' }],
    ['a browser without proof', 'CROSS_SITE_REFUSED', { 'user-agent': browser }],
    [
      'a contradiction',
      'CROSS_SITE_REFUSED',
      { 'sec-fetch-site': 'same-origin', origin: 'http://evil.example', 'user-agent': browser },
    ],
    [
      'a rebound name',
      'HOST_REFUSED',
      { host: 'evil.example', origin: 'http://evil.example', 'sec-fetch-site': 'same-origin' },
    ],
    [
      'a rebound name with the port',
      'HOST_REFUSED',
      { host: `evil.example:1`, referer: 'http://evil.example:1/', 'user-agent': browser },
    ],
  ];
  it.each(refused())('fault 21: is closed to %s', async (_what, code, headers) => {
    const { path: stored, md5 } = await upload(node, 'must survive', { fields: { path: 'safe' } });
    for (const action of managed) {
      for (const method of ['GET', 'POST']) {
        const answer = await call(`${node.group}/${action}?md5=${md5}`, { method, headers });
        expectRefusal(answer, 403, code);
        expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      }
    }
    expect((await call(`${node.origin}/metrics`, { headers })).status).toBe(403);
    expect((await call(`${node.origin}${stored}`)).status).toBe(200);
  });

  it('is open to scripts on this host', async () => {
    for (const headers of [{}, { 'user-agent': 'curl/8.5.0' }, { 'user-agent': 'python-requests/2.31' }]) {
      expect((await call(`${node.group}/stat`, { headers })).status).toBe(200);
    }
    // A script may call the node by any name: no browser is there to be tricked.
    expect((await call(`${node.group}/stat`, { headers: { host: 'storage.internal' } })).status).toBe(200);
  });

  it('is open to pages of this node itself', async () => {
    const own = [
      { origin: `http://${host}`, 'sec-fetch-site': 'same-origin', 'user-agent': browser },
      { origin: `http://${host}`, 'user-agent': browser },
      { referer: `http://${host}/group1/`, 'user-agent': browser },
      { 'sec-fetch-site': 'none', 'user-agent': browser },
      { host: `localhost:${node.port}`, origin: `http://localhost:${node.port}`, 'user-agent': browser },
      { host: 'files.example.com', origin: 'http://files.example.com', 'user-agent': browser },
    ];
    for (const headers of own) {
      expect((await call(`${node.group}/stat`, { headers })).status, JSON.stringify(headers)).toBe(200);
    }
  });

  it('says what would let the caller in', async () => {
    const answer = await call(`${node.group}/stat`, { headers: { via: '1.1 cache' } });
    expect(answer.text).toContain('admin_ips');
    expect(answer.text).toContain('127.0.0.1');
  });

  it('leaves the doors that are open to everyone open', async () => {
    const { md5, url } = await upload(node, 'open doors');
    for (const headers of [{ 'x-forwarded-for': '203.0.113.9' }, { origin: 'http://other.example' }]) {
      expect((await call(`${node.group}/check_file_exist?md5=${md5}`, { headers })).status).toBe(200);
      expect((await call(`${node.group}/check_files_exist?md5s=${md5}`, { headers })).status).toBe(200);
      expect((await call(url, { headers })).status).toBe(200);
      expect((await upload(node, 'open doors', { headers })).md5).toBe(md5);
    }
  });
});

describe('admin_ips behind a trusted proxy', () => {
  const cases: readonly (readonly [admins: readonly string[], forwarded: string, status: number])[] = [
    [['10.0.0.12'], '10.0.0.12', 200],
    [['10.0.0.12'], '10.0.0.1', 403],
    [['10.0.0.12'], '10.0.0.120', 403],
    [['10.0.0.1'], '10.0.0.12', 403],
    [['10.1.0.0/16'], '10.1.200.3', 200],
    [['10.1.0.0/16'], '10.2.0.3', 403],
    [['0.0.0.0'], '192.168.7.7', 200],
    [['0.0.0.0'], '10.9.9.9', 200],
    [['0.0.0.0'], '203.0.113.9', 403],
    [['0.0.0.0'], '2001:db8::1', 403],
    [['0.0.0.0'], '2606:4700::1111', 403],
    [['0.0.0.0'], 'fd00::1', 200],
    [['2001:db8::/32'], '2001:db8::1', 200],
    [['10.0.0.12'], '::ffff:10.0.0.12', 200],
    // Only the last hop was seen by the proxy; what stands left of it was written by the caller.
    [['10.0.0.12'], '10.0.0.12, 203.0.113.9', 403],
    [['10.0.0.12'], '203.0.113.9, 10.0.0.12', 200],
    [['10.0.0.12'], '127.0.0.1', 403],
    [['10.0.0.12'], 'nonsense', 403],
    [['10.0.0.12'], '', 403],
  ];
  it.each(cases)('faults 18 and 19: %j and a caller %j give %i', async (admins, forwarded, status) => {
    const node = await startNode({ admin_ips: admins, trusted_proxies: ['127.0.0.1'] });
    const answer = await call(`${node.group}/stat`, { headers: { 'x-forwarded-for': forwarded } });
    expect(answer.status, answer.text).toBe(status);
  });
});

describe('what strangers may ask', () => {
  it('fault 22: check_file_exist tells nothing about the host', async () => {
    const node = await startNode();
    await writeFile(path.join(node.dataDir, 'files', 'not-ours.txt'), 'put there by hand');
    const paths = [
      '/etc/passwd',
      'etc/passwd',
      '../conf/cfg.json',
      '/group1/../conf/cfg.json',
      'files/../conf/cfg.json',
      path.join(node.dataDir, 'conf', 'cfg.json'),
      '/group1/.shoal-store',
      '/group1/_tmp',
      '/group1/not-ours.txt',
      'files/not-ours.txt',
      '/group1/a%00b',
    ];
    for (const asked of paths) {
      const answer = await call(`${node.group}/check_file_exist?path=${encodeURIComponent(asked)}`);
      if (answer.status === 200) {
        expect(json<FileInfo>(answer), asked).toMatchObject({ name: '', md5: '', size: 0, peers: [] });
      } else expect(answer.status, asked).toBe(400);
    }
    expectRefusal(await call(`${node.group}/not-ours.txt`), 404, 'FILE_NOT_FOUND');
  });

  it('fault 22: never shows the folder of the node, its configuration or its key', async () => {
    const node = await startNode();
    const { md5 } = await upload(node, 'shown to strangers');
    const answers = await Promise.all(
      [
        `${node.group}/check_file_exist?md5=${md5}`,
        `${node.group}/check_files_exist?md5s=${md5}`,
        `${node.group}/upload?md5=${md5}&output=json`,
        `${node.origin}/`,
        `${node.group}/?list=1`,
        `${node.origin}/healthz`,
        `${node.group}/none`,
      ].map((url) => call(url)),
    );
    for (const answer of answers) {
      expect(answer.text).not.toContain(node.dataDir);
      expect(answer.text).not.toContain('test-admin-key');
      expect(answer.headers['x-powered-by']).toBeUndefined();
    }
  });

  it('CORS is on for open doors only, and without credentials', async () => {
    const node = await startNode();
    const headers = { origin: 'http://other.example', 'access-control-request-method': 'POST' };
    for (const action of ['upload', ...open]) {
      const answer = await call(`${node.group}/${action}`, { method: 'OPTIONS', headers });
      expect(answer.status).toBe(204);
      expect(answer.headers['access-control-allow-origin']).toBe('*');
      expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
      expect(answer.headers['access-control-allow-methods']).toContain('POST');
    }
    for (const action of managed) {
      const answer = await call(`${node.group}/${action}`, { method: 'OPTIONS', headers });
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
    const refused = await call(`${node.group}/upload?md5=xyz`, { headers });
    expect(refused.headers['access-control-allow-origin']).toBe('*');
  });

  it('CORS is off everywhere when it is switched off', async () => {
    const node = await startNode({ enable_cross_origin: false });
    for (const action of ['upload', ...open, ...managed]) {
      for (const method of ['OPTIONS', 'GET']) {
        const answer = await call(`${node.group}/${action}?md5=${digest('md5', 'x')}`, {
          method,
          headers: { origin: 'http://other.example' },
        });
        expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      }
    }
  });
});
