/** The desktop app in a real Electron, each with a profile, a node and a store of its own. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { promisify } from 'node:util';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { patienceMs } from './browser.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** The built app. */
export const appFolder = path.join(import.meta.dirname, '..', '..', 'dist', 'main');

/** What the tests see of the app's own object, inside its main process. */
export interface InsideApp {
  readonly host: {
    readonly pid?: number;
    readonly state: string;
    readonly output: readonly string[];
    readonly ready?: { readonly token: string };
  };
  /** Replaced by tests that want to see what is asked. */
  readonly api: { json(target: string, init?: { readonly method?: string }): Promise<unknown> };
  /** Its address is replaced by tests. */
  readonly updates: { readonly options: { feed: () => string } };
  readonly tray: { readonly text: string; readonly menu: Electron.Menu };
  readonly status: { readonly status: string; readonly recent: readonly string[] };
  readonly sharing: { readonly last?: string };
  readonly notifier: { on(event: 'told', listener: (told: Told) => void): void };
}

/** A notification. */
export interface Told {
  readonly title: string;
  readonly body: string;
}

/** A running app. */
export interface RunningApp {
  readonly app: ElectronApplication;
  readonly page: Page;
  readonly profile: string;
  /** Process id of Electron's main process. */
  readonly pid: number;
  /** Address of the node as the window uses it. */
  readonly origin: string;
}

/** How an app is started. */
export interface DesktopOptions {
  /** Kept from an earlier start, or a new one. */
  readonly profile?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly args?: readonly string[];
}

/** Starts it and waits for the page of its node. */
export async function startDesktop(options: DesktopOptions = {}): Promise<RunningApp> {
  const { app, profile, pid } = await launchDesktop(options);
  const page = await app.firstWindow();
  page.setDefaultTimeout(patienceMs);
  await page.waitForURL(/^http:\/\/127\.0\.0\.1:\d+\//, { timeout: patienceMs });
  return { app, page, profile, pid, origin: new URL(page.url()).origin };
}

/** Starts it; whatever it shows. */
export async function launchDesktop(options: DesktopOptions = {}) {
  const profile = options.profile ?? (await temporaryFolder());
  const app = await _electron.launch({
    executablePath: path.join(process.env.SHOAL_ELECTRON_DIST ?? '', 'electron'),
    args: ['--no-sandbox', '--disable-gpu', appFolder, `--profile=${profile}`, ...(options.args ?? [])],
    env: desktopEnvironment(options.env),
    timeout: patienceMs,
    // As the system and the app have it, not as Playwright would.
    colorScheme: null,
  });
  const child = app.process();
  const pid = child.pid ?? 0;
  onTestFinished(async () => {
    // As a system that shuts down: quitting from inside may ask, and nobody is there to answer.
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    process.kill(pid, 'SIGTERM');
    const cut = setTimeout(() => process.kill(pid, 'SIGKILL'), patienceMs);
    await ended;
    clearTimeout(cut);
  });
  return { app, profile, pid };
}

/**
 * The environment of an app of the tests: nothing of the one around them configures it. Its locale is one of UTF-8 that is
 * always there: without one, Chromium takes no file from outside whose name is not ASCII.
 */
export function desktopEnvironment(more: NodeJS.ProcessEnv = {}): Record<string, string> {
  const env = { ...process.env, SHOAL_NODE: process.execPath, SHOAL_NO_DISCOVERY: '1', LANG: 'C.UTF-8', ...more };
  const kept = Object.entries(env).filter(
    ([name]) => !/^(GO_FASTDFS_|LC_|VITEST|NODE_)/.test(name) && name !== 'ELECTRON_RUN_AS_NODE',
  );
  return Object.fromEntries(kept.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** Whether a process is there. A zombie is not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Process ids of everything that was started with a text in its command line. */
export async function processesWith(text: string): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,stat=,args=']);
  return stdout
    .split('\n')
    .filter((line) => line.includes(text) && !/^\s*\d+\s+Z/.test(line))
    .map((line) => Number.parseInt(line, 10));
}

/** Process id of the node of an app. */
export async function nodePid({ app }: Pick<RunningApp, 'app'>): Promise<number> {
  const pid = await app.evaluate(() => (globalThis as unknown as { shoal: InsideApp }).shoal.host.pid);
  if (pid === undefined) throw new Error('the app has no node');
  return pid;
}

/** Everything that the app has told since this was called. */
export async function collectTold({ app }: Pick<RunningApp, 'app'>): Promise<() => Promise<Told[]>> {
  await app.evaluate(() => {
    const inside = globalThis as unknown as { shoal: InsideApp; told: Told[] };
    inside.told = [];
    inside.shoal.notifier.on('told', ({ title, body }) => inside.told.push({ title, body }));
  });
  return () => app.evaluate(() => (globalThis as unknown as { told: Told[] }).told);
}

/** Goes to the files of an app's page, and waits until they can be chosen. */
export async function showFiles({ origin, page }: RunningApp): Promise<void> {
  await page.goto(`${origin}/#/files`);
  await page.getByTestId('choose-files').waitFor({ state: 'attached' });
}

/** Uploads a text as a visitor does who chooses files, and waits for its row. */
export async function upload({ page }: RunningApp, name: string, text: string): Promise<void> {
  await page.getByTestId('choose-files').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });
  await page.getByRole('row').filter({ hasText: name }).waitFor();
}
