/**
 * Every screen, with something in it: nothing that axe finds fault with, nothing wider than the window, no text without its
 * words; in both themes, both languages, on a phone and on a large monitor. With SHOAL_SCREENSHOTS=FOLDER pictures of all
 * of it are written (npm run screenshots).
 */
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { accessibilityProblems, openWindow, overflow } from '../support/browser.ts';
import { testKey } from '../support/cluster-in-process.ts';
import { eventually } from '../support/eventually.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';
import { from } from '../support/strangers.ts';

const pictures = process.env.SHOAL_SCREENSHOTS;

const keys = keysOf(
  JSON.parse(await readFile(path.join(import.meta.dirname, '..', '..', 'renderer', 'locales', 'en.json'), 'utf8')),
);

let node: TestNode;
/** A second member, to which nobody can connect. */
let other: TestNode;
let door: TestNode;

beforeAll(async () => {
  [node, door] = await Promise.all([
    startNode({ node_name: 'Living room', cluster_key: testKey }),
    startNode({ trusted_proxies: ['127.0.0.1'] }),
  ]);
  other = await startNode({
    ...{ node_name: '旧笔记本', cluster_key: testKey, peers: [node.origin] },
    ...{ peer_addr: '127.0.0.2:0', advertise: '127.0.0.1:9' },
  });
  const api = await ApiClient.of(node);
  const put = (at: string, body: string | Buffer, mtimeMs = 1_795_000_000_000) =>
    api.ok('writeFile', { query: { path: at, mtimeMs }, body });
  const picture = (colour: string) =>
    sharp({ create: { width: 320, height: 240, channels: 3, background: colour } })
      .jpeg()
      .toBuffer();
  await put('Holiday/beach.jpg', await picture('#3ba7c4'));
  await put('Holiday/forest.jpg', await picture('#4d8f5b'));
  await put('Holiday/sunset.jpg', await picture('#e08a4a'));
  await put('Documents/合同 2026.pdf', 'not really a PDF');
  await put(
    'Notes on a very long subject whose name does not end where one would expect it to end.txt',
    'notes\n'.repeat(50),
  );
  await put('music.mp3', 'sound');
  await put('archive.zip', Buffer.alloc(123_456));
  for (let number = 1; number <= 20; number += 1) await put(`letter ${number}.txt`, `letter ${number}`);
  await api.ok('removeEntry', { query: { path: 'letter 20.txt' } });
  await api.ok('writeFile', { query: { path: 'letter 19.txt', replace: true }, body: 'another letter' });
  await api.ok('createLink', { json: { path: 'Holiday', label: 'For grandmother' } });
  await api.ok('createLink', { json: { path: 'music.mp3', password: 'long enough', maxUses: 3 } });
  await api.ok('createInvite', { json: { hours: 24 } });
  await api.ok('addRetention', { json: { folder: 'Documents', days: 3650 } });
  const client = await ApiClient.of(other);
  const isBehind = async () => (await client.ok<{ nobodyReaches: boolean }>('listMembers')).nobodyReaches;
  await eventually(isBehind, 'nobody reaches it', 60_000);
});

/** All keys of the texts. */
function keysOf(texts: object, prefix = ''): string[] {
  return Object.entries(texts).flatMap(([key, value]) =>
    typeof value === 'string' ? [prefix + key] : keysOf(value as object, `${prefix}${key}.`),
  );
}

/** What is looked at: its address, and what is there when it is complete. */
const screens: readonly { name: string; at: string; until: (page: Page) => Promise<unknown> }[] = [
  { name: 'files', at: '#/files', until: (page) => page.getByRole('row').nth(6).waitFor() },
  { name: 'files-pictures', at: '#/files/Holiday', until: (page) => page.getByRole('row').nth(2).waitFor() },
  { name: 'transfers', at: '#/transfers', until: heading },
  { name: 'devices', at: '#/devices', until: (page) => page.locator('[data-member]').nth(1).waitFor() },
  { name: 'share', at: '#/share', until: (page) => page.locator('[data-link]').first().waitFor() },
  { name: 'trash', at: '#/trash', until: (page) => page.locator('.list-row').first().waitFor() },
  { name: 'health', at: '#/health', until: (page) => page.locator('.recharts-bar').first().waitFor() },
  { name: 'settings', at: '#/settings', until: (page) => page.locator('[data-setting]').first().waitFor() },
  { name: 'settings-account', at: '#/settings/account', until: (page) => page.locator('.list-row').first().waitFor() },
  {
    name: 'settings-alarms',
    at: '#/settings/alarms',
    until: (page) => page.locator('[data-setting]').first().waitFor(),
  },
  {
    name: 'settings-retention',
    at: '#/settings/retention',
    until: (page) => page.getByText('3,650').or(page.getByText('3650')).first().waitFor(),
  },
  { name: 'settings-backup', at: '#/settings/backup', until: heading },
  { name: 'settings-all', at: '#/settings/all', until: (page) => page.locator('[data-setting]').first().waitFor() },
  { name: 'welcome', at: '#/welcome', until: heading },
  { name: 'upload', at: '#/upload', until: (page) => page.locator('input[name=scene]').waitFor() },
];

