/** The report page, and what all pages without scripts have in common. */
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { call, upload } from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';

/** Stores a file of a past day. */
async function storeAt(node: TestNode, name: string, bytes: number, time: Date): Promise<void> {
  const file = path.join(node.dataDir, 'files', 'past', name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, Buffer.alloc(bytes, name));
  await utimes(file, time, time);
  await call(`${node.group}/repair_fileinfo`);
}

describe('the report page', () => {
  it('shows files and bytes of each day, as bars and as a table, without scripts', async () => {
    const node = await startNode({ enable_migrate: true });
    await storeAt(node, 'a', 3000, new Date(2026, 1, 3, 12));
    await storeAt(node, 'b', 1000, new Date(2026, 1, 3, 13));
    await storeAt(node, 'c', 500, new Date(2026, 1, 28, 12));
    const page = await call(`${node.group}/report`);
    expect(page.status, page.text).toBe(200);
    expect(page.text).not.toMatch(/<script|javascript:|\son\w+=|\sstyle=/i);
    const policy = page.headers['content-security-policy'];
    expect(policy).toMatch(/default-src 'none'; style-src 'sha256-/);
    const bars = [...page.text.matchAll(/<title>(\d{4}-\d\d-\d\d): ([^<]+)<\/title>/g)].map(([, day, text]) => [
      day,
      text,
    ]);
    // Thirty days up to the newest one with files, for each of both charts.
    expect(bars).toHaveLength(60);
    expect(bars[0]?.[0]).toBe('2026-01-30');
    expect(bars[29]).toEqual(['2026-02-28', '1']);
    expect(bars).toContainEqual(['2026-02-03', '2']);
    expect(bars).toContainEqual(['2026-02-03', '3.9 KiB']);
    expect(bars).toContainEqual(['2026-02-10', '0']);
    expect(page.text).toContain('<td>2026-02-03</td><td class="size">2</td><td class="size">3.9 KiB</td>');
  });

  it.each([
    ['en', '<html lang="en">', 'Files per day'],
    ['zh', '<html lang="zh-CN">', '每日文件数'],
  ])('speaks %s', async (language, tag, words) => {
    const node = await startNode();
    await upload(node, 'something');
    const page = await call(`${node.group}/report`, { headers: { 'accept-language': language } });
    expect(page.text).toContain(tag);
    expect(page.text).toContain(words);
  });

  it('says so when nothing is stored', async () => {
    const node = await startNode();
    expect((await call(`${node.group}/report`)).text).toContain('Nothing is stored yet.');
  });

  it('crosses a change of the clocks without losing or doubling a day', async () => {
    const node = await startNode({ enable_migrate: true });
    await storeAt(node, 'a', 1, new Date(2026, 3, 10, 12));
    const page = await call(`${node.group}/report`);
    const days = [...page.text.matchAll(/<title>(\d{4}-\d\d-\d\d): /g)].map(([, day]) => day);
    expect(new Set(days).size).toBe(30);
    expect(days.at(-1)).toBe('2026-04-10');
  });
});
