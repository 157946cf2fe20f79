import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Answer,
  call,
  dataOf,
  digest,
  download,
  type Envelope,
  encodeForm,
  expectRefusal,
  type FileInfo,
  json,
  type ListedEntry,
  listAll,
  remove,
  totals,
  upload,
} from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';
import { storedFiles } from '../support/store-folder.ts';

/** The ways in which parameters reach an action: each must mean the same. */
const ways = {
  'GET with a query': (url: string, parameters: Readonly<Record<string, string>>) =>
    call(`${url}?${new URLSearchParams(parameters)}`),
  'POST with a query': (url: string, parameters: Readonly<Record<string, string>>) =>
    call(`${url}?${new URLSearchParams(parameters)}`, { method: 'POST' }),
  'POST urlencoded': (url: string, parameters: Readonly<Record<string, string>>) =>
    call(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(parameters).toString(),
    }),
  'POST multipart': (url: string, parameters: Readonly<Record<string, string>>) => {
    const form = encodeForm(Object.entries(parameters).map(([name, value]) => ({ name, value })));
    return call(url, { method: 'POST', ...form });
  },
} satisfies Readonly<Record<string, (url: string, parameters: Readonly<Record<string, string>>) => Promise<Answer>>>;

describe('delete', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await startNode();
  });

  for (const [way, send] of Object.entries(ways)) {
    it(`removes by path: ${way}`, async () => {
      const { path: stored } = await upload(node, `by path ${way}`, { fields: { path: `del/${way.length}` } });
      const answer = await send(`${node.group}/delete`, { path: stored });
      expect(json(answer)).toEqual({ status: 'ok', message: 'remove success', data: null });
      expectRefusal(await download(node, stored), 404, 'FILE_NOT_FOUND');
    });

    it(`removes by md5: ${way}`, async () => {
      const { path: stored, md5 } = await upload(node, `by md5 ${way}`, { fields: { path: 'del' } });
      expect((await send(`${node.group}/delete`, { md5 })).status).toBe(200);
      expectRefusal(await download(node, stored), 404, 'FILE_NOT_FOUND');
    });
  }

  it.each(['/group1/forms/N.txt', 'group1/forms/N.txt', 'files/forms/N.txt', 'forms/N.txt', '/forms/N.txt'])(
    'takes a path written as %s',
    async (form) => {
      const name = `${form.length}.txt`;
      await upload(node, `form ${form}`, { fields: { path: 'forms', filename: name } });
      expect((await remove(node, form.replace('N.txt', name))).status).toBe(200);
      expect((await download(node, `/group1/forms/${name}`)).status).toBe(404);
    },
  );

  it('by md5 removes all paths of a content in one go, and its bytes from the store', async () => {
    const content = 'several paths';
    const paths = [];
    for (const folder of ['m/a', 'm/b', 'm/c/d']) {
      paths.push((await upload(node, content, { fields: { path: folder } })).path);
    }
    const other = await upload(node, 'another content', { fields: { path: 'm/c' } });
    const before = await totals(node);
    expect((await call(`${node.group}/delete?md5=${digest('md5', content)}`)).status).toBe(200);
    for (const stored of paths) expect((await download(node, stored)).status).toBe(404);
    expect((await download(node, other.path)).status).toBe(200);
    expect(await totals(node)).toEqual({ files: before.files - 3, bytes: before.bytes - 3 * content.length });
    expect((await storedFiles(node.dataDir)).filter((file) => file.startsWith('m/'))).toEqual(['m/c/a.txt']);
    expect(await readdir(path.join(node.dataDir, 'files', 'm'))).toEqual(['c']);
  });

  it('finds a content by sha1 or sha256 only where it knows that digest', async () => {
    const content = 'by sha256';
    const { path: stored } = await upload(node, content);
    expectRefusal(await call(`${node.group}/delete?md5=${digest('sha1', content)}`), 404, 'FILE_NOT_FOUND');
    expect((await download(node, stored)).status).toBe(200);
    expect((await call(`${node.group}/delete?md5=${digest('sha256', content)}`)).status).toBe(200);
  });

  it('answers what it cannot do with a code', async () => {
    const url = `${node.group}/delete`;
    expectRefusal(await call(`${url}?md5=${digest('md5', 'unknown')}`), 404, 'FILE_NOT_FOUND');
    expectRefusal(await call(`${url}?path=/group1/unknown.txt`), 404, 'FILE_NOT_FOUND');
    expectRefusal(await call(url), 400, 'PARAMETER_MISSING');
    expectRefusal(await call(`${url}?md5=xyz`), 400, 'DIGEST_INVALID');
    expectRefusal(await call(`${url}?path=/group1/../conf/cfg.json`), 400, 'PATH_INVALID');
    expectRefusal(await call(`${url}?path=/group1/_tmp/x`), 400, 'PATH_RESERVED');
    expectRefusal(await call(`${url}?path=/group1/del`), 404, 'FILE_NOT_FOUND');
  });

  it('is final: the second delete finds nothing, and the same content may come again', async () => {
    const fields = { path: 'again' };
    const { path: stored } = await upload(node, 'comes again', { fields });
    expect((await remove(node, stored)).status).toBe(200);
    expectRefusal(await remove(node, stored), 404, 'FILE_NOT_FOUND');
    expect((await upload(node, 'comes again', { fields })).path).toBe(stored);
    expect((await download(node, stored)).text).toBe('comes again');
  });

  it('knows files under names that were renamed, in Chinese, or with an apostrophe', async () => {
    const plain = await startNode({ enable_trim_file_name_special_char: false });
    for (const name of ['中文 名.txt', "it's.txt", 'a+b & c=d.txt', '100%.txt', '#1.txt']) {
      const { path: stored } = await upload(plain, `named ${name}`, { name, fields: { path: 'n' } });
      expect((await remove(plain, stored)).status, name).toBe(200);
      expect((await download(plain, stored)).status).toBe(404);
    }
  });
});

