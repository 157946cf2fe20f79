/** The upload page that users of go-fastdfs know: for everybody whom the node lets upload, with its fields. */
import { describe, expect, it } from 'vitest';
import { openWindow } from '../support/browser.ts';
import { call } from '../support/http-client.ts';
import { startNode } from '../support/node-in-process.ts';
import { from } from '../support/strangers.ts';

const letter = { name: 'letter.txt', mimeType: 'text/plain', buffer: Buffer.from('dear node') };

describe('/group1/upload.html', () => {
  it('takes a stranger’s file, with the fields of the address', async () => {
    const node = await startNode({ trusted_proxies: ['127.0.0.1'] });
    const page = await openWindow(node.origin);
    await page.setExtraHTTPHeaders(from());
    await page.goto(`${node.group}/upload.html?scene=letters&path=my/place&filename=renamed.txt`);
    expect(await page.locator('input[name=scene]').inputValue()).toBe('letters');
    expect(await page.locator('input[name=filename]').inputValue()).toBe('renamed.txt');
    await page.locator('input[type=file]').setInputFiles(letter);
    await page.getByRole('button', { name: 'Upload' }).click();
    await page.getByText('1 file has been stored').waitFor();
    const address = await page.getByRole('textbox', { name: 'letter.txt' }).inputValue();
    expect(address.split('?')[0]).toBe(`${node.group}/my/place/renamed.txt`);
    expect((await call(address)).text).toBe('dear node');
    // Nothing else of the node is open to them.
    await page.goto(`${node.origin}/#/files`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });

  it('answers as the form asks, and says what the node refuses', async () => {
    const node = await startNode({ extensions: ['.png'] });
    const page = await openWindow(node.origin);
    await page.goto(`${node.group}/upload.html?output=json`);
    await page.locator('input[type=file]').setInputFiles(letter);
    await page.getByRole('main').getByRole('button', { name: 'Upload', exact: true }).click();
    await page.getByRole('alert').getByText('.txt').waitFor();
    await page.locator('input[type=file]').setInputFiles({ ...letter, name: 'picture.png' });
    await page.getByRole('main').getByRole('button', { name: 'Upload', exact: true }).click();
    const answer = await page.getByRole('textbox', { name: 'picture.png' }).inputValue();
    expect(JSON.parse(answer)).toMatchObject({ size: 9 });
  });

  it('sends strangers to the door where uploads need a sign-in', async () => {
    const node = await startNode({ trusted_proxies: ['127.0.0.1'], upload_policy: 'session' });
    const page = await openWindow(node.origin);
    await page.setExtraHTTPHeaders(from());
    await page.goto(`${node.group}/upload.html`);
    await page.getByText('Uploads need a sign-in here').waitFor();
    expect(await page.locator('input[type=file]').count()).toBe(0);
  });
});
