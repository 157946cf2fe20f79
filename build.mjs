// The build, and the launcher of the repository's scripts:
//   node build.mjs            builds everything into dist/
//   node build.mjs --check    builds only when a source is newer than what was built, and says so
import { readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.dirname(fileURLToPath(import.meta.url));
const out = path.join(root, 'dist', 'node-core');
const sources = ['node-core', 'build.mjs', 'package.json'];

export async function buildAll() {
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
  // an ES module is itself loaded through the pool, so this part is CommonJS.
  await writeFile(
    path.join(out, 'shoal.cjs'),
    `'use strict';\nprocess.env.UV_THREADPOOL_SIZE ??= '16';\nprocess.setSourceMapsEnabled(true);\nimport('./cli.mjs');\n`,
  );
}

/** Builds when a source is newer than the last build. Returns whether it did. */
export async function buildIfChanged() {
  const built = await stat(path.join(out, 'shoal.cjs')).then(
    (stats) => stats.mtimeMs,
    () => 0,
  );
  const newest = Math.max(...(await Promise.all(sources.map((source) => newestIn(path.join(root, source))))));
  if (newest <= built) return false;
  console.error(built === 0 ? 'Building ...' : 'Sources have changed, building ...');
  await buildAll();
  return true;
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
