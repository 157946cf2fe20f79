/** /api/v1: files, folders, search, zip and uploads under way. */
import { execFile } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage, request } from 'node:http';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Config } from '../../node-core/config/schema.ts';
import type { Entry, FileDetails, FolderPage } from '../../node-core/http/api/contract.ts';
import { ApiClient } from '../support/api-client.ts';
import { EventClient } from '../support/event-client.ts';
import { call, digest, expectRefusal, totals, upload } from '../support/http-client.ts';
import { startNode, type TestNode, writeConfig } from '../support/node-in-process.ts';
import { startNodeProcess } from '../support/node-process.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import {
  openFilesBelow,
  stagedNames,
  storedFiles,
  untilNothingIsStaged,
  untilStaged,
} from '../support/store-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Changed {
  readonly done: number;
  readonly failed: number;
  readonly finished: boolean;
}

const random = new SeededRandom(161_351);
const run = promisify(execFile);

let node: TestNode;
let api: ApiClient;
beforeAll(async () => {
  node = await startNode({ durability: 'os' });
  api = await ApiClient.of(node);
});

const put = (at: string, content: Buffer | string, query: Record<string, string | number | boolean> = {}, to = api) =>
  to.ok<FileDetails>('writeFile', { query: { path: at, ...query }, body: content });
const content = (at: string, headers = {}) => api.send('readFile', { query: { path: at }, headers });
const statOf = (at: string) => api.ok<FileDetails>('statFile', { query: { path: at } });
const move = (from: string, to: string, replace = false) =>
  api.ok<Changed>('moveEntry', { json: { from, to, replace } });
const inodeOf = async (at: string) => (await stat(path.join(node.dataDir, 'files', at))).ino;

/** All entries of a folder, page after page. */
async function list(
  folder: string,
  limit = 1000,
  from = api,
): Promise<{ readonly entries: Entry[]; readonly pages: number }> {
  const entries: Entry[] = [];
  for (let cursor: string | undefined, pages = 1; ; pages += 1) {
    const query = { folder, limit, ...(cursor !== undefined && { cursor }) };
    const page = await from.ok<FolderPage>('listFolder', { query });
    expect(page.entries.length).toBeLessThanOrEqual(limit);
    entries.push(...page.entries);
    if (page.cursor === undefined) return { entries, pages };
    cursor = page.cursor;
  }
}

/** Every file below a folder. */
async function tree(folder: string, from = api): Promise<string[]> {
  const { entries } = await list(folder, 1000, from);
  const below = await Promise.all(
    entries.map((entry) => (entry.kind === 'folder' ? tree(entry.path, from) : [entry.path])),
  );
  return below.flat().sort();
}

describe('listing', () => {
  beforeAll(async () => {
    const folders = Array.from({ length: 7 }, (_, index) => `listing/folder ${index}`);
    for (const folder of folders) await api.ok('makeFolder', { json: { path: folder } });
    await Promise.all(Array.from({ length: 8 }, (_, index) => put(`listing/file ${index}.txt`, `file ${index}`)));
  });

  it.each([1, 2, 3, 5, 7, 14, 15, 1000])(
    'in pages of %i: folders first, then files, each by name, none twice',
    async (limit) => {
      const { entries, pages } = await list('listing', limit);
      expect(entries.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
        ...Array.from({ length: 7 }, (_, index) => `folder folder ${index}`),
        ...Array.from({ length: 8 }, (_, index) => `file file ${index}.txt`),
      ]);
      expect(pages).toBe(Math.ceil(15 / limit));
    },
  );

  it('tells of each entry what a list shows', async () => {
    const { entries } = await list('listing');
    const file = entries.find(({ name }) => name === 'file 3.txt');
    expect(file).toMatchObject({
      kind: 'file',
      path: 'listing/file 3.txt',
      size: 6,
      sha256: digest('sha256', 'file 3'),
    });
    expect(entries[0]).toMatchObject({ kind: 'folder', path: 'listing/folder 0', entries: 0 });
  });

  it('goes on where it was while the folder changes', async () => {
    for (const name of ['b', 'd', 'f', 'h']) await put(`changing/${name}`, name);
    const first = await api.ok<FolderPage>('listFolder', { query: { folder: 'changing', limit: 2 } });
    expect(first.entries.map(({ name }) => name)).toEqual(['b', 'd']);
    for (const name of ['a', 'e']) await put(`changing/${name}`, name);
    await api.ok('removeEntry', { query: { path: 'changing/d' } });
    const query = { folder: 'changing', limit: 10, cursor: first.cursor ?? '' };
    const rest = await api.ok<FolderPage>('listFolder', { query });
    expect(rest.entries.map(({ name }) => name)).toEqual(['e', 'f', 'h']);
  });

  it('of a folder that is not there is refused; the root always is', async () => {
    await api.refused('listFolder', 404, 'FOLDER_NOT_FOUND', { query: { folder: 'no such folder' } });
    expect((await list('')).entries.length).toBeGreaterThan(0);
    const empty = await ApiClient.of(await startNode());
    expect(await list('', 10, empty)).toEqual({ entries: [], pages: 1 });
  });

  it.each([
    ['limit 0', { limit: 0 }, 'limit'],
    ['limit 1001', { limit: 1001 }, 'limit'],
    ['limit x', { limit: 'x' }, 'limit'],
    ['a cursor that is none of ours', { cursor: 'bm90aGluZw' }, 'cursor'],
    ['a cursor of another shape', { cursor: Buffer.from('{"kind":"x","name":1}').toString('base64url') }, 'cursor'],
  ])('%s is refused by name', async (_what, query, name) => {
    const answer = await api.refused('listFolder', 400, 'PARAMETER_INVALID', { query: { folder: '', ...query } });
    expect(answer.text).toContain(name);
  });
});

