// The build, and the launcher of the repository's scripts:
//   node build.mjs            builds everything into dist/
//   node build.mjs --check    builds only when a source is newer than what was built, and says so
import { execFile } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import { build } from 'esbuild';
import { makeAppIcons, makePackageIcons } from './main/tools/icons.mjs';
import { licencesOf } from './main/tools/licences.mjs';

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
  await writeFile(path.join(desktopOut, 'licences.txt'), await licencesOf(['main', 'renderer']));
  const drawing = path.join(root, 'assets', 'icon.svg');
  await makeAppIcons(drawing, path.join(desktopOut, 'icons'));
  await makePackageIcons(drawing, path.join(root, 'dist', 'icons'));
  const { version, license, description } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  const names = { name: 'shoal', productName: 'Shoal', desktopName: 'shoal.desktop', author: 'Shoal' };
  const app = { ...names, version, license, description, main: 'main.cjs' };
  await writeFile(path.join(desktopOut, 'package.json'), `${JSON.stringify(app, undefined, 2)}\n`);
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
