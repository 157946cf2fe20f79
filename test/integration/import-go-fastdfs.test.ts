/** `shoal import go-fastdfs`: everything that a stopped node served is served here, under the same URLs. */
import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ImportReport } from '../../node-core/index.ts';
import { digestsBelow, realStore, type Served, SourceStore } from '../support/go-fastdfs-store.ts';
import {
  call,
  dataOf,
  digest,
  download,
  expectRefusal,
  type FileInfo,
  remove,
  totals,
} from '../support/http-client.ts';
import { startNode, type TestNode, writeConfig } from '../support/node-in-process.ts';
import { runCommand, runToEnd, startNodeProcess } from '../support/node-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface JsonReport extends ImportReport {
  readonly dataFolder: string;
  readonly config: readonly { readonly key: string; readonly decision: string; readonly en: string }[];
}

const modes = ['--link', '--copy', '--in-place'] as const;

/** Runs the command and returns its report. */
async function importStore(source: string, dataDir: string, ...args: string[]) {
  const ended = await runToEnd(['import', 'go-fastdfs', source, '--data', dataDir, '--json', ...args]);
  expect(ended.stdout, ended.stderr).not.toBe('');
  return { code: ended.code, report: JSON.parse(ended.stdout) as JsonReport };
}

const dataDirOf = async (mode: string, source: string) => (mode === '--in-place' ? source : temporaryFolder());
const infoOf = async (node: Pick<TestNode, 'group'>, md5: string) =>
  dataOf<FileInfo>(await call(`${node.group}/get_file_info?md5=${md5}`));

async function expectServed(node: Pick<TestNode, 'origin' | 'group'>, file: Served): Promise<void> {
  const answer = await download(node, file.path);
  if (file.kind === 'deleted' || file.kind === 'missing') {
    expect([file.path, answer.status]).toEqual([file.path, 404]);
    expect((await call(`${node.group}/get_file_info?md5=${file.md5}`)).status).toBe(404);
    return;
  }
  expect([file.path, answer.status, answer.body.byteLength]).toEqual([file.path, 200, file.size]);
  expect(digest('md5', answer.body)).toBe(file.md5);
  const info = await infoOf(node, file.md5);
  expect([info.size, `/group1/${info.path}/${info.rename || info.name}`.replace('/files/', '/')]).toEqual([
    file.size,
    file.path,
  ]);
  if (file.id === undefined) return;
  expect(await infoOf(node, file.id)).toMatchObject({ md5: file.md5 });
  expect((await call(`${node.group}/big/upload/${file.id}`)).body).toEqual(answer.body);
}

describe('a store that a real node left', () => {
  for (const mode of modes) {
    it(`keeps URLs, digests and upload ids, and leaves the source alone (${mode})`, async () => {
      const { dir, served } = await realStore();
      const before = await digestsBelow(dir);
      const dataDir = await dataDirOf(mode, dir);
      const dry = await importStore(dir, dataDir, mode, '--dry-run');
      expect(await digestsBelow(dir)).toEqual(before);
      const { code, report } = await importStore(dir, dataDir, mode);
      const live = served.filter(({ kind }) => kind !== 'deleted' && kind !== 'missing');
      const expected = {
        state: 'finished',
        taken: { files: live.length, bytes: live.reduce((sum, { size }) => sum + size, 0) },
        known: 0,
        damaged: 0,
        reasons: { MISSING: 3 },
        uploadIds: 1,
      };
      expect([code, dry.code]).toEqual([0, 0]);
      expect(report).toMatchObject(expected);
      expect(dry.report).toMatchObject({ ...expected, dryRun: true });
      if (mode !== '--in-place') expect(await digestsBelow(dir)).toEqual(before);
      const node = await startNodeProcess(dataDir);
      for (const file of served) await expectServed(node, file);
      expect(await totals(node)).toEqual(report.taken);
      const days = dataOf<{ date: string }[]>(await call(`${node.group}/stat`));
      expect(days.map(({ date }) => date)).toEqual(['20261122', 'all']);
      // Again, while the node serves: nothing comes twice, and a dry run knows it.
      const dryAgain = await importStore(dir, dataDir, mode, '--dry-run');
      expect(dryAgain.report).toMatchObject({ taken: { files: 0 }, known: live.length, uploadIds: 1 });
      const again = await importStore(dir, dataDir, mode);
      expect(again.report).toMatchObject({ taken: { files: 0 }, known: live.length, uploadIds: 1 });
      expect(await totals(node)).toEqual(report.taken);
    });
  }

  it('says what becomes of each key of the configuration', async () => {
    const { dir } = await realStore();
    const dataDir = await temporaryFolder();
    const { report } = await importStore(dir, dataDir);
    const source = JSON.parse(await readFile(path.join(dir, 'conf', 'cfg.json'), 'utf8'));
    expect(report.config.map(({ key }) => key).sort()).toEqual(Object.keys(source).sort());
    const decisions = Object.fromEntries(report.config.map(({ key, decision }) => [key, decision]));
    expect(decisions).toMatchObject({
      admin_key: 'taken',
      show_dir: 'taken',
      download_domain: 'ignored',
      host: 'ignored',
      mail: 'changed',
      read_timeout: 'changed',
      queue_size: 'ignored',
    });
    const own = JSON.parse(await readFile(path.join(dataDir, 'conf', 'cfg.json'), 'utf8'));
    expect(own).toMatchObject({
      admin_key: source.admin_key,
      enable_merge_small_file: true,
      host: '',
      download_domain: '',
      peer_id: '',
      mail: { user: '', password: '', host: '' },
    });
    const text = await runToEnd(['import', 'go-fastdfs', dir, '--data', await temporaryFolder()], {
      LANG: 'zh_CN.UTF-8',
    });
    expect(text.stdout).toMatch(/download_domain: 忽略/);
    expect(text.stdout).toMatch(/已收录: 46 个文件/);
  });
});

