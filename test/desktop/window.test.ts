/** The app as a process: its window, its node, one of it only, and what is left when it is quit or killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import {
  desktopEnvironment,
  type InsideApp,
  isAlive,
  launchDesktop,
  nodePid,
  processesWith,
  startDesktop,
} from '../support/desktop.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const appFolder = path.join(import.meta.dirname, '..', '..', 'dist', 'main');
const electron = path.join(process.env.SHOAL_ELECTRON_DIST ?? '', 'electron');

it('a first start shows the welcome of a node that runs on a real Node, with its doors closed', async () => {
  const { app, page, profile, origin } = await startDesktop();
  await page.getByRole('heading', { level: 1 }).waitFor();
  expect(new URL(page.url()).hash).toBe('#/welcome');
  const pid = await nodePid({ app });
  expect(await processesWith(`--data ${profile}/store`)).toEqual([pid]);
  const configuration = JSON.parse(await readFile(path.join(profile, 'store', 'conf', 'cfg.json'), 'utf8'));
  expect(configuration).toMatchObject({ upload_policy: 'session', download_policy: 'token', show_dir: false });
  // Ports are kept: links contain them.
  const { httpPort } = JSON.parse(await readFile(path.join(profile, 'desktop.json'), 'utf8'));
  expect(origin).toBe(`http://127.0.0.1:${httpPort}`);
  await app.close();
  const again = await startDesktop({ profile });
  expect(again.origin).toBe(origin);
  expect(new URL(again.page.url()).hash).not.toBe('#/welcome');
});

it('a page cannot reach Node, go elsewhere, open windows or get permissions', async () => {
  const { app, page, origin } = await startDesktop();
  await page.getByRole('heading', { level: 1 }).waitFor();
  const names = ['require', 'process', 'module', 'Buffer', 'global', '__dirname', 'electron', 'ipcRenderer'];
  expect(await page.evaluate(`${JSON.stringify(names)}.filter((name) => name in globalThis)`)).toEqual([]);
  const bridge = await page.evaluate('Object.keys(window.desktop).sort()');
  expect(bridge).toEqual(
    ['copyLink', 'endDrag', 'info', 'onCommand', 'openFile', 'progress', 'setAutostart', 'setLanguage']
      .concat(['setLinkAfterUpload', 'setTheme', 'showInFolder', 'startDrag', 'uploaded'])
      .sort(),
  );
  const preferences = await app.evaluate(({ BrowserWindow }) => {
    const [window] = BrowserWindow.getAllWindows();
    const contents = window?.webContents as unknown as { getLastWebPreferences(): Record<string, unknown> };
    return contents.getLastWebPreferences();
  });
  expect(preferences).toMatchObject({
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    webviewTag: false,
    webSecurity: true,
  });
  // What the bridge is handed is checked before anything is done with it.
  const refused = await page.evaluate(`Promise.allSettled([
    window.desktop.setTheme({ theme: 'pink' }), window.desktop.openFile({ path: 7 }), window.desktop.openFile({}),
    window.desktop.startDrag({ paths: [] }), window.desktop.copyLink({ path: 'a', more: 1 }),
  ]).then((all) => all.map(({ status }) => status))`);
  expect(refused).toEqual(Array(5).fill('rejected'));
  expect(await page.evaluate("navigator.permissions.query({ name: 'geolocation' }).then((one) => one.state)")).toBe(
    'denied',
  );
  // Nothing may start a browser here: the test sees what would have been opened.
  await app.evaluate(({ shell }) => {
    const opened: string[] = [];
    Object.assign(globalThis, { opened });
    shell.openExternal = async (url) => void opened.push(url);
  });
  expect(await page.evaluate("window.open('https://example.org/a') === null")).toBe(true);
  // Not by evaluating it in the page: that would wait for the navigation.
  await page.evaluate("setTimeout(() => { location.href = 'https://example.org/b'; }, 0); 1");
  await expect
    .poll(() => app.evaluate(() => (globalThis as unknown as { opened: string[] }).opened))
    .toEqual(['https://example.org/a', 'https://example.org/b']);
  expect(new URL(page.url()).origin).toBe(origin);
  expect(app.windows().length).toBe(1);
  // A frame of the very same origin, such as a preview, has no bridge.
  const inFrame = await page.evaluate(`(() => {
    const frame = document.createElement('iframe');
    document.body.append(frame);
    return typeof frame.contentWindow.desktop;
  })()`);
  expect(inFrame).toBe('undefined');
});

it('a second start shows the first one and follows its link', async () => {
  const { app, page, profile } = await startDesktop();
  await page.getByRole('heading', { level: 1 }).waitFor();
  await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.hide());
  const second = spawn(
    electron,
    ['--no-sandbox', '--disable-gpu', appFolder, `--profile=${profile}`, 'shoal://devices'],
    { env: desktopEnvironment(), stdio: 'ignore' },
  );
  const [code] = await once(second, 'exit');
  expect(code).toBe(0);
  await page.waitForURL(/#\/devices$/);
  await expect
    .poll(() => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().map((one) => one.isVisible())))
    .toEqual([true]);
});

it('a node that is killed is started again, and the window goes on', async () => {
  const running = await startDesktop();
  await running.page.getByRole('heading', { level: 1 }).waitFor();
  const before = await nodePid(running);
  process.kill(before, 'SIGKILL');
  await expect.poll(() => nodePid(running).catch(() => before)).not.toBe(before);
  await expect.poll(() => running.page.evaluate("fetch('./healthz').then((one) => one.status, () => 0)")).toBe(200);
});

it('a page that crashes is shown anew, where it was', async () => {
  const { app, page } = await startDesktop();
  await page.getByRole('heading', { level: 1 }).waitFor();
  const crashed = page.waitForEvent('crash');
  const loaded = app.evaluate(
    ({ BrowserWindow }) =>
      new Promise<string>((resolve) => {
        const contents = BrowserWindow.getAllWindows()[0]?.webContents;
        contents?.once('did-finish-load', () => resolve(contents.getURL()));
        contents?.forcefullyCrashRenderer();
      }),
  );
  await crashed;
  expect(new URL(await loaded).hash).toBe('#/welcome');
});

it('closing the window keeps the node; quitting leaves no process and a store that opens again', async () => {
  const running = await startDesktop();
  const { app, page, profile, origin, pid } = running;
  await page.getByRole('heading', { level: 1 }).waitFor();
  const node = await nodePid(running);
  await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close());
  expect(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible())).toBe(false);
  expect((await fetch(`${origin}/healthz`)).status).toBe(200);
  const ended = once(app.process(), 'exit');
  await app.evaluate(() => {
    const { tray } = (globalThis as unknown as { shoal: InsideApp }).shoal;
    tray.menu.getMenuItemById('quit')?.click();
  });
  await ended;
  expect(isAlive(node)).toBe(false);
  await expect.poll(() => processesWith(profile)).toEqual([]);
  expect(isAlive(pid)).toBe(false);
  await startDesktop({ profile });
});

it('an app that is killed leaves no orphan', async () => {
  const running = await startDesktop();
  const node = await nodePid(running);
  process.kill(running.pid, 'SIGKILL');
  await expect.poll(() => isAlive(node)).toBe(false);
  await expect.poll(() => processesWith(running.profile)).toEqual([]);
  const again = await startDesktop({ profile: running.profile });
  expect(again.origin).toBe(running.origin);
});

it('a port that another program has taken is explained, and another can be chosen', async () => {
  const first = await startDesktop();
  const profile = await temporaryFolder();
  const second = await startDesktop({ profile });
  await second.app.close();
  const port = Number(new URL(first.origin).port);
  await writeFile(path.join(profile, 'desktop.json'), JSON.stringify({ httpPort: port, peerPort: port + 1 }));
  const { app } = await launchDesktop({ profile });
  await expect.poll(() => app.windows().some((one) => one.url().endsWith('/problem.html'))).toBe(true);
  const problem = app.windows().find((one) => one.url().endsWith('/problem.html'));
  if (!problem) throw new Error('the problem is not shown');
  await problem.getByText(String(port)).first().waitFor();
  await problem.locator('a[href="#other-ports"]').click();
  const page = await app.firstWindow();
  await page.waitForURL(/^http:/);
  expect(new URL(page.url()).port).not.toBe(String(port));
});
