/** Links, made in the app and opened by somebody who knows nothing but the link. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { openWindow } from '../support/browser.ts';
import { call } from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';

let node: TestNode;
let api: ApiClient;

beforeAll(async () => {
  node = await startNode();
  api = await ApiClient.of(node);
  await api.ok('writeFile', { query: { path: 'shared/letter.txt' }, body: 'for you' });
});

/** Makes a link in the app. @returns its address. */
async function share(name: string, choose: { password?: string; uses?: number } = {}): Promise<string> {
  const page = await openWindow(node.origin);
  await page.goto(`${node.origin}/#/files/${name === 'shared' ? '' : 'shared'}`);
  await page.getByRole('row', { name }).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Share' }).click();
  const dialog = page.getByRole('dialog');
  if (choose.password !== undefined) {
    await dialog.getByRole('switch', { name: 'Ask for a password' }).click();
    await dialog.getByLabel(/^Password/).fill(choose.password);
  }
  if (choose.uses !== undefined) {
    await dialog.getByRole('switch', { name: 'Limit the number of downloads' }).click();
    await dialog.getByLabel('How often').fill(String(choose.uses));
  }
  await dialog.getByRole('button', { name: 'Make the link' }).click();
  await dialog.getByRole('img', { name: 'QR code of the link' }).waitFor();
  return dialog.getByRole('textbox', { name: 'Link' }).inputValue();
}

describe('a link', () => {
  it('shows the receiver what it is, in their language, and gives it', async () => {
    const url = await share('letter.txt');
    const page = await openWindow(node.origin, { locale: 'zh-CN' });
    await page.goto(url);
    await page.getByRole('heading', { name: 'letter.txt' }).waitFor();
    await page.getByText('for you').waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: '下载' }).click();
    expect((await download).suggestedFilename()).toBe('letter.txt');
    // Programs get the file as ever.
    expect((await call(url)).text).toBe('for you');
  });

  it('with a password asks for it', async () => {
    const url = await share('letter.txt', { password: 'open sesame' });
    const page = await openWindow(node.origin);
    await page.goto(url);
    await page.getByLabel('Password of the link').fill('wrong one');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Password of the link').fill('open sesame');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('heading', { name: 'letter.txt' }).waitFor();
    expect((await call(url)).status).toBe(401);
  });

  it('that is used up says so, and its uses are counted', async () => {
    const url = await share('letter.txt', { uses: 1 });
    const page = await openWindow(node.origin);
    await page.goto(url);
    // Looking at the page is no download.
    await page.getByRole('heading', { name: 'letter.txt' }).waitFor();
    await page.reload();
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download' }).click();
    await (await download).path();
    await page.goto(url);
    await page.getByRole('heading', { name: 'This link does not open' }).waitFor();
    const owner = await openWindow(node.origin);
    await owner.goto(`${node.origin}/#/share`);
    await owner.getByText('All', { exact: true }).click();
    await owner.getByText('used 1 of 1 times').waitFor();
  });

  it('that was ended opens nothing any more', async () => {
    const url = await share('shared');
    const owner = await openWindow(node.origin);
    await owner.goto(`${node.origin}/#/share`);
    await owner.getByRole('button', { name: 'End the link' }).first().click();
    await owner.getByRole('dialog').getByRole('button', { name: 'End the link' }).click();
    await owner.getByText('The link has ended').waitFor();
    const page = await openWindow(node.origin);
    await page.goto(url);
    await page
      .getByRole('heading')
      .getByText('ended', { exact: false })
      .or(page.getByText('revoked'))
      .first()
      .waitFor();
  });
});