describe('records of files', () => {
  const content = 'a record';
  const md5 = digest('md5', content);
  let node: TestNode;
  let record: FileInfo;
  beforeAll(async () => {
    node = await startNode();
    const { mtime } = await upload(node, content, {
      name: 'sent.txt',
      fields: { path: 'rec', filename: 'kept.txt', scene: 'pics' },
    });
    record = {
      name: 'sent.txt',
      rename: 'kept.txt',
      path: 'files/rec',
      md5,
      size: content.length,
      peers: [node.origin],
      scene: 'pics',
      timeStamp: mtime,
      offset: -1,
    };
  });

  for (const [way, send] of Object.entries(ways)) {
    it(`come from get_file_info and check_file_exist: ${way}`, async () => {
      for (const parameters of [{ md5 }, { path: '/group1/rec/kept.txt' }]) {
        expect(dataOf(await send(`${node.group}/get_file_info`, parameters))).toEqual(record);
        expect(json(await send(`${node.group}/check_file_exist`, parameters))).toEqual(record);
      }
      expect(dataOf(await send(`${node.group}/check_files_exist`, { md5s: `${md5},${digest('md5', 'x')}` }))).toEqual([
        record,
      ]);
    });
  }

  it('are empty in check_file_exist and a 404 in get_file_info for unknown files', async () => {
    const unknown = { name: '', rename: '', path: '', md5: '', size: 0, peers: [], scene: '', timeStamp: 0, offset: 0 };
    for (const query of [`md5=${digest('md5', 'unknown')}`, 'path=/group1/unknown.txt', 'path=/group1/rec']) {
      const answer = await call(`${node.group}/check_file_exist?${query}`);
      expect({ status: answer.status, record: json(answer) }).toEqual({ status: 200, record: unknown });
      expectRefusal(await call(`${node.group}/get_file_info?${query}`), 404, 'FILE_NOT_FOUND');
    }
  });

  it('are found many at once, in spite of blanks, doubles and nonsense', async () => {
    const other = await upload(node, 'a second record');
    const md5s = ` ${md5}, ,nonsense,${other.md5.toUpperCase()},${digest('md5', 'x')}`;
    const found = dataOf<FileInfo[]>(await call(`${node.group}/check_files_exist?md5s=${encodeURIComponent(md5s)}`));
    expect(found.map((each) => each.md5)).toEqual([md5, other.md5]);
    expectRefusal(await call(`${node.group}/check_files_exist`), 400, 'PARAMETER_MISSING');
  });

  it('take the first of several values', async () => {
    const answer = await call(`${node.group}/get_file_info?md5=${md5}&md5=${digest('md5', 'x')}`);
    expect(dataOf<FileInfo>(answer).md5).toBe(md5);
  });
});

