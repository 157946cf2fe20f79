/** Keeps a backup as a folder. */
import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ShoalError } from '../../domain/errors.ts';
import { isAbsent } from '../../storage/identity.ts';
import { backupNames, type Manifest } from './backup-format.ts';
import { readChecked, readTar } from './read-backup.ts';

/** What a backup holds. */
export interface BackupSummary {
  readonly files: number;
  readonly bytes: number;
  /** Contents that the node could not read any more. */
  readonly lost: readonly string[];
}

/**
 * Writes the tar stream of a backup into a new or empty folder; the manifest last, so that a folder without it is known to be
 * cut. @throws ShoalError FOLDER_NOT_EMPTY, BACKUP_BROKEN, DISK_FULL.
 */
export async function saveBackup(stream: Readable, folder: string): Promise<BackupSummary> {
  await checkEmpty(folder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const manifest = await readChecked(readTar(stream), async ({ name, body }) => {
    const file = path.join(folder, ...name.split('/'));
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await pipeline(body, createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true }));
  });
  await writeFile(path.join(folder, backupNames.manifest), JSON.stringify(manifest), { mode: 0o600, flush: true });
  if (process.platform !== 'win32') {
    const handle = await open(folder);
    await handle.sync().finally(() => handle.close());
  }
  return summaryOf(manifest);
}

/** Reads the tar stream of a backup to its end and says what it holds. @throws ShoalError BACKUP_BROKEN. */
export async function checkBackup(stream: Readable): Promise<BackupSummary> {
  return summaryOf(await readChecked(readTar(stream), async () => undefined));
}

/** @throws ShoalError FOLDER_NOT_EMPTY unless the folder holds nothing, or is not there. */
export async function checkEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw error;
  });
  if (names.length > 0) throw new ShoalError('FOLDER_NOT_EMPTY', { details: { what: folder } });
}

export function summaryOf({ files, lost }: Manifest): BackupSummary {
  return { files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0), lost };
}
