/** `backup`: a day's records in the shape of go-fastdfs, from which every one of them can be read back. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { dayOf } from '../../node-core/domain/days.ts';
import { type BackupRecord, readDayBackup, storedPath } from '../../node-core/files/day-backup.ts';
import { call, dataOf, digest, type FileInfo, upload } from '../support/http-client.ts';
import { startNode } from '../support/node-in-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const today = dayOf(Date.now());

async function readAll(file: string): Promise<BackupRecord[]> {
  const records: BackupRecord[] = [];
  for await (const record of readDayBackup(file)) records.push(record);
  return records;
}

describe('backup', () => {
  it('holds every record of the day, so that all of them can be read back', async () => {
    const node = await startNode({ enable_trim_file_name_special_char: false });
    const names = ['plain.txt', '中文 名.txt', 'a|b.txt', 'tab\there.txt', 'sep\u2028arator.txt', 'same.txt'];
    const paths: string[] = [];
    for (const name of names) {
      paths.push((await upload(node, `content of ${name}`, { name, fields: { path: 'b' } })).path);
    }
    paths.push((await upload(node, 'content of same.txt', { name: 'twin.txt', fields: { path: 'b/twin' } })).path);
    const answer = dataOf<{ date: string; fileCount: number; files: string[] }>(await call(`${node.group}/backup`));
    expect(answer).toEqual({
      date: today,
      fileCount: paths.length,
      files: [`data/${today}/meta.data`, `data/${today}/files.md5`],
    });
    const records = await readAll(path.join(node.dataDir, 'data', today, 'meta.data'));
    expect(records.map((record) => storedPath(record).replace(/^files/, '/group1')).sort()).toEqual(paths.sort());
    for (const { sha256, mtimeMs, ...record } of records) {
      const file = `/${storedPath(record).replace(/^files\//, '')}`;
      const info = await call(`${node.group}/get_file_info?path=${encodeURIComponent(`/group1${file}`)}`);
      expect(record).toEqual(dataOf<FileInfo>(info));
      const bytes = await call(`${node.group}${file.split('/').map(encodeURIComponent).join('/')}`);
      expect(digest('sha256', bytes.body)).toBe(sha256);
      expect(mtimeMs).toBeGreaterThan(0);
    }
  });

  it('has the lines of go-fastdfs: under the digest, under the path, and a list for scripts', async () => {
    const node = await startNode();
    const { md5, mtime } = await upload(node, '12345', { name: 'x.txt', fields: { path: 'p' } });
    await call(`${node.group}/backup?date=${today}`);
    const folder = path.join(node.dataDir, 'data', today);
    const lines = (await readFile(path.join(folder, 'meta.data'), 'utf8')).split('\n');
    expect(lines.map((line) => line.split('\t')[0])).toEqual([md5, digest('md5', 'files/p/x.txt'), '']);
    expect(await readFile(path.join(folder, 'files.md5'), 'utf8')).toBe(`${md5}|5|${mtime}|files/p/x.txt\n`);
  });

  it('replaces an older one, leaves nothing half-written, and may be asked for twice at once', async () => {
    const node = await startNode();
    const { path: stored } = await upload(node, 'first', { fields: { path: 'p' } });
    await Promise.all([call(`${node.group}/backup`), call(`${node.group}/backup`)]);
    await call(`${node.group}/delete?path=${stored}`);
    await upload(node, 'second', { name: 'b.txt', fields: { path: 'p' } });
    await call(`${node.group}/backup`);
    const folder = path.join(node.dataDir, 'data', today);
    expect((await readdir(folder)).sort()).toEqual(['files.md5', 'meta.data']);
    expect((await readAll(path.join(folder, 'meta.data'))).map(({ name }) => name)).toEqual(['b.txt']);
  });

  it('of a day without files is empty', async () => {
    const node = await startNode();
    await upload(node, 'today');
    expect(dataOf(await call(`${node.group}/backup?date=20200102`))).toMatchObject({ fileCount: 0 });
    expect(await readAll(path.join(node.dataDir, 'data', '20200102', 'meta.data'))).toEqual([]);
  });

  it('fails with a code when it cannot be written, and leaves nothing behind', async () => {
    const node = await startNode();
    await upload(node, 'today');
    const folder = path.join(node.dataDir, 'data', today);
    await mkdir(path.join(folder, 'meta.data', 'in the way'), { recursive: true });
    expect((await call(`${node.group}/backup`)).status).toBe(500);
    expect(await readdir(folder)).toEqual(['meta.data']);
    await rm(folder, { recursive: true });
    expect((await call(`${node.group}/backup`)).status).toBe(200);
  });

  it('that is broken names its line', async () => {
    const file = path.join(await temporaryFolder(), 'meta.data');
    for (const broken of ['no tab', 'key\t{', 'key\t{"name":"x"}']) {
      await writeFile(file, `\n${broken}\n`);
      await expect(readAll(file)).rejects.toMatchObject({ code: 'BACKUP_UNREADABLE', details: { line: 2 } });
    }
  });
});
