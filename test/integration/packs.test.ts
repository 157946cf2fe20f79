import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { call, expectRefusal, json, remove, sendUpload, totals, upload } from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';

/** Files below `files/`, with those of packs or without. */
async function filesOnDisk(node: TestNode): Promise<string[]> {
  const root = path.join(node.dataDir, 'files');
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
}

/** Downloads a path. */
const get = (node: TestNode, file: string) => call(`${node.group}/${file}`);

/** An operation of /api/v1 without input. */
async function post(node: TestNode, operation: string): Promise<Record<string, number | boolean>> {
  const answer = await call(`${node.origin}/api/v1/${operation}`, { method: 'POST' });
  expect(answer.status).toBe(200);
  return json(answer);
}

const content = (number: number) => Buffer.from(`content ${number} `.repeat(40 + number));

describe('packed files', () => {
  it('keep thousands of small files in a handful of files, through restarts', async () => {
    const node = await startNode({ enable_merge_small_file: true, durability: 'os' });
    const count = 2000;
    const at = (number: number) => `many/${number % 20}/${number}.txt`;
    let next = 0;
    const worker = async () => {
      for (let number = next++; number < count; number = next++) {
        const fields = { path: path.dirname(at(number)), filename: `${number}.txt` };
        await upload(node, content(number), { fields });
      }
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    // The marker of the store, and one segment.
    expect((await filesOnDisk(node)).length).toBeLessThan(5);
    await node.node.stop();
    const again = await startNode({ enable_merge_small_file: true, durability: 'os' }, node.dataDir);
    expect((await totals(again)).files).toBe(count);
    for (let number = 0; number < count; number += 97) {
      expect((await get(again, at(number))).body.equals(content(number))).toBe(true);
    }
  });

  it('answer like any file: ranges, conditions, HEAD, move, delete, trash, zip', async () => {
    const node = await startNode({ enable_merge_small_file: true });
    const file = await upload(node, 'abcdefghijklmnop', { fields: { path: 'd', filename: '文件.txt' } });
    expect(await filesOnDisk(node)).not.toContain('d/文件.txt');
    for (let round = 0; round < 2; round += 1) {
      expect((await call(file.url, { headers: { range: 'bytes=3-5' } })).text).toBe('def');
      expect((await call(file.url, { headers: { range: 'bytes=-2' } })).text).toBe('op');
      const head = await call(file.url, { method: 'HEAD' });
      expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '16', 0]);
      const whole = await call(file.url);
      expect(whole.text).toBe('abcdefghijklmnop');
      const same = await call(file.url, { headers: { 'if-none-match': whole.headers.etag ?? '' } });
      expect(same.status).toBe(304);
    }
    const api = await ApiClient.of(node);
    expect(api.document.paths['/api/v1/packs'] ?? api.document.paths['/packs']).toBeDefined();
    const moved = await call(`${node.origin}/api/v1/files/move`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ from: 'd/文件.txt', to: 'e/b.txt' }),
    });
    expect(moved.status).toBe(200);
    expect((await get(node, 'e/b.txt')).text).toBe('abcdefghijklmnop');
    const zip = await call(`${node.origin}/api/v1/zip?path=e`);
    expect(zip.status).toBe(200);
    expect(zip.body.includes('abcdefghijklmnop')).toBe(true);
    expect((await remove(node, 'e/b.txt')).status).toBe(200);
    expectRefusal(await get(node, 'e/b.txt'), 404, 'FILE_NOT_FOUND');
    const trash = json<{ entries: { id: string }[] }>(await call(`${node.origin}/api/v1/trash`));
    const restored = await call(`${node.origin}/api/v1/trash/restore`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: trash.entries[0]?.id }),
    });
    expect(restored.status).toBe(200);
    expect((await get(node, 'e/b.txt')).text).toBe('abcdefghijklmnop');
  });

  it('share one frame between equal contents, each of which can go by itself', async () => {
    const node = await startNode({ enable_merge_small_file: true, trash_days: 0 });
    const same = 'the same content';
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, number) =>
        sendUpload(node, same, { fields: { path: `p${number}`, filename: 'a.txt' } }),
      ),
    );
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const segment = (await filesOnDisk(node)).filter((file) => file.endsWith('.pack'));
    expect(segment).toHaveLength(1);
    for (let number = 0; number < 49; number += 1) await remove(node, `p${number}/a.txt`);
    await call(`${node.origin}/api/v1/trash`, { method: 'DELETE' });
    expect((await get(node, 'p49/a.txt')).text).toBe(same);
  });

  it('leave what is larger than the limit as plain files', async () => {
    const node = await startNode({ enable_merge_small_file: true, merge_small_file_limit: 1000 });
    await upload(node, Buffer.alloc(1000, 1), { fields: { path: 'd', filename: 'small' } });
    await upload(node, Buffer.alloc(1001, 1), { fields: { path: 'd', filename: 'large' } });
    const files = await filesOnDisk(node);
    expect(files).toContain('d/large');
    expect(files).not.toContain('d/small');
    expect((await get(node, 'd/small')).body.length).toBe(1000);
  });

  it('take an existing store in while it serves, and give dead space back', async () => {
    const node = await startNode({ trash_days: 0 });
    for (let number = 0; number < 60; number += 1) {
      await upload(node, content(number), { fields: { path: 'old', filename: `${number}` } });
    }
    const reading = (async () => {
      for (let round = 0; round < 5; round += 1) {
        for (let number = 0; number < 60; number += 7) {
          expect((await get(node, `old/${number}`)).body.equals(content(number))).toBe(true);
        }
      }
    })();
    expect(await post(node, 'packs')).toEqual({ finished: true, checked: 60, packed: 60, skipped: 0 });
    await reading;
    expect((await filesOnDisk(node)).filter((file) => file.startsWith('old'))).toEqual([]);
    expect(await post(node, 'packs')).toEqual({ finished: true, checked: 0, packed: 0, skipped: 0 });
    for (let number = 0; number < 60; number += 1) {
      expect((await get(node, `old/${number}`)).body.equals(content(number))).toBe(true);
    }
  });

  it('refuse a file whose pack is damaged, rather than serve other bytes', async () => {
    const node = await startNode({ enable_merge_small_file: true });
    const file = await upload(node, content(1), { fields: { path: 'd', filename: 'a' } });
    await node.node.stop();
    const [segment = ''] = (await filesOnDisk(node)).filter((name) => name.endsWith('.pack'));
    const where = path.join(node.dataDir, 'files', segment);
    const bytes = await readFile(where);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 50) ^ 1, bytes.length - 50);
    await writeFile(where, bytes);
    const again = await startNode({ enable_merge_small_file: true }, node.dataDir);
    const answer = await call(`${again.origin}${new URL(file.url).pathname}`);
    expect(answer.status).toBeGreaterThanOrEqual(500);
    expect(answer.text).not.toContain('content 1');
    // The same content, stored again, heals it.
    await upload(again, content(1), { fields: { path: 'd', filename: 'a' } });
    expect((await get(again, 'd/a')).body.equals(content(1))).toBe(true);
  });
});
