// Puts together what a package, an image or the single executable holds of the storage node: a Node, the bundled program, the
// web app, and the packages that they need at runtime with the native parts of the target. The lock file alone says which.
//   node node-core/packaging/stage.mjs linux amd64 FOLDER
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, exists, fetchPackage, run } from './package-cache.mjs';
import { putNode } from './shipped-node.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** What packages bring along that no program loads: types, maps, texts, sources and tests. Licences stay. */
const needless = /(\.d\.[cm]?ts|\.[cm]?tsx?|\.map|\.md|\.markdown|\.flow|\.gyp|\.cc|\.tsbuildinfo)$/i;
const needlessFolders = new Set(['test', 'tests', '__tests__', 'docs', 'example', 'examples', 'benchmarks', '.github']);
const licence = /^(licen[cs]e|copying|notice)/i;

/**
 * Makes the folder anew. The build must have been run.
 * @param platform and @param arch as Node names them. @param folder becomes `resources/node` of the package.
 */
export async function stageNode(platform, arch, folder) {
  await rm(folder, { recursive: true, force: true });
  const making = `${folder}.making`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true });
  await putNode(platform, arch, making);
  for (const part of ['node-core', 'renderer']) {
    const from = path.join(root, 'dist', part);
    await cp(from, path.join(making, 'dist', part), { recursive: true, filter: (file) => !file.endsWith('.map') });
  }
  for (const one of await runtimePackages(platform, arch)) await copyPackage(one, making, platform, arch);
  await rename(making, folder);
}

/** Every package of the lock file that the target needs at runtime: `folder` in node_modules, `id`, `integrity`. */
export async function runtimePackages(platform, arch) {
  const { packages } = JSON.parse(await readFile(path.join(root, 'package-lock.json'), 'utf8'));
  const fits = (wanted, value) => wanted === undefined || wanted.includes(value);
  return Object.entries(packages).flatMap(([folder, entry]) => {
    if (folder === '' || entry.dev || entry.peer) return [];
    // Optional ones are binaries for some system, of which the fitting is a must, or clients of services nobody has here.
    if (entry.optional) {
      const isBinary = entry.os !== undefined && fits(entry.os, platform) && fits(entry.cpu, arch);
      if (!isBinary || !fits(entry.libc, 'glibc')) return [];
    }
    const name = entry.name ?? folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
    return [{ folder, id: `${name}@${entry.version}`, integrity: entry.integrity }];
  });
}

async function copyPackage({ folder, id, integrity }, into, platform, arch) {
  const installed = path.join(root, folder);
  const to = path.join(into, folder);
  if (await exists(installed)) return copyNeeded(installed, to, platform, arch);
  // The binaries of another system than this one.
  const archive = await fetchPackage(id, integrity);
  const inside = await mkdtemp(path.join(cacheFolder, 'unpacking-'));
  try {
    await run('tar', ['-xzf', archive, '-C', inside]);
    const [unpacked] = await readdir(inside);
    await copyNeeded(path.join(inside, unpacked), to, platform, arch);
  } finally {
    await rm(inside, { recursive: true, force: true });
  }
}

async function copyNeeded(from, to, platform, arch) {
  const prebuilds = path.join(from, 'prebuilds');
  const skipped = new Set([path.join(from, 'node_modules')]);
  if (await exists(prebuilds)) {
    // node-gyp-build's naming: `<platform>-<architectures joined by +>`, sources beside it.
    for (const name of await readdir(prebuilds)) {
      const [system, ...rest] = name.split('-');
      const fits = system === platform && rest.join('-').split('+').includes(arch);
      if (!fits) skipped.add(path.join(prebuilds, name));
    }
    skipped.add(path.join(from, 'deps'));
  }
  await cp(from, to, {
    recursive: true,
    filter: (file) => {
      if (file === from) return true;
      const name = path.basename(file);
      if (skipped.has(file) || needlessFolders.has(name)) return false;
      return licence.test(name) || !needless.test(name);
    },
  });
}

/** What images call architectures. */
const archNames = { amd64: 'x64', arm64: 'arm64' };

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [platform, arch, folder] = process.argv.slice(2);
  if (folder === undefined) throw new Error('Usage: stage.mjs PLATFORM ARCHITECTURE FOLDER');
  await stageNode(platform, archNames[arch] ?? arch, path.resolve(folder));
}
