/** Two desktops: paired, a file put into one shows in the other; its link and its bytes leave the window. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { collectTold, type InsideApp, type RunningApp, startDesktop } from '../support/desktop.ts';

/** Calls the page's own node as the page does. */
function call(running: RunningApp, path: string, method = 'GET', json?: unknown): Promise<unknown> {
  const init = { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(json) };
  const code = `fetch('./api/v1${path}', ${JSON.stringify(init)}).then((one) => one.json())`;
  return running.page.evaluate(code);
}

it('what is uploaded in one window is linked to, told of in the other, and can be dragged out there', async () => {
  const [left, right] = await Promise.all([
    startDesktop({ env: { SHOAL_NAME: 'Left' } }),
    startDesktop({ env: { SHOAL_NAME: 'Right' } }),
  ]);
  const [leftTold, rightTold] = await Promise.all([collectTold(left), collectTold(right)]);
  const { peerPort } = JSON.parse(await readFile(`${left.profile}/desktop.json`, 'utf8')) as { peerPort: number };
  await call(right, '/pairings', 'POST', { address: `127.0.0.1:${peerPort}` });
  // The user is asked where they are: by a notification with the digits.
  await expect
    .poll(leftTold)
    .toMatchObject([{ title: 'Right wants to join', body: expect.stringMatching(/\d{3} \d{3}/) }]);
  for (const side of [left, right]) {
    const { pairings } = (await call(side, '/pairings')) as { pairings: { id: string }[] };
    await call(side, '/pairings/decide', 'POST', { id: pairings[0]?.id, approve: true });
  }
  const members = async () => ((await call(right, '/members')) as { members: unknown[] }).members.length;
  await expect.poll(members).toBe(2);
  await left.page.goto(`${left.origin}/#/files`);
  const name = 'Größe 尺寸.txt';
  const file = { name, mimeType: 'text/plain', buffer: Buffer.from('from left to right') };
  await left.page.getByTestId('choose-files').setInputFiles(file);
  // The link names no address that means the other machine itself, and opens without a session.
  const clipboard = () => left.app.evaluate(({ clipboard: board }) => board.readText());
  await expect.poll(clipboard).toMatch(/^http:\/\/.+\/s\/[\w-]+$/);
  const link = await clipboard();
  expect(new URL(link).hostname).not.toMatch(/^(127\.|localhost)/);
  expect(await (await fetch(`${link}?download=1`)).text()).toContain('from left to right');
  await expect.poll(rightTold).toContainEqual({ title: `New file: ${name}`, body: 'from Left' });
  // The drag itself would wait for a mouse: what it is started with is looked at.
  await right.app.evaluate(({ BrowserWindow }) => {
    const [window] = BrowserWindow.getAllWindows();
    if (window) window.webContents.startDrag = (item) => Object.assign(globalThis, { dragged: item.file });
  });
  expect(await right.page.evaluate(`window.desktop.startDrag({ paths: ['${name}'] })`)).toBe(true);
  const dragged = await right.app.evaluate(() => (globalThis as unknown as { dragged: string }).dragged);
  expect(dragged.startsWith(right.profile)).toBe(true);
  expect(dragged).not.toContain('/store/');
  expect(await readFile(dragged, 'utf8')).toBe('from left to right');
  // Bytes that are elsewhere are fetched for the drag, even while this node fetches nothing by itself.
  await call(right, '/transfers', 'PUT', { paused: true });
  const elsewhere = { name: 'drüben.bin', mimeType: 'application/octet-stream', buffer: randomBytes(300_000) };
  await left.page.getByTestId('choose-files').setInputFiles(elsewhere);
  const details = `/files/stat?path=${encodeURIComponent(elsewhere.name)}`;
  await expect.poll(() => call(right, details)).toMatchObject({ here: false });
  expect(await right.page.evaluate(`window.desktop.startDrag({ paths: ['${elsewhere.name}'] })`)).toBe(true);
  const fetched = await right.app.evaluate(() => (globalThis as unknown as { dragged: string }).dragged);
  expect((await readFile(fetched)).equals(elsewhere.buffer)).toBe(true);
  await call(right, '/transfers', 'PUT', { paused: false });
  const recent = await right.app.evaluate(() => (globalThis as unknown as { shoal: InsideApp }).shoal.status.recent);
  expect(recent).toEqual([elsewhere.name, name]);
});