describe('names', () => {
  const names = [
    'plain.txt',
    '报告 2026.txt',
    '🐟🏳️‍🌈.txt',
    'new\nline.txt',
    'tab\tand\rreturn.txt',
    'right \u202Eto left\u202C.txt',
    'a%2Fb%00.txt',
    '?query#fragment&x=1+2.txt',
    ' leading and trailing ',
    '.hidden',
    '...',
    'quote".txt',
    "<b>'html'&amp;.txt",
    'C:drive.txt',
    'CON',
    'e\u0301 composed.txt',
    `${'long '.repeat(60)}.txt`,
    '长'.repeat(200),
  ];
  it.each(names)('%j is kept as it is, everywhere', async (name) => {
    const at = `names/${names.indexOf(name)}/${name}`;
    const shown = name.normalize('NFC');
    const details = await put(at, name);
    expect(details).toMatchObject({
      name: shown,
      path: at.normalize('NFC'),
      size: Buffer.byteLength(name),
      here: true,
    });
    const { entries } = await list(`names/${names.indexOf(name)}`);
    expect(entries.map((entry) => entry.name)).toEqual([shown]);
    expect((await content(at)).text).toBe(name);
    expect((await statOf(at)).sha256).toBe(digest('sha256', name));
    const saved = await api.send('readFile', { query: { path: at, download: 1, name } });
    expect(saved.status).toBe(200);
    const disposition = String(saved.headers['content-disposition']);
    expect(disposition).toMatch(/^attachment/);
    expect(disposition).not.toMatch(/[\r\n]/);
    await move(at, `${at}.moved`);
    expect((await content(`${at}.moved`)).text).toBe(name);
    await api.ok('removeEntry', { query: { path: `${at}.moved` } });
  });

  it.each([
    ['', 'PATH_INVALID'],
    ['/', 'PATH_INVALID'],
    ['../etc/passwd', 'PATH_INVALID'],
    ['a/../../b', 'PATH_INVALID'],
    ['a/./b', 'PATH_INVALID'],
    ['a\0b', 'PATH_INVALID'],
    ['a\\b', 'PATH_INVALID'],
    ['_tmp/a', 'PATH_RESERVED'],
    ['_BIG/a', 'PATH_RESERVED'],
    ['.shoal-store', 'PATH_RESERVED'],
    ['x'.repeat(4097), 'PARAMETER_INVALID'],
    ['长'.repeat(1400), 'PATH_TOO_LONG'],
  ])('%j is refused by every operation', async (bad, code) => {
    const query = { path: bad };
    for (const id of ['statFile', 'readFile', 'removeEntry']) await api.refused(id, 400, code, { query });
    await api.refused('writeFile', 400, code, { query, body: 'x' });
    await api.refused('makeFolder', 400, code, { json: { path: bad } });
    await api.refused('moveEntry', 400, code, { json: { from: bad, to: 'a' } });
    await api.refused('moveEntry', 400, code, { json: { from: 'names', to: bad } });
    await api.refused('downloadZip', 400, code, { query });
  });
});

