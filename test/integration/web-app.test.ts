/** The web app as the node serves it: who gets it, with what headers, and who does not. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Answer, call, expectRefusal } from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const built = path.join(import.meta.dirname, '..', '..', 'dist', 'renderer', 'api', 'web');

const isApp = (answer: Answer) => answer.status === 200 && answer.text.includes('<div id="root">');

describe('with the app built', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await startNode();
  });

  it.each(['/', '/?token=x', '/login', '/setup?token=x'])('a browser gets the app at %s', async (target) => {
    const page = await call(`${node.origin}${target}`, { headers: browser });
    expect(isApp(page), page.text.slice(0, 200)).toBe(true);
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe-|https?:|\*/);
    expect(page.headers['cache-control']).toContain('no-cache');
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? '';
    expect(page.text).toContain(`nonce="${nonce}"`);
    expect(page.text).not.toContain('{{nonce}}');
    const again = await call(`${node.origin}${target}`, { headers: browser });
    expect(again.text, 'the same number twice').not.toContain(nonce);
  });

  it('programs keep what they had there', async () => {
    for (const target of ['/', '/login', '/setup', '/group1/upload.html']) {
      const answer = await call(`${node.origin}${target}`);
      expect(isApp(answer), target).toBe(false);
      expect(answer.text).toMatch(/<form/);
    }
    expect((await call(`${node.origin}/?list=1`, { headers: browser })).text).not.toContain('id="root"');
  });

  it.each([
    ['/group1', './#/upload'],
    ['/group1/', '../#/upload'],
    ['/group1/upload.html', '../#/upload'],
    [
      '/group1/upload.html?scene=a%20b&path=x/y&code=1&evil=2&output=json',
      '../?scene=a+b&path=x%2Fy&output=json&code=1#/upload',
    ],
  ])('the upload page at %s leads to the upload view', async (target, location) => {
    const answer = await call(`${node.origin}${target}`, { headers: browser });
    expect([answer.status, answer.headers.location]).toEqual([302, location]);
  });

  it('files of the app are kept for ever, checked by ETag, and sent compressed to those who can read it', async () => {
    const names = (await readdir(built)).filter((name) => name.endsWith('.js'));
    expect(names.length).toBeGreaterThan(5);
    const url = `${node.origin}/api/web/${names.find((name) => name.startsWith('index'))}`;
    const plain = await call(url);
    expect(plain.status).toBe(200);
    expect(plain.headers['content-type']).toMatch(/javascript/);
    expect(plain.headers['cache-control']).toMatch(/max-age=31536000.*immutable/);
    expect(plain.headers['x-content-type-options']).toBe('nosniff');
    expect((await call(url, { headers: { 'if-none-match': String(plain.headers.etag) } })).status).toBe(304);
    const head = await call(url, { method: 'HEAD' });
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([
      200,
      plain.headers['content-length'],
      0,
    ]);
    const compressed = await call(url, { headers: { 'accept-encoding': 'br' } });
    expect(compressed.headers['content-encoding']).toBe('br');
    expect(compressed.body.length).toBeLessThan(plain.body.length / 2);
  });

  it.each(['/api/web/none.js', '/api/web/', '/api/web', '/api/web/..%2f..%2findex.html', '/api/web/../../index.html'])(
    'there is nothing else at %s',
    async (target) => {
      const answer = await call(`${node.origin}${target}`, { headers: browser });
      expect([400, 404]).toContain(answer.status);
      expect(answer.text).not.toContain('id="root"');
    },
  );

  it('an upload page that is switched off stays off', async () => {
    const off = await startNode({ enable_web_upload: false });
    expectRefusal(await call(`${off.group}/upload.html`, { headers: browser }), 404, 'ROUTE_NOT_FOUND');
    expect(isApp(await call(`${off.origin}/`, { headers: browser }))).toBe(true);
  });

  it('a store without groups keeps its files, whatever they are called', async () => {
    const flat = await startNode({ support_group_manage: false });
    for (const name of ['login.txt', 'api.txt', 'setup/index.html']) {
      const put = await call(`${flat.origin}/api/v1/files/content?path=${name}`, { method: 'PUT', body: name });
      expect(put.status, put.text).toBe(200);
      expect((await call(`${flat.origin}/${name}`, { headers: browser })).text).toBe(name);
    }
    expect(isApp(await call(`${flat.origin}/`, { headers: browser }))).toBe(true);
  });
});

it('a node without the app says so, and works', async () => {
  const { loadWebApp } = await import('../../node-core/http/web/web-app.ts');
  expect(await loadWebApp(path.join(built, 'none'))).toBeUndefined();
});
