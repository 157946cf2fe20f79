import type { Dirent } from 'node:fs';
import { opendir, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { reservedTopNames } from '../domain/paths.ts';
import { isAbsent } from './identity.ts';

/**
 * Removes every folder below a store's root that holds nothing, or nothing but such folders. The store's own folders stay,
 * and links are not followed. Files are never touched: rmdir(2) refuses a folder that is being filled just now.
 * @param root absolute path of `files/`.
 * @returns the number of folders removed.
 */
export async function removeEmptyFolders(root: string): Promise<number> {
  let removed = 0;
  for await (const entry of await opendir(root)) {
    if (reservedTopNames.includes(entry.name.toLowerCase())) continue;
    if (entry.isDirectory()) removed += (await emptyOut(path.join(root, entry.name))).removed;
  }
  return removed;
}

async function emptyOut(folder: string): Promise<{ readonly removed: number; readonly gone: boolean }> {
  let removed = 0;
  let empty = true;
  for (const name of await subfolders(folder)) {
    if (name === undefined) {
      empty = false;
      continue;
    }
    const below = await emptyOut(path.join(folder, name));
    removed += below.removed;
    empty &&= below.gone;
  }
  const gone = empty && (await tryRemove(folder));
  return { removed: removed + (gone ? 1 : 0), gone };
}

/** Names of the folders in a folder; once `undefined` when it holds anything else. A folder that cannot be read is not empty. */
async function subfolders(folder: string): Promise<(string | undefined)[]> {
  const names: (string | undefined)[] = [];
  let other = false;
  try {
    for await (const entry of (await opendir(folder)) as AsyncIterable<Dirent>) {
      if (entry.isDirectory()) names.push(entry.name);
      else other = true;
    }
  } catch {
    other = true;
  }
  return other ? [...names, undefined] : names;
}

async function tryRemove(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    return isAbsent(error);
  }
}
