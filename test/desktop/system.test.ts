/** What ties the app to its system: tray, menu, autostart, sleep, network, updates, the failing node, the missing display. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import {
  collectTold,
  type InsideApp,
  launchDesktop,
  nodePid,
  type RunningApp,
  showFiles,
  startDesktop,
  upload,
} from '../support/desktop.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const root = path.join(import.meta.dirname, '..', '..');
type Inside = typeof globalThis & { shoal: InsideApp; seen: string[] };

/** Waits until the page's own screen is there. */
async function atFiles(options: Parameters<typeof startDesktop>[0] = {}): Promise<RunningApp> {
  const running = await startDesktop(options);
  await showFiles(running);
  return running;
}

/** Chooses an entry of the tray's menu. */
function choose({ app }: RunningApp, id: string): Promise<void> {
  return app.evaluate((_electron, entry) => {
    (globalThis as Inside).shoal.tray.menu.getMenuItemById(entry)?.click();
  }, id);
}

/** Chooses an entry of the window's menu. */
function chooseInMenu({ app }: RunningApp, id: string): Promise<void> {
  return app.evaluate(({ Menu }, entry) => {
    Menu.getApplicationMenu()?.getMenuItemById(entry)?.click();
  }, id);
}

it('the tray tells the state, pauses, copies the last link and opens recent files', async () => {
  const running = await atFiles();
  const { app } = running;
  await upload(running, 'neu.txt', 'recent');
  const text = () => app.evaluate(() => (globalThis as Inside).shoal.tray.text);
  await expect.poll(text).toBe('In step');
  await choose(running, 'pause');
  await expect.poll(text).toBe('Paused');
  await choose(running, 'pause');
  await expect.poll(text).toBe('In step');
  const link = await expect
    .poll(() => app.evaluate(() => (globalThis as Inside).shoal.sharing.last))
    .toMatch(/\/s\//)
    .then(() => app.evaluate(() => (globalThis as Inside).shoal.sharing.last));
  await app.evaluate(({ clipboard }) => clipboard.writeText('something else'));
  await choose(running, 'copy-last-link');
  expect(await app.evaluate(({ clipboard }) => clipboard.readText())).toBe(link);
  // A file of the app's own, not of the store.
  await app.evaluate(({ shell }) => {
    const seen: string[] = [];
    Object.assign(globalThis, { seen });
    shell.openPath = async (file) => {
      seen.push(file);
      return '';
    };
    const recent = (globalThis as Inside).shoal.tray.menu.getMenuItemById('recent');
    recent?.submenu?.items[0]?.click();
  });
  const opened = () => app.evaluate(() => (globalThis as Inside).seen);
  await expect.poll(async () => (await opened()).length).toBe(1);
  const [file = ''] = await opened();
  expect(await readFile(file, 'utf8')).toBe('recent');
  expect(file).not.toContain('/store/');
  // The node goes: so does the state.
  process.kill(await nodePid(running), 'SIGKILL');
  await expect.poll(text).toBe('The node is not running');
  await expect.poll(text).toBe('In step');
});

it('a row is dragged out as a local file, dropped back onto a folder it is moved; its menu opens it outside', async () => {
  const running = await atFiles();
  const { app, page } = running;
  await upload(running, 'zug.txt', 'dragged');
  expect(
    await page.evaluate(
      "fetch('./api/v1/folders', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ path: 'ziel' }) }).then((one) => one.ok)",
    ),
  ).toBe(true);
  await page.locator('[data-folder=ziel]').first().waitFor();
  await app.evaluate(({ BrowserWindow, shell }) => {
    const seen: string[] = [];
    Object.assign(globalThis, { seen });
    const [window] = BrowserWindow.getAllWindows();
    if (window) window.webContents.startDrag = (item) => void seen.push(...(item.files ?? []));
    shell.openPath = async (file) => {
      seen.push(`open ${file}`);
      return '';
    };
    shell.showItemInFolder = (file) => void seen.push(`show ${file}`);
  });
  const seen = () => app.evaluate(() => (globalThis as Inside).seen);
  const row = page.getByRole('row').filter({ hasText: 'zug.txt' });
  const box = await row.boundingBox();
  if (!box) throw new Error('the row is not shown');
  await page.mouse.move(box.x + 200, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + 260, box.y + 80, { steps: 6 });
  await expect.poll(async () => (await seen()).length).toBe(1);
  const [file = ''] = await seen();
  expect(await readFile(file, 'utf8')).toBe('dragged');
  // The system has the drag now, and brings the file back as it would any other.
  const session = await page.context().newCDPSession(page);
  const target = await page.locator('[data-folder=ziel]').first().boundingBox();
  if (!target) throw new Error('the folder is not shown');
  const at = { x: target.x + 100, y: target.y + target.height / 2 };
  const data = { items: [], files: [file], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, ...at, data });
  }
  await page.mouse.up();
  const paths =
    "Promise.all(['zug.txt', 'ziel/zug.txt'].map((one) => fetch('./api/v1/files/stat?path=' + one).then((answer) => answer.status)))";
  await expect.poll(() => page.evaluate(paths)).toEqual([404, 200]);
  await page.goto(`${running.origin}/#/files/ziel`);
  await page.getByRole('row').filter({ hasText: 'zug.txt' }).click({ button: 'right' });
  await page.getByRole('menuitem', { name: "Open with the system's application" }).click();
  await expect.poll(async () => (await seen()).at(-1)).toMatch(/^open .*zug\.txt$/);
  await page.getByRole('row').filter({ hasText: 'zug.txt' }).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Show in the file manager' }).click();
  await expect.poll(async () => (await seen()).at(-1)).toMatch(/^show .*zug\.txt$/);
});

