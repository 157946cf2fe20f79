/** Lets a folder that is somewhere else be the store's own: `files/` becomes a link to it. */
import { lstat, mkdir, realpath, rmdir, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { ShoalError } from '../domain/errors.ts';

/**
 * Prepares an import in place, before a node opens the data folder. Nothing is done when the folder lies in `files/` already.
 * @param source absolute path of the folder. @throws ShoalError SOURCE_UNUSABLE when the data folder has files of its own.
 */
export async function prepareFolderInPlace(source: string, dataDir: string): Promise<void> {
  const refuse = (reason: string) => new ShoalError('SOURCE_UNUSABLE', { details: { folder: source, reason } });
  if (!(await stat(source).catch(() => undefined))?.isDirectory()) throw refuse('there is no such folder');
  const files = path.join(dataDir, 'files');
  const real = await realpath(source);
  if (await lstat(files).catch(() => undefined)) {
    const own = await realpath(files).catch(() => files);
    if (real === own || real.startsWith(own + path.sep)) return;
    // Fails for a folder that holds anything, and for a link.
    await rmdir(files).catch(() => {
      throw refuse('the data folder has a folder files/ of its own; choose another one with --data');
    });
  }
  await mkdir(dataDir, { recursive: true });
  const inside = await realpath(dataDir);
  if (inside === real || inside.startsWith(real + path.sep)) throw refuse('the data folder lies in it');
  await symlink(real, files, process.platform === 'win32' ? 'junction' : 'dir');
}
