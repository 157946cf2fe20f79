/** Damage on the disk of a node, as disks and people do it. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where a file of a node stands on disk. @param file path of a URL, with its group. */
export function placeOnDisk(node: { readonly dataDir: string }, file: string): string {
  return path.join(node.dataDir, 'files', ...file.split('/').slice(2));
}

/** Flips a bit in a file, in place, so that nothing else tells of it. */
export async function rot(file: string, at = 0): Promise<void> {
  const times = path.join(path.dirname(path.dirname(file)), `.times-${randomBytes(4).toString('hex')}`);
  // Node sets times to a microsecond; the catalogue knows them better.
  await run('touch', ['-r', file, times]);
  const content = await readFile(file);
  content[at] = (content[at] ?? 0) ^ 1;
  // The node's own files are read-only to everybody; whoever writes here stands for the disk.
  await rewrite(file, content);
  await run('touch', ['-r', times, file]);
  await rm(times);
}

/** Writes other bytes to a file, in place. */
export async function rewrite(file: string, content: Buffer): Promise<void> {
  await chmod(file, 0o644);
  await writeFile(file, content);
  await chmod(file, 0o444);
}

/** Names of what was set aside, in order. */
export async function setAsideNames(node: { readonly dataDir: string }): Promise<string[]> {
  return (await readdir(path.join(node.dataDir, 'files', '_damaged'))).sort();
}

/** Removes a file as somebody would who thinks that it is not needed. */
export function lose(file: string): Promise<void> {
  return rm(file);
}
