import { readdir, readFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../node-core/config/schema.ts';
import type { Link } from '../../node-core/http/api/access-contract.ts';
import { ApiClient } from '../support/api-client.ts';
import {
  type Answer,
  type CallOptions,
  call,
  encodeForm,
  expectRefusal,
  json,
  rawConnection,
  sendUpload,
  upload,
} from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';
import { behindProxy, from, TestClock, withKey } from '../support/strangers.ts';
import { create, metadataHeader, sendCreate, sendPart } from '../support/tus-client.ts';

const browser = { accept: 'text/html,application/xhtml+xml', ...from() };

interface Shared extends TestNode {
  readonly api: ApiClient;
  readonly clock: TestClock;
}

async function startSharing(config: Partial<Config> = {}, dataDir?: string, clock = new TestClock()): Promise<Shared> {
  const node = await startNode({ ...behindProxy, ...config }, dataDir, clock);
  return { ...node, api: await ApiClient.of(node, withKey), clock };
}

const newLink = (node: Shared, body: object): Promise<Link> => node.api.ok<Link>('createLink', { json: body });

/** Opens a link, or an address below it, as a stranger. */
const open = (url: string, options: CallOptions = {}): Promise<Answer> =>
  call(url, { ...options, headers: { ...from(), ...options.headers } });

async function withFiles(config: Partial<Config> = {}): Promise<Shared> {
  const node = await startSharing(config);
  for (const [folder, name, content] of [
    ['d', 'a.txt', 'the letter a'],
    ['d/sub 文件', 'b & c.txt', 'below'],
    ['d2', 'other.txt', 'of another folder'],
  ] as const) {
    await upload(node, content, { fields: { path: folder, filename: name }, headers: withKey });
  }
  return node;
}

describe('a link to a file', () => {
  let node: Shared;
  beforeAll(async () => {
    node = await withFiles({ download_policy: 'token', show_dir: false, default_download: false });
  });

  it('serves the file as a download does: ranges, conditions, HEAD, attachment', async () => {
    const link = await newLink(node, { path: 'd/a.txt', label: 'für Anna' });
    expect(link).toMatchObject({ kind: 'file', path: 'd/a.txt', state: 'good', uses: 0, hasPassword: false });
    expect(link.url).toMatch(new RegExp(`^${node.origin}/s/[\\w-]{48}$`));
    const whole = await open(link.url);
    expect([whole.status, whole.text, whole.headers['content-type']]).toEqual([
      200,
      'the letter a',
      'text/plain; charset=utf-8',
    ]);
    expect(whole.headers['referrer-policy']).toBe('no-referrer');
    const part = await open(link.url, { headers: { range: 'bytes=4-9' } });
    expect([part.status, part.text]).toEqual([206, 'letter']);
    const same = await open(link.url, { headers: { 'if-none-match': String(whole.headers.etag) } });
    expect(same.status).toBe(304);
    const head = await open(link.url, { method: 'HEAD' });
    expect([head.status, head.headers['content-length'], head.text]).toEqual([200, '12', '']);
    const attached = await open(`${link.url}?download=1&name=x.txt`);
    expect(attached.headers['content-disposition']).toContain('attachment');
    expectRefusal(await open(`${link.url}/a.txt`), 404, 'FILE_NOT_FOUND');
    expectRefusal(await open(`${node.group}/d/a.txt`), 401, 'DOWNLOAD_REFUSED');
  });

  it('is its own key, and stands in no log', async () => {
    const logged = await withFiles();
    const link = await newLink(logged, { path: 'd' });
    const token = link.url.slice(-48);
    for (const rest of ['', '/a.txt', '/none', '?x=1']) await open(link.url + rest);
    expectRefusal(await open(`${logged.origin}/s/${token.slice(0, 47)}`), 404, 'ROUTE_NOT_FOUND');
    await logged.node.stop();
    const folder = path.join(logged.dataDir, 'log');
    const names = await readdir(folder);
    const text = (await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')))).join('');
    expect(text).toContain(`"/s/${token.slice(0, 16)}***/a.txt"`);
    expect(text).not.toContain(token.slice(0, 40));
    expect(text).not.toContain(token.slice(-20));
  });

  it('cannot be made up, and says nothing about what it is not', async () => {
    const link = await newLink(node, { path: 'd/a.txt' });
    const other = await newLink(node, { path: 'd2/other.txt' });
    const [token, otherToken] = [link.url.slice(-48), other.url.slice(-48)];
    const at = (forged: string) => `${node.origin}/s/${forged}`;
    const forged = [
      'A'.repeat(48),
      `${token.slice(0, -1)}${token.endsWith('A') ? 'Q' : 'A'}`,
      // Id of one link, tag of another.
      token.slice(0, 16) + otherToken.slice(16),
      otherToken.slice(0, 22) + token.slice(22),
      token.toLowerCase() === token ? token.toUpperCase() : token.toLowerCase(),
    ];
    const texts = new Set<string>();
    for (const one of forged) {
      const answer = await open(at(one));
      expectRefusal(answer, 404, 'LINK_UNKNOWN');
      texts.add(answer.text);
    }
    expect(texts.size).toBe(1);
    for (const broken of [token.slice(0, -1), `${token}A`, '', '.', 'x'.repeat(5000)]) {
      expect((await open(at(broken))).status).toBe(404);
    }
  });

  it('ends for ever when it is revoked, at its time, and is gone with its file', async () => {
    const bad = { path: 'd/a.txt', expiresMs: node.clock.now() - 1 };
    await node.api.refused('createLink', 400, 'PARAMETER_INVALID', { json: bad });
    const timed = await newLink(node, { path: 'd/a.txt', expiresMs: node.clock.now() + 60_000 });
    const revoked = await newLink(node, { path: 'd/a.txt' });
    expect((await open(timed.url)).status).toBe(200);
    node.clock.advance(61);
    expectRefusal(await open(timed.url), 410, 'LINK_EXPIRED');
    for (let twice = 0; twice < 2; twice += 1) await node.api.ok('revokeLink', { query: { id: revoked.id } });
    expectRefusal(await open(revoked.url), 410, 'LINK_REVOKED');
    await node.api.refused('revokeLink', 404, 'LINK_UNKNOWN', { query: { id: '0'.repeat(24) } });
    await node.api.refused('createLink', 404, 'FILE_NOT_FOUND', { json: { path: 'd/none' } });
    await node.api.refused('createLink', 400, 'PATH_INVALID', { json: { path: '../conf/cfg.json' } });
    await upload(node, 'to move', { fields: { path: 'm', filename: 'x.txt' }, headers: withKey });
    const moved = await newLink(node, { path: 'm/x.txt' });
    await node.api.ok('moveEntry', { json: { from: 'm/x.txt', to: 'm/y.txt' } });
    expectRefusal(await open(moved.url), 404, 'FILE_NOT_FOUND');
    const page = await node.api.ok<{ links: Link[] }>('listLinks', { query: { path: 'd/a.txt' } });
    expect(page.links.find(({ id }) => id === revoked.id)?.state).toBe('revoked');
    expect(page.links.find(({ id }) => id === timed.id)?.state).toBe('expired');
    expect(await node.api.ok<Link>('showLink', { query: { id: timed.id } })).toMatchObject({ url: timed.url });
  });

  it('is listed page by page, newest first', async () => {
    const made: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      node.clock.advance(1);
      made.unshift((await newLink(node, { path: 'd2/other.txt', label: `${i}` })).id);
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page: { links: Link[]; cursor?: string } = await node.api.ok('listLinks', {
        query: { path: 'd2/other.txt', limit: 2, ...(cursor !== undefined && { cursor }) },
      });
      seen.push(...page.links.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(seen.slice(0, 5)).toEqual(made);
  });

  it('is kept ready in memory for nobody: the end counts from the next request on', async () => {
    const link = await newLink(node, { path: 'd/a.txt' });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 5; i += 1) expect((await open(link.url, { agent })).status).toBe(200);
    await node.api.ok('revokeLink', { query: { id: link.id } });
    expectRefusal(await open(link.url, { agent }), 410, 'LINK_REVOKED');
    agent.destroy();
  });

  it('is closed with the door: download_policy session and off', async () => {
    for (const download_policy of ['session', 'off'] as const) {
      const closed = await withFiles({ download_policy });
      const link = await newLink(closed, { path: 'd/a.txt' });
      expectRefusal(await open(link.url), 401, 'DOWNLOAD_REFUSED');
      expect((await call(link.url, { headers: withKey })).status).toBe(200);
    }
  });
});

describe('a link with a count', () => {
  it('is never used more often, whoever asks at the same time, and after a restart too', async () => {
    const node = await withFiles();
    const link = await newLink(node, { path: 'd/a.txt', maxUses: 3 });
    const many = await Promise.all(
      Array.from({ length: 20 }, (_, i) => open(link.url, { headers: from(`198.51.100.${i + 1}`) })),
    );
    const statuses = many.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBe(3);
    expect(statuses.filter((status) => status === 410).length).toBe(17);
    expect(await node.api.ok<Link>('showLink', { query: { id: link.id } })).toMatchObject({
      uses: 3,
      state: 'used-up',
    });
    await node.node.stop();
    const again = await startSharing({}, node.dataDir);
    const url = link.url.replace(node.origin, again.origin);
    expectRefusal(await open(url), 410, 'LINK_USED_UP');
    expect((await open(url, { method: 'HEAD' })).status).toBe(410);
  });

  it('counts a download once: its ranges belong to it, for the same caller, and not without end', async () => {
    const node = await withFiles();
    const content = Buffer.alloc(1000, 'x');
    await upload(node, content, { fields: { path: 'd', filename: 'k.bin' }, headers: withKey });
    const link = await newLink(node, { path: 'd/k.bin', maxUses: 2 });
    const uses = async () => (await node.api.ok<Link>('showLink', { query: { id: link.id } })).uses;
    const range = (text: string, headers = {}) => open(link.url, { headers: { range: `bytes=${text}`, ...headers } });
    expect((await open(link.url, { method: 'HEAD' })).status).toBe(200);
    expect((await range('2000-')).status).toBe(416);
    expect(await uses()).toBe(0);
    // Several connections, the first byte last.
    expect((await range('500-999')).status).toBe(206);
    expect((await range('1-499')).status).toBe(206);
    expect((await range('0-0')).status).toBe(206);
    expect(await uses()).toBe(1);
    expect((await range('200-')).status).toBe(206);
    expect(await uses()).toBe(1);
    // All but the first byte, again and again, is another download.
    expect((await range('1-')).status).toBe(206);
    expect(await uses()).toBe(2);
    expectRefusal(await range('10-20', from('198.51.100.1')), 410, 'LINK_USED_UP');
    expect((await range('10-20')).status).toBe(206);
    expectRefusal(await range('0-'), 410, 'LINK_USED_UP');
    expectRefusal(await open(link.url), 410, 'LINK_USED_UP');
    const etag = (await open(link.url, { method: 'HEAD' })).headers.etag;
    expect(etag).toBeDefined();
    expect((await open(link.url, { headers: { 'if-none-match': String(etag) } })).status).toBe(304);
    expect(await uses()).toBe(2);
  });

  it('counts what is asked for in a folder, and its zip', async () => {
    const node = await withFiles();
    const link = await newLink(node, { path: 'd', maxUses: 2 });
    expect((await open(`${link.url}/`)).status).toBe(200);
    expect((await open(`${link.url}/a.txt`)).status).toBe(200);
    const zip = await open(`${link.url}/?zip=1`);
    expect([zip.status, zip.headers['content-type'], zip.body.subarray(0, 2).toString()]).toEqual([
      200,
      'application/zip',
      'PK',
    ]);
    for (const rest of ['', '/', '/a.txt', '/?zip=1']) expectRefusal(await open(link.url + rest), 410, 'LINK_USED_UP');
  });
});

describe('a link to a folder', () => {
  it('lists it and everything below it, and leads nowhere else', async () => {
    const node = await withFiles({ download_policy: 'token', show_dir: false });
    const link = await newLink(node, { path: 'd' });
    const page = await open(link.url);
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    const prefix = new URL(link.url).pathname;
    expect(page.text).toContain(`href="${prefix}/a.txt"`);
    expect(page.text).toContain(`href="${prefix}/sub%20%E6%96%87%E4%BB%B6/"`);
    expect(page.text).not.toContain('other.txt');
    const below = await open(`${link.url}/sub%20%E6%96%87%E4%BB%B6/`, { headers: { 'accept-language': 'zh' } });
    expect(below.text).toContain('b &#38; c.txt');
    expect((await open(`${link.url}/sub%20%E6%96%87%E4%BB%B6/b%20%26%20c.txt`)).text).toBe('below');
    expect((await open(`${link.url}/a.txt`)).text).toBe('the letter a');
    for (const outside of [
      '/../d2/other.txt',
      '/..%2fd2/other.txt',
      '/%2e%2e/d2/other.txt',
      '/sub/../../d2/other.txt',
      '//d2/other.txt',
      '/..\\d2\\other.txt',
      '/%5c..%5cd2',
      '2/other.txt',
      '/./../d2/',
      '/a.txt%00',
    ]) {
      const answer = await open(link.url + outside);
      expect([400, 404], outside).toContain(answer.status);
      expect(answer.text).not.toContain('another folder');
    }
    expectRefusal(await open(`${link.url}/none/`), 404, 'FILE_NOT_FOUND');
    const root = await newLink(node, { path: '' });
    expect((await open(`${root.url}/d2/other.txt`)).text).toBe('of another folder');
    expect((await open(`${root.url}/?zip=1`)).body.subarray(0, 2).toString()).toBe('PK');
  });
});

describe('a link with a password', () => {
  const password = 'geheim ÄÖ 马';
  const form = (url: string, text: string, headers = {}) =>
    open(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams({ password: text }).toString(),
    });

  it('opens with it only: by a form and a cookie of its own, or a header', async () => {
    const node = await withFiles();
    const link = await newLink(node, { path: 'd', password });
    expect(JSON.stringify(link)).not.toContain('scrypt');
    expect(link.hasPassword).toBe(true);
    for (const rest of ['', '/', '/a.txt', '/none', '/?zip=1']) {
      expectRefusal(await open(link.url + rest), 401, 'LINK_PASSWORD_NEEDED');
      const page = await open(link.url + rest, { headers: browser });
      expect([page.status, page.text.includes('type="password"')]).toEqual([401, true]);
    }
    const wrong = await form(link.url, 'wrong password');
    expect([wrong.status, wrong.text.includes('role="alert"'), wrong.headers['set-cookie']]).toEqual([
      401,
      true,
      undefined,
    ]);
    const right = await form(link.url, password);
    const cookie = String(right.headers['set-cookie']?.[0]);
    expect(right.status).toBe(303);
    expect(cookie).toMatch(
      new RegExp(
        `^shoal_link_${link.id}=[\\w.-]+; Path=${new URL(link.url).pathname}; Max-Age=43200; HttpOnly; SameSite=Lax$`,
      ),
    );
    const value = cookie.split(';')[0] ?? '';
    expect((await open(`${link.url}/a.txt`, { headers: { cookie: value } })).text).toBe('the letter a');
    // The cookie of one link opens no other, and no later time than it was made for.
    const other = await newLink(node, { path: 'd', password });
    const [, until = '', tag = ''] = /=(\d+)\.([\w-]+)$/.exec(value) ?? [];
    const forged = [
      `shoal_link_${other.id}=${until}.${tag}`,
      `shoal_link_${other.id}=`,
      `shoal_link_${other.id}=9999999999999.${tag}`,
    ];
    for (const one of forged) {
      expectRefusal(await open(other.url, { headers: { cookie: one } }), 401, 'LINK_PASSWORD_NEEDED');
    }
    const longer = `shoal_link_${link.id}=${Number(until) + 1000}.${tag}`;
    expectRefusal(await open(link.url, { headers: { cookie: longer } }), 401, 'LINK_PASSWORD_NEEDED');
    node.clock.advance(43_201);
    expectRefusal(await open(link.url, { headers: { cookie: value } }), 401, 'LINK_PASSWORD_NEEDED');
    const header = { 'shoal-link-password': Buffer.from(password).toString('latin1') };
    expect((await open(`${link.url}/a.txt`, { headers: header })).text).toBe('the letter a');
    expectRefusal(
      await open(link.url, { headers: { 'shoal-link-password': 'wrong one' } }),
      401,
      'LINK_PASSWORD_REFUSED',
    );
  });

  it('cannot be tried out', async () => {
    const node = await withFiles();
    const link = await newLink(node, { path: 'd', password });
    for (let i = 0; i < 10; i += 1) expect((await form(link.url, `guess number ${i}`)).status).toBe(401);
    expectRefusal(await form(link.url, password), 429, 'TOO_MANY_REQUESTS');
    expect((await form(link.url, password, from('198.51.100.1'))).status).toBe(303);
  });
});

describe('a link to upload', () => {
  it('lets files into its folder and nowhere else, and shows nothing of it', async () => {
    const node = await withFiles({ upload_policy: 'token', download_policy: 'token' });
    const link = await newLink(node, { path: 'd/in', upload: true });
    expect(link.kind).toBe('upload');
    const page = await open(link.url, { headers: browser });
    expect(page.text).toContain('enctype="multipart/form-data"');
    expectRefusal(await open(`${link.url}/a.txt`), 404, 'FILE_NOT_FOUND');
    const send = (url: string, name: string, content: string, fields: Record<string, string> = {}, headers = {}) => {
      const texts = Object.entries(fields).map(([field, value]) => ({ name: field, value }));
      const body = encodeForm([...texts, { name: 'file', fileName: name, bytes: Buffer.from(content) }]);
      return open(url, { method: 'POST', headers: { ...body.headers, ...headers }, body: body.body });
    };
    const files = async () => {
      const { entries } = await node.api.ok<{ entries: { name: string }[] }>('listFolder', {
        query: { folder: 'd/in' },
      });
      return entries.map(({ name }) => name).sort();
    };
    const first = await send(link.url, 'my report (1).txt', 'one', { path: '../../d2', scene: 'vault' });
    expect([first.status, json(first)]).toEqual([
      200,
      { status: 'ok', message: '', data: { name: 'my report (1).txt' } },
    ]);
    // It adds and never replaces.
    await send(link.url, 'my report (1).txt', 'two');
    await send(link.url, '../../escape.txt', 'three');
    const shown = await send(link.url, 'b.txt', 'four', {}, browser);
    expect([shown.status, shown.text.includes('b.txt')]).toEqual([200, true]);
    expect(await files()).toEqual(['0_my report (1).txt', 'b.txt', 'escape.txt', 'my report (1).txt']);
    // The same link opens the compatible interface, and tus.
    const token = link.url.slice(-48);
    expectRefusal(await sendUpload(node, 'x', { headers: from() }), 401, 'UPLOAD_REFUSED');
    expect((await send(`${node.group}/upload?token=${token}`, 'c.txt', 'five', { path: 'd2' })).status).toBe(200);
    const url = await create(node, 1, { filename: 'd.txt', path: 'd2', scene: 'x', token }, from());
    expect((await sendPart(url, 0, '6', from())).status).toBe(204);
    expect(await files()).toContain('c.txt');
    expect(await files()).toContain('d.txt');
    // A link to download is none to upload.
    const reading = (await newLink(node, { path: 'd' })).url;
    expectRefusal(await send(reading, 'x', 'x'), 401, 'UPLOAD_REFUSED');
    expectRefusal(await send(`${node.group}/upload?token=${reading.slice(-48)}`, 'x', 'x'), 401, 'UPLOAD_REFUSED');
    const forged = metadataHeader({ filename: 'x', token: 'A'.repeat(48) });
    expectRefusal(
      await sendCreate(node, { ...from(), 'upload-length': 1, 'upload-metadata': forged }),
      404,
      'LINK_UNKNOWN',
    );
    for (const folder of ['', 'd/a.txt']) {
      await node.api.refused('createLink', 400, 'PARAMETER_INVALID', { json: { path: folder, upload: true } });
    }
    await node.api.ok('revokeLink', { query: { id: link.id } });
    expectRefusal(await send(link.url, 'x', 'x'), 410, 'LINK_REVOKED');
  });

  it('takes no more files than its count, and asks for its password', async () => {
    const node = await startSharing({ upload_policy: 'token' });
    const link = await newLink(node, { path: 'in', upload: true, maxUses: 2, password: 'for uploads' });
    const send = (name: string, headers = {}) => {
      const body = encodeForm([{ name: 'file', fileName: name, bytes: Buffer.from(name) }]);
      return open(link.url, { method: 'POST', headers: { ...body.headers, ...headers }, body: body.body });
    };
    expectRefusal(await send('a'), 401, 'LINK_PASSWORD_NEEDED');
    const header = { 'shoal-link-password': 'for uploads' };
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => send(name, header)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 410, 410]);
    expectRefusal(await open(link.url, { headers: header }), 410, 'LINK_USED_UP');
    const { entries } = await node.api.ok<{ entries: object[] }>('listFolder', { query: { folder: 'in' } });
    expect(entries.length).toBe(2);
  });
});

