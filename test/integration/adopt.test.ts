/** `repair_fileinfo`: files that somebody put into the store's folder come into the catalogue, where they stand. */
import { link, lstat, mkdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  call,
  dataOf,
  digest,
  download,
  expectRefusal,
  type FileInfo,
  totals,
  upload,
} from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';

interface Report {
  readonly finished: boolean;
  readonly taken: number;
  readonly known: number;
  readonly skipped: number;
  readonly reasons: Readonly<Record<string, number>>;
}

const adopt = async (node: TestNode) => dataOf<Report>(await call(`${node.group}/repair_fileinfo`));
const start = () => startNode({ enable_migrate: true });

/** Puts a file into the store's folder, as another program does. */
async function put(node: TestNode, name: string, content: string | Buffer): Promise<string> {
  const file = path.join(node.dataDir, 'files', name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}

async function move(node: TestNode, from: string, to: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ from, to });
  const answer = await call(`${node.origin}/api/v1/files/move`, { method: 'POST', headers, body });
  expect(answer.status, answer.text).toBe(200);
}

describe('repair_fileinfo', () => {
  it('takes files in where they stand, with their digests, times and days', async () => {
    const node = await start();
    const file = await put(node, 'old/photos/a.jpg', 'an old photo');
    await utimes(file, 1_577_966_400, 1_577_966_400.5);
    await put(node, 'top.txt', 'at the top');
    await put(node, 'empty', '');
    const before = await stat(file);
    expect(await adopt(node)).toEqual({ finished: true, taken: 3, known: 0, skipped: 0, reasons: {} });
    expect((await download(node, '/group1/old/photos/a.jpg')).text).toBe('an old photo');
    const info = dataOf<FileInfo>(await call(`${node.group}/get_file_info?md5=${digest('md5', 'an old photo')}`));
    expect(info).toMatchObject({
      name: 'a.jpg',
      path: 'files/old/photos',
      size: 12,
      scene: 'old',
      timeStamp: 1_577_966_400,
    });
    expect(await totals(node)).toEqual({ files: 3, bytes: 22 });
    const stats = dataOf<{ date: string; fileCount: number }[]>(await call(`${node.group}/stat`));
    expect(stats.find(({ date }) => date === '20200102')?.fileCount).toBe(1);
    const after = await stat(file);
    expect({ ino: after.ino, mode: after.mode, ctimeMs: after.ctimeMs }).toEqual({
      ino: before.ino,
      mode: before.mode,
      ctimeMs: before.ctimeMs,
    });
    expect(await adopt(node)).toMatchObject({ taken: 0, known: 3 });
  });

  it('hashes files larger than a block as an upload would', async () => {
    const node = await start();
    const content = Buffer.alloc(9 * 1024 * 1024 + 7, 'block');
    await put(node, 'large.bin', content);
    await adopt(node);
    const stored = await upload(node, content, { name: 'large.bin', fields: { path: 'own' } });
    expect(stored.md5).toBe(digest('md5', content));
    const found = dataOf<FileInfo[]>(await call(`${node.group}/search?kw=large`));
    expect(found.map(({ md5 }) => md5)).toEqual([stored.md5, stored.md5]);
  });

  it('never links an upload to such a file: somebody else may write it', async () => {
    const node = await start();
    const foreign = await put(node, 'theirs/a.txt', 'shared content');
    await adopt(node);
    for (const folder of ['ours', 'ours/again']) {
      await upload(node, 'shared content', { fields: { path: folder } });
    }
    const own = path.join(node.dataDir, 'files', 'ours', 'a.txt');
    expect((await stat(own)).ino).not.toBe((await stat(foreign)).ino);
    await writeFile(foreign, 'their new content');
    expect((await download(node, '/group1/ours/a.txt')).text).toBe('shared content');
    expect((await download(node, '/group1/ours/again/a.txt')).text).toBe('shared content');
    expectRefusal(await download(node, '/group1/theirs/a.txt'), 503, 'BYTES_DAMAGED');
  });

  it('leaves the store’s own folders, links, and names that are no path', async () => {
    const node = await start();
    await upload(node, 'deleted', { name: 'x.txt', fields: { path: 'gone' } });
    await call(`${node.group}/delete?path=/group1/gone/x.txt`);
    const secret = path.join(node.dataDir, 'conf', 'cfg.json');
    const root = path.join(node.dataDir, 'files');
    for (const own of ['_tmp', '_alt', '_big', '_trash']) await put(node, `${own}/found`, 'not for the catalogue');
    await symlink(secret, path.join(root, 'link.json'));
    await symlink(path.dirname(secret), path.join(root, 'conf'));
    await put(node, 'back\\slash.txt', 'a name that is no path elsewhere');
    await put(node, 'good.txt', 'good');
    const report = await adopt(node);
    expect(report).toEqual({ finished: true, taken: 1, known: 0, skipped: 3, reasons: { LINK: 2, PATH_INVALID: 1 } });
    expect((await call(`${node.group}/link.json`)).status).toBe(404);
    expect(await totals(node)).toEqual({ files: 1, bytes: 4 });
  });

  it('brings names into the one form of paths, and the bytes stay under theirs', async () => {
    const node = await start();
    const decomposed = 'caf\u0065\u0301.txt';
    const file = await put(node, `nfd/${decomposed}`, 'decomposed');
    expect(await adopt(node)).toMatchObject({ taken: 1 });
    expect((await download(node, '/group1/nfd/caf\u00e9.txt')).text).toBe('decomposed');
    expect((await lstat(file)).isFile()).toBe(true);
    expect(await adopt(node)).toMatchObject({ taken: 0, known: 1 });
    await put(node, 'nfd/caf\u00e9.txt', 'another file of the same path');
    expect(await adopt(node)).toMatchObject({ taken: 0, known: 1, skipped: 1, reasons: { TARGET_EXISTS: 1 } });
  });

  it('takes no file of its own for a foreign one, whatever became of it', async () => {
    const node = await start();
    await upload(node, 'one', { name: 'a.txt', fields: { path: 'own' } });
    await upload(node, 'two', { name: 'A.txt', fields: { path: 'own' } });
    await upload(node, 'one', { name: 'b.txt', fields: { path: 'own' } });
    await upload(node, 'kept', { name: 'c.txt', fields: { path: 'own' } });
    await move(node, 'own/c.txt', 'else/where.txt');
    const before = await totals(node);
    expect(await adopt(node)).toMatchObject({ taken: 0, known: before.files, skipped: 0 });
    expect(await totals(node)).toEqual(before);
  });

  it('treats such files as any other afterwards: they move, go to the trash, and are replaced', async () => {
    const node = await startNode({ enable_migrate: true, enable_distinct_file: false });
    for (const name of ['move', 'delete', 'replace']) await put(node, `f/${name}.txt`, `to ${name}`);
    await adopt(node);
    await move(node, 'f/move.txt', 'g/moved.txt');
    expect((await download(node, '/group1/g/moved.txt')).text).toBe('to move');
    expect((await call(`${node.group}/delete?path=/group1/f/delete.txt`)).status).toBe(200);
    expect((await download(node, '/group1/f/delete.txt')).status).toBe(404);
    await upload(node, 'new', { name: 'replace.txt', fields: { path: 'f' } });
    expect((await download(node, '/group1/f/replace.txt')).text).toBe('new');
    expect(await adopt(node)).toMatchObject({ taken: 0, known: 2, skipped: 0 });
  });

  it('is one run for all who ask, and nobody waits for it', async () => {
    const node = await start();
    for (let number = 0; number < 300; number += 1)
      await put(node, `many/${number % 7}/${number}.txt`, `file ${number}`);
    await put(node, 'large.bin', Buffer.alloc(64 * 1024 * 1024, 'x'));
    const first = adopt(node);
    const others = await Promise.all([adopt(node), adopt(node), adopt(node)]);
    for (const other of others) expect(other.taken).toBeLessThanOrEqual(301);
    const served = await upload(node, 'while it runs', { fields: { path: 'busy' } });
    expect((await download(node, served.path)).text).toBe('while it runs');
    const report = await first;
    expect(report).toMatchObject({ finished: true, taken: 301, skipped: 0 });
    expect((await adopt(node)).known).toBe(302);
  });

  it('keeps what was taken over a restart', async () => {
    const node = await start();
    await put(node, 'kept/a.txt', 'kept');
    await adopt(node);
    await node.node.stop();
    const again = await startNode({ enable_migrate: true }, node.dataDir);
    expect((await download(again, '/group1/kept/a.txt')).text).toBe('kept');
    expect(await adopt(again)).toMatchObject({ taken: 0, known: 1 });
  });

  it('runs while others write, move and delete the very files', async () => {
    const node = await start();
    for (let number = 0; number < 60; number += 1) await put(node, `storm/${number}.txt`, `file ${number}`);
    const root = path.join(node.dataDir, 'files', 'storm');
    const work: Promise<unknown>[] = [adopt(node)];
    for (let number = 0; number < 60; number += 3) {
      work.push(rm(path.join(root, `${number}.txt`)));
      work.push(rename(path.join(root, `${number + 1}.txt`), path.join(root, `${number + 1}.moved`)));
      work.push(upload(node, `upload ${number}`, { name: `${number}.txt`, fields: { path: 'storm' } }));
    }
    await Promise.all(work);
    await adopt(node);
    for (let number = 0; number < 60; number += 3) {
      const content = await download(node, `/group1/storm/${number + 1}.moved`);
      expect(content.text).toBe(`file ${number + 1}`);
      const uploaded = dataOf<FileInfo[]>(
        await call(`${node.group}/check_files_exist?md5s=${digest('md5', `upload ${number}`)}`),
      );
      expect(uploaded).toHaveLength(1);
    }
  });

  it('takes a file with two names as two files', async () => {
    const node = await start();
    const file = await put(node, 'linked/a.txt', 'two names');
    await link(file, path.join(path.dirname(file), 'b.txt'));
    expect(await adopt(node)).toMatchObject({ taken: 2 });
    await call(`${node.group}/delete?path=/group1/linked/a.txt`);
    expect(await readFile(path.join(path.dirname(file), 'b.txt'), 'utf8')).toBe('two names');
    expect((await download(node, '/group1/linked/b.txt')).text).toBe('two names');
  });

  it('is refused unless the configuration allows it', async () => {
    const off = await startNode();
    expectRefusal(await call(`${off.group}/repair_fileinfo`), 403, 'MIGRATION_OFF');
    const readOnly = await startNode({ enable_migrate: true, read_only: true });
    expectRefusal(await call(`${readOnly.group}/repair_fileinfo`), 403, 'READ_ONLY');
  });
});
