/** Files in a real browser: from the first start to upload, search, preview, rename, delete and undo. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { openWindow } from '../support/browser.ts';
import { call, json } from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';
import { from, withKey } from '../support/strangers.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let node: TestNode;
let api: ApiClient;

beforeAll(async () => {
  node = await startNode();
  api = await ApiClient.of(node);
});

const put = (at: string, body: string | Buffer) => api.ok('writeFile', { query: { path: at }, body });
const open = async (folder = '') => {
  const page = await openWindow(node.origin);
  await page.goto(`${node.origin}/#/files/${folder.split('/').map(encodeURIComponent).join('/')}`);
  return page;
};

describe('the first start', () => {
  it('leads from the setup link over the welcome to the files', async () => {
    // As somebody elsewhere: callers on the host manage without signing in.
    const fresh = await startNode({ trusted_proxies: ['127.0.0.1'] });
    const link = new URL(
      await readFile(path.join(fresh.dataDir, 'data', 'setup-link'), 'utf8').then((text) => text.trim()),
    );
    const page = await openWindow(fresh.origin);
    await page.setExtraHTTPHeaders(from());
    await page.goto(`${fresh.origin}/setup${link.search}`);
    await page.getByLabel(/^Password( \*)?$/).fill('long enough');
    await page.getByLabel('Password again').fill('another one');
    await expect.poll(() => page.getByText('The two passwords are not the same.').count()).toBe(1);
    await page.getByLabel('Password again').fill('long enough');
    await page.getByRole('button', { name: 'Create the administrator' }).click();
    await page.getByRole('heading', { name: 'Welcome to Shoal' }).waitFor();
    expect(page.url(), 'the token is gone from the address').not.toContain('token');
    await page.getByRole('textbox', { name: 'Name' }).fill('Kitchen');
    await page.getByRole('button', { name: 'Save' }).click();
    await expect
      .poll(async () => json<{ name: string }>(await call(`${fresh.origin}/api/v1/health`, { headers: withKey })).name)
      .toBe('Kitchen');
    await page.getByRole('button', { name: 'To my files' }).click();
    await page.getByText('This folder is empty').waitFor();
    // Signed out, the door is closed; signed in, it is open.
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.getByLabel(/^Password( \*)?$/).fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('You are not signed in').waitFor();
    await page.getByLabel(/^Password( \*)?$/).fill('long enough');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This folder is empty').waitFor();
  });
});

describe('a node that holds nothing', () => {
  it('welcomes its first visitor, and no other', async () => {
    const empty = await startNode();
    const page = await openWindow(empty.origin);
    await page.goto(`${empty.origin}/`);
    await page.getByRole('heading', { name: 'Welcome to Shoal' }).waitFor();
    await page.getByRole('button', { name: 'To my files' }).click();
    await page.getByText('This folder is empty').waitFor();
    await page.goto('about:blank');
    await page.goto(`${empty.origin}/`);
    await page.getByText('This folder is empty').waitFor();
    await put('some/file', 'x');
    const other = await openWindow(node.origin);
    await other.goto(`${node.origin}/`);
    await other.getByRole('row', { name: 'some' }).waitFor();
  });
});

describe('upload', () => {
  it('of a folder keeps its structure', async () => {
    const folder = path.join(await temporaryFolder(), 'holiday 假期');
    await mkdir(path.join(folder, 'deep', 'er'), { recursive: true });
    await writeFile(path.join(folder, 'a.txt'), 'a');
    await writeFile(path.join(folder, 'deep', 'er', 'ü & <b>.txt'), 'deep');
    const page = await open('into');
    await page.getByTestId('choose-folder').setInputFiles(folder);
    await expect
      .poll(async () => (await call(api.url('readFile', { path: 'into/holiday 假期/deep/er/ü & <b>.txt' }))).text)
      .toBe('deep');
    // It shows without a reload, by the event.
    await page.getByRole('row', { name: 'holiday 假期' }).dblclick();
    await page.getByRole('row', { name: 'a.txt' }).waitFor();
    expect((await call(api.url('readFile', { path: 'into/holiday 假期/a.txt' }))).text).toBe('a');
  });

  it('of a name that is taken asks, and keeps both', async () => {
    await put('taken/report.txt', 'the old one');
    const page = await open('taken');
    await page
      .getByTestId('choose-files')
      .setInputFiles({ name: 'report.txt', mimeType: 'text/plain', buffer: Buffer.from('the new one') });
    await page.getByRole('link', { name: 'Transfers' }).click();
    await page.getByRole('button', { name: 'Keep both' }).click();
    await page.getByRole('link', { name: 'Files', exact: true }).click();
    await expect
      .poll(async () => (await api.ok<{ total: number }>('viewFolder', { query: { folder: 'taken' } })).total)
      .toBe(2);
    expect((await call(api.url('readFile', { path: 'taken/report.txt' }))).text).toBe('the old one');
  });

  it('of hundreds of small files is not held up by showing them', async () => {
    const page = await open();
    const files = Array.from({ length: 300 }, (_, number) => ({
      name: `small ${number}.txt`,
      mimeType: 'text/plain',
      buffer: Buffer.from(`small ${number}`),
    }));
    await page.getByTestId('choose-files').setInputFiles(files);
    await page.getByRole('link', { name: 'Transfers' }).click();
    await page.getByRole('heading', { name: 'Done' }).waitFor();
    await expect.poll(() => page.locator('[data-upload]').count()).toBe(0);
    expect((await call(api.url('readFile', { path: 'small 299.txt' }))).text).toBe('small 299');
  });

  it('that had nothing to send says so', async () => {
    await put('known/a.txt', 'the same content');
    const page = await open('known');
    await page
      .getByTestId('choose-files')
      .setInputFiles({ name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('the same content') });
    await page.getByRole('link', { name: 'Transfers' }).click();
    await page.getByText('Already here, nothing had to be sent').waitFor();
  });
});

describe('names', () => {
  it('are text, whatever is in them', async () => {
    const evil = '<img src=x onerror=alert(1)>\u202egpj.exe';
    await put(`names/${evil}`, 'x');
    await put('names/zero\u200bwidth', 'x');
    const page = await open('names');
    await page.getByText('zero\ufffdwidth').waitFor();
    await page.getByText('<img src=x onerror=alert(1)>\ufffdgpj.exe').waitFor();
    expect(await page.locator('img[src="x"]').count()).toBe(0);
  });
});

describe('search', () => {
  it('finds as one types, in all folders, and filters by type', async () => {
    await put('search/one/needle 针.txt', 'x');
    await put(
      'search/two/needle.png',
      await sharp({ create: { width: 8, height: 8, channels: 3, background: '#08f' } })
        .png()
        .toBuffer(),
    );
    await put('search/hay.txt', 'x');
    const page = await open();
    await page.getByRole('searchbox').pressSequentially('needle');
    await page.getByRole('row', { name: 'needle.png' }).waitFor();
    await page.getByRole('row', { name: 'needle 针.txt' }).waitFor();
    expect(await page.getByRole('row', { name: 'hay.txt' }).count()).toBe(0);
    await page.getByRole('combobox', { name: 'Show only' }).click();
    await page.getByRole('option', { name: 'Images' }).click();
    await page.getByRole('row', { name: 'needle 针.txt' }).waitFor({ state: 'detached' });
    await page.getByRole('searchbox').fill('no such file anywhere');
    await page.getByText('Nothing found').waitFor();
  });
});

describe('preview', () => {
  it('shows text and images, and goes to the next one by keys', async () => {
    await put('look/1.txt', 'first words');
    await put(
      'look/2.png',
      await sharp({ create: { width: 40, height: 30, channels: 3, background: '#0a8' } })
        .png()
        .toBuffer(),
    );
    await put('look/3.bin', 'zzz');
    const page = await open('look');
    await page.getByRole('row', { name: '1.txt' }).dblclick();
    await page.getByRole('dialog').getByText('first words').waitFor();
    await page.keyboard.press('ArrowRight');
    const image = page.getByRole('dialog').getByRole('img', { name: '2.png' });
    await image.waitFor();
    await expect
      .poll(() => image.evaluate((element) => (element as unknown as { naturalWidth: number }).naturalWidth))
      .toBe(40);
    await page.keyboard.press('ArrowRight');
    await page.getByText('No preview for this kind of file').waitFor();
    await page.getByRole('button', { name: 'Details' }).click();
    await page.getByText('SHA-256').waitFor();
  });

  it('plays sound, and jumps in it without loading what lies between', async () => {
    await put('look/long.wav', wave(400));
    const page = await open('look');
    await page.getByRole('row', { name: 'long.wav' }).dblclick();
    const audio = page.locator('audio');
    const time = (name: 'duration' | 'currentTime') =>
      audio.evaluate((element, key) => Math.round((element as unknown as Record<string, number>)[key] ?? -1), name);
    await expect.poll(() => time('duration')).toBe(400);
    const jump = page.waitForRequest(
      (request) =>
        request.url().includes('long.wav') && Number(/bytes=(\d+)/.exec(request.headers().range ?? '')?.[1]) > 10e6,
    );
    await audio.evaluate((element) => {
      (element as unknown as { currentTime: number }).currentTime = 390;
    });
    await jump;
    await expect.poll(() => time('currentTime')).toBe(390);
  });

  it('shows a PDF in a frame of the node', async () => {
    await put('look/paper.pdf', '%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF');
    const page = await open('look');
    const loaded = page.waitForResponse((response) => response.url().includes('paper.pdf'));
    await page.getByRole('row', { name: 'paper.pdf' }).dblclick();
    const answer = await loaded;
    expect([answer.status(), answer.headers()['content-type']]).toEqual([200, 'application/pdf']);
    await page.locator('iframe[title="paper.pdf"]').waitFor();
  });

  it('of a page that somebody uploaded runs nothing of it', async () => {
    await put('look/evil.html', '<script>document.title = "owned"</script><h1>hello</h1>');
    const page = await open('look');
    await page.getByRole('row', { name: 'evil.html' }).dblclick();
    await page.getByRole('dialog').getByText('document.title').waitFor();
    expect(await page.title()).not.toContain('owned');
  });
});

describe('changes', () => {
  it('a file is renamed, refused beside the field where the name is taken', async () => {
    await put('rename/old.txt', 'x');
    await put('rename/there.txt', 'y');
    const page = await open('rename');
    await page.getByRole('row', { name: 'old.txt' }).click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Rename' }).click();
    const field = page.getByRole('dialog').getByRole('textbox');
    await field.fill('there.txt');
    await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
    await expect.poll(() => field.getAttribute('aria-invalid')).toBe('true');
    await field.fill('new name.txt');
    await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
    await page.getByRole('row', { name: 'new name.txt' }).waitFor();
    expect(await page.getByRole('row', { name: 'old.txt' }).count()).toBe(0);
  });

  it('what was deleted comes back by undo, and shows in the trash with who did it', async () => {
    await put('bin/keep.txt', 'keep');
    await put('bin/folder/inside.txt', 'inside');
    await api.ok('makeFolder', { json: { path: 'bin/folder/empty' } });
    const page = await open('bin');
    await page.getByRole('row', { name: 'folder' }).click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('row', { name: 'folder' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('row', { name: 'folder' }).waitFor();
    expect((await call(api.url('readFile', { path: 'bin/folder/inside.txt' }))).text).toBe('inside');
    await page.getByRole('row', { name: 'folder' }).dblclick();
    await page.getByRole('row', { name: 'empty' }).click();
    await page.keyboard.press('Delete');
    await page.getByRole('row', { name: 'empty' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).last().click();
    await page.getByText('1 folder is back').waitFor();
    await page.getByRole('row', { name: 'empty' }).waitFor();
    await page.goBack();
    await page.getByRole('row', { name: 'keep.txt' }).click();
    await page.keyboard.press('Delete');
    await page.getByRole('row', { name: 'keep.txt' }).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Trash' }).click();
    await page.getByText('by 127.0.0.1').first().waitFor();
    await page.getByRole('button', { name: 'Restore: keep.txt' }).first().click();
    await expect.poll(async () => (await call(api.url('readFile', { path: 'bin/keep.txt' }))).text).toBe('keep');
  });

  it('the keyboard alone is enough', async () => {
    for (const name of ['a', 'b', 'c']) await put(`keys/${name}.txt`, name);
    const page = await open('keys');
    await page.getByRole('row', { name: 'a.txt' }).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    await page.keyboard.press('Shift+ArrowDown');
    await page.getByText('2 selected').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Home');
    await page.keyboard.press('F2');
    await page.getByRole('dialog').getByRole('textbox').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('row', { name: 'a.txt' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('a', { exact: true }).waitFor();
  });

  it('several are moved into a new folder, and back by undo', async () => {
    for (const name of ['a', 'b']) await put(`move/${name}.txt`, name);
    const page = await open('move');
    await page.getByRole('button', { name: 'New folder' }).click();
    await page.getByRole('dialog').getByRole('textbox').fill('target');
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
    await page.getByRole('row', { name: 'target' }).waitFor();
    await page.getByRole('row', { name: 'a.txt' }).click();
    await page.getByRole('row', { name: 'b.txt' }).click({ modifiers: ['Shift'] });
    await page.getByRole('toolbar').getByRole('button', { name: 'Move' }).click();
    await page.getByRole('dialog').getByRole('link', { name: 'target' }).click();
    await page.getByRole('button', { name: 'Move here' }).click();
    await page.getByRole('row', { name: 'a.txt' }).waitFor({ state: 'detached' });
    expect((await call(api.url('readFile', { path: 'move/target/b.txt' }))).text).toBe('b');
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('row', { name: 'b.txt' }).waitFor();
  });

  it('several are downloaded as one zip', async () => {
    for (const name of ['a', 'b']) await put(`zip/${name}.txt`, name);
    const page = await open('zip');
    await page.getByRole('row', { name: 'a.txt' }).click();
    await page.keyboard.press('Control+a');
    const download = page.waitForEvent('download');
    await page.getByRole('toolbar').getByRole('button', { name: 'Download' }).click();
    const file = await download;
    expect(file.suggestedFilename()).toBe('zip.zip');
    const bytes = await readFile(await file.path());
    expect(bytes.subarray(0, 2).toString()).toBe('PK');
    expect(bytes.includes('b.txt')).toBe(true);
  });
});

/** Silence of some seconds: 16 bits, 22 050 samples a second (RIFF WAVE). */
function wave(seconds: number): Buffer {
  const rate = 22_050;
  const bytes = seconds * rate * 2;
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + bytes, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(bytes, 40);
  return Buffer.concat([head, Buffer.alloc(bytes)]);
}