describe('folders', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await startNode();
    for (const [folder, name] of [
      ['list', 'b.txt'],
      ['list', 'a.txt'],
      ['list/sub', 'c.txt'],
      ['list/sub/deep', 'd.txt'],
      ['list', '中文.txt'],
    ] as const) {
      await upload(node, `listed ${name}`, { fields: { path: folder, filename: name } });
    }
  });

  it.each(['list', '/group1/list', 'files/list', '/list/'])('are listed by list_dir?dir=%s', async (dir) => {
    const rows = dataOf<ListedEntry[]>(await call(`${node.group}/list_dir?dir=${dir}`));
    expect(rows.map(({ name, is_dir }) => [name, is_dir])).toEqual([
      ['sub', true],
      ['a.txt', false],
      ['b.txt', false],
      ['中文.txt', false],
    ]);
    expect(rows[1]).toEqual({
      name: 'a.txt',
      md5: digest('md5', 'listed a.txt'),
      path: '/group1/list/a.txt',
      size: 'listed a.txt'.length,
      mtime: expect.closeTo(Date.now() / 1000, -2),
      is_dir: false,
    });
  });

  it('are found from the root on, without the folders of the store itself', async () => {
    const rows = dataOf<ListedEntry[]>(await call(`${node.group}/list_dir`));
    expect(rows.map(({ name }) => name)).toEqual(['list']);
    expect((await listAll(node)).length).toBe(5);
  });

  it('that do not exist are refused', async () => {
    expectRefusal(await call(`${node.group}/list_dir?dir=none`), 404, 'FOLDER_NOT_FOUND');
    expectRefusal(await call(`${node.group}/list_dir?dir=../conf`), 400, 'PATH_INVALID');
  });

  it('go with their last file', async () => {
    const { path: stored } = await upload(node, 'last file', { fields: { path: 'gone/soon' } });
    await remove(node, stored);
    expectRefusal(await call(`${node.group}/list_dir?dir=gone`), 404, 'FOLDER_NOT_FOUND');
    expect(await readdir(path.join(node.dataDir, 'files'))).not.toContain('gone');
  });

  it('are pages whose links lead on', async () => {
    for (const target of ['/group1/list', '/group1/list/']) {
      const page = await call(`${node.origin}${target}`);
      expect(page.status).toBe(200);
      expect(page.headers['content-type']).toMatch(/^text\/html/);
      expect(page.headers['content-security-policy']).toContain("default-src 'none'");
      expect(page.text).not.toMatch(/<script/i);
      const links = [...page.text.matchAll(/href="([^"]+)"/g)].map((match) => match[1] ?? '');
      expect(links.length).toBe(5);
      for (const link of links) {
        expect((await call(new URL(link, `${node.origin}${target}`).href)).status, link).toBe(200);
      }
    }
  });

  it('show names as text, whatever they hold', async () => {
    const plain = await startNode({ enable_trim_file_name_special_char: false });
    const name = `<img src=x onerror=alert(1)>"'&.txt`;
    await upload(plain, 'markup', { fields: { path: 'x', filename: name } });
    const page = await call(`${plain.group}/x/`);
    expect(page.text).not.toContain('<img');
    const link = /<td><a href="([^"]+)"/.exec(page.text)?.[1] ?? '';
    expect((await call(`${plain.origin}${link.replaceAll('&#39;', "'")}`)).text).toBe('markup');
  });

  it('of many files are cut into pages that leave nothing out', async () => {
    const many = await startNode({ durability: 'os' });
    const names = Array.from({ length: 1050 }, (_, index) => `f${String(index).padStart(4, '0')}.txt`);
    for (let from = 0; from < names.length; from += 50) {
      const part = names.slice(from, from + 50);
      await Promise.all(part.map((name) => upload(many, name, { fields: { path: 'many', filename: name } })));
    }
    expect((await listAll(many, 'many')).map((entry) => entry.name)).toEqual(names);
    const seen: string[] = [];
    for (let target: string | undefined = `${many.group}/many/`; target !== undefined; ) {
      const page: Answer = await call(target);
      seen.push(...[...page.text.matchAll(/>(f\d{4}\.txt)</g)].map((match) => match[1] ?? ''));
      const next: string | undefined = /href="(\?[^"]+)"/
        .exec(page.text)?.[1]
        ?.replaceAll('&amp;', '&')
        .replaceAll('&#38;', '&');
      target = next === undefined ? undefined : new URL(next, target).href;
    }
    expect(seen).toEqual(names);
  });

  it('are not shown when show_dir is off, but files are', async () => {
    const closed = await startNode({ show_dir: false });
    const { path: stored } = await upload(closed, 'closed', { fields: { path: 'c' } });
    for (const target of ['/group1/c', '/group1/c/', '/group1/?list=1']) {
      expectRefusal(await call(`${closed.origin}${target}`), 403, 'LISTING_OFF');
    }
    expect((await download(closed, stored)).status).toBe(200);
    expect((await call(`${closed.group}/`)).text).not.toContain('list=1');
  });
});