describe('what is wrong with a store', () => {
  /** One of everything. */
  async function oddStore(): Promise<SourceStore> {
    const store = await SourceStore.begin({ enable_merge_small_file: true });
    await store.add('docs/good.txt', 'good', { name: 'a better name.txt' });
    await store.add('docs/longer.txt', 'longer than it was', { size: 4, md5: store.digest('long') });
    await store.add('docs/rotten.txt', 'rotten', { md5: store.digest('fresher') });
    await store.addBytes('by-hand/no record.txt', 'put there by hand');
    await store.addBytes('default/deleted but there.txt', 'gone');
    store.noteRemoved('default/deleted but there.txt', store.digest('gone'));
    store.addRecord('default/at a peer.txt', { md5: store.digest('elsewhere'), size: 9, offset: -1 });
    await store.addMerged('7/101', 'live');
    await store.addMerged('7/101', 'deleted', {}, '0');
    await store.addMerged('7/101', 'damaged', { md5: store.digest('sound') });
    store.addRecord('haystack/9/5,100,20,.txt', {
      md5: store.digest('x'),
      size: 20,
      offset: 100,
      name: 'of a peer.txt',
    });
    store.put('not a record', 'just text');
    store.put(
      store.digest('older'),
      JSON.stringify({ name: 'good.txt', rename: '', path: 'files/docs', md5: store.digest('older'), size: 5 }),
    );
    await store.addBytes('names/back\\slash.txt', 'no path elsewhere');
    await symlink('/etc/hostname', path.join(store.dir, 'files', 'names', 'link'));
    store.addUploadId('0123456789abcdef0123456789abcdef', 'docs/good.txt', { md5: store.digest('good'), size: 4 });
    store.addUploadId('ffffffffffffffffffffffffffffffff', 'docs/gone.txt', { md5: store.digest('what'), size: 4 });
    await mkdir(path.join(store.dir, 'files', '_big', '7'), { recursive: true });
    await writeFile(path.join(store.dir, 'files', '_big', '7', 'unfinished.bin'), 'half');
    await store.close();
    return store;
  }

  for (const mode of modes) {
    it(`is told file by file, and never served (${mode})`, async () => {
      const store = await oddStore();
      const dataDir = await dataDirOf(mode, store.dir);
      const { code, report } = await importStore(store.dir, dataDir, mode);
      expect(code).toBe(1);
      expect(report).toMatchObject({
        state: 'finished',
        taken: { files: 3 },
        damaged: 3,
        uploadIds: 1,
        reasons: { DAMAGED: 3, MISSING: 2, DELETED: 2, RECORD_UNREADABLE: 1, REPLACED: 1, PATH_INVALID: 1, LINK: 1 },
      });
      const damaged = report.left.filter(({ reason }) => reason === 'DAMAGED').map((file) => file.path);
      expect(damaged.sort()).toEqual(['docs/longer.txt', 'docs/rotten.txt', 'haystack/7/101,13,8,.txt']);
      const node = await startNodeProcess(dataDir);
      const text = async (name: string) => {
        const answer = await download(node, `/group1/${name}`);
        return answer.status === 200 ? answer.text : answer.status;
      };
      expect(await text('docs/good.txt')).toBe('good');
      expect(await text('by-hand/no record.txt')).toBe('put there by hand');
      expect(await text('haystack/7/101,0,5,.txt')).toBe('live');
      for (const gone of [
        'docs/rotten.txt',
        'docs/longer.txt',
        'haystack/7/101,5,8,.txt',
        'default/deleted but there.txt',
      ])
        expect([gone, await text(gone)]).toEqual([gone, 404]);
      expect(await infoOf(node, store.digest('good'))).toMatchObject({
        name: 'a better name.txt',
        rename: 'good.txt',
        scene: 'default',
        timeStamp: 1_700_000_000,
      });
      expect((await call(`${node.group}/get_file_info?md5=ffffffffffffffffffffffffffffffff`)).status).toBe(404);
      if (mode !== '--in-place') return;
      // What only go-fastdfs understands is out of the way, and still there.
      const aside = path.join(dataDir, 'data', 'go-fastdfs');
      expect(await readFile(path.join(aside, '_big', '7', 'unfinished.bin'), 'utf8')).toBe('half');
      expect((await readFile(path.join(aside, 'haystack', '7', '101'), 'utf8')).startsWith('1live0deleted')).toBe(true);
      expect(report.setAside).toEqual(expect.arrayContaining(['files/_big', 'files/haystack']));
    });
  }

  it('keeps deleted what was deleted here after it came in', async () => {
    const store = await SourceStore.begin();
    await store.add('a/x.txt', 'x');
    const merged = await store.addMerged('7/1', 'small');
    const dataDir = await temporaryFolder();
    const source = await store.close();
    await importStore(source, dataDir);
    const node = await startNodeProcess(dataDir);
    for (const name of ['a/x.txt', merged]) expect((await remove(node, `/group1/${name}`)).status).toBe(200);
    const { code, report } = await importStore(source, dataDir);
    expect([code, report.taken.files, report.reasons]).toEqual([0, 0, { REMOVED_HERE: 2 }]);
    expect((await download(node, '/group1/a/x.txt')).status).toBe(404);
  });

  it('checks sha1 digests where the source has those', async () => {
    const store = await SourceStore.begin({ file_sum_arithmetic: 'sha1' });
    await store.add('a/x.txt', 'content');
    await store.add('a/bad.txt', 'bad', { md5: store.digest('good') });
    const source = await store.close();
    const dataDir = await temporaryFolder();
    expect((await importStore(source, dataDir)).report).toMatchObject({ taken: { files: 1 }, damaged: 1 });
    const node = await startNodeProcess(dataDir);
    expect(await infoOf(node, digest('sha1', 'content'))).toMatchObject({ md5: digest('sha1', 'content'), size: 7 });
    await node.kill('SIGTERM');
    // Into a node that computes md5: the old look-ups go on working.
    const other = await temporaryFolder();
    await writeConfig(other, { file_sum_arithmetic: 'md5' });
    expect((await importStore(source, other)).report).toMatchObject({ taken: { files: 1 }, damaged: 1 });
    const otherNode = await startNodeProcess(other);
    expect((await infoOf(otherNode, digest('sha1', 'content'))).size).toBe(7);
  });
});