it('autostart, the link after an upload and the theme are chosen in the settings and kept', async () => {
  const config = await temporaryFolder();
  const running = await startDesktop({ env: { XDG_CONFIG_HOME: config } });
  const { app, page, origin } = running;
  await page.goto(`${origin}/#/settings`);
  const entry = path.join(config, 'autostart', 'shoal.desktop');
  const autostart = page.getByLabel('Start with the system');
  expect(await autostart.isChecked()).toBe(false);
  await autostart.click({ force: true });
  await expect.poll(() => readFile(entry, 'utf8').catch(() => '')).toMatch(/^Exec=".*" ".*" --hidden$/m);
  expect(spawnSync('desktop-file-validate', [entry], { encoding: 'utf8' }).stdout).toBe('');
  await autostart.click({ force: true });
  await expect
    .poll(() =>
      stat(entry).then(
        () => true,
        () => false,
      ),
    )
    .toBe(false);
  await page.getByText('Dark', { exact: true }).click();
  await expect.poll(() => app.evaluate(({ nativeTheme }) => nativeTheme.themeSource)).toBe('dark');
  await page.getByLabel('Copy a link after an upload').click({ force: true });
  const kept = async () => JSON.parse(await readFile(path.join(running.profile, 'desktop.json'), 'utf8'));
  await expect.poll(kept).toMatchObject({ theme: 'dark', linkAfterUpload: false });
  await app.evaluate(({ clipboard }) => clipboard.writeText('mine'));
  await page.goto(`${origin}/#/files`);
  await upload(running, 'a.txt', 'a');
  await expect.poll(() => app.evaluate(() => (globalThis as Inside).shoal.status.recent)).toContain('a.txt');
  expect(await app.evaluate(({ clipboard }) => clipboard.readText())).toBe('mine');
});

it('started hidden, no window is there until somebody asks; then it is where it was', async () => {
  const { app, profile } = await launchDesktop({ args: ['--hidden'] });
  await expect.poll(() => app.evaluate(() => (globalThis as Inside).shoal.host.state)).toBe('ready');
  expect(app.windows()).toEqual([]);
  await app.evaluate(() => (globalThis as Inside).shoal.tray.menu.getMenuItemById('open')?.click());
  const page = await app.firstWindow();
  await page.waitForURL(/^http:/);
  await app.evaluate(({ BrowserWindow }) => {
    BrowserWindow.getAllWindows()[0]?.setBounds({ x: 111, y: 99, width: 900, height: 600 });
    BrowserWindow.getAllWindows()[0]?.close();
  });
  await expect
    .poll(async () => JSON.parse(await readFile(path.join(profile, 'desktop.json'), 'utf8')))
    .toMatchObject({ window: { width: 900, height: 600 }, toldOfTray: true });
});

