import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  call,
  dataOf,
  digest,
  download,
  type Envelope,
  expectRefusal,
  type FileInfo,
  json,
  sendUpload,
  totals,
  type UploadAnswer,
  upload,
} from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';
import { stagedNames, storedFiles } from '../support/store-folder.ts';

const outputs = ['text', 'json', 'json2'] as const;

describe('the answer of an upload', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await startNode();
  });

  for (const output of outputs) {
    for (const place of ['fields', 'fieldsAfter'] as const) {
      // Clients put fields before or behind the file; both orders mean the same.
      it(`has the shape of output=${output} with the fields ${place === 'fields' ? 'before' : 'behind'} the file`, async () => {
        const content = `${output} ${place}`;
        const fields = { output, scene: 'pics', path: `out/${output}/${place}`, filename: 'named.txt' };
        const answer = await sendUpload(node, content, { name: 'sent.txt', [place]: fields });
        expect(answer.status, answer.text).toBe(200);
        const stored = `/group1/out/${output}/${place}/named.txt`;
        const url = `${node.origin}${stored}?name=sent.txt&download=1`;
        if (output === 'text') {
          expect(answer.text).toBe(url);
          expect(answer.headers['content-type']).toMatch(/^text\/plain/);
        } else {
          const found = output === 'json' ? json<UploadAnswer>(answer) : dataOf<UploadAnswer>(answer);
          expect(found).toEqual({
            url,
            md5: digest('md5', content),
            path: stored,
            domain: node.origin,
            scene: 'pics',
            size: content.length,
            mtime: expect.closeTo(Date.now() / 1000, -2),
            scenes: 'pics',
            retmsg: '',
            retcode: 0,
            src: stored,
          });
          expect(Number.isInteger(found.mtime)).toBe(true);
        }
        expect((await call(url)).text).toBe(content);
      });
    }
  }

  it('names a dated folder of the scene and of this node when no path is given', async () => {
    const { path: stored } = await upload(node, 'dated', { name: 'h.txt', fields: { scene: 'pics' } });
    expect(stored).toMatch(/^\/group1\/pics\/\d{8}\/\d\d\/\d\d\/[0-9a-f]{8}\/h\.txt$/);
    const other = await upload(node, 'dated too', { name: 'h.txt' });
    expect(other.path).toMatch(/^\/group1\/default\//);
    expect(other.scene).toBe('default');
  });

  it('takes the scene from the field scenes as well', async () => {
    const answer = await upload(node, 'scenes field', { fields: { scenes: 'films' } });
    expect(answer.path).toMatch(/^\/group1\/films\//);
  });

  it('refuses an output that does not exist, wherever it stands, and stores nothing', async () => {
    const before = await totals(node);
    for (const place of ['fields', 'fieldsAfter'] as const) {
      expectRefusal(await sendUpload(node, `xml ${place}`, { [place]: { output: 'xml' } }), 400, 'OUTPUT_UNKNOWN');
    }
    expect(await totals(node)).toEqual(before);
    expect(await stagedNames(node.dataDir)).toEqual([]);
  });

  it('works with the form encoder of the platform', async () => {
    const form = new FormData();
    form.set('output', 'json');
    form.set('path', 'platform');
    form.set('file', new Blob(['from fetch']), '平台.txt');
    const response = await fetch(`${node.group}/upload`, { method: 'POST', body: form });
    const answer = (await response.json()) as UploadAnswer;
    expect(answer.path).toBe('/group1/platform/平台.txt');
    expect(await (await fetch(answer.url)).text()).toBe('from fetch');
  });

  it('keeps the folder of a custom path, whatever slashes stand around it', async () => {
    for (const given of ['slashes/a', '/slashes/a/', '//slashes//a//']) {
      const answer = await upload(node, `path ${given}`, { fields: { path: given, filename: `${given.length}.txt` } });
      expect(answer.path).toBe(`/group1/slashes/a/${given.length}.txt`);
    }
  });

  it('checks the announced md5 and stores nothing on a mismatch', async () => {
    const before = await totals(node);
    const content = 'announced';
    const wrong = await sendUpload(node, content, { fieldsAfter: { md5: digest('md5', 'something else') } });
    expectRefusal(wrong, 400, 'DIGEST_MISMATCH');
    expectRefusal(await sendUpload(node, content, { fields: { md5: 'not a digest' } }), 400, 'DIGEST_INVALID');
    expect(await totals(node)).toEqual(before);
    expect(await stagedNames(node.dataDir)).toEqual([]);
    for (const announced of [digest('md5', content), digest('md5', content).toUpperCase()]) {
      expect((await upload(node, content, { fields: { md5: announced } })).md5).toBe(digest('md5', content));
    }
  });

  it('fault 23: addresses follow the Host of each request and never stick', async () => {
    const content = 'host of the request';
    const first = await upload(node, content, { headers: { host: 'first.example:81' } });
    expect(first.url).toMatch(/^http:\/\/first\.example:81\/group1\//);
    expect(first.domain).toBe('http://first.example:81');
    const second = await upload(node, content, { headers: { host: 'second.example' } });
    expect(second.url).toBe(first.url.replace('first.example:81', 'second.example'));
    const instant = await call(`${node.group}/upload?md5=${first.md5}&output=json`, {
      headers: { host: 'third.example' },
    });
    expect(json<UploadAnswer>(instant).domain).toBe('http://third.example');
    const record = await call(`${node.group}/check_file_exist?md5=${first.md5}`, {
      headers: { host: 'fourth.example' },
    });
    expect(json<FileInfo>(record).peers).toEqual(['http://fourth.example']);
  });

  it('never repeats a Host header that is no host', async () => {
    for (const host of ['evil.example/"><script>', 'a b', 'user@evil.example', 'evil.example:port', 'x'.repeat(300)]) {
      const answer = await sendUpload(node, `hostile ${host}`, { fields: { output: 'json' }, headers: { host } });
      if (answer.status === 400) continue;
      const { url, domain } = json<UploadAnswer>(answer);
      if (!/^x+$/.test(host)) expect(domain, host).toBe(node.origin);
      expect(() => new URL(url)).not.toThrow();
      expect(url).not.toMatch(/[<>"\s@]/);
    }
  });

  it('is the same for GET without anything: the form, never an error page', async () => {
    const answer = await call(`${node.group}/upload`);
    expect(answer.status).toBe(303);
    expect(answer.headers.location).toBe('/group1/upload.html');
  });
});

describe('names and places', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await startNode();
  });

  const names: readonly (readonly [sent: string, stored: string])[] = [
    ['plain.txt', 'plain.txt'],
    ['中文 文件.txt', '中文文件.txt'],
    ['a (1) [x] {y}.txt', 'a1xy.txt'],
    ['what?*<>|.txt', 'what.txt'],
    ['C:\\Users\\me\\photo.jpg', 'photo.jpg'],
    ['../../up.txt', 'up.txt'],
    ['tab\tname.txt', 'tabname.txt'],
    ['e\u0301.txt', 'é.txt'],
    ['no-extension', 'noextension'],
  ];
  it.each(names)('stores the upload %j as %j', async (sent, stored) => {
    const answer = await upload(node, `content of ${sent}`, { name: sent, fields: { path: 'names' } });
    expect(answer.path).toBe(`/group1/names/${stored}`);
    expect((await download(node, answer.path)).text).toBe(`content of ${sent}`);
    expect((await call(answer.url)).text).toBe(`content of ${sent}`);
  });

  it('fault 8: names that trimming makes equal do not collide', async () => {
    const sent = ['a b.txt', 'a-b.txt', 'a(b).txt', 'ab.txt', '---.txt', '   .txt'];
    const answers = [];
    for (const name of sent) answers.push(await upload(node, `trim ${name}`, { name, fields: { path: 'trim' } }));
    expect(new Set(answers.map((answer) => answer.path)).size).toBe(sent.length);
    for (const [index, answer] of answers.entries()) {
      expect((await download(node, answer.path)).text).toBe(`trim ${sent[index]}`);
      expect(answer.path).toMatch(/\.txt$/);
    }
  });

  it('fault 8: keeps names as they are when trimming is off', async () => {
    const plain = await startNode({ enable_trim_file_name_special_char: false });
    for (const name of ['a b.txt', 'a-b (1) [x].txt', "it's #1 & 100%.txt", '空 格.txt']) {
      const answer = await upload(plain, `kept ${name}`, { name, fields: { path: 'kept' } });
      expect(answer.path).toBe(`/group1/kept/${name}`);
      expect((await call(answer.url)).text).toBe(`kept ${name}`);
    }
  });

  it('fault 2: a collision of names given by the client leaves each URL with its own content', async () => {
    const fields = { path: 'collide', filename: 'same.txt' };
    const answers = [];
    for (const content of ['first', 'second', 'third']) answers.push(await upload(node, content, { fields }));
    expect(answers.map((answer) => answer.path)).toEqual([
      '/group1/collide/same.txt',
      '/group1/collide/0_same.txt',
      '/group1/collide/1_same.txt',
    ]);
    for (const [index, content] of ['first', 'second', 'third'].entries()) {
      expect((await download(node, answers[index]?.path ?? '')).text).toBe(content);
      const info = json<FileInfo>(await call(`${node.group}/check_file_exist?md5=${digest('md5', content)}`));
      expect(`/group1/${info.path.replace('files/', '')}/${info.rename || info.name}`).toBe(answers[index]?.path);
    }
  });

  const escapes: readonly (readonly [field: string, value: string])[] = [
    ['scene', '../outside'],
    ['scene', '..'],
    ['scene', 'a/../../outside'],
    ['scene', '/etc'],
    ['scene', 'a\0b'],
    ['scene', '_tmp'],
    ['path', '../../outside'],
    ['path', 'a/../../../outside'],
    ['path', '/../outside'],
    ['path', '..\\..\\outside'],
    ['path', '.'],
    ['path', '_trash'],
    ['path', '_TMP/x'],
    ['path', '/tmp/shoal-outside'],
    ['path', 'a\0b'],
    ['filename', '../../outside.txt'],
    ['filename', '..\\..\\outside.txt'],
    ['filename', '/etc/outside.txt'],
    ['filename', '..'],
    ['filename', '.'],
    ['filename', 'a/'],
    ['filename', 'nul\0.txt'],
  ];
  it.each(escapes)('fault 3: %s=%j stays inside the store or is refused', async (field, value) => {
    const outside = path.dirname(node.dataDir);
    const before = { around: await readdir(outside), inside: await readdir(node.dataDir) };
    const known = await storedFiles(node.dataDir);
    const answer = await sendUpload(node, `escape ${field} ${value}`, { fields: { output: 'json', [field]: value } });
    const stored = await storedFiles(node.dataDir);
    if (answer.status === 200) {
      const { path: where } = json<UploadAnswer>(answer);
      expect(where).not.toMatch(/(^|\/)\.\.?(\/|$)|\\/);
      expect(stored).toContain(where.replace('/group1/', ''));
      expect((await download(node, where)).text).toBe(`escape ${field} ${value}`);
    } else {
      expect(answer.status, answer.text).toBe(400);
      expect(json<Envelope>(answer).code).toMatch(/^PATH_/);
      expect(stored).toEqual(known);
    }
    // Other tests make folders of their own beside this one: only names that this upload could have made count.
    const made = (await readdir(outside)).filter((name) => !before.around.includes(name) && /outside/.test(name));
    expect(made).toEqual([]);
    expect(await readdir(node.dataDir)).toEqual(before.inside);
    expect(await stagedNames(node.dataDir)).toEqual([]);
  });

  it('gives every upload a name of its own with rename_file, and keeps extension and shown name', async () => {
    const renaming = await startNode({ rename_file: true });
    const one = await upload(renaming, 'renamed one', { name: 'holiday photo.JPG', fields: { path: 'r' } });
    const two = await upload(renaming, 'renamed two', { name: 'holiday photo.JPG', fields: { path: 'r' } });
    expect(one.path).toMatch(/^\/group1\/r\/[0-9a-f]{32}\.JPG$/);
    expect(two.path).not.toBe(one.path);
    expect(new URL(one.url).searchParams.get('name')).toBe('holiday photo.JPG');
    expect((await download(renaming, two.path)).text).toBe('renamed two');
  });

  it('ignores path when custom paths are off', async () => {
    const strict = await startNode({ enable_custom_path: false });
    const answer = await upload(strict, 'no custom path', { fields: { path: 'mine' } });
    expect(answer.path).toMatch(/^\/group1\/default\/\d{8}\//);
  });

  it('accepts only configured scenes when there are any', async () => {
    const scenes = await startNode({ scenes: ['pics', 'films:JBSWY3DPEHPK3PXP'], default_scene: 'main' });
    for (const scene of ['pics', 'films', 'main']) {
      expect((await upload(scenes, `scene ${scene}`, { fields: { scene } })).scene).toBe(scene);
    }
    expectRefusal(await sendUpload(scenes, 'x', { fields: { scene: 'others' } }), 400, 'SCENE_UNKNOWN');
  });

  it('accepts only configured extensions, in any case, also for the name that is asked for', async () => {
    const pictures = await startNode({ extensions: ['.jpg', '.PNG'] });
    for (const name of ['a.jpg', 'b.JPG', 'c.png', 'd.PnG']) {
      expect((await upload(pictures, `ext ${name}`, { name })).size).toBe(`ext ${name}`.length);
    }
    for (const name of ['a.exe', 'jpg', 'a.jpg.exe', 'a']) {
      expectRefusal(await sendUpload(pictures, `ext ${name}`, { name }), 415, 'EXTENSION_REFUSED');
    }
    const disguised = await sendUpload(pictures, 'disguised', { name: 'a.jpg', fields: { filename: 'a.exe' } });
    expectRefusal(disguised, 415, 'EXTENSION_REFUSED');
    expect(await stagedNames(pictures.dataDir)).toEqual([]);
  });

  it('refuses every change while read_only is on', async () => {
    const closed = await startNode({ read_only: true });
    expectRefusal(await sendUpload(closed, 'x'), 403, 'READ_ONLY');
    expectRefusal(await call(`${closed.group}/delete?path=/group1/a`), 403, 'READ_ONLY');
    expect(await storedFiles(closed.dataDir)).toEqual([]);
  });

  it('begins addresses with download_domain when there is one', async () => {
    const behind = await startNode({ download_domain: 'https://files.example.com', default_download: false });
    const answer = await upload(behind, 'domain', { fields: { path: 'd' }, headers: { host: 'other.example' } });
    expect(answer.url).toBe('https://files.example.com/group1/d/a.txt');
    expect(answer.domain).toBe('https://files.example.com');
  });

  it('leaves the group out of every address when groups are off', async () => {
    const flat = await startNode({ support_group_manage: false });
    const answer = await upload(flat, 'no group', { fields: { path: 'flat' } });
    expect(answer.path).toBe('/flat/a.txt');
    expect((await download(flat, '/flat/a.txt')).text).toBe('no group');
    expect((await call(`${flat.origin}/group1/flat/a.txt`)).status).toBe(404);
    expect((await call(`${flat.origin}/healthz`)).status).toBe(200);
    expect(dataOf(await call(`${flat.origin}/delete?path=/flat/a.txt`))).toBeNull();
    expect((await download(flat, '/flat/a.txt')).status).toBe(404);
  });

  it('answers below another group when it is configured', async () => {
    const other = await startNode({ group: 'team' });
    const answer = await upload(other, 'team', { fields: { path: 't' } });
    expect(answer.path).toBe('/team/t/a.txt');
    expect((await call(`${other.origin}/group1/t/a.txt`)).status).toBe(404);
  });

  it('fault 24: two nodes never share a peer id', async () => {
    const ids = new Set<string>();
    for (const each of await Promise.all([startNode(), startNode(), startNode()])) {
      const { path: stored } = await upload(each, 'peer id');
      const id = stored.split('/')[6] ?? '';
      expect(id).toMatch(/^[0-9a-f]{8}$/);
      ids.add(id);
    }
    expect(ids.size).toBe(3);
  });
});

describe('the same content again', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await startNode();
  });

  it('answers with the first address when nothing else was asked for', async () => {
    const first = await upload(node, 'twice', { name: 'one.txt' });
    const second = await upload(node, 'twice', { name: 'two.txt' });
    expect(second.path).toBe(first.path);
    expect(await totals(node)).toMatchObject({ files: 1 });
  });

  it('gives a named path an address of its own, with the bytes on disk once', async () => {
    const content = 'on disk once';
    const first = await upload(node, content, { fields: { path: 'links/a' } });
    const second = await upload(node, content, { fields: { path: 'links/b', filename: 'other.txt' } });
    expect([first.path, second.path]).toEqual(['/group1/links/a/a.txt', '/group1/links/b/other.txt']);
    const [one, two] = await Promise.all(
      ['links/a/a.txt', 'links/b/other.txt'].map((file) => stat(path.join(node.dataDir, 'files', file))),
    );
    expect(one?.ino).toBe(two?.ino);
    expect(one?.nlink).toBe(2);
    await call(`${node.group}/delete?path=${first.path}`);
    expect((await download(node, first.path)).status).toBe(404);
    expect((await download(node, second.path)).text).toBe(content);
  });

  it('is the same file when it comes to the same path', async () => {
    const before = await totals(node);
    const fields = { path: 'again' };
    const paths = [];
    for (let round = 0; round < 3; round += 1) paths.push((await upload(node, 'same place', { fields })).path);
    expect(new Set(paths)).toEqual(new Set(['/group1/again/a.txt']));
    expect(await totals(node)).toEqual({ files: before.files + 1, bytes: before.bytes + 'same place'.length });
  });

  it('fault 5: does not rely on a copy that has vanished from the disk', async () => {
    const content = 'vanished from the disk';
    const first = await upload(node, content, { name: 'v.txt' });
    await rm(path.join(node.dataDir, 'files', first.path.replace('/group1/', '')));
    const instant = await call(`${node.group}/upload?md5=${first.md5}&output=json`);
    expect(json<UploadAnswer>(instant).url).toBe('');
    expect(json<FileInfo>(await call(`${node.group}/check_file_exist?md5=${first.md5}`)).md5).toBe('');
    const again = await upload(node, content, { name: 'v.txt' });
    expect((await download(node, again.path)).text).toBe(content);
    expect((await download(node, first.path)).text).toBe(content);
  });

  it('fault 6: an empty file is a file', async () => {
    const before = await totals(node);
    const answer = await upload(node, '', { name: 'empty.txt', fields: { path: 'empty' } });
    expect(answer).toMatchObject({ path: '/group1/empty/empty.txt', size: 0, md5: digest('md5', '') });
    const found = await download(node, answer.path);
    expect({ status: found.status, length: found.headers['content-length'] }).toEqual({ status: 200, length: '0' });
    expect(await totals(node)).toEqual({ files: before.files + 1, bytes: before.bytes });
    const other = await upload(node, '', { name: 'other.txt', fields: { path: 'empty' } });
    expect((await download(node, other.path)).status).toBe(200);
  });
});

