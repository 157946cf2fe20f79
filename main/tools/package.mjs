// `npm run package -- dir|tar|deb ...`: the packages that can be built on any Linux with the runtime that is there;
// `npm run package -- release`: all that this machine's system can build, with what electron-builder fetches. Prints sizes.

import { spawnSync } from 'node:child_process';
import { chmod, copyFile, cp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import yaml from 'js-yaml';
import { buildIfChanged } from '../../build.mjs';
import { cachedFolder, fetchPackage, run } from '../../node-core/packaging/package-cache.mjs';
import { buildDeb } from './deb.mjs';
import { describeRuntime, findRuntime } from './runtime.mjs';
import { sizeReport } from './sizes.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const outDir = path.join(root, 'dist', 'packages');
const kinds = process.argv.slice(2);
const known = ['dir', 'tar', 'deb', 'release'];
if (kinds.length === 0 || kinds.some((kind) => !known.includes(kind))) {
  console.error(`npm run package -- ${known.join('|')}`);
  process.exit(1);
}

await buildIfChanged();
if (kinds.includes('release')) builder([]);
else await packFolder();
const config = yaml.load(await readFile(path.join(root, 'electron-builder.yml'), 'utf8'));
const app = JSON.parse(await readFile(path.join(root, 'dist', 'main', 'package.json'), 'utf8'));
const level = process.env.ELECTRON_BUILDER_COMPRESSION_LEVEL ?? '9';
const packed = path.join(outDir, 'linux-unpacked');
if (kinds.includes('tar')) {
  const env = { ELECTRON_BUILDER_7ZIP_PATH: await sevenZip(), ELECTRON_BUILDER_COMPRESSION_LEVEL: level };
  builder(['--linux', 'tar.gz', '--prepackaged', packed], env);
}
if (kinds.includes('deb')) await buildDeb({ packed, config, app, arch: process.arch, level, outDir });
console.log(await sizeReport(outDir));

/** The app as a folder, on the runtime that was found. */
async function packFolder() {
  if (process.platform !== 'linux') throw new Error('Elsewhere than on Linux: npm run package -- release');
  await rm(outDir, { recursive: true, force: true });
  const runtime = await findRuntime();
  console.log(`Packing on ${describeRuntime(runtime)}`);
  const isOfficial = runtime.kind === 'official';
  if (!isOfficial)
    console.log(
      'What is built on another runtime than the official one is for tests and is not to be given to anybody.',
    );
  const dist = isOfficial ? runtime.dist : await withoutDefaultApp(runtime);
  builder(['--linux', 'dir', `-c.electronDist=${dist}`, `-c.electronVersion=${runtime.version}`]);
}

/** electron-builder takes a runtime as it is, and one that starts any folder is none to pack. */
function withoutDefaultApp({ dist, version }) {
  return cachedFolder(`electron-${version}-to-pack`, async (folder) => {
    await cp(dist, folder, { recursive: true });
    await rm(path.join(folder, 'resources', 'default_app.asar'), { recursive: true, force: true });
  });
}

function builder(options, env = {}) {
  const program = path.join(root, 'node_modules', 'electron-builder', 'cli.js');
  // Nothing is published from here, and nothing is signed unless the environment says with what (README).
  const { status } = spawnSync(process.execPath, [program, ...options, '--publish', 'never'], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** electron-builder makes its archives with 7-Zip, which it would fetch from GitHub. */
async function sevenZip() {
  const folder = await cachedFolder('7zip-bin-5.2.0', async (making) => {
    const archive = await fetchPackage(
      '7zip-bin@5.2.0',
      'sha512-ukTPVhqG4jNzMro2qA9HSCSSVJN3aN7tlb+hfqYCt3ER0yWroeA2VR38MNrOHLQ/cVj+DaIMad0kFCtWWowh/A==',
    );
    const program = `package/linux/${process.arch}/7za`;
    await run('tar', ['-xzf', archive, '-C', making, program]);
    await copyFile(path.join(making, program), path.join(making, '7za'));
    await chmod(path.join(making, '7za'), 0o755);
  });
  return path.join(folder, '7za');
}