it('after a sleep and after a change of the network the node compares at once', async () => {
  const running = await atFiles();
  const { app, origin } = running;
  const repairs = await app.evaluate(() => {
    const { api } = (globalThis as Inside).shoal;
    const asked: string[] = [];
    Object.assign(globalThis, { seen: asked });
    const before = api.json.bind(api);
    api.json = (target, init) => {
      asked.push(`${init?.method ?? 'GET'} ${target}`);
      return before(target, init);
    };
    return asked.length;
  });
  expect(repairs).toBe(0);
  await app.evaluate(({ powerMonitor }) => powerMonitor.emit('resume'));
  const asked = () => app.evaluate(() => (globalThis as Inside).seen.filter((one) => one === 'POST /repair').length);
  await expect.poll(asked).toBe(1);
  await app.evaluate(() => {
    const os = process.mainModule?.require('node:os') as typeof import('node:os');
    const cards = os.networkInterfaces();
    const [card] = cards.lo ?? [];
    if (!card) throw new Error('there is no card to copy');
    os.networkInterfaces = () => ({ ...cards, wlan9: [{ ...card, internal: false, cidr: '10.9.9.9/24' }] });
  });
  await expect.poll(asked).toBe(2);
  expect((await fetch(`${origin}/healthz`)).status).toBe(200);
});

it('updates are off until there is an address; a server that says nothing holds nobody up', async () => {
  const silent = createServer();
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  onTestFinished(() => {
    silent.closeAllConnections();
    silent.close();
  });
  const running = await atFiles();
  const { app } = running;
  const messages = () => app.evaluate(() => (globalThis as Inside).seen);
  await app.evaluate(({ dialog }) => {
    const seen: string[] = [];
    Object.assign(globalThis, { seen });
    dialog.showMessageBox = (async (options: Electron.MessageBoxOptions) => {
      seen.push(options.message);
      // Yes, if quitting should ask: the page may not have heard yet that its upload is over.
      return { response: 1, checkboxChecked: false };
    }) as typeof dialog.showMessageBox;
  });
  await chooseInMenu(running, 'updates');
  await expect.poll(messages).toEqual(['No address for updates is configured.']);
  const asked = once(silent, 'request');
  await configureFeed(running, `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`);
  await chooseInMenu(running, 'updates');
  await asked;
  // The window and the node do not wait for it, nor does quitting.
  await upload(running, 'meanwhile.txt', 'meanwhile');
  expect(await messages()).toHaveLength(1);
  const ended = once(app.process(), 'exit');
  await app.evaluate(({ app: inside }) => void setTimeout(() => inside.quit(), 0));
  await ended;
});

it('a feed with this version says so, one with nothing says why', async () => {
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  let answer: string | undefined = `version: ${version}\nfiles: []\npath: none\nsha512: none\n`;
  const feed = createServer((_request, response) => {
    if (answer === undefined) response.writeHead(404).end();
    else response.end(answer);
  });
  feed.listen(0, '127.0.0.1');
  await once(feed, 'listening');
  onTestFinished(() => void feed.close());
  const running = await atFiles();
  const { app } = running;
  await app.evaluate(({ dialog }) => {
    const seen: string[] = [];
    Object.assign(globalThis, { seen });
    dialog.showMessageBox = (async (options: Electron.MessageBoxOptions) => {
      seen.push(options.message);
      return { response: 0, checkboxChecked: false };
    }) as typeof dialog.showMessageBox;
  });
  await configureFeed(running, `http://127.0.0.1:${(feed.address() as AddressInfo).port}/`);
  const messages = () => app.evaluate(() => (globalThis as Inside).seen);
  await chooseInMenu(running, 'updates');
  await expect.poll(messages).toEqual(['This is the newest version.']);
  answer = undefined;
  await chooseInMenu(running, 'updates');
  await expect.poll(async () => (await messages()).at(-1)).toMatch(/^Updates could not be looked for: .*404/s);
});

