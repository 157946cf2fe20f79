/** `shoal import folder`: any folder tree, by hard link, by copy, or where it stands. */
import { chmod, mkdir, readFile, readlink, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ImportReport } from '../../node-core/index.ts';
import { digestsBelow } from '../support/go-fastdfs-store.ts';
import { call, download, remove, totals, upload } from '../support/http-client.ts';
import { startNode } from '../support/node-in-process.ts';
import { runToEnd, startNodeProcess } from '../support/node-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

async function importFolder(source: string, dataDir: string, ...args: string[]) {
  const ended = await runToEnd(['import', 'folder', source, '--data', dataDir, '--json', ...args]);
  expect(ended.stdout, ended.stderr).not.toBe('');
  return { code: ended.code, report: JSON.parse(ended.stdout) as ImportReport };
}

/** A tree with everything that a folder can hold. */
async function tree(): Promise<string> {
  const root = await temporaryFolder();
  const put = async (name: string, content: string | Buffer) => {
    const file = path.join(root, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
    await utimes(file, 1_600_000_000, 1_600_000_000.25);
  };
  await put('a.txt', 'at the top');
  await put('图片/夏天/海.jpg', 'sea');
  await put('empty', '');
  await put('again/a.txt', 'at the top');
  await put('.hidden/.x', 'hidden');
  await put('.DS_Store', 'of a desktop');
  await put('large.bin', Buffer.alloc(9 * 1024 * 1024 + 5, 'large'));
  await symlink('/etc/hostname', path.join(root, 'link'));
  return root;
}

describe('import folder', () => {
  for (const mode of ['--link', '--copy'] as const) {
    it(`takes a tree in below a folder of the store, with its times, and leaves it alone (${mode})`, async () => {
      const root = await tree();
      const before = await digestsBelow(root);
      const dataDir = await temporaryFolder();
      const dry = await importFolder(root, dataDir, mode, '--into', '/old/disk/', '--dry-run');
      const { code, report } = await importFolder(root, dataDir, mode, '--into', '/old/disk/');
      const expected = { into: 'old/disk', taken: { files: 6 }, skipped: 1, damaged: 0, reasons: { LINK: 1 } };
      expect(code).toBe(0);
      expect(report).toMatchObject(expected);
      expect(dry.report).toMatchObject({ ...expected, into: expect.any(String), state: 'finished' });
      expect(await digestsBelow(root)).toEqual(before);
      const node = await startNodeProcess(dataDir);
      expect((await download(node, '/group1/old/disk/图片/夏天/海.jpg')).text).toBe('sea');
      expect((await download(node, '/group1/old/disk/large.bin')).body.byteLength).toBe(9 * 1024 * 1024 + 5);
      const { headers } = await download(node, '/group1/old/disk/a.txt');
      expect(headers['last-modified']).toBe(new Date(1_600_000_000_000).toUTCString());
      expect((await importFolder(root, dataDir, mode, '--into', 'old/disk')).report).toMatchObject({
        known: 6,
        taken: { files: 0 },
      });
      // An import that is asked for again brings back what was deleted meanwhile, and replaces nothing.
      await remove(node, '/group1/old/disk/empty');
      await upload(node, 'mine', { name: 'new.txt', fields: { path: 'old/disk' } });
      await writeFile(path.join(root, 'new.txt'), 'theirs');
      const again = await importFolder(root, dataDir, mode, '--into', 'old/disk');
      expect(again.code).toBe(1);
      expect(again.report).toMatchObject({ taken: { files: 1 }, reasons: { LINK: 1, TARGET_EXISTS: 1 } });
      expect((await download(node, '/group1/old/disk/new.txt')).text).toBe('mine');
    });
  }

  it('shares the disk with the source where links can be made', async () => {
    const root = await tree();
    const dataDir = await temporaryFolder();
    await importFolder(root, dataDir);
    const [theirs, ours] = await Promise.all(
      [root, path.join(dataDir, 'files')].map((dir) => stat(path.join(dir, 'large.bin'))),
    );
    expect(ours?.ino).toBe(theirs?.ino);
  });

  it('makes a folder that stands elsewhere the store of a new node, in place', async () => {
    const root = await tree();
    const before = await stat(path.join(root, 'large.bin'));
    const dataDir = path.join(await temporaryFolder(), 'new');
    const { code, report } = await importFolder(root, dataDir, '--in-place');
    expect(code).toBe(0);
    expect(report).toMatchObject({ taken: { files: 6 }, reasons: { LINK: 1 } });
    expect(await readlink(path.join(dataDir, 'files'))).toBe(root);
    const after = await stat(path.join(root, 'large.bin'));
    expect([after.ino, after.ctimeMs, after.mode]).toEqual([before.ino, before.ctimeMs, before.mode]);
    const node = await startNodeProcess(dataDir);
    expect((await download(node, '/group1/again/a.txt')).text).toBe('at the top');
    await upload(node, 'new', { name: 'new.txt', fields: { path: 'again' } });
    expect(await readFile(path.join(root, 'again', 'new.txt'), 'utf8')).toBe('new');
    // A part of it, while the node runs.
    await mkdir(path.join(root, 'later'));
    await writeFile(path.join(root, 'later', 'x.txt'), 'later');
    await writeFile(path.join(root, 'elsewhere.txt'), 'not asked for');
    expect((await importFolder(path.join(root, 'later'), dataDir, '--in-place')).report.taken.files).toBe(1);
    expect((await download(node, '/group1/later/x.txt')).text).toBe('later');
    expect((await download(node, '/group1/elsewhere.txt')).status).toBe(404);
    const other = await runToEnd(['import', 'folder', await tree(), '--in-place', '--data', dataDir]);
    expect(other).toMatchObject({ code: 1, stdout: '' });
  });

  it('names what it may not read, and goes on', async () => {
    const root = await tree();
    await chmod(path.join(root, 'a.txt'), 0);
    await chmod(path.join(root, '.hidden'), 0);
    const isRoot = process.getuid?.() === 0;
    const { code, report } = await importFolder(root, await temporaryFolder(), '--copy');
    await chmod(path.join(root, '.hidden'), 0o755);
    expect(code).toBe(isRoot ? 0 : 1);
    expect(report.reasons).toEqual(isRoot ? { LINK: 1 } : { LINK: 1, UNREADABLE: 2 });
  });

  it('ends with the code of what stopped it, and goes on when that is mended', async () => {
    const root = await tree();
    const node = await startNode({ free_space_floor_percent: 90, free_space_floor_mb: 1_000_000_000 });
    const failed = await importFolder(root, node.dataDir, '--copy');
    expect(failed.code).toBe(1);
    expect(failed.report).toMatchObject({ state: 'failed', error: 'DISK_FULL', taken: { files: 0 } });
    const body = JSON.stringify({ changes: { free_space_floor_percent: 0, free_space_floor_mb: 0 } });
    expect((await call(`${node.origin}/api/v1/settings`, { method: 'PATCH', body })).status).toBe(200);
    expect((await importFolder(root, node.dataDir, '--copy')).report).toMatchObject({
      state: 'finished',
      taken: { files: 6 },
    });
    expect((await totals(node)).files).toBe(6);
  });
});
