/** /api/v1 as windows use it: views of folders, known contents, undo, long selections, the upload form. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { call, digest, json } from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';
import { create, sendPart } from '../support/tus-client.ts';

interface View {
  readonly total: number;
  readonly bytes: number;
  readonly entries: readonly { readonly name: string; readonly kind: string; readonly size?: number }[];
}

let node: TestNode;
let api: ApiClient;

beforeAll(async () => {
  node = await startNode();
  api = await ApiClient.of(node);
});

const put = (path: string, body: string, query: Record<string, string> = {}) =>
  api.ok<{ path: string; existed?: boolean }>('writeFile', { query: { path, ...query }, body });
const view = (folder: string, query: Record<string, string | number> = {}) =>
  api.ok<View>('viewFolder', { query: { folder, ...query } });
const names = async (folder: string, query: Record<string, string | number> = {}) =>
  (await view(folder, query)).entries.map(({ name }) => name);

describe('a view of a folder', () => {
  beforeAll(async () => {
    await put('v/note 10.txt', 'ten bytes!', { mtimeMs: '3000' });
    await put('v/note 9.txt', 'x', { mtimeMs: '9000' });
    await put('v/picture.png', 'four', { mtimeMs: '1000' });
    await put('v/中文.txt', 'seven77', { mtimeMs: '5000' });
    await put('v/z folder/in it', 'y');
  });

  it('shows folders first, then names as people count', async () => {
    expect(await names('v')).toEqual(['z folder', 'note 9.txt', 'note 10.txt', 'picture.png', '中文.txt']);
    expect(await names('v', { order: 'down' })).toEqual([
      'z folder',
      '中文.txt',
      'picture.png',
      'note 10.txt',
      'note 9.txt',
    ]);
  });

  it.each([
    ['size', ['z folder', 'note 9.txt', 'picture.png', '中文.txt', 'note 10.txt']],
    ['time', ['z folder', 'picture.png', 'note 10.txt', '中文.txt', 'note 9.txt']],
    ['type', ['z folder', 'picture.png', 'note 9.txt', 'note 10.txt', '中文.txt']],
  ])('orders by %s', async (sort, expected) => {
    expect(await names('v', { sort })).toEqual(expected);
  });

  it('counts the whole view in every window of it', async () => {
    const whole = await view('v');
    expect([whole.total, whole.bytes]).toEqual([5, 22]);
    const part = await view('v', { offset: 2, limit: 2 });
    expect([part.total, part.bytes]).toEqual([5, 22]);
    expect(part.entries.map(({ name }) => name)).toEqual(['note 10.txt', 'picture.png']);
    expect((await view('v', { offset: 50 })).entries).toEqual([]);
  });

  it('shows one type only', async () => {
    expect(await names('v', { type: 'image' })).toEqual(['picture.png']);
    expect(await names('v', { type: 'folder' })).toEqual(['z folder']);
    expect((await view('v', { type: 'video' })).total).toBe(0);
  });

  it('follows what happens in the folder', async () => {
    await put('follow/a', 'a');
    expect(await names('follow')).toEqual(['a']);
    await put('follow/b', 'b');
    expect(await names('follow')).toEqual(['a', 'b']);
    await api.ok('moveEntry', { json: { from: 'follow/a', to: 'follow/deep/c' } });
    expect(await names('follow')).toEqual(['deep', 'b']);
    await api.ok('removeEntry', { query: { path: 'follow/deep', recursive: true } });
    expect(await names('follow')).toEqual(['b']);
    await api.ok('makeFolder', { json: { path: 'follow/made' } });
    expect(await names('follow')).toEqual(['made', 'b']);
  });

  it('refuses what is none', async () => {
    await api.refused('viewFolder', 404, 'FOLDER_NOT_FOUND', { query: { folder: 'nowhere' } });
    await api.refused('viewFolder', 400, 'PARAMETER_INVALID', { query: { sort: 'colour' } });
    await api.refused('viewFolder', 400, 'PATH_INVALID', { query: { folder: '../x' } });
  });
});

describe('a content that the node has', () => {
  const known = (path: string, content: string, more: object = {}) => ({
    json: { path, sha256: digest('sha256', content), size: content.length, ...more },
  });

  it('is stored under another path without being sent', async () => {
    await put('known/a', 'a known content');
    const stored = await api.ok<{ sha256: string; mtimeMs: number }>(
      'storeKnown',
      known('known/b', 'a known content', { mtimeMs: 1234 }),
    );
    expect(stored).toMatchObject({ sha256: digest('sha256', 'a known content'), mtimeMs: 1234 });
    expect((await call(api.url('readFile', { path: 'known/b' }))).text).toBe('a known content');
  });

  it('is refused when it is not there, or when something else stands at the path', async () => {
    await put('known/taken', 'something else');
    await api.refused('storeKnown', 404, 'FILE_NOT_FOUND', known('known/c', 'never seen'));
    await api.refused('storeKnown', 409, 'TARGET_EXISTS', known('known/taken', 'a known content'));
    const beside = await api.ok<{ path: string }>(
      'storeKnown',
      known('known/taken', 'a known content', { occupied: 'number' }),
    );
    expect(beside.path).not.toBe('known/taken');
    await api.ok('storeKnown', known('known/taken', 'a known content', { occupied: 'replace' }));
    expect((await call(api.url('readFile', { path: 'known/taken' }))).text).toBe('a known content');
  });
});

describe('an upload', () => {
  it('says that its content stood there already', async () => {
    expect((await put('again', 'the same')).existed).toBeUndefined();
    expect((await put('again', 'the same')).existed).toBe(true);
  });

  it('stands beside a file of its name when that is asked for', async () => {
    await put('beside.txt', 'one');
    await api.refused('writeFile', 409, 'TARGET_EXISTS', { query: { path: 'beside.txt' }, body: 'two' });
    const second = await put('beside.txt', 'two', { numbered: 'true' });
    expect(second.path).not.toBe('beside.txt');
    expect((await call(api.url('readFile', { path: second.path }))).text).toBe('two');
  });

  it('that is resumable goes to the very path that those name who may manage', async () => {
    const metadata = { filename: 'x', 'shoal-path': 'own place/ä (1) & 中.bin', 'shoal-mtime': '86400000' };
    const url = await create(node, 3, metadata);
    expect((await sendPart(url, 0, 'abc')).status).toBe(204);
    const stored = await api.ok<{ size: number; mtimeMs: number }>('statFile', {
      query: { path: 'own place/ä (1) & 中.bin' },
    });
    expect(stored).toMatchObject({ size: 3, mtimeMs: 86_400_000 });
  });

  it('of a stranger cannot choose its place so', async () => {
    const guarded = await startNode({ trusted_proxies: ['127.0.0.1'] });
    const headers = { 'x-forwarded-for': '203.0.113.7' };
    const metadata = { filename: 'x', 'shoal-path': 'own/x' };
    await expect(create(guarded, 3, metadata, headers)).rejects.toThrow(/MANAGEMENT_REFUSED/);
  });
});

describe('undo', () => {
  it('brings back what a removal took, folders too, and nothing else', async () => {
    for (const at of ['u/f/a', 'u/f/g/b', 'u/other']) await put(at, at);
    await api.ok('removeEntry', { query: { path: 'u/other' } });
    const removed = await api.ok<{ atMs: number }>('removeEntry', { query: { path: 'u/f', recursive: true } });
    const undone = await api.ok('undoRemoval', { json: { paths: ['u/f'], sinceMs: removed.atMs } });
    expect(undone).toMatchObject({ done: 2, failed: 0 });
    expect((await call(api.url('readFile', { path: 'u/f/g/b' }))).text).toBe('u/f/g/b');
    await api.refused('statFile', 404, 'FILE_NOT_FOUND', { query: { path: 'u/other' } });
  });

  it('brings back folders that hold nothing, however deep, and those alone that were removed since', async () => {
    for (const path of ['e/top', 'e/top/empty', 'e/top/full/深い', 'e/top/gone before'])
      await api.ok('makeFolder', { json: { path } });
    await put('e/top/full/a', 'a');
    await api.ok('removeEntry', { query: { path: 'e/top/gone before', recursive: true } });
    // The removal before is one of its own, at another moment.
    const before = Date.now();
    await expect.poll(() => Date.now(), { interval: 1 }).toBeGreaterThan(before);
    const { atMs } = await api.ok<{ atMs: number }>('removeEntry', { query: { path: 'e/top', recursive: true } });
    await api.refused('viewFolder', 404, 'FOLDER_NOT_FOUND', { query: { folder: 'e' } });
    await put('e/top/empty', 'a file where a folder was');
    const undone = await api.ok('undoRemoval', { json: { paths: ['e/top'], sinceMs: atMs } });
    expect(undone).toMatchObject({ done: 1, folders: 2, failed: 1 });
    expect(await names('e/top')).toEqual(['full', 'empty']);
    expect(await names('e/top/full')).toEqual(['深い', 'a']);
    // Once is enough.
    expect(await api.ok('undoRemoval', { json: { paths: ['e/top'], sinceMs: atMs } })).toMatchObject({
      done: 0,
      folders: 0,
    });
  });

  it('leaves alone what stands there by now', async () => {
    await put('u2/a', 'old');
    const { atMs } = await api.ok<{ atMs: number }>('removeEntry', { query: { path: 'u2/a' } });
    await put('u2/a', 'new');
    expect(await api.ok('undoRemoval', { json: { paths: ['u2/a'], sinceMs: atMs } })).toMatchObject({
      done: 0,
      failed: 1,
    });
    expect((await call(api.url('readFile', { path: 'u2/a' }))).text).toBe('new');
  });
});

describe('a selection for a zip', () => {
  it('of thousands is handed in first, and good once', async () => {
    await put('z/a', 'a');
    const { ticket } = await api.ok<{ ticket: string }>('prepareZip', { json: { paths: ['z/a'] } });
    const zip = await call(api.url('downloadZip', { ticket, name: 'mine' }));
    expect([zip.status, zip.headers['content-type']]).toEqual([200, 'application/zip']);
    expect(zip.body.includes('z/a') || zip.body.includes('a')).toBe(true);
    expect((await call(api.url('downloadZip', { ticket }))).status).toBe(400);
    expect((await call(api.url('downloadZip', {}))).status).toBe(400);
  });
});

it('the upload form tells strangers what it takes', async () => {
  const closed = await startNode({
    upload_policy: 'session',
    scenes: ['pictures', 'secret:JBSWY3DPEHPK3PXP'],
    trusted_proxies: ['127.0.0.1'],
  });
  const answer = await call(`${closed.origin}/api/v1/upload-form`, { headers: { 'x-forwarded-for': '203.0.113.7' } });
  expect(answer.status).toBe(200);
  expect(answer.text).not.toContain('JBSWY3DPEHPK3PXP');
  expect(json(answer)).toMatchObject({
    enabled: true,
    allowed: false,
    action: '/group1/upload',
    resumable: '/group1/big/upload/',
    scenes: ['default', 'pictures', 'secret'],
  });
  expect(json(await call(`${node.origin}/api/v1/upload-form`))).toMatchObject({ allowed: true });
});
