/** A mouse on a real X server drags a row: out of the window into another program, and back onto a folder of its own. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import type { Locator } from 'playwright-core';
import { expect, it } from 'vitest';
import { type RunningApp, showFiles, startDesktop, upload } from '../support/desktop.ts';

const run = promisify(execFile);
const hasMouse = spawnSync('xdotool', ['version']).status === 0;
if (!hasMouse && process.env.SHOAL_TEST_ALL === '1') throw new Error('xdotool is missing');

/** An app with its window at a place of the screen, showing its files. */
async function startAt(x: number): Promise<RunningApp> {
  const running = await startDesktop();
  await running.app.evaluate(({ BrowserWindow }, left) => {
    BrowserWindow.getAllWindows()[0]?.setBounds({ x: left, y: 20, width: 680, height: 700 });
  }, x);
  await showFiles(running);
  return running;
}

/** Where the middle of something is on the screen. */
async function onScreen({ app }: RunningApp, what: Locator): Promise<{ readonly x: number; readonly y: number }> {
  const window = await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getContentBounds());
  const box = await what.boundingBox();
  if (!window || !box) throw new Error('it is not shown');
  return { x: Math.round(window.x + box.x + box.width / 2), y: Math.round(window.y + box.y + box.height / 2) };
}

type Place = { readonly x: number; readonly y: number };

/** Moves the mouse as a hand does: in steps, with a moment between them. */
async function moveMouse(from: Place, to: Place): Promise<void> {
  const steps = Array.from({ length: 12 }, (_, index) => (index + 1) / 12).flatMap((part) => [
    ...[
      'mousemove',
      `${Math.round(from.x + (to.x - from.x) * part)}`,
      `${Math.round(from.y + (to.y - from.y) * part)}`,
    ],
    ...['sleep', '0.05'],
  ]);
  await run('xdotool', steps);
}

/**
 * Drags from one place to another. While the system has the drag, the app's main process answers nothing, so only the pages
 * are asked: the source feels its own drag first, then the target does.
 */
async function drag(source: RunningApp, from: Place, target: RunningApp, to: Place): Promise<void> {
  await run('xdotool', ['mousemove', `${from.x}`, `${from.y}`, 'sleep', '0.2', 'mousedown', '1', 'sleep', '0.1']);
  const near = { x: from.x + 40, y: from.y + 8 };
  await expect
    .poll(async () => {
      await moveMouse(from, near);
      return isOver(source);
    })
    .toBe(true);
  await noteDrags(target);
  await moveMouse(near, to);
  await expect.poll(() => isOver(target)).toBe(true);
  await run('xdotool', ['mouseup', '1']);
}

/** Notes what is dragged over a page. */
function noteDrags({ page }: RunningApp): Promise<unknown> {
  return page.evaluate("window.over = 0; window.addEventListener('dragover', () => { window.over += 1; }, true); 1");
}

const isOver = async ({ page }: RunningApp) => (await page.evaluate<number>('window.over')) > 0;

it.skipIf(!hasMouse)('a file is dragged from one window into another program, which gets it whole', async () => {
  const left = await startAt(0);
  const right = await startAt(700);
  await upload(left, 'hinaus 出去.txt', 'out of the window');
  await right.page.getByRole('main').waitFor();
  await noteDrags(left);
  const from = await onScreen(left, left.page.getByRole('row').filter({ hasText: 'hinaus' }));
  const to = await onScreen(right, right.page.locator('.files-main'));
  await drag(left, from, right, to);
  await right.page.getByRole('row').filter({ hasText: 'hinaus' }).waitFor();
  const content =
    "fetch('./api/v1/files/content?path=' + encodeURIComponent('hinaus 出去.txt')).then((one) => one.text())";
  await expect.poll(() => right.page.evaluate(content)).toBe('out of the window');
  // It left a copy, not the file.
  expect(await left.page.evaluate(content)).toBe('out of the window');
});

it.skipIf(!hasMouse)('dropped on a folder of the same window it is moved there, not uploaded again', async () => {
  const running = await startAt(0);
  const { page } = running;
  await upload(running, 'zug.txt', 'moved');
  const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"path":"ziel"}' };
  await page.evaluate(`fetch('./api/v1/folders', ${JSON.stringify(init)}).then((one) => one.status)`);
  const folder = page.locator('.row[data-folder=ziel]');
  await folder.waitFor();
  await noteDrags(running);
  const from = await onScreen(running, page.getByRole('row').filter({ hasText: 'zug.txt' }));
  await drag(running, from, running, await onScreen(running, folder));
  const paths = ['zug.txt', 'ziel/zug.txt'].map(
    (one) => `fetch('./api/v1/files/stat?path=${one}').then((one) => one.status)`,
  );
  await expect.poll(() => page.evaluate(`Promise.all([${paths.join()}])`)).toEqual([404, 200]);
});
