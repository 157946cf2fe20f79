// The build, and the launcher of the repository's scripts:
//   node build.mjs            builds everything into dist/
//   node build.mjs --check    builds only when a source is newer than what was built, and says so
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import { build } from 'esbuild';
import sharp from 'sharp';

const root = path.dirname(fileURLToPath(import.meta.url));
const out = path.join(root, 'dist', 'node-core');
const webOut = path.join(root, 'dist', 'renderer');
const desktopOut = path.join(root, 'dist', 'main');

/** What is built, from what, and the file that is written last. */
const parts = [
  { sources: ['node-core', 'build.mjs', 'package.json'], made: path.join(out, 'shoal.cjs'), make: buildNodeCore },
  {
    sources: ['renderer', 'assets', 'build.mjs', 'package-lock.json'],
    made: path.join(webOut, 'built'),
    make: buildRenderer,
  },
  {
    sources: ['main', 'assets', 'build.mjs', 'package.json'],
    made: path.join(desktopOut, 'package.json'),
    make: buildDesktop,
  },
];

export async function buildAll() {
  for (const { make } of parts) await make();
}

async function buildNodeCore() {
  await build({
    absWorkingDir: root,
    // The images' own processes run a program of their own.
    entryPoints: { cli: 'node-core/cli.ts', 'image-process': 'node-core/images/image-process.ts' },
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: true,
    logLevel: 'warning',
  });
  // LevelDB, the file system and image work share one pool of threads, whose size must be set before anything uses it;
  // an ES module is itself loaded through the pool, so this part is CommonJS. Starting makes much garbage at once, for which V8
  // would keep 15 MiB for good: until the node is ready its young generation does not grow (cli.ts). Source maps would take
  // another 20 MiB: who debugs asks for them by NODE_OPTIONS=--enable-source-maps.
  await writeFile(
    path.join(out, 'shoal.cjs'),
    `'use strict';\nprocess.env.UV_THREADPOOL_SIZE ??= '16';\nrequire('node:v8').setFlagsFromString('--semi-space-growth-factor=1');\nimport('./cli.mjs');\n`,
  );
}

async function buildRenderer() {
  // A process of its own: whatever this one is (a test run, say), the app is built as it is delivered.
  const vite = path.join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const options = ['build', '--config', path.join(root, 'renderer', 'vite.config.ts'), '--logLevel', 'warn'];
  await promisify(execFile)(process.execPath, [vite, ...options], { env: { ...process.env, NODE_ENV: 'production' } });
  // Compressed once here instead of for every visitor.
  const folder = path.join(webOut, 'api', 'web');
  for (const name of await readdir(folder)) {
    if (!/\.(js|css|svg|json)$/.test(name)) continue;
    const content = await readFile(path.join(folder, name));
    await writeFile(path.join(folder, `${name}.gz`), await promisify(gzip)(content, { level: 9 }));
    await writeFile(path.join(folder, `${name}.br`), await promisify(brotliCompress)(content));
  }
  await writeFile(path.join(webOut, 'built'), '');
}

/** The desktop app's own code, as CommonJS: a page's preload script can be nothing else, nor can older runtimes' entry. */
async function buildDesktop() {
  await build({
    absWorkingDir: root,
    entryPoints: { main: 'main/main.ts', preload: 'main/preload.ts' },
    outdir: desktopOut,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    external: ['electron'],
    platform: 'node',
    format: 'cjs',
    target: 'node18',
    logLevel: 'warning',
  });
  await buildIcons(path.join(desktopOut, 'icons'));
  const { version, license, description } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  const app = { name: 'shoal', productName: 'Shoal', version, license, description, author: 'Shoal', main: 'main.cjs' };
  await writeFile(path.join(desktopOut, 'package.json'), `${JSON.stringify(app, undefined, 2)}\n`);
}

/** What the dot on the tray icon looks like in each state; in step it has none. */
const trayDots = { ready: undefined, working: '#2f9e44', paused: '#868e96', offline: '#e8590c', problem: '#e03131' };

async function buildIcons(folder) {
  await mkdir(folder, { recursive: true });
  const icon = await readFile(path.join(root, 'assets', 'icon.svg'), 'utf8');
  const draw = (svg, size, name) =>
    sharp(Buffer.from(svg), { density: 72 * (size / 64) * 4 })
      .resize(size, size)
      .png()
      .toFile(path.join(folder, name));
  for (const size of [16, 24, 32, 48, 64, 128, 256, 512, 1024]) await draw(icon, size, `${size}x${size}.png`);
  await draw(icon, 512, 'icon.png');
  await draw(icon, 64, 'drag.png');
  for (const [state, colour] of Object.entries(trayDots)) {
    const dot = `<circle cx="48" cy="48" r="14" fill="${colour}" stroke="#fff" stroke-width="4"/>`;
    await draw(colour ? icon.replace('</svg>', `${dot}</svg>`) : icon, 32, `tray-${state}.png`);
  }
}

/** Builds what has a source that is newer than its last build. Returns whether anything had. */
export async function buildIfChanged() {
  let built = false;
  for (const { sources, made, make } of parts) {
    const madeMs = await stat(made).then(
      (stats) => stats.mtimeMs,
      () => 0,
    );
    const newest = Math.max(...(await Promise.all(sources.map((source) => newestIn(path.join(root, source))))));
    if (newest <= madeMs) continue;
    console.error(madeMs === 0 ? 'Building ...' : 'Sources have changed, building ...');
    await make();
    built = true;
  }
  return built;
}

async function newestIn(entry) {
  const stats = await stat(entry);
  if (!stats.isDirectory()) return stats.mtimeMs;
  const names = await readdir(entry);
  const times = await Promise.all(names.map((name) => newestIn(path.join(entry, name))));
  return Math.max(stats.mtimeMs, ...times);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--check')) await buildIfChanged();
  else await buildAll();
}
