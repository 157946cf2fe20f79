/** `shoal backup`, `shoal restore`, `shoal verify`. */
import { spawn } from 'node:child_process';
import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ClassicLevel } from 'classic-level';
import { describe, expect, it } from 'vitest';
import type { VerifyReport } from '../../node-core/index.ts';
import { digestsBelow } from '../support/go-fastdfs-store.ts';
import {
  call,
  digest,
  download,
  expectRefusal,
  listAll,
  remove,
  sendUpload,
  totals,
  upload,
} from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';
import { runToEnd, startNodeProcess } from '../support/node-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { idOf, uploadWhole } from '../support/tus-client.ts';

const command = path.join(import.meta.dirname, '..', '..', 'dist', 'node-core', 'shoal.cjs');

/** A node with packed, plain, equal, replaced, empty and deleted files, and a tus upload that became a file. */
async function filledNode(): Promise<{
  readonly node: TestNode;
  readonly paths: readonly string[];
  readonly tusId: string;
}> {
  const node = await startNode({ enable_merge_small_file: true, merge_small_file_limit: 100, show_dir: true });
  const large = Buffer.alloc(9 * 1024 * 1024 + 1, 'large');
  const paths: string[] = [];
  for (const [name, content] of [
    ['small.txt', 'small'],
    ['图片.txt', 'x'.repeat(500)],
    ['large.bin', large],
    ['large again.bin', large],
    ['small again.txt', 'small'],
    ['empty', ''],
  ] as const) {
    paths.push((await upload(node, content, { name, fields: { path: `d/${name.length}` } })).path);
  }
  const gone = await upload(node, 'gone', { name: 'gone.txt', fields: { path: 'd' } });
  await remove(node, gone.path);
  const tusId = idOf(await uploadWhole(node, 'y'.repeat(300), { filename: 'by tus.txt' }));
  return { node, paths, tusId };
}

/** What a node shows: every file with its digest, and the bytes that downloads give. */
async function shownBy(node: Pick<TestNode, 'origin' | 'group'>) {
  const shown: Record<string, unknown> = {};
  for (const { path: file, name, md5, size } of await listAll(node)) {
    const answer = await download(node, `/group1/${`${file}`.replace(/^\/?(group1\/)?(files\/)?/, '')}`);
    shown[`${file} ${name}`] = [
      md5,
      size,
      answer.status,
      answer.headers['last-modified'],
      answer.body.toString('base64').slice(0, 64),
    ];
  }
  return shown;
}

/** Runs the command with bytes on standard input, or from it. */
function pipe(
  args: readonly string[],
  input?: Buffer,
): Promise<{ code: number | null; output: Buffer; error: string }> {
  const child = spawn(process.execPath, [command, ...args], { stdio: 'pipe' });
  const chunks: Buffer[] = [];
  let error = '';
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    error += text;
  });
  // A refusal closes the pipe before everything is in.
  child.stdin.on('error', () => undefined).end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output: Buffer.concat(chunks), error }));
  });
}

/** Epochs of the versions of a path, or of all paths, in the catalogue of a node that does not run. */
async function epochsIn(dataDir: string, ofPath?: string): Promise<string[]> {
  const db = new ClassicLevel<string, string>(path.join(dataDir, 'data', 'catalog'));
  const epochs = new Set<string>();
  for await (const [key, text] of db.iterator({ gt: 'r\0', lt: 'r\u0001' })) {
    if (ofPath !== undefined && key !== `r\0${ofPath}`) continue;
    const { versions } = JSON.parse(text) as { versions: { dot: { epoch: string } }[] };
    for (const { dot } of versions) epochs.add(dot.epoch);
  }
  await db.close();
  return [...epochs];
}

async function nodeIdOf(node: Pick<TestNode, 'origin'>): Promise<string> {
  const { nodeId } = JSON.parse((await call(`${node.origin}/api/v1/health`)).text) as { nodeId: string };
  return nodeId;
}