describe('statistics', () => {
  it('follow uploads, overwrites and deletes', async () => {
    const node = await startNode({ enable_distinct_file: false });
    expect(await totals(node)).toEqual({ files: 0, bytes: 0 });
    await upload(node, '12345', { fields: { path: 's' } });
    expect(await totals(node)).toEqual({ files: 1, bytes: 5 });
    await upload(node, '1234567890', { fields: { path: 's' } });
    expect(await totals(node)).toEqual({ files: 1, bytes: 10 });
    await upload(node, '1234567890', { fields: { path: 't' } });
    expect(await totals(node)).toEqual({ files: 2, bytes: 20 });
    await remove(node, '/group1/s/a.txt');
    expect(await totals(node)).toEqual({ files: 1, bytes: 10 });
    await remove(node, '/group1/t/a.txt');
    expect(await totals(node)).toEqual({ files: 0, bytes: 0 });
  });

  it('have a row for each day and one for all, in three shapes', async () => {
    const node = await startNode();
    await upload(node, '123');
    const now = new Date();
    const two = (value: number) => String(value).padStart(2, '0');
    const date = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
    const rows = [
      { date, totalSize: 3, fileCount: 1 },
      { date: 'all', totalSize: 3, fileCount: 1 },
    ];
    expect(dataOf(await call(`${node.group}/stat`))).toEqual(rows);
    expect(json(await call(`${node.group}/stat?inner=1`))).toEqual(rows);
    expect(dataOf(await call(`${node.group}/stat?echart=1`))).toEqual({
      category: [date, 'all'],
      barCount: [1, 1],
      barSize: [3, 3],
    });
  });
});

describe('status', () => {
  it('tells the figures that clients of go-fastdfs read', async () => {
    const node = await startNode();
    await upload(node, 'status');
    const status = dataOf<Readonly<Record<string, unknown>>>(await call(`${node.group}/status`));
    expect(status).toMatchObject({
      'Fs.Local': node.origin,
      'Fs.PeerId': expect.stringMatching(/^[0-9a-f]{8}$/),
      'Fs.Peers': [],
      'Fs.FileStats': expect.arrayContaining([{ date: 'all', totalSize: 6, fileCount: 1 }]),
      'Fs.QueueFromPeers': 0,
      'Fs.QueueToPeers': 0,
      'Sys.NumCpu': expect.any(Number),
      'Sys.MemInfo': expect.objectContaining({ total: expect.any(Number) }),
      'Sys.DiskInfo': expect.objectContaining({ total: expect.any(Number), free: expect.any(Number) }),
    });
    expect(JSON.stringify(status)).not.toContain('test-admin-key');
  });
});