describe('hard links to the source', () => {
  it('share the bytes, and nothing of ours is ever linked to them', async () => {
    const store = await SourceStore.begin();
    await store.add('a/shared.bin', 'the same bytes');
    const source = await store.close();
    const dataDir = await temporaryFolder();
    await importStore(source, dataDir, '--link');
    const foreign = path.join(source, 'files', 'a', 'shared.bin');
    const inode = async (file: string) => (await stat(file)).ino;
    expect(await inode(path.join(dataDir, 'files', 'a', 'shared.bin'))).toBe(await inode(foreign));
    const node = await startNodeProcess(dataDir);
    const { upload } = await import('../support/http-client.ts');
    await upload(node, 'the same bytes', { name: 'ours.bin', fields: { path: 'b' } });
    // Not by the way of the trash either.
    await remove(node, '/group1/a/shared.bin');
    const trash = JSON.parse((await call(`${node.origin}/api/v1/trash`)).text) as { entries: { id: string }[] };
    const body = JSON.stringify({ id: trash.entries[0]?.id });
    expect((await call(`${node.origin}/api/v1/trash/restore`, { method: 'POST', body })).status).toBe(200);
    await upload(node, 'the same bytes', { name: 'third.bin', fields: { path: 'b' } });
    for (const name of ['ours.bin', 'third.bin'])
      expect(await inode(path.join(dataDir, 'files', 'b', name))).not.toBe(await inode(foreign));
    await writeFile(foreign, 'THE SAME BYTES');
    expect((await download(node, '/group1/b/ours.bin')).text).toBe('the same bytes');
    // By now it shares its bytes with ours instead.
    expect((await download(node, '/group1/a/shared.bin')).text).toBe('the same bytes');
  });
});

