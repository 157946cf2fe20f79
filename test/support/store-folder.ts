/** Looks at the folders of a node from outside, and waits for what happens in them. */
import { watch } from 'node:fs';
import { readdir, readlink, stat } from 'node:fs/promises';
import path from 'node:path';

/** Names of files being received. */
export function stagedNames(dataDir: string): Promise<string[]> {
  return readdir(path.join(dataDir, 'files', '_tmp'));
}

/** Resolves once the staging folder satisfies a condition; told by the file system, not by a timer. */
export async function untilStaged(dataDir: string, holds: (names: readonly string[]) => boolean): Promise<void> {
  const folder = path.join(dataDir, 'files', '_tmp');
  const watcher = watch(folder);
  try {
    await new Promise<void>((resolve, reject) => {
      const look = () =>
        void readdir(folder).then((names) => {
          if (holds(names)) resolve();
        }, reject);
      watcher.on('change', look);
      watcher.on('error', reject);
      look();
    });
  } finally {
    watcher.close();
  }
}

/** Resolves once nothing is staged any more. */
export function untilNothingIsStaged(dataDir: string): Promise<void> {
  return untilStaged(dataDir, (names) => names.length === 0);
}

/** Paths of all stored files below `files/`, with `/`: what other programs such as nginx would see. */
export async function storedFiles(dataDir: string): Promise<string[]> {
  const root = path.join(dataDir, 'files');
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .filter((file) => !/^(_tmp|_trash)\/|^\.shoal-store$/.test(file))
    .sort();
}

/** Resolves once a file has at least so many bytes; told by the file system, not by a timer. */
export async function untilFileHas(file: string, bytes: number): Promise<void> {
  const watcher = watch(file);
  try {
    await new Promise<void>((resolve, reject) => {
      const look = () =>
        void stat(file).then(({ size }) => {
          if (size >= bytes) resolve();
        }, reject);
      watcher.on('change', look);
      watcher.on('error', reject);
      look();
    });
  } finally {
    watcher.close();
  }
}

/** Files below a folder that this process holds open. Linux only. */
export async function openFilesBelow(folder: string): Promise<string[]> {
  const descriptors = await readdir('/proc/self/fd');
  const targets = await Promise.all(descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return targets.filter((target) => target.startsWith(folder + path.sep));
}