describe('different content at the same path', () => {
  it('gets a numbered name while enable_distinct_file is on', async () => {
    const node = await startNode({ enable_distinct_file: true });
    const paths = [];
    for (const content of ['a', 'b', 'a']) paths.push((await upload(node, content, { fields: { path: 'p' } })).path);
    expect(paths).toEqual(['/group1/p/a.txt', '/group1/p/0_a.txt', '/group1/p/a.txt']);
    expect((await download(node, '/group1/p/a.txt')).text).toBe('a');
    expect((await download(node, '/group1/p/0_a.txt')).text).toBe('b');
  });

  it('replaces the old while enable_distinct_file is off', async () => {
    const node = await startNode({ enable_distinct_file: false });
    for (const content of ['old', 'newer', 'newest', 'old']) {
      const answer = await upload(node, content, { fields: { path: 'p' } });
      expect(answer.path).toBe('/group1/p/a.txt');
      expect((await download(node, answer.path)).text).toBe(content);
      expect(await totals(node)).toEqual({ files: 1, bytes: content.length });
    }
    expect(await storedFiles(node.dataDir)).toEqual(['p/a.txt']);
  });
});

describe('instant upload', () => {
  const content = 'known content';
  let node: TestNode;
  let known: UploadAnswer;
  beforeAll(async () => {
    node = await startNode();
    known = await upload(node, content, { fields: { path: 'instant' } });
  });

  it('answers for known content as an upload does, in the three outputs', async () => {
    const ask = (output: string) => call(`${node.group}/upload?md5=${known.md5}&output=${output}`);
    expect((await ask('text')).text).toBe(known.url);
    expect(json(await ask('json'))).toEqual(known);
    expect(dataOf(await ask('json2'))).toEqual(known);
    expect((await call(`${node.group}/upload?md5=${known.md5}`)).text).toBe(known.url);
  });

  it('answers with nothing for unknown content, in the three outputs', async () => {
    const ask = (output: string) => call(`${node.group}/upload?md5=${digest('md5', 'unknown')}&output=${output}`);
    const text = await ask('text');
    expect({ status: text.status, text: text.text }).toEqual({ status: 200, text: '' });
    expect(json(await ask('json'))).toEqual({
      url: '',
      md5: '',
      path: '',
      domain: '',
      scene: '',
      size: 0,
      mtime: 0,
      scenes: '',
      retmsg: '',
      retcode: 0,
      src: '',
    });
    expect(json(await ask('json2'))).toEqual({ status: 'ok', message: '', data: null });
  });

  it('takes its parameters from a body as every action does', async () => {
    const body = new URLSearchParams({ md5: known.md5, output: 'json' }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(json(await call(`${node.group}/upload`, { method: 'POST', headers, body }))).toEqual(known);
  });

  it('refuses what is no digest', async () => {
    expectRefusal(await call(`${node.group}/upload?md5=xyz`), 400, 'DIGEST_INVALID');
  });

  it('forgets a content with its last path', async () => {
    const { md5, path: stored } = await upload(node, 'short-lived');
    await call(`${node.group}/delete?path=${encodeURIComponent(stored)}`);
    expect((await call(`${node.group}/upload?md5=${md5}`)).text).toBe('');
  });

  it('goes by sha1 when that is the digest of the interface', async () => {
    const other = await startNode({ file_sum_arithmetic: 'sha1' });
    const answer = await upload(other, content, { fields: { md5: digest('sha1', content) } });
    expect(answer.md5).toBe(digest('sha1', content));
    expect((await call(`${other.group}/upload?md5=${digest('sha1', content)}`)).text).toBe(answer.url);
  });
});
