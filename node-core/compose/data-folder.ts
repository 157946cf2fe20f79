/** The folder that a node lives in. */
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf, ShoalError } from '../domain/errors.ts';

/** Makes what is missing. @throws ShoalError DATA_UNUSABLE. */
export async function makeDataFolder(dataDir: string): Promise<void> {
  try {
    await mkdir(path.join(dataDir, 'data'), { recursive: true });
    for (const name of ['files', 'log', 'conf']) {
      const stats = await stat(path.join(dataDir, name)).catch(() => undefined);
      if (stats && !stats.isDirectory()) throw Object.assign(new Error(name), { code: 'ENOTDIR' });
    }
  } catch (error) {
    const reason = {
      EACCES: 'no permission',
      EROFS: 'read-only file system',
      ENOTDIR: 'a file is in the way',
      EEXIST: 'a file is in the way',
    }[errnoOf(error) ?? ''];
    throw new ShoalError('DATA_UNUSABLE', {
      details: { folder: dataDir, reason: reason ?? String(error) },
      cause: error,
    });
  }
}
