/**
 * Reads the LevelDB of a stopped go-fastdfs node. Opening one writes to it, so a copy in a temporary folder is opened; the
 * source stays as it is.
 */
import { cp, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ClassicLevel } from 'classic-level';
import { ShoalError } from '../../domain/errors.ts';
import { isDatabaseLocked } from './source-lock.ts';
import { parseSourceRecord, type SourceRecord, storedName } from './source-record.ts';

/** Begins the names of copies. */
const copyPrefix = 'import-copy-';

type Database = ClassicLevel<string, string>;

/** One entry of the database: a record, or text that is none. */
export interface SourceEntry {
  readonly key: string;
  readonly record: SourceRecord | undefined;
}

/** The records of a source. Close it: it owns a temporary folder. */
export class SourceDatabase {
  readonly #folder: string;
  readonly #files: Database;
  readonly #removed: ReadonlySet<string>;

  private constructor(folder: string, files: Database, removed: ReadonlySet<string>) {
    this.#folder = folder;
    this.#files = files;
    this.#removed = removed;
  }

  /**
   * Copies and opens the database of a source.
   * @param data absolute path of its folder `data`. @param scratch folder for the copy. @throws ShoalError SOURCE_IN_USE, SOURCE_UNUSABLE.
   */
  static async open(data: string, scratch: string): Promise<SourceDatabase> {
    for (const name of await readdir(scratch)) {
      // Left by an import that was killed. Two imports never run on one folder.
      if (name.startsWith(copyPrefix) && scratch !== tmpdir()) await rm(path.join(scratch, name), { recursive: true });
    }
    const temporary = await mkdtemp(path.join(scratch, copyPrefix));
    try {
      const copy = path.join(temporary, 'files');
      await copyDatabase(path.join(data, 'fileserver.db'), copy);
      const files = await openDatabase(copy, path.join(data, 'fileserver.db'));
      const log = path.join(data, 'log.db');
      let removed: ReadonlySet<string> = new Set();
      if (await stat(log).catch(() => undefined)) {
        await copyDatabase(log, path.join(temporary, 'log'));
        removed = await readRemoved(path.join(temporary, 'log'), log);
      }
      return new SourceDatabase(temporary, files, removed);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      throw error;
    }
  }

  /** The record under a key. */
  async record(key: string): Promise<SourceRecord | undefined> {
    const text = await this.#files.get(key);
    return text === undefined ? undefined : parseSourceRecord(text);
  }

  /** Everything, in order of the key. */
  async *entries(): AsyncGenerator<SourceEntry> {
    for await (const [key, text] of this.#files.iterator()) yield { key, record: parseSourceRecord(text) };
  }

  /** Whether the source noted that a file was deleted: `files/<path>/<name>`. */
  wasRemoved(stored: string): boolean {
    return this.#removed.has(stored);
  }

  async close(): Promise<void> {
    await this.#files.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function copyDatabase(folder: string, target: string): Promise<void> {
  if (await isDatabaseLocked(folder)) throw inUse(folder);
  const before = await stateOf(folder);
  try {
    await cp(folder, target, { recursive: true });
  } catch (error) {
    // A file that goes while it is copied was compacted away: somebody is at work.
    if ((await stateOf(folder)) !== before) throw inUse(folder);
    throw unusable(folder, error);
  }
  if ((await stateOf(folder)) !== before) throw inUse(folder);
  // Whatever it held is not ours, and LevelDB makes its own.
  await rm(path.join(target, 'LOCK'), { force: true });
}

/** Names, sizes and times of a folder's files: another text after a change. */
async function stateOf(folder: string): Promise<string> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw unusable(folder, error);
  });
  const states = names.sort().map(async (name) => {
    const found = await stat(path.join(folder, name), { bigint: true }).catch(() => undefined);
    return `${name} ${found?.size} ${found?.mtimeNs}`;
  });
  return (await Promise.all(states)).join('\n');
}

async function openDatabase(copy: string, source: string): Promise<Database> {
  const open = async () => {
    const db = new ClassicLevel<string, string>(copy, { keyEncoding: 'utf8', valueEncoding: 'utf8' });
    await db.open({ createIfMissing: false });
    return db;
  };
  try {
    return await open();
  } catch {
    // A node that was killed may have left a log that is cut short; repairing the copy reads what can be read.
    try {
      await ClassicLevel.repair(copy);
      const repaired = await open();
      // A repair makes an empty database of anything: that would silently be a store without records.
      for await (const _key of repaired.keys({ limit: 1 })) return repaired;
      await repaired.close();
      throw new Error('nothing of the database can be read');
    } catch (error) {
      throw unusable(source, error);
    }
  }
}

/** `log.db` notes deletes under `<YYYYMMDD>_removes.md5_<digest>`. */
async function readRemoved(copy: string, source: string): Promise<ReadonlySet<string>> {
  const db = await openDatabase(copy, source);
  const removed = new Set<string>();
  try {
    for await (const [key, text] of db.iterator()) {
      const record = key.includes('_removes.md5_') ? parseSourceRecord(text) : undefined;
      if (record) removed.add(storedName(record));
    }
  } finally {
    await db.close();
  }
  return removed;
}

function inUse(folder: string): ShoalError {
  return new ShoalError('SOURCE_IN_USE', { details: { folder } });
}

function unusable(folder: string, error: unknown): ShoalError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ShoalError('SOURCE_UNUSABLE', { details: { folder, reason }, cause: error });
}