describe('the upload page', () => {
  const languages = [
    ['en', '<html lang="en">', 'Upload a file'],
    ['zh-CN,zh;q=0.9,en;q=0.8', '<html lang="zh-CN">', '上传文件'],
    ['fr, en;q=0.3, zh;q=0.7', '<html lang="zh-CN">', '上传文件'],
  ] as const;

  for (const target of ['/', '/group1', '/group1/', '/group1/upload.html']) {
    it.each(languages)(`stands at ${target} in the language of %s, without scripts`, async (accepted, lang, title) => {
      const node = await startNode();
      const page = await call(`${node.origin}${target}`, { headers: { 'accept-language': accepted } });
      expect(page.status).toBe(200);
      expect(page.text).toContain(lang);
      expect(page.text).toContain(title);
      expect(page.text).not.toMatch(/<script|javascript:|\son\w+=/i);
      expect(page.headers['content-security-policy']).toContain("form-action 'self'");
    });
  }

  it('has a form whose action takes what a browser sends from it', async () => {
    const node = await startNode();
    const page = await call(`${node.group}/upload.html`);
    const form = /<form action="([^"]+)" method="post" enctype="multipart\/form-data">/.exec(page.text);
    const names = [...page.text.matchAll(/<(?:input|select)[^>]* name="([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(names).toEqual(expect.arrayContaining(['file', 'scene', 'path', 'filename', 'output']));
    // A browser sends the empty fields too.
    const parts = names.map((name) =>
      name === 'file'
        ? { name, fileName: 'from a browser.txt', bytes: Buffer.from('from the form') }
        : { name, value: name === 'output' ? 'text' : '' },
    );
    const headers = { origin: node.origin, referer: `${node.group}/upload.html`, 'user-agent': 'Mozilla/5.0' };
    const encoded = encodeForm(parts);
    const answer = await call(`${node.origin}${form?.[1]}`, {
      method: 'POST',
      headers: { ...encoded.headers, ...headers },
      body: encoded.body,
    });
    expect(answer.status, answer.text).toBe(200);
    expect((await call(answer.text)).text).toBe('from the form');
  });

  it('is absent when it is switched off', async () => {
    const node = await startNode({ enable_web_upload: false });
    for (const target of ['/', '/group1', '/group1/', '/group1/upload.html']) {
      expectRefusal(await call(`${node.origin}${target}`), 404, 'ROUTE_NOT_FOUND');
    }
    expect((await upload(node, 'still works')).size).toBe(11);
  });

  it('speaks the language of the caller in refusals too', async () => {
    const node = await startNode();
    const answer = await call(`${node.group}/none.txt`, { headers: { 'accept-language': 'zh' } });
    expect(json<Envelope>(answer)).toMatchObject({ code: 'FILE_NOT_FOUND', message: '文件 none.txt 不存在' });
  });
});

describe('the probes', () => {
  it('say that the node lives, is ready, and what it measures', async () => {
    const node = await startNode();
    await upload(node, 'measured');
    expect(json(await call(`${node.origin}/healthz`))).toMatchObject({ status: 'ok' });
    expect(json(await call(`${node.origin}/readyz`))).toEqual({ status: 'ok', reasons: [] });
    const metrics = await call(`${node.origin}/metrics`);
    expect(metrics.headers['content-type']).toMatch(/^text\/plain/);
    expect(metrics.text).toMatch(/^shoal_files 1$/m);
    expect(metrics.text).toMatch(/^shoal_bytes 8$/m);
  });
});
