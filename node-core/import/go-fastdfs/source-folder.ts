/** The folder of a go-fastdfs node that becomes Shoal's: what would be in the way is set aside, never removed. */
import { mkdir, readdir, rename, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { ShoalError } from '../../domain/errors.ts';
import { isAbsent } from '../../storage/identity.ts';
import { isDatabaseLocked } from './source-lock.ts';
import { isContainer } from './source-record.ts';

/** @throws ShoalError SOURCE_UNUSABLE when a folder is not that of a go-fastdfs node; SOURCE_IN_USE while one runs there. */
export async function checkSourceFolder(dir: string): Promise<void> {
  const database = path.join(dir, 'data', 'fileserver.db');
  for (const folder of [path.join(dir, 'files'), database]) {
    const found = await stat(folder).catch(() => undefined);
    if (!found?.isDirectory()) throw unusable(dir, `it has no folder ${path.relative(dir, folder)}`);
  }
  if (await isDatabaseLocked(database)) throw new ShoalError('SOURCE_IN_USE', { details: { folder: dir } });
}

/** Where an import in place sets aside what only go-fastdfs understands. */
function asideFolder(dir: string): string {
  return path.join(dir, 'data', 'go-fastdfs');
}

/** Where the containers of merged files are once all of them have been taken in: below it as below `files/`. */
export function containersAside(dir: string): string {
  return asideFolder(dir);
}

/**
 * Sets unfinished uploads of the source aside before Shoal opens the folder: it would sweep them.
 * @returns their names, for the report.
 */
export async function setUnfinishedAside(dir: string): Promise<string[]> {
  const moved: string[] = [];
  // Once Shoal works here these folders are its own.
  const isShoals = (await readdir(path.join(dir, 'data'))).includes('catalog');
  for (const name of isShoals ? [] : ['_tmp', '_big']) {
    if (await moveAside(dir, path.join(dir, 'files', name), name)) moved.push(`files/${name}`);
  }
  return moved;
}

/** Sets the containers of merged files aside. Comes after an import has run. @returns whether there were any. */
export async function setContainersAside(dir: string): Promise<boolean> {
  let moved = false;
  const haystack = path.join(dir, 'files', 'haystack');
  for (const peer of await readdir(haystack).catch(() => [])) {
    for (const number of await readdir(path.join(haystack, peer)).catch(() => [])) {
      const place = `haystack/${peer}/${number}`;
      if (!isContainer(place)) continue;
      moved = (await moveAside(dir, path.join(haystack, peer, number), place)) || moved;
    }
    await rmdir(path.join(haystack, peer)).catch(() => undefined);
  }
  await rmdir(haystack).catch(() => undefined);
  return moved;
}

async function moveAside(dir: string, from: string, name: string): Promise<boolean> {
  const target = path.join(asideFolder(dir), name);
  try {
    await mkdir(path.dirname(target), { recursive: true });
    await rename(from, target);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw unusable(from, error instanceof Error ? error.message : String(error));
  }
}

/** @param what the folder or file. */
export function unusable(what: string, reason: string): ShoalError {
  return new ShoalError('SOURCE_UNUSABLE', { details: { folder: what, reason } });
}