describe('content', () => {
  const bytes = random.content(100_000);
  beforeAll(async () => {
    await put('content/图 1.png', bytes);
  });

  it('whole, in ranges and on condition', async () => {
    const whole = await content('content/图 1.png');
    expect(whole.body.equals(bytes)).toBe(true);
    expect(whole.headers).toMatchObject({ 'content-type': 'image/png', 'accept-ranges': 'bytes' });
    const ranged = await content('content/图 1.png', { range: 'bytes=-10' });
    expect(ranged.status).toBe(206);
    expect(ranged.body.equals(bytes.subarray(-10))).toBe(true);
    expect((await content('content/图 1.png', { range: 'bytes=100000-' })).status).toBe(416);
    const etag = String(whole.headers.etag);
    expect((await content('content/图 1.png', { 'if-none-match': etag })).status).toBe(304);
    const head = await call(api.url('readFile', { path: 'content/图 1.png' }), { method: 'HEAD' });
    expect(head.headers['content-length']).toBe('100000');
    await api.refused('readFile', 404, 'FILE_NOT_FOUND', { query: { path: 'content' } });
  });

  it('download=1 names the file as it is called', async () => {
    const saved = await api.send('readFile', { query: { path: 'content/图 1.png', download: 1 } });
    expect(saved.headers['content-disposition']).toBe(
      `attachment; filename="? 1.png"; filename*=UTF-8''%E5%9B%BE%201.png`,
    );
    const named = await api.send('readFile', {
      query: { path: 'content/图 1.png', download: 1, name: 'other name.bin' },
    });
    expect(named.headers['content-disposition']).toContain('other name.bin');
  });
});

describe('put', () => {
  it('stores, and tells everything about it', async () => {
    const mtimeMs = Date.UTC(2001, 1, 3, 4, 5, 6);
    const details = await put('put/new file.txt', 'new', { mtimeMs });
    expect(details).toMatchObject({
      path: 'put/new file.txt',
      name: 'new file.txt',
      size: 3,
      mtimeMs,
      sha256: digest('sha256', 'new'),
      md5: digest('md5', 'new'),
      here: true,
    });
    expect(await statOf('put/new file.txt')).toEqual(details);
    expect((await content('put/new file.txt')).headers['last-modified']).toBe(new Date(mtimeMs).toUTCString());
    expect(await readFile(path.join(node.dataDir, 'files', 'put', 'new file.txt'), 'utf8')).toBe('new');
  });

  it('refuses a taken path, says which, and keeps what is there; replaces when asked', async () => {
    await put('put/taken.txt', 'old');
    const refused = await api.refused('writeFile', 409, 'TARGET_EXISTS', {
      query: { path: 'put/taken.txt' },
      body: 'new',
    });
    expect(refused.text).toContain('put/taken.txt');
    expect((await content('put/taken.txt')).text).toBe('old');
    expect((await put('put/taken.txt', 'new', { replace: true })).size).toBe(3);
    expect((await content('put/taken.txt')).text).toBe('new');
    expect(await stagedNames(node.dataDir)).toEqual([]);
  });

  it('takes nothing, and a body without an announced length', async () => {
    expect((await put('put/empty', '')).size).toBe(0);
    const answer = await call(api.url('writeFile', { path: 'put/chunked' }), {
      method: 'PUT',
      headers: { 'transfer-encoding': 'chunked' },
    });
    expect(answer.status).toBe(200);
  });

  it('of many at once to one path: one is stored, the others are told', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        api.send('writeFile', { query: { path: 'put/raced' }, body: `content ${index}` }),
      ),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array.from({ length: 9 }, () => 409)]);
    const winner = answers.findIndex(({ status }) => status === 200);
    expect((await content('put/raced')).text).toBe(`content ${winner}`);
  });

  it.each([
    ['a time beyond all calendars', '1e300'],
    ['infinity', 'Infinity'],
    ['no number', 'yesterday'],
    ['just beyond what a Date holds', '8640000000000001'],
  ])('mtimeMs %s never makes a file that cannot be served', async (_what, mtimeMs) => {
    const at = `put/time ${mtimeMs}`;
    const answer = await api.send('writeFile', { query: { path: at, mtimeMs }, body: 'timed' });
    expect([200, 400]).toContain(answer.status);
    if (answer.status === 400) return;
    const served = await content(at);
    expect(served.status).toBe(200);
    expect(served.headers['last-modified'] ?? '').not.toContain('Invalid');
    expect((await list('put')).entries.length).toBeGreaterThan(0);
    expect((await api.send('downloadZip', { query: { path: at } })).status).toBe(200);
  });

  it('that is too large is refused, with or without a length', async () => {
    const limited = await startNode({ max_upload_bytes: 1000 });
    const its = await ApiClient.of(limited);
    await its.refused('writeFile', 413, 'FILE_TOO_LARGE', { query: { path: 'a' }, body: Buffer.alloc(1001) });
    const chunked = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(its.url('writeFile', { path: 'a' }), { method: 'PUT', agent: false }, resolve);
      sent.on('error', reject);
      for (let index = 0; index < 3; index += 1) sent.write(Buffer.alloc(500));
      onTestFinished(() => void sent.destroy());
    });
    expect(chunked.statusCode).toBe(413);
    await untilNothingIsStaged(limited.dataDir);
    expect((await put('a', Buffer.alloc(1000), {}, its)).size).toBe(1000);
  });

  it('of a client that goes away leaves nothing, and shows among the uploads until then', async () => {
    const before = await storedFiles(node.dataDir);
    const sent = request(api.url('writeFile', { path: 'put/aborted' }), {
      method: 'PUT',
      agent: false,
      headers: { 'content-length': 5_000_000 },
    });
    sent.on('error', () => undefined);
    sent.write(Buffer.alloc(1_000_000));
    const stream = await EventClient.connect(node);
    await untilStaged(node.dataDir, (names) => names.length > 0);
    const progress = await stream.until(({ type, data }) => type === 'uploads' && (data as unknown[]).length > 0);
    expect(progress.id).toBeUndefined();
    const { uploads } = await api.ok<{ uploads: { name: string }[] }>('listUploads');
    expect(uploads).toEqual([expect.objectContaining({ kind: 'put', name: 'aborted', total: 5_000_000 })]);
    sent.destroy();
    await untilNothingIsStaged(node.dataDir);
    await expect.poll(async () => (await api.ok<{ uploads: unknown[] }>('listUploads')).uploads).toEqual([]);
    await api.refused('statFile', 404, 'FILE_NOT_FOUND', { query: { path: 'put/aborted' } });
    expect(await storedFiles(node.dataDir)).toEqual(before);
  });

  it('read_only refuses every change', async () => {
    const closed = await ApiClient.of(await startNode({ read_only: true }));
    const query = { path: 'a' };
    await closed.refused('writeFile', 403, 'READ_ONLY', { query, body: 'x' });
    await closed.refused('removeEntry', 403, 'READ_ONLY', { query });
    await closed.refused('makeFolder', 403, 'READ_ONLY', { json: query });
    await closed.refused('moveEntry', 403, 'READ_ONLY', { json: { from: 'a', to: 'b' } });
  });
});

