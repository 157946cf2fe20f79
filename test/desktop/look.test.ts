/**
 * What the windows look like: every one is opened and nothing in it is wider than it. `npm run screenshots:desktop --
 * FOLDER` keeps the pictures.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { type InsideApp, launchDesktop, type RunningApp, startDesktop } from '../support/desktop.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const kept = process.env.SHOAL_SCREENSHOTS;

/** Checks a page, and keeps a picture of it if pictures are kept. */
async function look(page: Page, name: string): Promise<void> {
  const wider = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
  expect([name, await page.evaluate(wider)]).toEqual([name, 0]);
  if (kept === undefined) return;
  await mkdir(kept, { recursive: true });
  await page.screenshot({ path: path.join(kept, `${name}.png`) });
}

/** The whole screen, with what is not the page's: title bar, menu. */
async function lookAtScreen({ app }: RunningApp, name: string): Promise<void> {
  if (kept === undefined) return;
  const picture = await app.evaluate(async ({ desktopCapturer }) => {
    const size = { width: 1400, height: 1000 };
    const [screen] = await desktopCapturer.getSources({ types: ['screen'], thumbnailSize: size });
    return screen?.thumbnail.toPNG().toString('base64') ?? '';
  });
  await writeFile(path.join(kept, `${name}.png`), Buffer.from(picture, 'base64'));
}

async function go({ page, origin }: RunningApp, hash: string): Promise<void> {
  await page.goto(`${origin}/#/${hash}`);
  // The screen itself, which may come a moment after its place.
  await page.getByRole('main').locator('h1, .files').first().waitFor();
  await page.locator('.mantine-Skeleton-root, .mantine-Loader-root').first().waitFor({ state: 'detached' });
}

it('the windows of a first run and of everyday, in both themes', async () => {
  const running = await startDesktop({ env: { SHOAL_NAME: 'Studio' } });
  const { app, page, origin } = running;
  await go(running, 'welcome');
  await look(page, '01-first-run');
  await go(running, 'files');
  for (const [index, colour] of ['#c2410c', '#0d7a84', '#4d7c0f'].entries()) {
    const picture = sharp({ create: { width: 800, height: 600, channels: 3, background: colour } });
    const body = await picture.jpeg().toBuffer();
    await fetch(`${origin}/api/v1/files/content?path=Photos/Photo ${index + 1}.jpg`, { method: 'PUT', body });
  }
  for (const name of [
    'Report 2026.pdf',
    '会议记录.txt',
    'a rather long name of a file that somebody has given it in a hurry (final, really final).docx',
  ]) {
    await fetch(`${origin}/api/v1/files/content?path=${encodeURIComponent(name)}`, {
      method: 'PUT',
      body: name.repeat(99),
    });
  }
  await page.getByRole('row').filter({ hasText: 'Report 2026.pdf' }).waitFor();
  await look(page, '02-files');
  await lookAtScreen(running, '03-screen');
  await page.getByRole('row').filter({ hasText: 'Report 2026.pdf' }).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Show in the file manager' }).waitFor();
  await look(page, '04-files-menu');
  await page.keyboard.press('Escape');
  for (const [hash, name] of [
    ['transfers', '05-transfers'],
    ['devices', '06-devices'],
    ['share', '07-links'],
    ['health', '08-health'],
    ['settings', '09-settings'],
  ] as const) {
    await go(running, hash);
    await look(page, name);
  }
  await page.getByText('Dark', { exact: true }).click();
  await expect.poll(() => app.evaluate(({ nativeTheme }) => nativeTheme.shouldUseDarkColors)).toBe(true);
  await look(page, '10-settings-dark');
  await go(running, 'files');
  await look(page, '11-files-dark');
  await app.evaluate(({ Menu }) => Menu.getApplicationMenu()?.getMenuItemById('about')?.click());
  const find = () => app.windows().find((one) => one.url().endsWith('/about.html'));
  await expect.poll(() => find() !== undefined).toBe(true);
  const about = find();
  if (!about) throw new Error('there is no About window');
  await about.getByText('Electron').first().waitFor();
  await look(about, '12-about-dark');
});

it('the window of a node that does not start, in both languages', async () => {
  for (const [language, lang] of [
    ['en', 'C.UTF-8'],
    ['zh-CN', 'zh_CN.UTF-8'],
  ] as const) {
    const profile = await temporaryFolder();
    const { app } = await launchDesktop({ profile, env: { SHOAL_NODE: '/nowhere/node', LANG: lang, LANGUAGE: lang } });
    const find = () => app.windows().find((one) => one.url().endsWith('/problem.html'));
    await expect.poll(() => find() !== undefined).toBe(true);
    const problem = find();
    if (!problem) throw new Error('the problem is not shown');
    await problem.locator('a[href="#again"]').waitFor();
    await look(problem, `13-failure-${language}`);
    expect(await app.evaluate(() => (globalThis as typeof globalThis & { shoal: InsideApp }).shoal.host.state)).toBe(
      'failed',
    );
  }
});
