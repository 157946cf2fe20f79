/** The management actions of go-fastdfs on one node: what they answer, in every way that a client may ask. */
import { mkdir, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Level } from 'level';
import { beforeAll, describe, expect, it } from 'vitest';
import { keys } from '../../node-core/catalog/keys.ts';
import { dayOf } from '../../node-core/domain/days.ts';
import {
  call,
  dataOf,
  digest,
  type Envelope,
  expectRefusal,
  type FileInfo,
  json,
  listAll,
  totals,
  upload,
} from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';
import { parameterWays } from '../support/parameter-ways.ts';
import { storedFiles } from '../support/store-folder.ts';

const today = dayOf(Date.now());
const someDay = '20200102';

/** A row of `stat` and `repair_stat`. */
interface DayRow {
  readonly date: string;
  readonly totalSize: number;
  readonly fileCount: number;
}

describe('every way of asking', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await startNode({ enable_migrate: true });
    await upload(node, 'asked for', { name: 'asked.txt' });
  });

  const actions: readonly [string, Readonly<Record<string, string>>][] = [
    ['search', { kw: 'asked' }],
    ['get_md5s_by_date', { date: today }],
    ['repair_stat', { date: today }],
    ['backup', { date: today }],
    ['remove_empty_dir', {}],
    ['repair', { force: '1' }],
    ['repair_fileinfo', {}],
    ['sync', { date: today, force: '1' }],
    ['receive_md5s', { md5s: digest('md5', 'asked for') }],
    ['gen_google_code', { secret: 'JBSWY3DPEHPK3PXP' }],
    ['reload', { action: 'get', key: 'test-admin-key' }],
  ];
  for (const [way, send] of Object.entries(parameterWays)) {
    it.each(actions)(`is understood: ${way} of %s`, async (action, parameters) => {
      const answer = await send(`${node.group}/${action}`, parameters);
      expect(answer.status, answer.text).toBe(200);
      if (action === 'get_md5s_by_date') expect(answer.text).toBe(digest('md5', 'asked for'));
      else expect(json<Envelope>(answer).status).toBe('ok');
    });
  }

  const refused: readonly [string, string, number, string][] = [
    ['search', '', 400, 'PARAMETER_MISSING'],
    ['search', `kw=${'x'.repeat(256)}`, 400, 'PARAMETER_INVALID'],
    ['get_md5s_by_date', '', 400, 'PARAMETER_MISSING'],
    ['get_md5s_by_date', 'date=2026-01-01', 400, 'PARAMETER_INVALID'],
    ['repair_stat', '', 400, 'PARAMETER_MISSING'],
    ['repair_stat', 'date=20260231', 400, 'PARAMETER_INVALID'],
    ['backup', 'date=../../etc', 400, 'PARAMETER_INVALID'],
    ['sync', 'date=yesterday', 400, 'PARAMETER_INVALID'],
    ['receive_md5s', '', 400, 'PARAMETER_MISSING'],
    ['receive_md5s', 'md5s=abc,def', 400, 'DIGEST_INVALID'],
    ['syncfile_info', 'fileInfo=%7B%7D', 403, 'PEER_WORD_REFUSED'],
    ['syncfile_info', 'fileInfo=no-json', 403, 'PEER_WORD_REFUSED'],
    ['syncfile', '', 403, 'PEER_WORD_REFUSED'],
    ['gen_google_code', '', 400, 'PARAMETER_MISSING'],
    ['gen_google_code', 'secret=0189!', 400, 'PARAMETER_INVALID'],
    ['reload', 'action=get', 400, 'PARAMETER_MISSING'],
    ['reload', 'key=test-admin-key', 400, 'PARAMETER_MISSING'],
    ['reload', 'action=drop&key=test-admin-key', 400, 'PARAMETER_INVALID'],
  ];
  it.each(refused)('%s?%s is refused', async (action, query, status, code) => {
    expectRefusal(await call(`${node.group}/${action}?${query}`), status, code);
  });

  const managed = [
    'search',
    'repair_stat',
    'backup',
    'repair',
    'repair_fileinfo',
    'remove_empty_dir',
    'reload',
    'report',
  ];
  it.each([...managed, 'sync', 'get_md5s_by_date', 'gen_google_secret', 'gen_google_code', 'receive_md5s'])(
    '%s is for those who may manage only',
    async (action) => {
      const proxied = { 'x-forwarded-for': '203.0.113.9' };
      expectRefusal(await call(`${node.group}/${action}`, { headers: proxied }), 403, 'MANAGEMENT_REFUSED');
      const foreign = { origin: 'http://evil.example' };
      expectRefusal(await call(`${node.group}/${action}`, { headers: foreign }), 403, 'CROSS_SITE_REFUSED');
    },
  );

  it('is answered in the language of the caller', async () => {
    const headers = { 'accept-language': 'zh-CN' };
    expect(json<Envelope>(await call(`${node.group}/sync`, { headers })).message).toBe('没有其他节点,无需发送');
    expect(json<Envelope>(await call(`${node.group}/repair`, { headers })).message).toBe('已完成');
    const refusal = json<Envelope>(await call(`${node.group}/syncfile_info`, { headers }));
    expect(refusal.message).toContain('不采信');
  });
});

