/**
 * The backup of a day in the shape of go-fastdfs, in `<folder>/<day>/`:
 *
 * - `meta.data`: for each file two lines of `<key> TAB <record as JSON>`, once under its digest and once under the md5 of
 *   `files/<path>/<name>`: the keys of the original's database. What its records do not have stands in fields of our own,
 *   which it ignores.
 * - `files.md5`: one line of `<digest>|<size>|<unix time>|files/<path>/<name>` for each file, for scripts.
 */
import { createHash, randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Catalog, CataloguedFile } from '../catalog/catalog.ts';
import { ShoalError } from '../domain/errors.ts';
import { joinPath } from '../domain/paths.ts';

const backupRecord = z.object({
  name: z.string().min(1),
  rename: z.string(),
  path: z.string().min(1),
  md5: z.string(),
  size: z.number().int().nonnegative(),
  peers: z.array(z.string()).nullable(),
  scene: z.string(),
  timeStamp: z.number(),
  offset: z.number(),
  /** Of Shoal only. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** Of Shoal only: Last-Modified in milliseconds since 1970. */
  mtimeMs: z.number().optional(),
});

/** A file as a backup names it: the record of go-fastdfs, and what Shoal adds to it. */
export type BackupRecord = z.infer<typeof backupRecord>;

/** The record of go-fastdfs, made by the caller. */
export type DescribeFile = (file: CataloguedFile) => Omit<BackupRecord, 'sha256' | 'mtimeMs' | 'peers'> & {
  readonly peers: readonly string[];
};

/** Bytes gathered before they are written. */
const gatherBytes = 256 * 1024;

/**
 * Writes the backup of a day, replacing an older one. Each file is complete or not there.
 * @param folder absolute path of `data/`. @returns the number of files named.
 */
export async function writeDayBackup(
  catalog: Catalog,
  folder: string,
  day: string,
  describe: DescribeFile,
): Promise<number> {
  const target = path.join(folder, day);
  await mkdir(target, { recursive: true });
  const meta = await NewFile.begin(path.join(target, 'meta.data'));
  const list = await NewFile.begin(path.join(target, 'files.md5'));
  try {
    let files = 0;
    for await (const { path: logicalPath, entry } of catalog.walk()) {
      const file = entry.day === day ? catalog.find(logicalPath) : undefined;
      if (!file) continue;
      const record = { ...describe(file), sha256: file.version.sha256, mtimeMs: file.version.mtimeMs };
      const stored = storedPath(record);
      const json = JSON.stringify(record);
      if (record.md5 !== '') await meta.write(`${record.md5}\t${json}\n`);
      await meta.write(`${keyOf(stored)}\t${json}\n`);
      await list.write(`${record.md5}|${record.size}|${record.timeStamp}|${stored.replace(/[\r\n]/g, '?')}\n`);
      files += 1;
    }
    await meta.complete();
    await list.complete();
    await syncFolder(target);
    return files;
  } catch (error) {
    await Promise.all([meta.discard(), list.discard()]);
    throw error;
  }
}

/**
 * Reads a `meta.data`, ours or the original's: each file once.
 * @throws ShoalError BACKUP_UNREADABLE that names the line.
 */
export async function* readDayBackup(file: string): AsyncGenerator<BackupRecord> {
  let number = 0;
  for await (const line of linesOf(file)) {
    number += 1;
    if (line === '') continue;
    const tab = line.indexOf('\t');
    const record = parseRecord(line.slice(tab + 1));
    if (tab < 0 || !record) throw new ShoalError('BACKUP_UNREADABLE', { details: { file, line: number } });
    // The other line of the pair says the same under the digest.
    if (line.slice(0, tab) === keyOf(storedPath(record))) yield record;
  }
}

/** Where the file of a record stands: `files/<path>/<name>`. */
export function storedPath(record: Pick<BackupRecord, 'path' | 'name' | 'rename'>): string {
  return joinPath(record.path, record.rename || record.name);
}

function keyOf(stored: string): string {
  return createHash('md5').update(stored).digest('hex');
}

function parseRecord(json: string): BackupRecord | undefined {
  try {
    return backupRecord.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}

/** Lines end with a line feed and nothing else: names may hold other separators. */
async function* linesOf(file: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of createReadStream(file, { encoding: 'utf8' })) {
    const lines = (rest + (chunk as string)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

/** A file that takes its name when it is complete. */
class NewFile {
  readonly #target: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  #gathered = '';

  private constructor(target: string, temporary: string, handle: FileHandle) {
    this.#target = target;
    this.#temporary = temporary;
    this.#handle = handle;
  }

  static async begin(target: string): Promise<NewFile> {
    const temporary = `${target}.tmp-${randomUUID()}`;
    return new NewFile(target, temporary, await open(temporary, 'wx', 0o600));
  }

  async write(text: string): Promise<void> {
    this.#gathered += text;
    if (this.#gathered.length >= gatherBytes) await this.#flush();
  }

  async complete(): Promise<void> {
    await this.#flush();
    await this.#handle.sync();
    await this.#handle.close();
    await rename(this.#temporary, this.#target);
  }

  /** Harmless after {@link complete}. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await rm(this.#temporary, { force: true });
  }

  async #flush(): Promise<void> {
    await this.#handle.appendFile(this.#gathered);
    this.#gathered = '';
  }
}

/** Makes the new names durable where the system can. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
