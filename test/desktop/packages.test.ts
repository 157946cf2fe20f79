/** What users are given: the packed folder, the archive and the Debian package, started as they start it. */
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { processesWith } from '../support/desktop.ts';
import {
  bareEnvironment,
  buildPackages,
  type Packages,
  startHeadless,
  startPackagedWindow,
} from '../support/packaged-app.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const root = path.join(import.meta.dirname, '..', '..');

interface FuseTools {
  readFuses(program: string): Promise<Record<string, string>>;
}
interface StageTools {
  runtimePackages(platform: string, arch: string): Promise<{ readonly folder: string }[]>;
}
async function tool<T>(name: string): Promise<T> {
  return (await import(new URL(`../../${name}`, import.meta.url).href)) as T;
}

function png(width: number, height: number): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: 'teal' } })
    .png()
    .toBuffer();
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}

/** Libraries that a process has loaded. */
async function librariesOf(pid: number | undefined): Promise<string> {
  return readFile(`/proc/${pid}/maps`, 'utf8');
}

describe.skipIf(process.platform !== 'linux')('packages', () => {
  let packages: Packages;
  beforeAll(async () => {
    packages = await buildPackages();
  }, 300_000);

  it('hold the window, the node with what it needs at runtime for this system, and nothing else', async () => {
    const files = await filesBelow(packages.folder);
    const { listPackage } = await import('@electron/asar');
    const asar = path.join(packages.folder, 'resources', 'app.asar');
    expect(listPackage(asar, { isPack: false }).sort()).toEqual([
      '/licences.txt',
      '/main.cjs',
      '/package.json',
      '/preload.cjs',
    ]);
    const resources = await readdir(path.join(packages.folder, 'resources'));
    expect(resources.sort()).toEqual(
      ['LICENSE.shoal.txt', 'app-update.yml', 'app.asar', 'apparmor-profile', 'icons', 'node'].sort(),
    );
    // Neither sources nor tests nor maps, and nothing of the app that the runtime of the tests was taken from.
    expect(files.filter((file) => /\.(ts|tsx|map)$|(^|\/)(test|tests)\/|wingcons/i.test(file))).toEqual([]);
    const native = files.filter((file) => file.endsWith('.node'));
    expect(native.length).toBeGreaterThan(1);
    const wanted = new RegExp(`(sharp-linux-${process.arch}|prebuilds/linux-${process.arch})`);
    expect(native.filter((file) => !wanted.test(file))).toEqual([]);
    const { runtimePackages } = await tool<StageTools>('node-core/packaging/stage.mjs');
    const shipped = files.flatMap((file) => /^resources\/node\/(.*)\/package\.json$/.exec(file)?.[1] ?? []);
    const missing = (await runtimePackages('linux', process.arch)).filter(({ folder }) => !shipped.includes(folder));
    expect(missing).toEqual([]);
    // Every program names its licence.
    for (const one of ['LICENSE.electron.txt', 'LICENSES.chromium.html', 'resources/node/LICENSE.node.txt']) {
      expect(files).toContain(one);
    }
    const { readFuses } = await tool<FuseTools>('main/tools/fuses.mjs');
    expect(await readFuses(path.join(packages.folder, 'shoal-app'))).toMatchObject({
      RunAsNode: 'off',
      EnableNodeOptionsEnvironmentVariable: 'off',
      EnableNodeCliInspectArguments: 'off',
      OnlyLoadAppFromAsar: 'on',
      EnableCookieEncryption: 'on',
    });
  });

  it('the packed folder opens its window, from the first start to the first upload, on the Node that it ships', async () => {
    const { page, profile, url, child } = await startPackagedWindow(path.join(packages.folder, 'shoal'));
    expect(url.hash).toBe('#/welcome');
    await expect.poll(() => page.evaluate("document.querySelector('h1')?.textContent")).toMatch(/\w/);
    expect(await page.evaluate("['require', 'process'].filter((name) => name in globalThis)")).toEqual([]);
    expect(await page.evaluate('window.desktop.info().then((one) => one.version)')).toBe('0.1.0');
    await page.evaluate("location.hash = '#/files'");
    const input = '[data-testid=choose-files]';
    await expect.poll(() => page.evaluate(`document.querySelector('${input}') !== null`)).toBe(true);
    const name = 'Bild 图.png';
    const picture = path.join(await temporaryFolder(), name);
    await writeFile(picture, await png(640, 400));
    await page.chooseFiles(input, [picture]);
    const rows = "[...document.querySelectorAll('[role=row]')].map((row) => row.textContent).join()";
    await expect.poll(() => page.evaluate(rows)).toContain(name);
    const content = `./api/v1/files/content?path=${encodeURIComponent(name)}`;
    const size = await page.evaluate(`fetch('${content}').then((one) => one.blob()).then((one) => one.size)`);
    expect(size).toBe((await readFile(picture)).length);
    const nodes = await processesWith(`--data ${profile}/store`);
    expect(nodes.length).toBe(1);
    expect(await readlink(`/proc/${nodes[0]}/exe`)).toBe(path.join(packages.folder, 'resources/node/shoal-node'));
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
    await expect.poll(() => processesWith(profile)).toEqual([]);
  });

  it('`shoal --server` of the archive runs without a display, a Node in the path or a library of a desktop', async () => {
    const folder = await temporaryFolder();
    const home = await temporaryFolder();
    await run('tar', ['-xzf', packages.tar, '-C', folder]);
    const [inside = ''] = await readdir(folder);
    const launcher = path.join(folder, inside, 'shoal');
    const { origin, child } = await startHeadless(launcher, home, ['--name', 'Tar']);
    const { stdout } = await run(
      'curl',
      ['-sf', '-F', 'file=@package.json', '-F', 'output=text', `${origin}/group1/upload`],
      {
        cwd: root,
      },
    );
    expect((await run('curl', ['-sf', stdout.trim()])).stdout).toBe(
      await readFile(path.join(root, 'package.json'), 'utf8'),
    );
    expect(await librariesOf(child.pid)).not.toMatch(/libgtk|libX11|libnss3|libgdk/);
    // The native parts are those of the shipped Node: a picture is made smaller, in a process of its own.
    const picture = path.join(home, 'a.png');
    await writeFile(
      picture,
      await sharp({ create: { width: 800, height: 600, channels: 3, background: 'navy' } })
        .png()
        .toBuffer(),
    );
    const upload = ['-sf', '-F', `file=@${picture}`, '-F', 'output=text', `${origin}/group1/upload`];
    const smaller = new URL((await run('curl', upload)).stdout.trim());
    smaller.searchParams.set('width', '100');
    const small = await fetch(smaller);
    expect((await sharp(Buffer.from(await small.arrayBuffer())).metadata()).width).toBe(100);
    // Other commands find it: its folder is the app's.
    const status = await run(launcher, ['status'], { env: bareEnvironment(home) });
    expect(status.stdout).toMatch(/Node\s+Tar/);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('has every flag and command of the headless program, and says where there is no display', async () => {
    const home = await temporaryFolder();
    const env = bareEnvironment(home);
    const launcher = path.join(packages.folder, 'shoal');
    const headless = [path.join(root, 'dist', 'node-core', 'shoal.cjs'), '--help'];
    const { stdout: help } = await run(process.execPath, headless, { env: { LANG: 'C' } });
    expect((await run(launcher, ['--help'], { env })).stdout).toBe(help);
    expect((await run(launcher, ['key'], { env })).stdout.trim()).toMatch(/^\S{32,}$/);
    // `--data` in front of a command, too.
    const { status: refused, stderr: why } = spawnSync(launcher, ['--data', home, 'status'], { env, encoding: 'utf8' });
    expect([refused, why]).toEqual([3, '']);
    const { status, stderr } = spawnSync(launcher, [], { env, encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toBe('shoal: there is no display to open the window on. The node alone: shoal --server\n');
  });

  it('where the system allows no sandbox the window does not open; another says what to do', async () => {
    // Where anybody may go: the user who is nobody, too.
    const folder = path.join(tmpdir(), `shoal-denied-${process.pid}`);
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await run('cp', ['-al', packages.folder, folder]);
    const script = await readFile(path.join(root, 'test', 'support', 'deny-sandbox.sh'), 'utf8');
    const { stdout } = await run('bash', ['-euc', script, 'deny-sandbox', folder, await temporaryFolder()]);
    expect(stdout.split('\n')).toEqual([
      'Rather than run without sandboxing',
      `${folder}/shoal-app --no-sandbox --sandbox-denied`,
      '',
    ]);
  });

  it('the Debian package installs, runs without a display, and leaves nothing when it is removed', async () => {
    const { stdout: fields } = await run('dpkg-deb', ['--field', packages.deb]);
    expect(fields).toMatch(/^Package: shoal$/m);
    // What a window needs is recommended: a server is not made to install it.
    expect(fields).not.toMatch(/^Depends:.*gtk/m);
    expect(fields).toMatch(/^Recommends:.*libgtk-3-0/m);
    const { stdout: list } = await run('dpkg-deb', ['--contents', packages.deb], { maxBuffer: 2 ** 24 });
    expect(list.split('\n').filter((line) => line !== '' && !/ root\/root /.test(line))).toEqual([]);
    expect(list).toMatch(/\.\/usr\/share\/icons\/hicolor\/256x256\/apps\/shoal\.png$/m);
    const script = await readFile(path.join(root, 'test', 'support', 'install-deb.sh'), 'utf8');
    const { stdout } = await run('unshare', ['--mount', 'bash', '-euc', script, 'install-deb', packages.deb]);
    // Each line is printed by the script after what it names has been looked at in the installed system.
    expect(stdout.split('\n')).toEqual(
      expect.arrayContaining([
        'command: /opt/Shoal/shoal',
        'desktop file: valid',
        'links: shoal.desktop',
        'healthz: {"status":"ok"',
        'ended: 0',
        'left after removal: none',
      ]),
    );
  });
});