describe('a source that cannot be read now', () => {
  it('is refused while a process of either kind holds its database', async () => {
    const store = await SourceStore.begin();
    await store.add('a/x.txt', 'x');
    const source = await store.close();
    const database = path.join(source, 'data', 'fileserver.db');
    // flock(2), as the Go implementation locks, and fcntl(2), as the C++ one does.
    const holders = [
      ['flock', ['--exclusive', path.join(database, 'LOCK'), 'sh', '-c', 'echo held; exec cat']],
      [
        process.execPath,
        [
          '-e',
          `const { ClassicLevel } = require('classic-level'); const db = new ClassicLevel(${JSON.stringify(database)});
           db.open().then(() => { console.log('held'); process.stdin.resume().on('end', () => db.close()); });`,
        ],
      ],
    ] as const;
    // flock(1) is of Linux; the kernel's locks of the other kind are asked for in the same way elsewhere.
    for (const [command, args] of process.platform === 'linux' ? holders : holders.slice(1)) {
      const holder = spawn(command, [...args], { stdio: ['pipe', 'pipe', 'inherit'] });
      await new Promise((resolve, reject) => {
        holder.once('error', reject);
        holder.stdout.once('data', resolve);
      });
      const dataDir = await temporaryFolder();
      const ended = await runToEnd(['import', 'go-fastdfs', source, '--data', dataDir]);
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expect(ended.stderr).toMatch(/^shoal: a go-fastdfs node is running on [^\n]*\(stop it, or copy[^\n]*\n$/);
      expect(await readdir(dataDir)).toEqual([]);
      holder.stdin.end();
      await new Promise((resolve) => holder.once('close', resolve));
    }
    expect((await importStore(source, await temporaryFolder())).report.taken.files).toBe(1);
  });

  it('is refused in one line when it is no store, or stands in the way of itself', async () => {
    const { dir } = await realStore();
    const empty = await temporaryFolder();
    const cases: readonly (readonly [string[], RegExp])[] = [
      [['go-fastdfs', empty], /it has no folder files/],
      [['go-fastdfs', path.join(empty, 'nowhere')], /it has no folder files/],
      [['go-fastdfs', dir, '--data', dir], /--in-place/],
      [['go-fastdfs', dir, '--data', path.join(dir, 'files', 'new')], /--in-place/],
      [['go-fastdfs', dir, '--link', '--copy'], /does not go together/],
      [['go-fastdfs'], /needs a folder/],
      [['something', dir], /import go-fastdfs <dir> or import folder <dir>/],
      [['go-fastdfs', dir, '--into', 'x'], /keep their paths/],
      [['go-fastdfs', dir, '--nonsense'], /--nonsense/],
    ];
    const before = await digestsBelow(dir);
    for (const [args, words] of cases) {
      const dataDir = args.includes('--data') ? [] : ['--data', path.join(empty, 'data')];
      const ended = await runToEnd(['import', ...args, ...dataDir]);
      expect([args, ended.code]).toEqual([args, 1]);
      expect(ended.stderr).toMatch(/^shoal: [^\n]*\n$/);
      expect(ended.stderr).toMatch(words);
    }
    expect(await digestsBelow(dir)).toEqual(before);
  });

  it('tells a database that cannot be read, and reads one whose log was cut', async () => {
    const store = await SourceStore.begin();
    for (let number = 0; number < 50; number += 1) await store.add(`a/${number}.txt`, `content ${number}`);
    const source = await store.close();
    const database = path.join(source, 'data', 'fileserver.db');
    const log = (await readdir(database)).find((name) => name.endsWith('.log')) ?? '';
    await truncate(path.join(database, log), Math.floor((await stat(path.join(database, log))).size / 2));
    // What is left without a record is taken as what it is.
    expect((await importStore(source, await temporaryFolder())).report).toMatchObject({
      state: 'finished',
      taken: { files: 50 },
    });
    await rm(database, { recursive: true });
    await mkdir(database);
    await writeFile(path.join(database, 'CURRENT'), 'nonsense');
    const ended = await runToEnd(['import', 'go-fastdfs', source, '--data', await temporaryFolder()]);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/cannot be imported/);
  });
});