describe('a store without groups', () => {
  it('has links, and a folder of the same name with files of its own', async () => {
    const node = await startSharing({ support_group_manage: false });
    await upload(node, 'in folder s', { fields: { path: 's/login', filename: 'setup' }, headers: withKey });
    expect((await open(`${node.origin}/s/login/setup`)).text).toBe('in folder s');
    const link = await newLink(node, { path: 's/login/setup' });
    expect((await open(link.url)).text).toBe('in folder s');
    expectRefusal(await open(`${node.origin}/s/${'A'.repeat(48)}`), 404, 'LINK_UNKNOWN');
    expect((await open(`${node.origin}/login`)).text).toContain('type="password"');
  });
});

describe('a download by a link that is broken off', () => {
  it('has been counted, and is resumed without being counted again', async () => {
    const node = await startSharing();
    const content = Buffer.alloc(8_000_000, 'z');
    await upload(node, content, { fields: { path: 'd', filename: 'big.bin' }, headers: withKey });
    const link = await newLink(node, { path: 'd/big.bin', maxUses: 1 });
    const { socket, received } = rawConnection(node.port);
    socket.write(
      `GET ${new URL(link.url).pathname} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n`,
    );
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    await received;
    const rest = await open(link.url, { headers: { range: 'bytes=4000000-' } });
    expect([rest.status, rest.body.length]).toEqual([206, 4_000_000]);
    expectRefusal(await open(link.url), 410, 'LINK_USED_UP');
  });
});
