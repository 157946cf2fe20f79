/** The packages of the desktop app: built once, started as a user starts them. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { patienceMs } from './browser.ts';
import { isAlive } from './desktop.ts';
import { PipedPage } from './devtools-pipe.ts';
import { temporaryFolder } from './temporary-folder.ts';

const root = path.join(import.meta.dirname, '..', '..');
const outDir = path.join(root, 'dist', 'packages');

/** Where the packages stand. */
export interface Packages {
  /** Folder of the packed app. */
  readonly folder: string;
  readonly tar: string;
  readonly deb: string;
}

/** Builds them all, quickly rather than small. Takes about a minute. */
export async function buildPackages(): Promise<Packages> {
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { version: string };
  const { status, stdout, stderr } = spawnSync(process.execPath, ['main/tools/package.mjs', 'dir', 'tar', 'deb'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ELECTRON_BUILDER_COMPRESSION_LEVEL: '1' },
  });
  if (status !== 0) throw new Error(`the packages are not built:\n${stdout}\n${stderr}`);
  // The sizes belong into the log of the checks.
  console.log(stdout.slice(stdout.indexOf('Sizes in MB')));
  const deb = path.join(outDir, `shoal_${version}_${process.arch === 'x64' ? 'amd64' : process.arch}.deb`);
  return {
    folder: path.join(outDir, 'linux-unpacked'),
    tar: path.join(outDir, `shoal-${version}-linux-${process.arch}.tar.gz`),
    deb,
  };
}

/** An environment without a display, without a Node in the path and with nothing of whoever runs the tests. */
export function bareEnvironment(home: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { HOME: home, PATH: '/bin', LANG: 'C', SHOAL_NO_DISCOVERY: '1', ...more };
}

/** Starts `shoal --server` of a packed app. @returns its address and process; it is gone after the test. */
export async function startHeadless(launcher: string, home: string, args: readonly string[] = []) {
  const ports = ['--addr', '127.0.0.1:0', '--peer-addr', '127.0.0.1:0'];
  const child = spawn(launcher, ['--server', ...ports, ...args], {
    env: bareEnvironment(home),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  const ready = new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed += text;
        const [, origin] = /is ready: (http:\/\/[^\s/]+)/.exec(printed) ?? [];
        if (origin !== undefined) resolve(origin);
      });
    }
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${printed}`)));
  });
  stopAfterwards(child);
  return { origin: await ready, child };
}

/** A window of a packed app, at the page of its node. It is gone after the test. */
export async function startPackagedWindow(launcher: string) {
  const profile = await temporaryFolder();
  const child = spawn(launcher, ['--no-sandbox', '--disable-gpu', '--remote-debugging-pipe', `--profile=${profile}`], {
    // A locale of UTF-8 that is always there: without one, Chromium takes no file whose name is not ASCII.
    env: bareEnvironment(profile, { DISPLAY: process.env.DISPLAY, LANG: 'C.UTF-8' }),
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  stopAfterwards(child);
  const page = new PipedPage(child);
  const url = new URL(await page.attach(/^http:\/\/127\.0\.0\.1:\d+\//));
  return { page, child, profile, url };
}

function stopAfterwards(child: ChildProcess): void {
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    if (child.pid !== undefined && isAlive(child.pid)) child.kill('SIGTERM');
    const cut = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    if (child.exitCode === null && child.signalCode === null) await ended;
    clearTimeout(cut);
  });
}