describe('an import that is cut', () => {
  for (const mode of modes) {
    it(`goes on where it was: nothing lost, nothing twice (${mode})`, async () => {
      const store = await SourceStore.begin();
      const count = 400;
      for (let number = 0; number < count; number += 1)
        await store.add(`many/${number % 9}/${number}.txt`, `content ${number}`);
      for (let number = 0; number < 40; number += 1) await store.addMerged('7/3', `small ${number}`);
      const source = await store.close();
      const dataDir = await dataDirOf(mode, source);
      let taken = 0;
      for (let cut = 0; taken < count && cut < 40; cut += 1) {
        const running = runCommand(['import', 'go-fastdfs', source, mode, '--data', dataDir]);
        // Killed a little later each time, wherever that is.
        const patience = new Promise((resolve) => setTimeout(resolve, 600 + cut * 200));
        const ended = await Promise.race([running.ended, patience.then(() => running.kill('SIGKILL'))]);
        taken = ended.code === 0 ? count : 0;
      }
      const { report } = await importStore(source, dataDir, mode);
      expect(report).toMatchObject({
        state: 'finished',
        taken: { files: 0 },
        known: count + 40,
        damaged: 0,
        skipped: 0,
      });
      const node = await startNodeProcess(dataDir);
      expect((await totals(node)).files).toBe(count + 40);
      for (const number of [0, 123, count - 1])
        expect((await download(node, `/group1/many/${number % 9}/${number}.txt`)).text).toBe(`content ${number}`);
      expect(await readdir(path.join(dataDir, 'files', '_tmp'))).toEqual([]);
      expect((await readdir(path.join(dataDir, 'data'))).filter((name) => name.startsWith('import-copy-'))).toEqual([]);
    });
  }
});

describe('imports of a running node', () => {
  it('run one at a time, tell how far they are, and can be stopped', async () => {
    const store = await SourceStore.begin();
    for (let number = 0; number < 300; number += 1) await store.add(`many/${number}.txt`, `content ${number}`);
    const source = await store.close();
    const node = await startNode();
    const body = JSON.stringify({ kind: 'go-fastdfs', source, mode: 'copy' });
    const begin = () => call(`${node.origin}/api/v1/imports`, { method: 'POST', body });
    const [first, second] = await Promise.all([begin(), begin()]);
    expect([first.status, second.status].sort()).toEqual([200, 409]);
    const stopped = JSON.parse((await call(`${node.origin}/api/v1/imports`, { method: 'DELETE' })).text);
    expect(['stopped', 'finished']).toContain(stopped.import.state);
    expect((await begin()).status).toBe(200);
    await node.node.stop();
    const again = await startNode({}, node.dataDir);
    expect((await importStore(source, again.dataDir)).report).toMatchObject({ state: 'finished' });
    expect((await totals(again)).files).toBe(300);
  });

  it('are for callers on the host only, and name folders in full', async () => {
    const node = await startNode({ admin_ips: ['10.0.0.0/8'], trusted_proxies: ['127.0.0.1'] });
    const begin = (source: string, headers = {}, at = node) =>
      call(`${at.origin}/api/v1/imports`, {
        method: 'POST',
        body: JSON.stringify({ kind: 'folder', source, mode: 'copy' }),
        headers,
      });
    expectRefusal(await begin('/etc', { 'x-forwarded-for': '10.1.1.1' }), 403, 'HOST_ONLY');
    const open = await startNode();
    for (const source of ['etc', '/no/such/folder', open.dataDir, path.join(open.dataDir, 'files')])
      expectRefusal(await begin(source, {}, open), 400, 'SOURCE_UNUSABLE');
    expect(await totals(open)).toEqual({ files: 0, bytes: 0 });
  });
});