describe('delete', () => {
  it('a file, once', async () => {
    await put('delete/a.txt', 'a');
    expect(await api.ok('removeEntry', { query: { path: 'delete/a.txt' } })).toEqual({
      done: 1,
      failed: 0,
      finished: true,
      atMs: expect.any(Number),
    });
    await api.refused('statFile', 404, 'FILE_NOT_FOUND', { query: { path: 'delete/a.txt' } });
    await api.refused('removeEntry', 404, 'FOLDER_NOT_FOUND', { query: { path: 'delete/a.txt' } });
  });

  it('a folder only with everything in it when asked for', async () => {
    for (const at of ['delete/f/a', 'delete/f/g/b', 'delete/f/g/h/c']) await put(at, at);
    await api.ok('makeFolder', { json: { path: 'delete/f/empty' } });
    await api.refused('removeEntry', 409, 'FOLDER_NOT_EMPTY', { query: { path: 'delete/f' } });
    await api.refused('removeEntry', 409, 'FOLDER_NOT_EMPTY', { query: { path: 'delete/f', recursive: false } });
    expect(await tree('delete/f')).toHaveLength(3);
    await put('delete/fg', 'a neighbour');
    const removed = await api.ok<Changed>('removeEntry', { query: { path: 'delete/f', recursive: true } });
    expect(removed).toMatchObject({ failed: 0, finished: true });
    await api.refused('listFolder', 404, 'FOLDER_NOT_FOUND', { query: { folder: 'delete/f' } });
    expect(await tree('delete')).toEqual(['delete/fg']);
    expect(await readdir(path.join(node.dataDir, 'files', 'delete'))).toEqual(['fg']);
  });

  it('an empty folder that somebody made goes without asking, and its parent with files does not', async () => {
    await api.ok('makeFolder', { json: { path: 'delete/made/inner' } });
    await api.refused('removeEntry', 409, 'FOLDER_NOT_EMPTY', { query: { path: 'delete/made' } });
    await api.ok('removeEntry', { query: { path: 'delete/made/inner' } });
    await api.refused('removeEntry', 404, 'FOLDER_NOT_FOUND', { query: { path: 'delete/made/inner' } });
  });
});