describe('search', () => {
  it('finds up to a hundred files by a part of their name, letter case aside', async () => {
    const node = await startNode();
    for (let number = 0; number < 105; number += 1) {
      await upload(node, `content ${number}`, { name: `Report${number}.txt`, fields: { path: `s/${number % 3}` } });
    }
    await upload(node, 'another', { name: '中文说明.txt' });
    const found = dataOf<FileInfo[]>(await call(`${node.group}/search?kw=rEPORT`));
    expect(found).toHaveLength(100);
    expect(found[0]).toMatchObject({ name: expect.stringMatching(/^Report/), offset: -1, peers: [node.origin] });
    const chinese = dataOf<FileInfo[]>(await call(`${node.group}/search?kw=${encodeURIComponent('说明')}`));
    expect(chinese.map(({ name }) => name)).toEqual(['中文说明.txt']);
    expect(dataOf(await call(`${node.group}/search?kw=nothing-like-it`))).toEqual([]);
  });
});

describe('repair_stat', () => {
  it('corrects a row that is wrong, and the sum', async () => {
    const node = await startNode();
    for (const content of ['1', '22', '333']) await upload(node, content);
    await node.node.stop();
    await tamper(node.dataDir, {
      [keys.day(today)]: '{"bytes":999,"files":7}',
      [keys.day('all')]: '{"bytes":1,"files":1}',
    });
    const again = await startNode({}, node.dataDir);
    const row = dataOf<DayRow>(await call(`${again.group}/repair_stat?date=${today}`));
    expect(row).toEqual({ date: today, totalSize: 6, fileCount: 3 });
    expect(await totals(again)).toEqual({ files: 3, bytes: 6 });
  });

  it('removes the row of a day without files, and answers zeros for it', async () => {
    const node = await startNode();
    await node.node.stop();
    await tamper(node.dataDir, { [keys.day(someDay)]: '{"bytes":999,"files":7}' });
    const again = await startNode({}, node.dataDir);
    const row = dataOf<DayRow>(await call(`${again.group}/repair_stat?date=${someDay}`));
    expect(row).toEqual({ date: someDay, totalSize: 0, fileCount: 0 });
    const rows = dataOf<DayRow[]>(await call(`${again.group}/stat`));
    expect(rows.map(({ date }) => date)).not.toContain(someDay);
  });

  it('stays right while files come and go, however many ask for it', async () => {
    const node = await startNode();
    const work: Promise<unknown>[] = [];
    for (let number = 0; number < 40; number += 1) {
      work.push(
        upload(node, `content ${number}`, { fields: { path: `busy/${number}` } }).then(({ path: stored }) =>
          number % 2 === 0 ? call(`${node.group}/delete?path=${stored}`) : undefined,
        ),
      );
      if (number % 5 === 0) work.push(call(`${node.group}/repair_stat?date=${today}`));
    }
    await Promise.all(work);
    const files = await listAll(node);
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    expect(await totals(node)).toEqual({ files: 20, bytes });
    const row = dataOf<DayRow>(await call(`${node.group}/repair_stat?date=${today}`));
    expect(row).toEqual({ date: today, totalSize: bytes, fileCount: 20 });
  });
});

describe('get_md5s_by_date', () => {
  it('names each content of the day once', async () => {
    const node = await startNode();
    for (const folder of ['a', 'b']) await upload(node, 'same', { fields: { path: folder } });
    await upload(node, 'other');
    const answer = await call(`${node.group}/get_md5s_by_date?date=${today}`);
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
    expect(answer.text.split(',').sort()).toEqual([digest('md5', 'same'), digest('md5', 'other')].sort());
    expect((await call(`${node.group}/get_md5s_by_date?date=${someDay}`)).text).toBe('');
  });
});