describe('backup and restore', () => {
  for (const way of ['a folder', 'a stream'] as const) {
    it(`brings a running node back with its bytes, through ${way}`, async () => {
      const { node, paths, tusId } = await filledNode();
      const before = await shownBy(node);
      const backup = path.join(await temporaryFolder(), 'backup');
      const restored = path.join(await temporaryFolder(), 'restored');
      if (way === 'a folder') {
        const made = await runToEnd(['backup', backup, '--bytes', '--data', node.dataDir]);
        expect(made).toMatchObject({ code: 0, stdout: '' });
        expect((await stat(backup)).mode & 0o777).toBe(0o700);
        expect((await stat(path.join(backup, 'data', 'identity.pem'))).mode & 0o777).toBe(0o600);
        expect((await runToEnd(['restore', backup, '--data', restored])).code).toBe(0);
      } else {
        const made = await pipe(['backup', '-', '--bytes', '--data', node.dataDir]);
        expect(made.code, made.error).toBe(0);
        const back = await pipe(['restore', '-', '--data', restored], made.output);
        expect([back.code, back.error]).toEqual([0, '']);
      }
      const nodeId = await nodeIdOf(node);
      await node.node.stop();
      const again = await startNodeProcess(restored);
      expect(await nodeIdOf(again)).toBe(nodeId);
      expect(await shownBy(again)).toEqual(before);
      expect((await totals(again)).files).toBe(paths.length + 1);
      expect((await call(`${again.group}/big/upload/${tusId}`)).text).toBe('y'.repeat(300));
      const verified = await runToEnd(['verify', '--json', '--data', restored]);
      expect(verified.code).toBe(0);
      expect(JSON.parse(verified.stdout)).toMatchObject({
        state: 'finished',
        sound: paths.length + 1,
        missing: 0,
        damaged: 0,
      });
      // It goes on as a node does: new files, deletes.
      const later = await upload(again, 'after the restore', { name: 'later.txt', fields: { path: 'd' } });
      expect((await download(again, later.path)).text).toBe('after the restore');
      expect((await remove(again, paths[2] ?? '')).status).toBe(200);
      // The same node numbers its commits anew: the original may have gone on since the backup.
      await again.kill('SIGTERM');
      const used = await epochsIn(node.dataDir);
      const [fresh, ...others] = await epochsIn(restored, 'd/later.txt');
      expect([others, used.includes(fresh ?? '')]).toEqual([[], false]);
    });
  }

  it('without bytes keeps the catalogue, for the folder files/ that belongs to it', async () => {
    const { node } = await filledNode();
    const before = await shownBy(node);
    const backup = path.join(await temporaryFolder(), 'backup');
    expect((await runToEnd(['backup', backup, '--data', node.dataDir])).code).toBe(0);
    expect((await readdir(backup)).includes('bytes')).toBe(false);
    await node.node.stop();
    const restored = path.join(await temporaryFolder(), 'restored');
    const told = await runToEnd(['restore', backup, '--data', restored]);
    expect(told.stdout).toMatch(/files\//);
    // Until it is there, nothing is written and nothing counts as deleted.
    const waiting = await startNode({}, await copyOf(restored));
    expectRefusal(await sendUpload(waiting, 'x'), 503, 'STORE_MISSING');
    expect((await totals(waiting)).files).toBe(Object.keys(before).length);
    await cp(path.join(node.dataDir, 'files'), path.join(restored, 'files'), {
      recursive: true,
      preserveTimestamps: true,
    });
    const again = await startNodeProcess(restored);
    expect(await shownBy(again)).toEqual(before);
  });

  it('is of one moment while others write and delete', async () => {
    const { node } = await filledNode();
    const archive = pipe(['backup', '-', '--bytes', '--data', node.dataDir]);
    let stop = false;
    const storm = (async () => {
      for (let number = 0; !stop; number += 1) {
        const { path: file } = await upload(node, `storm ${number}`.repeat(60), {
          name: `${number}.txt`,
          fields: { path: 'storm' },
        });
        if (number % 2 === 0) await remove(node, file);
      }
    })();
    const made = await archive;
    stop = true;
    await storm;
    expect(made.code, made.error).toBe(0);
    const restored = path.join(await temporaryFolder(), 'restored');
    expect((await pipe(['restore', '-', '--data', restored], made.output)).code).toBe(0);
    const verified = await runToEnd(['verify', '--json', '--data', restored]);
    expect(JSON.parse(verified.stdout)).toMatchObject({ missing: 0, damaged: 0, elsewhere: 0 });
    const again = await startNodeProcess(restored);
    const { files } = await totals(again);
    expect((await listAll(again)).length).toBe(files);
  });

  it('refuses what is not sound, and leaves nothing of it', async () => {
    const { node } = await filledNode();
    const backup = path.join(await temporaryFolder(), 'backup');
    await runToEnd(['backup', backup, '--bytes', '--data', node.dataDir]);
    const [content = ''] = await readdir(path.join(backup, 'bytes'));
    const damage: readonly (readonly [string, (folder: string) => Promise<unknown>, RegExp])[] = [
      [
        'a cut part',
        (dir) => truncate(path.join(dir, 'catalogue', '00000000.jsonl'), 10),
        /not complete|no entry|cut short/,
      ],
      [
        'a changed configuration',
        (dir) => writeFile(path.join(dir, 'conf', 'cfg.json'), '{}'),
        /cut short|has changed/,
      ],
      ['a missing content', (dir) => rm(path.join(dir, 'bytes', content)), /missing/],
      ['another content', (dir) => rename(path.join(dir, 'backup.json'), path.join(dir, 'bytes', content)), /./],
      ['no manifest', (dir) => rm(path.join(dir, 'manifest.json')), /manifest\.json/],
      ['a hostile manifest', hostileManifest, /evil/],
    ];
    for (const [what, change, words] of damage) {
      const copy = await copyOf(backup);
      await change(copy);
      const parent = await temporaryFolder();
      const ended = await runToEnd(['restore', copy, '--data', path.join(parent, 'restored')]);
      expect([what, ended.code]).toEqual([what, 1]);
      expect(ended.stderr).toMatch(words);
      expect(await digestsBelow(parent)).toEqual({});
    }
    const stream = (await pipe(['backup', '-', '--data', node.dataDir])).output;
    for (const input of [stream.subarray(0, stream.byteLength / 2), Buffer.from('no tar at all'), Buffer.alloc(0)]) {
      const parent = await temporaryFolder();
      expect((await pipe(['restore', '-', '--data', path.join(parent, 'restored')], input)).code).toBe(1);
      expect(await digestsBelow(parent)).toEqual({});
    }
  });

  it('never writes into a folder that holds anything, and a cut restore begins anew', async () => {
    const { node } = await filledNode();
    const backup = path.join(await temporaryFolder(), 'backup');
    await runToEnd(['backup', backup, '--bytes', '--data', node.dataDir]);
    for (const args of [
      ['restore', backup, '--data', node.dataDir],
      ['backup', backup, '--data', node.dataDir],
    ]) {
      const ended = await runToEnd(args);
      expect(ended.code).toBe(1);
      expect(ended.stderr).toMatch(/^shoal: the folder [^\n]* is not empty[^\n]*\n$/);
    }
    const cut = await temporaryFolder();
    await mkdir(path.join(cut, 'data'));
    await writeFile(path.join(cut, 'restore-incomplete'), '');
    await writeFile(path.join(cut, 'data', 'left'), 'over');
    const start = await runToEnd(['--server', '--data', cut, '--addr', '127.0.0.1:0']);
    expect(start).toMatchObject({ code: 1 });
    expect(start.stderr).toMatch(/restore into .* was cut/);
    expect((await runToEnd(['restore', backup, '--data', cut])).code).toBe(0);
    expect(Object.keys(await shownBy(await startNodeProcess(cut)))).toHaveLength(7);
  });

  it('gives its secrets to the host only', async () => {
    const node = await startNode({ admin_ips: ['10.0.0.0/8'], trusted_proxies: ['127.0.0.1'] });
    const headers = { 'x-forwarded-for': '10.1.1.1' };
    expectRefusal(await call(`${node.origin}/api/v1/backup`, { headers }), 403, 'HOST_ONLY');
    const put = { method: 'PUT', headers, body: 'x' };
    expectRefusal(await call(`${node.origin}/api/v1/contents?sha256=${'0'.repeat(64)}`, put), 403, 'HOST_ONLY');
  });

  it('takes a content only for a file that it knows, and only the right one', async () => {
    const { node } = await filledNode();
    const put = (sha256: string, body: string) =>
      call(`${node.origin}/api/v1/contents?sha256=${sha256}`, { method: 'PUT', body });
    expectRefusal(await put('0'.repeat(64), 'x'), 404, 'FILE_NOT_FOUND');
    const known = digest('sha256', 'small');
    expectRefusal(await put(known, 'other'), 400, 'DIGEST_MISMATCH');
    const answer = await put(known, 'small');
    expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { files: 0 }]);
    expectRefusal(await put('nonsense', 'x'), 400, 'PARAMETER_INVALID');
  });
});