describe('folders', () => {
  it('made ones stay when they are empty, and making one again does nothing', async () => {
    for (let round = 0; round < 2; round += 1) await api.ok('makeFolder', { json: { path: 'made/by hand' } });
    await put('made/by hand/a', 'a');
    await api.ok('removeEntry', { query: { path: 'made/by hand/a' } });
    expect((await list('made')).entries).toEqual([
      expect.objectContaining({ kind: 'folder', name: 'by hand', entries: 0 }),
    ]);
    await put('made/file', 'x');
    await api.refused('makeFolder', 409, 'TARGET_EXISTS', { json: { path: 'made/file' } });
  });

  it('others go with their last file', async () => {
    await put('fleeting/a', 'a');
    await api.ok('removeEntry', { query: { path: 'fleeting/a' } });
    await api.refused('listFolder', 404, 'FOLDER_NOT_FOUND', { query: { folder: 'fleeting' } });
  });
});

describe('move of a file', () => {
  it('is a rename: the same inode, the same times, nothing copied', async () => {
    const bytes = random.content(3_000_000);
    const before = await put('move/from here.bin', bytes, { mtimeMs: 1_000_000_000_000 });
    const inode = await inodeOf('move/from here.bin');
    expect(await move('move/from here.bin', 'moved/far away/to there.bin')).toEqual({
      done: 1,
      failed: 0,
      finished: true,
    });
    expect(await inodeOf('moved/far away/to there.bin')).toBe(inode);
    const after = await statOf('moved/far away/to there.bin');
    expect(after).toMatchObject({
      sha256: before.sha256,
      md5: before.md5,
      mtimeMs: before.mtimeMs,
      storedMs: before.storedMs,
    });
    expect((await content('moved/far away/to there.bin')).body.equals(bytes)).toBe(true);
    await api.refused('statFile', 404, 'FILE_NOT_FOUND', { query: { path: 'move/from here.bin' } });
    await expect(stat(path.join(node.dataDir, 'files', 'move'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('to a taken path is refused, and both stay; replaces when asked', async () => {
    await put('move/a', 'content of a');
    await put('move/b', 'content of b');
    await api.refused('moveEntry', 409, 'TARGET_EXISTS', { json: { from: 'move/a', to: 'move/b' } });
    expect([(await content('move/a')).text, (await content('move/b')).text]).toEqual(['content of a', 'content of b']);
    const inode = await inodeOf('move/a');
    const before = await totals(node);
    await move('move/a', 'move/b', true);
    expect((await content('move/b')).text).toBe('content of a');
    expect(await inodeOf('move/b')).toBe(inode);
    expect(await totals(node)).toEqual({ files: before.files - 1, bytes: before.bytes - 12 });
  });

  it('onto equal content (one inode, two names) leaves one name', async () => {
    await put('move/twin 1', 'twins');
    await put('move/twin 2', 'twins');
    expect(await inodeOf('move/twin 1')).toBe(await inodeOf('move/twin 2'));
    await move('move/twin 1', 'move/twin 2', true);
    expect((await content('move/twin 2')).text).toBe('twins');
    await expect(stat(path.join(node.dataDir, 'files', 'move', 'twin 1'))).rejects.toMatchObject({ code: 'ENOENT' });
    await api.refused('statFile', 404, 'FILE_NOT_FOUND', { query: { path: 'move/twin 1' } });
  });

  it('onto itself does nothing', async () => {
    await put('move/self', 'self');
    const inode = await inodeOf('move/self');
    for (const replace of [false, true]) await move('move/self', 'move/self', replace);
    expect([await inodeOf('move/self'), (await content('move/self')).text]).toEqual([inode, 'self']);
  });

  it('may change the letter case of a name, and stand below a file of its own name', async () => {
    await put('move/case.txt', 'case');
    await move('move/case.txt', 'move/CASE.txt');
    expect((await list('move')).entries.filter(({ name }) => /^case/i.test(name)).map(({ name }) => name)).toEqual([
      'CASE.txt',
    ]);
    await put('move/deep', 'deep');
    await move('move/deep', 'move/deep/er');
    expect((await content('move/deep/er')).text).toBe('deep');
  });

  it('of what is not there is refused', async () => {
    await api.refused('moveEntry', 404, 'FOLDER_NOT_FOUND', { json: { from: 'move/nothing', to: 'move/x' } });
  });

  it('there and back a hundred times, many at once, keeps every content', async () => {
    await Promise.all(Array.from({ length: 10 }, (_, index) => put(`carousel/${index}`, `rider ${index}`)));
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          move(`carousel/${index + round * 10}`, `carousel/${index + round * 10 + 10}`),
        ),
      );
    }
    const texts = await Promise.all((await tree('carousel')).map(async (at) => (await content(at)).text));
    expect(texts.sort()).toEqual(Array.from({ length: 10 }, (_, index) => `rider ${index}`));
  });

  it.each([
    ['no body', undefined],
    ['a list', []],
    ['no target', { from: 'a' }],
    ['a number', { from: 'a', to: 1 }],
    ['a text for a flag', { from: 'a', to: 'b', replace: 'yes' }],
  ])('%s is refused', async (_what, body) => {
    await api.refused('moveEntry', 400, 'PARAMETER_INVALID', { json: body ?? {} });
  });
});

describe('move of a folder', () => {
  it('takes a thousand files, made folders and nothing else along', async () => {
    const paths = Array.from({ length: 1000 }, (_, index) => `big/${index % 7}/${index % 3}/file ${index}`);
    await Promise.all(paths.map((at) => put(at, at)));
    await api.ok('makeFolder', { json: { path: 'big/empty/made' } });
    await put('bigger/neighbour', 'stays');
    const inode = await inodeOf('big/0/0/file 0');
    const stream = await EventClient.connect(node);
    const moved = await move('big', 'somewhere/else');
    expect(moved).toEqual({ done: 1000, failed: 0, finished: true });
    expect(await tree('somewhere/else')).toEqual(paths.map((at) => at.replace('big', 'somewhere/else')).sort());
    expect((await list('somewhere/else/empty')).entries).toEqual([
      expect.objectContaining({ kind: 'folder', name: 'made' }),
    ]);
    await api.refused('listFolder', 404, 'FOLDER_NOT_FOUND', { query: { folder: 'big' } });
    expect(await inodeOf('somewhere/else/0/0/file 0')).toBe(inode);
    expect((await content('somewhere/else/3/1/file 10')).text).toBe('big/3/1/file 10');
    expect((await content('bigger/neighbour')).text).toBe('stays');
    const last = await stream.until(({ type, data }) => type === 'folder-progress' && (data as Changed).finished);
    expect(last.data).toMatchObject({ failed: 0, finished: true });
    expect(stream.events.filter(({ type }) => type === 'folder-progress').length).toBeGreaterThan(3);
  });

  it('into a folder that has some of the names leaves those where they are, and counts them', async () => {
    for (const at of ['merge/from/a', 'merge/from/b', 'merge/from/sub/c', 'merge/to/b', 'merge/to/sub/c', 'merge/to/z'])
      await put(at, at);
    expect(await move('merge/from', 'merge/to')).toEqual({ done: 1, failed: 2, finished: true });
    expect(await tree('merge')).toEqual([
      'merge/from/b',
      'merge/from/sub/c',
      'merge/to/a',
      'merge/to/b',
      'merge/to/sub/c',
      'merge/to/z',
    ]);
    for (const at of ['merge/from/b', 'merge/to/b', 'merge/to/sub/c']) expect((await content(at)).text).toBe(at);
  });

  it('into itself, onto itself or onto a file is refused, and everything stays', async () => {
    await put('self/in/a', 'a');
    await put('self/file', 'file');
    for (const to of ['self', 'self/in', 'self/in/deeper']) {
      await api.refused('moveEntry', 400, 'PATH_INVALID', { json: { from: 'self', to } });
    }
    await api.refused('moveEntry', 409, 'TARGET_EXISTS', { json: { from: 'self/in', to: 'self/file' } });
    expect(await tree('self')).toEqual(['self/file', 'self/in/a']);
    // A name that only begins alike is another folder.
    await move('self', 'selfish');
    expect(await tree('selfish')).toEqual(['selfish/file', 'selfish/in/a']);
  });

  it('killed in the middle goes on at the next start, and every file shows at exactly one place', async () => {
    const dataDir = await temporaryFolder();
    const config: Partial<Config> = { durability: 'os' };
    await writeConfig(dataDir, config);
    const first = await startNodeProcess(dataDir);
    const its = await ApiClient.of(first);
    const paths = Array.from({ length: 500 }, (_, index) => `src/${index % 5}/${index}`);
    await Promise.all(paths.map((at) => put(at, at, {}, its)));
    await its.ok('makeFolder', { json: { path: 'src/empty' } });
    const stream = await EventClient.connect(first);
    const moving = its.send('moveEntry', { json: { from: 'src', to: 'target/dst' } }).catch(() => undefined);
    await stream.untilType('folder-progress');
    await first.kill('SIGKILL');
    expect(await moving, 'killed before it was done').toBeUndefined();

    const second = await startNodeProcess(dataDir);
    const again = await ApiClient.of(second);
    const rest = await EventClient.connect(second);
    const isThere = (await again.send('listFolder', { query: { folder: 'src' } })).status === 200;
    if (isThere) await rest.until(({ type, data }) => type === 'folder-progress' && (data as Changed).finished);
    expect(await tree('', again)).toEqual(paths.map((at) => at.replace('src', 'target/dst')).sort());
    await again.refused('listFolder', 404, 'FOLDER_NOT_FOUND', { query: { folder: 'src' } });
    expect((await list('target/dst', 10, again)).entries.map(({ name }) => name)).toContain('empty');
    for (const at of [paths[0], paths[249], paths[499]]) {
      const moved = String(at).replace('src', 'target/dst');
      expect((await again.send('readFile', { query: { path: moved } })).text).toBe(at);
    }
    expect(await totals(second)).toEqual({ files: 500, bytes: paths.join('').length });
    expect(await second.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});

describe('search', () => {
  const find = async (q: string, limit = 100) =>
    (await api.ok<{ files: FileDetails[] }>('searchFiles', { query: { q, limit } })).files
      .map((file) => file.path)
      .sort();
  beforeAll(async () => {
    const paths = [
      'search/Holiday Photo.JPG',
      'search/年度报告 最终.pdf',
      'search/deep/holiday.txt',
      'search/🐟 fish.txt',
      'search/x',
    ];
    for (const at of paths) await put(at, at);
  });

  const cases: readonly (readonly [q: string, found: readonly string[]])[] = [
    ['holiday', ['search/Holiday Photo.JPG', 'search/deep/holiday.txt']],
    ['HOLIDAY', ['search/Holiday Photo.JPG', 'search/deep/holiday.txt']],
    ['day ph', ['search/Holiday Photo.JPG']],
    ['.jpg', ['search/Holiday Photo.JPG']],
    ['photo.jpg', ['search/Holiday Photo.JPG']],
    ['报告', ['search/年度报告 最终.pdf']],
    ['告', ['search/年度报告 最终.pdf']],
    ['年终', []],
    ['🐟', ['search/🐟 fish.txt']],
    ['deep', []],
    ['holidays', []],
  ];
  it.each(cases)('%j', async (q, found) => {
    expect((await find(q)).filter((at) => at.startsWith('search/'))).toEqual(found);
  });

  it('finds a file by the name its uploader gave and by the one it is stored under', async () => {
    const { path: stored } = await upload(node, 'trimmed', {
      name: 'my zebra (1).txt',
      fields: { path: 'search-compat' },
    });
    expect(stored).toContain('myzebra1.txt');
    for (const q of ['zebra (1)', 'myzebra', 'my zebra'])
      expect(await find(q), q).toEqual(['search-compat/myzebra1.txt']);
  });

  it('follows moves and deletes', async () => {
    await put('search-gone/quagga.txt', 'q');
    await move('search-gone/quagga.txt', 'search-gone/okapi.txt');
    expect([await find('okapi'), await find('quagga')]).toEqual([['search-gone/okapi.txt'], []]);
    await api.ok('removeEntry', { query: { path: 'search-gone/okapi.txt' } });
    expect(await find('okapi')).toEqual([]);
  });

  it('answers no more than asked for', async () => {
    await Promise.all(Array.from({ length: 12 }, (_, index) => put(`search-many/wombat ${index}`, `${index}`)));
    expect(await find('wombat', 5)).toHaveLength(5);
    expect(await find('w', 3)).toHaveLength(3);
    expect(await find('wombat', 1000)).toHaveLength(12);
    for (const query of [{ q: '' }, { q: 'x'.repeat(201) }, { q: 'a', limit: 0 }, { q: 'a', limit: 1001 }]) {
      await api.refused('searchFiles', 400, 'PARAMETER_INVALID', { query });
    }
  });
});

describe('zip', () => {
  const large = random.content(2_000_000);
  beforeAll(async () => {
    await put('zip/报告/一.txt', '一');
    await put('zip/报告/large.bin', large);
    await put('zip/plain.txt', 'plain', { mtimeMs: Date.UTC(2020, 5, 6, 7, 8, 10) });
    await put('zip/empty.txt', '');
    await api.ok('makeFolder', { json: { path: 'zip/nobody here' } });
  });

  /** Downloads a zip, unpacks it with another program, and returns what came out. */
  async function unzipped(
    ...paths: string[]
  ): Promise<{ readonly files: Record<string, Buffer>; readonly folders: string[] }> {
    const answer = await api.send('downloadZip', { query: { path: paths, name: 'a selection' } });
    expect(answer.status, answer.text.slice(0, 300)).toBe(200);
    expect(answer.headers).toMatchObject({ 'content-type': 'application/zip' });
    expect(answer.headers['content-disposition']).toContain('a selection.zip');
    const folder = await temporaryFolder();
    await writeFile(path.join(folder, 'it.zip'), answer.body);
    await run('unzip', ['-q', '-o', 'it.zip', '-d', 'out'], {
      cwd: folder,
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    const out = path.join(folder, 'out');
    const found = await readdir(out, { recursive: true, withFileTypes: true });
    const nameOf = (entry: (typeof found)[number]) => path.relative(out, path.join(entry.parentPath, entry.name));
    const files = found.filter((entry) => entry.isFile()).map(nameOf);
    const contents = await Promise.all(
      files.map(async (file) => [file, await readFile(path.join(out, file))] as const),
    );
    return {
      files: Object.fromEntries(contents),
      folders: found
        .filter((entry) => entry.isDirectory())
        .map(nameOf)
        .sort(),
    };
  }

  it('holds files and folders as they are, names, bytes and empty folders', async () => {
    const { files, folders } = await unzipped('zip');
    expect(Object.keys(files).sort()).toEqual(
      ['zip/empty.txt', 'zip/plain.txt', 'zip/报告/large.bin', 'zip/报告/一.txt'].sort(),
    );
    expect(files['zip/报告/large.bin']?.equals(large)).toBe(true);
    expect(files['zip/报告/一.txt']?.toString()).toBe('一');
    expect(folders).toEqual(['zip', 'zip/nobody here', 'zip/报告']);
  });

  it('of a selection holds each part under its own name', async () => {
    const { files } = await unzipped('zip/plain.txt', 'zip/报告');
    expect(Object.keys(files).sort()).toEqual(['plain.txt', '报告/large.bin', '报告/一.txt'].sort());
  });

  it('of equal names from two folders holds both', async () => {
    await put('zip-twins/one/a.txt', 'the first');
    await put('zip-twins/two/a.txt', 'the second');
    const { files } = await unzipped('zip-twins/one/a.txt', 'zip-twins/two/a.txt');
    expect(Object.values(files).map(String).sort()).toEqual(['the first', 'the second']);
  });

  it('of a file and the folder it is in, or twice the same, is still a zip that unpacks', async () => {
    const { files } = await unzipped('zip/plain.txt', 'zip/plain.txt', 'zip/报告', 'zip/报告/一.txt');
    expect(Object.values(files).map(String)).toContain('plain');
  });

  it.each(['C:drive.txt', 'new\nline.txt', '...', '长'.repeat(80)])('takes the name %j', async (name) => {
    await put(`zip-names/${name}`, 'odd');
    const { files } = await unzipped('zip-names');
    expect(Object.values(files).map(String)).toContain('odd');
    await api.ok('removeEntry', { query: { path: `zip-names/${name}` } });
  });

  it('of what is not there is refused before anything is sent', async () => {
    await api.refused('downloadZip', 404, 'FILE_NOT_FOUND', { query: { path: ['zip/plain.txt', 'zip/none'] } });
    await api.refused('downloadZip', 400, 'PARAMETER_INVALID');
  });

  it('of a hundred files opens one at a time and warns of no leak', async () => {
    const warnings: Error[] = [];
    const warned = (warning: Error) => warnings.push(warning);
    process.on('warning', warned);
    onTestFinished(() => void process.off('warning', warned));
    await Promise.all(Array.from({ length: 100 }, (_, index) => put(`zip-many/${index}`, `file ${index}`)));
    expect(Object.keys((await unzipped('zip-many')).files)).toHaveLength(100);
    // Warnings are told in a later turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings.map(String)).toEqual([]);
  });

  it.skipIf(process.platform !== 'linux')(
    'of a receiver that goes away leaves no handle open and is no error of the node',
    async () => {
      const own = await startNode({ durability: 'os' });
      const its = await ApiClient.of(own);
      await Promise.all(Array.from({ length: 5 }, (_, index) => put(`z/${index}`, random.content(4_000_000), {}, its)));
      for (let round = 0; round < 12; round += 1) {
        const response = await new Promise<IncomingMessage>((resolve, reject) => {
          get(its.url('downloadZip', { path: 'z' }), { agent: false }, resolve).on('error', reject);
        });
        let received = 0;
        await new Promise<void>((resolve) => {
          response.on('data', (chunk: Buffer) => {
            received += chunk.length;
            if (received < round * 800_000) return;
            response.destroy();
            resolve();
          });
        });
      }
      await expect
        .poll(async () => (await openFilesBelow(path.join(own.dataDir, 'files'))).length, { timeout: 5000 })
        .toBe(0);
      const { lines } = await its.ok<{ lines: { msg?: string }[] }>('readLog', { query: { level: 'error' } });
      expect(lines.map(({ msg }) => msg)).toEqual([]);
      expectRefusal(await its.send('downloadZip', { query: { path: 'none' } }), 404, 'FILE_NOT_FOUND');
    },
  );
});