describe('remove_empty_dir', () => {
  it('removes empty folders at any depth, and nothing else', async () => {
    const node = await startNode();
    await upload(node, 'stays', { name: 'x.txt', fields: { path: 'full/of' } });
    const root = path.join(node.dataDir, 'files');
    const outside = path.join(node.dataDir, 'outside');
    for (const folder of ['empty', 'deep/er/still', 'full/none'])
      await mkdir(path.join(root, folder), { recursive: true });
    for (const own of ['_tmp/x', '_alt/x', '_trash/x', '_big/x', '_pack/x']) await mkdir(path.join(root, own));
    await mkdir(path.join(outside, 'inner'), { recursive: true });
    await mkdir(path.join(root, 'linked'));
    await symlink(outside, path.join(root, 'linked', 'link'));
    expect(dataOf(await call(`${node.group}/remove_empty_dir`))).toEqual({ removed: 5 });
    expect((await readdir(root)).sort()).toEqual([
      '.shoal-store',
      '_alt',
      '_big',
      '_damaged',
      '_pack',
      '_part',
      '_tmp',
      '_trash',
      'full',
      'linked',
    ]);
    expect(await readdir(path.join(root, 'full'))).toEqual(['of']);
    expect(await readdir(path.join(root, '_alt'))).toEqual(['x']);
    expect(await readdir(outside)).toEqual(['inner']);
  });

  it('keeps folders that somebody made in the listings', async () => {
    const node = await startNode();
    const made = await call(`${node.origin}/api/v1/folders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ path: 'made' }),
    });
    expect(made.status, made.text).toBeLessThan(300);
    await mkdir(path.join(node.dataDir, 'files', 'made'));
    await call(`${node.group}/remove_empty_dir`);
    const listed = dataOf<{ name: string }[]>(await call(`${node.group}/list_dir`));
    expect(listed.map(({ name }) => name)).toEqual(['made']);
  });

  it('does not get in the way of uploads into the same folders', async () => {
    const node = await startNode();
    const work: Promise<unknown>[] = [];
    for (let number = 0; number < 60; number += 1) {
      work.push(upload(node, `content ${number}`, { fields: { path: `busy/${number}/deep` } }));
      if (number % 3 === 0) work.push(call(`${node.group}/remove_empty_dir`));
    }
    await Promise.all(work);
    expect(await storedFiles(node.dataDir)).toHaveLength(60);
  });
});

describe('repair', () => {
  it('counts what is sound, missing and damaged, and mends what was only touched', async () => {
    const node = await startNode();
    for (const name of ['sound', 'missing', 'shorter', 'other', 'touched']) {
      await upload(node, `the ${name} file`, { name: `${name}.txt`, fields: { path: 'r' } });
    }
    const file = (name: string) => path.join(node.dataDir, 'files', 'r', `${name}.txt`);
    await rm(file('missing'));
    await rm(file('shorter'));
    await writeFile(file('shorter'), 'the');
    await rm(file('other'));
    await writeFile(file('other'), 'THE other file');
    await utimes(file('touched'), 1, 1);
    const report = { finished: true, checked: 5, sound: 2, missing: 1, damaged: 2, elsewhere: 0 };
    expect(dataOf(await call(`${node.group}/repair?force=1`))).toEqual(report);
    expect((await call(`${node.group}/r/touched.txt`)).text).toBe('the touched file');
    expectRefusal(await call(`${node.group}/r/other.txt`), 503, 'BYTES_DAMAGED');
  });

  it('says that the store is missing instead of counting everything as lost', async () => {
    const node = await startNode();
    await upload(node, 'on a disk that goes away');
    await rm(path.join(node.dataDir, 'files'), { recursive: true });
    expectRefusal(await call(`${node.group}/repair`), 503, 'STORE_MISSING');
  });
});

describe('sync, receive_md5s', () => {
  it('have nothing to do for a node that is alone', async () => {
    const node = await startNode();
    const sync = json<Envelope>(await call(`${node.group}/sync?date=${today}&force=1`));
    expect(sync).toEqual({ status: 'ok', message: 'no peers, nothing to send', data: { queued: 0 } });
    const md5s = json<Envelope>(await call(`${node.group}/receive_md5s?md5s=${digest('md5', 'x')}`));
    expect(md5s.data).toEqual({ queued: 0 });
  });
});

describe('one-time codes', () => {
  it('are those of authenticator apps', async () => {
    // RFC 6238, appendix B, at 59 seconds: 94287082, of which apps show six digits.
    const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
    const clock = { now: () => 59_000, monotonic: () => performance.now() };
    const node = await startNode({}, undefined, clock);
    for (const written of [secret, secret.toLowerCase(), 'GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ', `${secret}====`]) {
      const code = await call(`${node.group}/gen_google_code?secret=${encodeURIComponent(written)}`);
      expect(dataOf(code)).toBe('287082');
    }
  });

  it('have secrets that nobody guesses', async () => {
    const node = await startNode();
    const secrets = new Set<string>();
    for (let number = 0; number < 20; number += 1) {
      const secret = dataOf<string>(await call(`${node.group}/gen_google_secret`));
      expect(secret).toMatch(/^[A-Z2-7]{32}$/);
      secrets.add(secret);
      expect(dataOf(await call(`${node.group}/gen_google_code?secret=${secret}`))).toMatch(/^\d{6}$/);
    }
    expect(secrets.size).toBe(20);
  });
});

/** Writes into the catalogue of a node that is not running. */
async function tamper(dataDir: string, values: Readonly<Record<string, string>>): Promise<void> {
  const db = new Level<string, string>(path.join(dataDir, 'data', 'catalog'), {
    keyEncoding: 'utf8',
    valueEncoding: 'utf8',
  });
  await db.open();
  for (const [key, value] of Object.entries(values)) await db.put(key, value);
  await db.close();
}