/** As an installed AppImage with an address for updates: what runs from its sources is never updated. */
async function configureFeed({ app }: RunningApp, url: string): Promise<void> {
  await app.evaluate(({ app: inside }, feed) => {
    Object.defineProperty(inside, 'isPackaged', { value: true });
    process.env.APPIMAGE = '/nowhere/Shoal.AppImage';
    (globalThis as Inside).shoal.updates.options.feed = () => feed;
  }, url);
}

it('About tells versions and licences; the diagnostics hold no token', async () => {
  const running = await atFiles();
  const { app } = running;
  const told = await collectTold(running);
  await chooseInMenu(running, 'about');
  await expect.poll(() => app.windows().find((one) => one.url().endsWith('/about.html')) !== undefined).toBe(true);
  const about = app.windows().find((one) => one.url().endsWith('/about.html'));
  const text = (await about?.locator('body').textContent()) ?? '';
  expect(text).toContain('Shoal 0.1.0');
  expect(text).toMatch(/Electron \d+.*Chromium \d+.*Node \d+/);
  expect(text).toMatch(/^sharp \S+ {2}Apache-2\.0$/m);
  expect(text).toMatch(/^@img\/sharp-libvips-linux-x64 \S+ {2}LGPL/m);
  await about?.locator('a[href="#diagnostics"]').click();
  await expect.poll(told).toContainEqual({ title: 'Shoal', body: 'The diagnostics are on the clipboard' });
  const copied = await app.evaluate(({ clipboard }) => clipboard.readText());
  expect(copied).toMatch(/^node: ready, process \d+, ports \d+ and \d+$/m);
  const token = await app.evaluate(() => (globalThis as Inside).shoal.host.ready?.token ?? '');
  expect(token.length).toBeGreaterThan(20);
  expect(copied).not.toContain(token);
});

it('a node that dies at every start is given up with the reason; safe mode keeps it on this device', async () => {
  const folder = await temporaryFolder();
  // Dies at once, like a broken program; in safe mode, whose arguments name this device only, it is the real one.
  const broken = path.join(folder, 'node');
  await writeFile(
    broken,
    `#!/bin/sh\ncase "$*" in *127.0.0.1:*) exec '${process.execPath}' "$@" ;; esac\necho 'it is broken' >&2\nkill -9 $$\n`,
  );
  await chmod(broken, 0o755);
  await mkdir(path.join(folder, 'profile'));
  const { app } = await launchDesktop({ profile: path.join(folder, 'profile'), env: { SHOAL_NODE: broken } });
  await expect.poll(() => app.windows().some((one) => one.url().endsWith('/problem.html'))).toBe(true);
  const problem = app.windows().find((one) => one.url().endsWith('/problem.html'));
  if (!problem) throw new Error('the problem is not shown');
  await problem.getByText('It ended unexpectedly (SIGKILL), four times in a row.').waitFor();
  await problem.getByText('it is broken').waitFor();
  const text = () => app.evaluate(() => (globalThis as Inside).shoal.tray.text);
  expect(await text()).toBe('Something needs your attention');
  await problem.locator('a[href="#safe-mode"]').click();
  await expect.poll(text).toBe('In step');
  const page = await app.firstWindow();
  await page.waitForURL(/^http:\/\/127\.0\.0\.1/);
  await page.getByRole('heading', { level: 1 }).waitFor();
});

it('without a display there is one line, and the way to the node alone', () => {
  const { DISPLAY: _display, WAYLAND_DISPLAY: _wayland, ...env } = process.env;
  const { status, stderr, stdout } = spawnSync('npm', ['run', '-s', 'desktop'], { cwd: root, env, encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stdout + stderr).toBe('There is no display to show the desktop app on. Run the node alone: npm run server\n');
});
