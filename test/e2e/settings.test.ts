/** Settings in a real browser: saved, refused, the account with its second factor, language and appearance. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { generate } from 'otplib';
import { beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { openWindow } from '../support/browser.ts';
import { call } from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';
import { from } from '../support/strangers.ts';

let node: TestNode;
let api: ApiClient;

beforeAll(async () => {
  node = await startNode();
  api = await ApiClient.of(node);
});

const settingOf = async (key: string) => {
  const { settings } = await api.ok<{ settings: { key: string; value: unknown }[] }>('readSettings');
  return settings.find((setting) => setting.key === key)?.value;
};

describe('settings', () => {
  it('are saved, and counted at once', async () => {
    const page = await openWindow(node.origin);
    await page.goto(`${node.origin}/#/settings/storage`);
    const field = page.locator('[data-setting="trash_days"]');
    await field.fill('12');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved').waitFor();
    expect(await settingOf('trash_days')).toBe(12);
  });

  it('that are bad are refused beside their field, and change nothing', async () => {
    const page = await openWindow(node.origin);
    await page.goto(`${node.origin}/#/settings/all`);
    await page.getByRole('searchbox').fill('host');
    const field = page.locator('[data-setting="host"]');
    await field.fill('this is no address');
    await page.getByRole('button', { name: 'Save' }).click();
    await expect.poll(() => field.getAttribute('aria-invalid')).toBe('true');
    await page.getByText('configuration key host').waitFor();
    expect(await settingOf('host')).toBe('');
    await page.getByRole('button', { name: 'Discard' }).click();
    await expect.poll(() => field.inputValue()).toBe('');
  });

  it('hold every key of the configuration', async () => {
    const page = await openWindow(node.origin);
    await page.goto(`${node.origin}/#/settings/all`);
    const { settings } = await api.ok<{ settings: { key: string }[] }>('readSettings');
    await page.getByText(`${settings.length} keys`).waitFor();
    const shown = await page.locator('.setting code:first-of-type').allTextContents();
    for (const { key } of settings) expect(shown).toContain(key);
    await page.getByRole('searchbox').fill('zzzz no such key');
    await page.getByText('Nothing found').waitFor();
  });

  it('that somebody else changed show without a reload', async () => {
    const page = await openWindow(node.origin);
    await page.goto(`${node.origin}/#/settings/general`);
    const field = page.locator('[data-setting="node_name"]');
    await field.waitFor();
    await api.ok('changeSettings', { json: { changes: { node_name: 'Changed elsewhere' } } });
    await expect.poll(() => field.inputValue()).toBe('Changed elsewhere');
  });

  it('show what a rule would take before it exists', async () => {
    await api.ok('writeFile', { query: { path: 'old/letter.txt', mtimeMs: 1000 }, body: 'old' });
    const page = await openWindow(node.origin);
    await page.goto(`${node.origin}/#/settings/retention`);
    await page.getByRole('textbox', { name: 'Folder' }).fill('old');
    await page.getByRole('button', { name: 'Preview' }).click();
    await page.getByText(/Would take \d+ file/).waitFor();
    await page.getByRole('button', { name: 'Add the rule' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Add the rule' }).click();
    await page.getByText('after 365 days').waitFor();
  });
});

describe('the look', () => {
  it('speaks the language of the browser, and changes it when asked', async () => {
    const page = await openWindow(node.origin, { locale: 'zh-CN' });
    await page.goto(`${node.origin}/#/files`);
    await page.getByRole('link', { name: '文件', exact: true }).waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
    await page.getByRole('button', { name: '语言' }).click();
    await page.getByRole('menuitem', { name: 'English' }).click();
    await page.getByRole('link', { name: 'Devices' }).waitFor();
    await page.reload();
    await page.getByRole('link', { name: 'Devices' }).waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
  });

  it('words of the node are in the language of the page, not of the browser', async () => {
    const page = await openWindow(node.origin);
    await page.goto(`${node.origin}/#/settings/general`);
    await page.getByRole('combobox', { name: 'Language' }).click();
    await page.getByRole('option', { name: '简体中文' }).click();
    await page.getByText('显示给用户的节点名称').waitFor();
  });

  it('is light or dark as the device says, and otherwise when asked', async () => {
    const page = await openWindow(node.origin, { colorScheme: 'dark' });
    await page.goto(`${node.origin}/#/files`);
    const scheme = () => page.locator('html').getAttribute('data-mantine-color-scheme');
    await expect.poll(scheme).toBe('dark');
    await page.getByRole('button', { name: 'Appearance' }).click();
    await page.getByRole('menuitem', { name: 'Light' }).click();
    await expect.poll(scheme).toBe('light');
    await page.reload();
    await expect.poll(scheme).toBe('light');
  });
});

describe('the account', () => {
  it('gets a second factor, which the door then asks for', async () => {
    const guarded = await startNode({ trusted_proxies: ['127.0.0.1'] });
    const page = await openWindow(guarded.origin);
    await page.setExtraHTTPHeaders(from());
    await setUp(guarded);
    await page.goto(`${guarded.origin}/`);
    const signIn = async (code?: string) => {
      await page.getByLabel(/^Password( \*)?$/).fill('long enough');
      if (code !== undefined) await page.getByRole('textbox', { name: 'One-time code' }).fill(code);
      await page.getByRole('button', { name: 'Sign in' }).click();
    };
    await signIn();
    await page.getByText('This folder is empty').waitFor();
    await page.goto(`${guarded.origin}/#/settings/account`);
    await page.getByRole('button', { name: 'Set it up' }).click();
    await page.getByRole('img', { name: 'QR code for the authenticator app' }).waitFor();
    const secret = await page.getByRole('textbox', { name: 'Or type this secret' }).inputValue();
    await page.getByRole('textbox', { name: 'One-time code' }).fill(await generate({ secret }));
    await page.getByRole('button', { name: 'Confirm and turn on' }).click();
    await page.getByText('The second factor is on').waitFor();
    await page.getByRole('button', { name: 'Account', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('textbox', { name: 'One-time code' }).waitFor();
    await signIn('000000');
    await page.getByRole('alert').waitFor();
  });
});

/** Makes the administrator, as somebody on the host would. */
async function setUp(guarded: TestNode): Promise<void> {
  const link = new URL((await readFile(path.join(guarded.dataDir, 'data', 'setup-link'), 'utf8')).trim());
  const answer = await call(`${guarded.origin}/api/v1/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: link.searchParams.get('token'), name: 'admin', password: 'long enough' }),
  });
  expect(answer.status, answer.text).toBe(200);
}
