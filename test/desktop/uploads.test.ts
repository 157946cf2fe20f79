/** What goes into the window: dropped from the file manager, through the death of the node, and over the end of the app. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { isAlive, nodePid, processesWith, type RunningApp, startDesktop } from '../support/desktop.ts';

import { temporaryFolder } from '../support/temporary-folder.ts';

/** Drops files and folders from outside on the middle of the list, with their paths, as the system does. */
async function drop({ page }: RunningApp, files: string[]): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x: 700, y: 450, data });
  }
  await session.detach();
}

/** What the app shows outside of the window: everything the taskbar and the badge were told. */
async function watchProgress({ app }: RunningApp) {
  await app.evaluate(({ app: inside, BrowserWindow }) => {
    const seen: { bar: number[]; badge: number[] } = { bar: [], badge: [] };
    Object.assign(globalThis, { seen });
    const [window] = BrowserWindow.getAllWindows();
    if (window) window.setProgressBar = (value) => void seen.bar.push(value);
    inside.setBadgeCount = (count) => seen.badge.push(count ?? 0) > 0;
  });
  return () => app.evaluate(() => (globalThis as unknown as { seen: { bar: number[]; badge: number[] } }).seen);
}

/** Lets the page send slowly, in bytes a second; 0 is as fast as it goes. */
async function throttle({ page }: RunningApp, bytesPerSecond: number): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const uploadThroughput = bytesPerSecond === 0 ? -1 : bytesPerSecond;
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput,
  });
}

async function contentOf(origin: RunningApp, file: string): Promise<string | undefined> {
  const code = `fetch('./api/v1/files/stat?path=${encodeURIComponent(file)}').then((one) => one.ok ? one.json() : undefined).then((one) => one?.sha256)`;
  return origin.page.evaluate<string | undefined>(code);
}

const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

it('files and folders that are dropped on the window are uploaded, with progress on the taskbar', async () => {
  const running = await startDesktop();
  await running.page.goto(`${running.origin}/#/files`);
  await running.page.getByTestId('choose-files').waitFor({ state: 'attached' });
  const folder = await temporaryFolder();
  const big = randomBytes(12_000_000);
  await mkdir(path.join(folder, 'Urlaub 假期', 'tief'), { recursive: true });
  await writeFile(path.join(folder, 'Urlaub 假期', 'tief', 'a.bin'), big);
  await writeFile(path.join(folder, 'Urlaub 假期', 'leer.txt'), '');
  await writeFile(path.join(folder, 'einzeln ü.txt'), 'one');
  const progress = await watchProgress(running);
  await throttle(running, 4_000_000);
  await drop(running, [path.join(folder, 'Urlaub 假期'), path.join(folder, 'einzeln ü.txt')]);
  await expect.poll(() => contentOf(running, 'Urlaub 假期/tief/a.bin')).toBe(sha256(big));
  await expect.poll(() => contentOf(running, 'einzeln ü.txt')).toBe(sha256(Buffer.from('one')));
  await expect.poll(() => contentOf(running, 'Urlaub 假期/leer.txt')).toBe(sha256(Buffer.alloc(0)));
  // Between nothing and all, then gone.
  await expect.poll(async () => (await progress()).bar.at(-1)).toBe(-1);
  const { bar, badge } = await progress();
  expect(bar.filter((value) => value > 0 && value < 1).length).toBeGreaterThan(0);
  expect([Math.max(...badge), badge.at(-1)]).toEqual([3, 0]);
  // Two things were dropped: a link to each is on the clipboard.
  const clipboard = () => running.app.evaluate(({ clipboard: board }) => board.readText());
  await expect.poll(async () => (await clipboard()).split('\n').length).toBe(2);
});

it('an upload goes on when the node is killed under it', async () => {
  const running = await startDesktop();
  await running.page.goto(`${running.origin}/#/files`);
  const content = randomBytes(12_000_000);
  const progress = await watchProgress(running);
  await throttle(running, 3_000_000);
  const file = path.join(await temporaryFolder(), 'large.bin');
  await writeFile(file, content);
  await running.page.getByTestId('choose-files').setInputFiles(file);
  await expect.poll(async () => Math.max(0, ...(await progress()).bar)).toBeGreaterThan(0.1);
  const before = await nodePid(running);
  process.kill(before, 'SIGKILL');
  await expect.poll(() => nodePid(running).catch(() => before)).not.toBe(before);
  await throttle(running, 0);
  await expect.poll(() => contentOf(running, 'large.bin').catch(() => undefined)).toBe(sha256(content));
});

it('quitting asks while uploads run; what was cut goes on at the next start', async () => {
  const running = await startDesktop();
  const { app, page, profile, origin, pid } = running;
  await page.goto(`${origin}/#/files`);
  const content = randomBytes(8_000_000);
  const progress = await watchProgress(running);
  const file = path.join(await temporaryFolder(), 'cut.bin');
  await writeFile(file, content);
  await page
    .getByTestId('choose-files')
    .setInputFiles({ name: 'whole.txt', mimeType: 'text/plain', buffer: Buffer.from('w') });
  await expect.poll(() => contentOf(running, 'whole.txt')).toBe(sha256(Buffer.from('w')));
  await throttle(running, 500_000);
  await page.getByTestId('choose-files').setInputFiles(file);
  await expect.poll(async () => (await progress()).badge.at(-1)).toBe(1);
  await app.evaluate(({ dialog }) => {
    const asked: string[] = [];
    Object.assign(globalThis, { asked, answer: 0 });
    dialog.showMessageBox = (async (options: Electron.MessageBoxOptions) => {
      asked.push(options.message);
      return { response: (globalThis as unknown as { answer: number }).answer, checkboxChecked: false };
    }) as typeof dialog.showMessageBox;
  });
  await app.evaluate(({ app: inside }) => inside.quit());
  const asked = () => app.evaluate(() => (globalThis as unknown as { asked: string[] }).asked);
  await expect.poll(asked).toEqual(['Uploads are still running: 1']);
  expect(isAlive(await nodePid(running))).toBe(true);
  const ended = once(app.process(), 'exit');
  await app.evaluate(({ app: inside }) => {
    Object.assign(globalThis, { answer: 1 });
    setTimeout(() => inside.quit(), 0);
  });
  await ended;
  await expect.poll(() => processesWith(profile)).toEqual([]);
  expect(isAlive(pid)).toBe(false);
  const again = await startDesktop({ profile });
  await expect.poll(() => contentOf(again, 'cut.bin')).toBe(sha256(content));
  expect(await contentOf(again, 'whole.txt')).toBe(sha256(Buffer.from('w')));
});

it('an app that is asked to end by the system asks nobody', async () => {
  const running = await startDesktop();
  await running.page.goto(`${running.origin}/#/files`);
  const progress = await watchProgress(running);
  await throttle(running, 200_000);
  const buffer = Buffer.alloc(2_000_000, 'x');
  await running.page.getByTestId('choose-files').setInputFiles({ name: 'x.bin', mimeType: 'text/plain', buffer });
  await expect.poll(async () => (await progress()).badge.at(-1)).toBe(1);
  const ended = once(running.app.process(), 'exit');
  process.kill(running.pid, 'SIGTERM');
  await ended;
  await expect.poll(() => processesWith(running.profile)).toEqual([]);
  expect(JSON.parse(await readFile(path.join(running.profile, 'desktop.json'), 'utf8'))).toHaveProperty('httpPort');
});