describe('verify', () => {
  it('reads every byte, names what is damaged or gone, and mends what was only touched', async () => {
    const { node, paths } = await filledNode();
    const file = (index: number) => path.join(node.dataDir, 'files', (paths[index] ?? '').replace('/group1/', ''));
    const verify = async () => {
      const ended = await runToEnd(['verify', '--json', '--data', node.dataDir]);
      return { code: ended.code, report: JSON.parse(ended.stdout) as VerifyReport };
    };
    expect(await verify()).toMatchObject({ code: 0, report: { sound: 7, bad: [] } });
    // Changed without a trace in its times: only reading tells.
    const { atime, mtime } = await stat(file(1));
    await chmod(file(1), 0o644);
    await writeFile(file(1), 'z'.repeat(500));
    await utimes(file(1), atime, mtime);
    await rm(file(3));
    const { code, report } = await verify();
    expect(code).toBe(1);
    expect(report).toMatchObject({ state: 'finished', sound: 5, damaged: 1, missing: 1, done: { files: 7 } });
    expect(report.bad.map(({ state }) => state).sort()).toEqual(['damaged', 'missing']);
    const text = await runToEnd(['verify', '--data', node.dataDir], { LANG: 'zh_CN.UTF-8' });
    expect(text.stdout).toMatch(/损坏: 1\n/);
    // A backup says what it could not get.
    const backup = path.join(await temporaryFolder(), 'backup');
    const made = await runToEnd(['backup', backup, '--bytes', '--data', node.dataDir]);
    expect(made.code).toBe(1);
    expect(made.stderr).toMatch(/1 contents could not be read/);
    const restored = path.join(await temporaryFolder(), 'restored');
    expect((await runToEnd(['restore', backup, '--data', restored])).code).toBe(1);
    const rest = await runToEnd(['verify', '--json', '--data', restored]);
    expect(JSON.parse(rest.stdout)).toMatchObject({ sound: 6, elsewhere: 1, damaged: 0 });
    expect(await readFile(path.join(restored, 'conf', 'cfg.json'), 'utf8')).toContain('test-admin-key');
  });
});

async function copyOf(folder: string): Promise<string> {
  const copy = path.join(await temporaryFolder(), 'copy');
  await cp(folder, copy, { recursive: true });
  return copy;
}

/** Names a file outside of every backup. */
async function hostileManifest(folder: string): Promise<void> {
  const file = path.join(folder, 'manifest.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as { files: unknown[] };
  manifest.files.push({ name: '../evil', size: 0, sha256: '0'.repeat(64) });
  await writeFile(file, JSON.stringify(manifest));
}
