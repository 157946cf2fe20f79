/** Thousands of files in nested folders, dropped at once from the system: the page can be used meanwhile, and all of it arrives. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { openWindow } from '../support/browser.ts';
import { call } from '../support/http-client.ts';
import { startNode } from '../support/node-in-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const count = 2000;

/** Drops what stands on the disk onto something, as a file manager does. */
async function drop(page: Page, files: readonly string[], onto: Locator): Promise<void> {
  const box = await onto.boundingBox();
  if (!box) throw new Error('there is nothing to drop on');
  const session = await page.context().newCDPSession(page);
  const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await session.send('Input.dispatchDragEvent', {
      type,
      ...at,
      data: { items: [], files: [...files], dragOperationsMask: 1 },
    });
}

/** A folder with subfolders of a hundred files each, and one that is empty. */
async function makeTree(): Promise<string> {
  const root = path.join(await temporaryFolder(), 'dropped 文件');
  for (let folder = 0; folder < count / 100; folder += 1) {
    const at = path.join(root, `part ${folder % 4}`, `folder ${folder}`);
    await mkdir(at, { recursive: true });
    await Promise.all(
      Array.from({ length: 100 }, (_, number) => writeFile(path.join(at, `${number}.txt`), `file ${folder}/${number}`)),
    );
  }
  await mkdir(path.join(root, 'part 0', 'nothing in it'));
  return root;
}

/** Starts to note how long the page was busy in one go, at the longest. */
const observe = `window.longest = 0; new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
}).observe({ type: 'longtask' })`;

it('2000 files in nested folders are dropped: the page stays usable, every file arrives where it stood', async () => {
  const node = await startNode({ durability: 'os' });
  const api = await ApiClient.of(node);
  const page = await openWindow(node.origin);
  await page.goto(`${node.origin}/#/files`);
  await page.getByText('This folder is empty').waitFor();
  const root = await makeTree();
  await page.evaluate(observe);
  const began = performance.now();
  await drop(page, [root], page.getByText('This folder is empty'));
  await page.getByRole('row', { name: 'dropped 文件' }).waitFor();
  // Going elsewhere and back while they are being sent.
  const moves: number[] = [];
  for (const place of ['Transfers', 'Devices', 'Files']) {
    const clicked = performance.now();
    await page.getByRole('link', { name: place }).first().click();
    const there =
      place === 'Files'
        ? page.getByRole('row', { name: 'dropped 文件' })
        : page.getByRole('heading', { level: 1, name: place });
    await there.waitFor();
    moves.push(performance.now() - clicked);
  }
  const files = async () => (await api.ok<{ files: number }>('health')).files;
  await expect.poll(files, { timeout: 240_000, interval: 500 }).toBe(count);
  const took = performance.now() - began;
  const longest = (await page.evaluate('window.longest')) as number;
  console.log(
    `${count} files dropped: all there after ${(took / 1000).toFixed(1)} s; another screen after ` +
      `${moves.map((ms) => ms.toFixed(0)).join(', ')} ms; busy for ${longest.toFixed(0)} ms at the longest`,
  );
  expect(Math.max(...moves)).toBeLessThan(5000);
  expect(longest).toBeLessThan(1500);
  for (const [folder, number] of [
    [0, 0],
    [7, 99],
    [19, 50],
  ]) {
    const at = `dropped 文件/part ${(folder ?? 0) % 4}/folder ${folder}/${number}.txt`;
    expect((await call(api.url('readFile', { path: at }))).text).toBe(`file ${folder}/${number}`);
  }
  await page.goto(`${node.origin}/#/files/${encodeURIComponent('dropped 文件')}/${encodeURIComponent('part 0')}`);
  await page.getByRole('row', { name: 'nothing in it' }).waitFor();
  await page.getByRole('row', { name: 'folder 16' }).waitFor();
}, 300_000);

/** Pastes a file, as from a file manager or a picture from elsewhere. */
const paste = `{
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File(['pasted'], 'pasted 图.txt', { type: 'text/plain' }));
  document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
}`;

it('what is pasted is uploaded; what is dropped beside the list does not take the place of the app', async () => {
  const node = await startNode({ durability: 'os' });
  const api = await ApiClient.of(node);
  const page = await openWindow(node.origin);
  await page.goto(`${node.origin}/#/files`);
  await page.getByText('This folder is empty').waitFor();
  const beside = path.join(await temporaryFolder(), 'beside.html');
  await writeFile(beside, '<h1>somewhere else</h1>');
  await drop(page, [beside], page.getByRole('link', { name: 'Health' }));
  await page.evaluate(paste);
  await page.getByRole('row', { name: 'pasted 图.txt' }).waitFor();
  expect(page.url()).toBe(`${node.origin}/#/files`);
  expect((await call(api.url('readFile', { path: 'pasted 图.txt' }))).text).toBe('pasted');
  expect(await page.getByRole('row', { name: 'beside.html' }).count()).toBe(0);
});
