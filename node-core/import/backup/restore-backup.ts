/**
 * Makes a data folder of a backup. The folder carries a mark until it is complete: a node does not start on it before, and a
 * restore that was cut begins anew.
 */
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CatalogWriter } from '../../catalog/export.ts';
import { ShoalError } from '../../domain/errors.ts';
import {
  type BackupHeader,
  backupFormat,
  backupHeader,
  backupNames,
  configurationFiles,
  contentOf,
} from './backup-format.ts';
import { broken, type ReadFile, readChecked, readWhole } from './read-backup.ts';
import { type BackupSummary, checkEmpty, summaryOf } from './save-backup.ts';

/** Name of the mark in the data folder. */
const markName = 'restore-incomplete';

/** Takes contents into the restored store: a node that runs on the folder. */
export interface ContentTaker {
  readonly take: (sha256: string, body: AsyncIterable<Uint8Array>) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** What is restored, and where to. */
export interface RestoreOptions {
  readonly files: AsyncGenerator<ReadFile>;
  /** Absolute path of the data folder: new, empty, or left by a restore that was cut. */
  readonly dataDir: string;
  /** Opens the folder once its catalogue is complete; asked for only by a backup with bytes. */
  readonly open: () => Promise<ContentTaker>;
}

/** What was restored. */
export interface RestoreSummary extends BackupSummary {
  readonly header: BackupHeader;
}

/** @throws ShoalError RESTORE_INCOMPLETE when a restore into a data folder was cut. */
export async function checkRestored(dataDir: string): Promise<void> {
  if (await stat(path.join(dataDir, markName)).catch(() => undefined))
    throw new ShoalError('RESTORE_INCOMPLETE', { details: { folder: dataDir } });
}

/**
 * Restores a backup. Whatever fails, nothing is left of it.
 * @throws ShoalError FOLDER_NOT_EMPTY, BACKUP_BROKEN, DISK_FULL, and what opening the folder refuses.
 */
export async function restoreBackup({ files, dataDir, open }: RestoreOptions): Promise<RestoreSummary> {
  const mark = path.join(dataDir, markName);
  if (await stat(mark).catch(() => undefined)) await emptyFolder(dataDir);
  await checkEmpty(dataDir);
  await mkdir(dataDir, { recursive: true });
  await writeFile(mark, '', { flush: true });
  const restore = new Restore(dataDir, open);
  try {
    const manifest = await readChecked(files, (file) => restore.take(file));
    await restore.end();
    if (!restore.header) throw broken('it does not say what it is');
    await rm(mark);
    return { ...summaryOf(manifest), header: restore.header };
  } catch (error) {
    await restore.end().catch(() => undefined);
    await emptyFolder(dataDir);
    throw error;
  }
}

class Restore {
  readonly #dataDir: string;
  readonly #open: () => Promise<ContentTaker>;
  #catalog: CatalogWriter | undefined;
  #contents: ContentTaker | undefined;
  header: BackupHeader | undefined;

  constructor(dataDir: string, open: () => Promise<ContentTaker>) {
    this.#dataDir = dataDir;
    this.#open = open;
  }

  async take(file: ReadFile): Promise<void> {
    if (file.name === backupNames.header) {
      this.header = readHeader((await readWhole(file)).toString('utf8'));
      return;
    }
    if (!this.header) throw broken('it does not say what it is');
    const content = contentOf(file.name);
    if (content !== undefined) await this.#takeContent(content, file);
    else if (configurationFiles.includes(file.name)) await this.#writeFile(file);
    else await this.#takeEntries(file);
  }

  /** Closes what is open. */
  async end(): Promise<void> {
    const [catalog, contents] = [this.#catalog, this.#contents];
    this.#catalog = undefined;
    this.#contents = undefined;
    await catalog?.end();
    await contents?.close();
  }

  async #writeFile(file: ReadFile): Promise<void> {
    const target = path.join(this.#dataDir, ...file.name.split('/'));
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, await readWhole(file), { mode: 0o600, flush: true });
  }

  async #takeEntries(file: ReadFile): Promise<void> {
    if (this.#contents) throw broken('its files are in another order');
    const folder = path.join(this.#dataDir, 'data', 'catalog');
    await mkdir(path.dirname(folder), { recursive: true });
    this.#catalog ??= await CatalogWriter.begin(folder);
    const lines = (await readWhole(file)).toString('utf8').split('\n');
    await this.#catalog.write(lines.filter((line) => line !== '').map((line) => readEntry(file.name, line)));
  }

  async #takeContent(sha256: string, file: ReadFile): Promise<void> {
    if (!this.#contents) {
      await this.#catalog?.end();
      this.#catalog = undefined;
      this.#contents = await this.#open();
    }
    try {
      await this.#contents.take(sha256, file.body);
    } catch (error) {
      // Lost before the backup was made: its manifest names it.
      if (isMismatch(error)) return;
      throw error;
    }
  }
}

/** Errors of a node keep their code on the way through its API. */
function isMismatch(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'DIGEST_MISMATCH';
}

function readHeader(text: string): BackupHeader {
  let header: BackupHeader;
  try {
    header = backupHeader.parse(JSON.parse(text));
  } catch (error) {
    throw broken('it is no backup of Shoal', error);
  }
  if (header.format > backupFormat)
    throw broken(`it has format ${header.format}, this version knows up to ${backupFormat}`);
  return header;
}

function readEntry(name: string, line: string): readonly [string, string] {
  try {
    const entry: unknown = JSON.parse(line);
    if (Array.isArray(entry) && entry.length === 2 && entry.every((part) => typeof part === 'string')) {
      return [String(entry[0]), String(entry[1])];
    }
  } catch {
    // Told below.
  }
  throw broken(`${name} has a line that is no entry`);
}

async function emptyFolder(folder: string): Promise<void> {
  const names = await readdir(folder);
  // The mark goes last: until then the folder is known not to be complete.
  for (const name of names.filter((one) => one !== markName))
    await rm(path.join(folder, name), { recursive: true, force: true });
  await rm(path.join(folder, markName), { force: true });
}