function heading(page: Page) {
  return page.getByRole('heading', { level: 1 }).waitFor();
}

const ways = [
  { way: 'light', colorScheme: 'light', locale: 'en-US', viewport: { width: 1280, height: 860 } },
  { way: 'dark', colorScheme: 'dark', locale: 'zh-CN', viewport: { width: 1280, height: 860 } },
  { way: 'phone', colorScheme: 'light', locale: 'zh-CN', viewport: { width: 360, height: 740 } },
  { way: 'phone-dark', colorScheme: 'dark', locale: 'en-US', viewport: { width: 360, height: 740 } },
  { way: 'large', colorScheme: 'light', locale: 'en-US', viewport: { width: 2560, height: 1300 } },
  { way: 'large-dark', colorScheme: 'dark', locale: 'zh-CN', viewport: { width: 2560, height: 1300 } },
] as const;

/** Whether all of some images have been drawn. */
const drawn = (images: unknown[]) =>
  images.length > 0 && images.every((image) => (image as { naturalWidth: number }).naturalWidth > 0);

/** Looks at what is shown now. */
async function look(page: Page, name: string): Promise<void> {
  await expect.poll(() => page.locator('[class*=Skeleton-root]').count()).toBe(0);
  if (pictures !== undefined) {
    await mkdir(pictures, { recursive: true });
    await page.screenshot({ path: path.join(pictures, `${name}.png`) });
  }
  expect(await overflow(page), `${name} is wider than the window`).toBeLessThanOrEqual(0);
  const text = await page.locator('body').innerText();
  // A text without words shows as its key.
  expect(keys.filter((key) => text.includes(key))).toEqual([]);
  expect(await accessibilityProblems(page), name).toEqual([]);
}

describe.each(ways)('on a screen that is $way', ({ way, ...options }) => {
  it('every screen is as it should be', async () => {
    const page = await openWindow(node.origin, options);
    for (const { name, at, until } of screens) {
      await page.goto(`${node.origin}/${at}`);
      await until(page);
      await look(page, `${name}-${way}`);
    }
    const second = await openWindow(other.origin, options);
    await second.goto(`${other.origin}/#/devices`);
    await second.getByRole('alert').first().waitFor();
    await look(second, `devices-unreached-${way}`);
    await second.goto(`${other.origin}/#/transfers`);
    await second.locator('[data-transfer="done"]').first().waitFor();
    await look(second, `transfers-came-${way}`);
  });

  it('so are dialogs, menus and the door', async () => {
    const page = await openWindow(node.origin, options);
    await page.goto(`${node.origin}/#/files`);
    const row = page.getByRole('row', { name: 'Notes on' });
    await row.click({ button: 'right' });
    await page.getByRole('menuitem').first().waitFor();
    await look(page, `menu-${way}`);
    await page.getByRole('menuitem').first().click();
    await page.getByRole('region').getByText('notes').first().waitFor();
    await look(page, `preview-${way}`);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await row.getByRole('checkbox').click();
    await page.getByRole('toolbar').waitFor();
    await look(page, `selection-${way}`);
    await page.getByRole('toolbar').getByRole('button').nth(3).click();
    await page.getByRole('dialog').getByRole('button').nth(1).waitFor();
    await look(page, `share-dialog-${way}`);
    await page.goto('about:blank');
    await page.goto(`${node.origin}/#/devices`);
    await page.locator('[data-member]').nth(1).waitFor();
    await page.locator('main').getByRole('button').first().click();
    await page.getByRole('tab').first().waitFor();
    await look(page, `add-device-${way}`);
    await page.goto('about:blank');
    await page.goto(`${node.origin}/#/files/Holiday`);
    await page.locator('.thumb').first().waitFor();
    await page.locator('input[type=radio][value=grid] + label').click();
    await expect.poll(() => page.locator('.tile img').evaluateAll(drawn)).toBe(true);
    await look(page, `grid-${way}`);
    await page.locator('.tile').first().getByRole('button').click();
    await page.getByRole('menuitem').nth(5).click();
    await page.getByText('SHA-256').waitFor();
    await page.getByTestId('holders').locator('svg').first().waitFor();
    await look(page, `details-${way}`);
    await page.goto('about:blank');
    await page.goto(`${node.origin}/#/files`);
    const letter = (name: string, text: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });
    await page
      .getByTestId('choose-files')
      .setInputFiles([
        letter('letter 1.txt', 'another one'),
        letter('letter 2.txt', 'letter 2'),
        letter('letter 3.txt', 'x'),
      ]);
    await page.goto(`${node.origin}/#/transfers`);
    await page.locator('[data-upload="conflict"]').nth(1).waitFor();
    await look(page, `transfers-busy-${way}`);
    const stranger = await openWindow(door.origin, options);
    await stranger.setExtraHTTPHeaders(from());
    await stranger.goto(`${door.origin}/`);
    await stranger.locator('input[type=password]').waitFor();
    await look(stranger, `login-${way}`);
  });
});
