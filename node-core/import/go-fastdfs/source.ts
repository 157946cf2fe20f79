/**
 * A stopped go-fastdfs node as a source: every file below `files/`, with what its records say of it, every merged file, and
 * the ids of tus uploads.
 *
 * The folder is walked and each file's record looked up, not the other way round: go-fastdfs serves what stands in the
 * folder, with a record or without, and so every URL that worked goes on working.
 */
import { open, stat } from 'node:fs/promises';
import path from 'node:path';
import { isAbsent } from '../../storage/identity.ts';
import type { ImportItem, ImportSource, ImportTotals, UnusableItem, UploadAlias } from '../import-source.ts';
import { type FoundEntry, walkFolder } from '../walk-folder.ts';
import { SourceDatabase } from './source-database.ts';
import { checkSourceFolder, containersAside } from './source-folder.ts';
import {
  expectedOf,
  isContainer,
  type MergedPlace,
  mergedPlaceOf,
  placeKey,
  type SourceRecord,
  storedName,
  urlPathOf,
} from './source-record.ts';

/** The byte before each merged file; another one stands before a file that was deleted. */
const liveMarker = '1'.charCodeAt(0);

/** Unfinished uploads of the source; only go-fastdfs itself could go on with them. */
const unfinished: readonly string[] = ['_tmp', '_big'];

/** The store of a go-fastdfs node. */
export class GoFastdfsSource implements ImportSource {
  readonly keepsDeletions = true;
  readonly #root: string;
  readonly #dir: string;
  readonly #database: SourceDatabase;

  private constructor(dir: string, database: SourceDatabase) {
    this.#dir = dir;
    this.#root = path.join(dir, 'files');
    this.#database = database;
  }

  /**
   * @param dir absolute path of the folder that holds `files/` and `data/`. @param scratch folder for a copy of its database.
   * @throws ShoalError SOURCE_IN_USE, SOURCE_UNUSABLE.
   */
  static async open(dir: string, scratch: string): Promise<GoFastdfsSource> {
    await checkSourceFolder(dir);
    return new GoFastdfsSource(dir, await SourceDatabase.open(path.join(dir, 'data'), scratch));
  }

  async count(): Promise<ImportTotals> {
    let files = 0;
    let bytes = 0;
    for await (const { place, kind } of this.#walk()) {
      if (kind !== 'file') continue;
      const found = await stat(path.join(this.#root, place)).catch(() => undefined);
      files += 1;
      bytes += found?.size ?? 0;
    }
    for await (const { key, record } of this.#database.entries()) {
      const merged = record && mergedPlaceOf(record);
      if (!merged || !(await this.#speaksFor(key, record))) continue;
      files += 1;
      bytes += merged.size;
    }
    return { files, bytes };
  }

  async *items(): AsyncGenerator<ImportItem | UnusableItem> {
    for await (const found of this.#walk()) {
      const item = await this.#itemAt(found);
      if (item) yield item;
    }
    for await (const { key, record } of this.#database.entries()) {
      if (!record) {
        yield { kind: 'unusable', path: key, reason: 'RECORD_UNREADABLE' };
        continue;
      }
      if (!(await this.#speaksFor(key, record))) {
        if (await this.#isReplaced(key, record)) {
          yield { kind: 'unusable', path: urlPathOf(record), reason: 'REPLACED' };
        }
        continue;
      }
      const merged = mergedPlaceOf(record);
      if (merged) yield await this.#mergedItem(record, merged);
      else if (!(await this.#stands(record)))
        yield { kind: 'unusable', path: urlPathOf(record), reason: this.#goneReason(record) };
    }
  }

  async *aliases(): AsyncGenerator<UploadAlias> {
    for await (const { key, record } of this.#database.entries()) {
      if (!record || key === record.md5 || key === placeKey(storedName(record)) || !/^[\w-]{8,128}$/.test(key))
        continue;
      const expected = expectedOf(record);
      yield {
        id: key,
        path: urlPathOf(record),
        name: record.name,
        ...(expected && { expected }),
        storedMs: record.timeStamp * 1000,
      };
    }
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  /** Files of their own: without containers, unfinished uploads, and what a Shoal in the same place keeps for itself. */
  #walk(): AsyncGenerator<FoundEntry> {
    const own = [...unfinished, '_alt', '_trash', '_pack', '_part', '_damaged', '.shoal-store'];
    return walkFolder(this.#root, (place) => own.includes(place) || isContainer(place));
  }

  /** @returns undefined for a merged file that an import in place has extracted: its record speaks for it. */
  async #itemAt({ place, kind }: FoundEntry): Promise<ImportItem | UnusableItem | undefined> {
    if (kind !== 'file') {
      const reason = ({ link: 'LINK', special: 'SPECIAL', unreadable: 'UNREADABLE' } as const)[kind];
      return { kind: 'unusable', path: place, reason };
    }
    const stored = `files/${place}`;
    const file = path.join(this.#root, place);
    const found = await stat(file).catch(() => undefined);
    if (!found) return { kind: 'unusable', path: place, reason: 'UNREADABLE' };
    const record = await this.#database.record(placeKey(stored));
    if (record && mergedPlaceOf(record)) return undefined;
    if (!record && this.#database.wasRemoved(stored)) return { kind: 'unusable', path: place, reason: 'DELETED' };
    const common = { kind: 'file', path: place, file, size: found.size, mtimeMs: Math.floor(found.mtimeMs) } as const;
    return record ? { ...common, ...described(record), expectedSize: record.size } : common;
  }

  async #mergedItem(record: SourceRecord, merged: MergedPlace): Promise<ImportItem | UnusableItem> {
    const where = urlPathOf(record);
    const file = await this.#containerOf(merged);
    if (file === undefined) return { kind: 'unusable', path: where, reason: this.#goneReason(record) };
    const marker = await byteAt(file, merged.offset);
    if (marker !== liveMarker) {
      // A hole, or behind the end: a peer had it, and it never arrived here.
      const reason = marker === undefined || marker === 0 ? this.#goneReason(record) : 'DELETED';
      return { kind: 'unusable', path: where, reason };
    }
    return {
      kind: 'file',
      path: where,
      file,
      slice: { offset: merged.offset + 1 },
      size: merged.size,
      expectedSize: merged.size,
      mtimeMs: record.timeStamp * 1000,
      ...described(record),
    };
  }

  /** Where a container is: in its place, or where an import in place has set it aside. */
  async #containerOf({ container }: MergedPlace): Promise<string | undefined> {
    for (const file of [path.join(this.#root, container), path.join(containersAside(this.#dir), container)]) {
      if ((await stat(file).catch(() => undefined))?.isFile()) return file;
    }
    return undefined;
  }

  /** Each record stands under several keys: the one of its place speaks, or that of its digest where there is no other. */
  async #speaksFor(key: string, record: SourceRecord): Promise<boolean> {
    const own = placeKey(storedName(record));
    if (key === own) return true;
    return key === record.md5 && (await this.#database.record(own)) === undefined;
  }

  /** A record under a digest whose place holds another content by now. */
  async #isReplaced(key: string, record: SourceRecord): Promise<boolean> {
    if (key !== record.md5) return false;
    const there = await this.#database.record(placeKey(storedName(record)));
    return there !== undefined && there.md5 !== record.md5;
  }

  async #stands(record: SourceRecord): Promise<boolean> {
    const found = await stat(path.join(this.#root, urlPathOf(record))).catch(() => undefined);
    return found?.isFile() === true;
  }

  #goneReason(record: SourceRecord): 'DELETED' | 'MISSING' {
    return this.#database.wasRemoved(storedName(record)) ? 'DELETED' : 'MISSING';
  }
}

/** What a record tells of its file. */
function described(record: SourceRecord): Pick<ImportItem, 'expected' | 'name' | 'scene' | 'storedMs'> {
  const expected = expectedOf(record);
  return {
    ...(expected && { expected }),
    name: record.name || record.rename,
    scene: record.scene,
    ...(record.timeStamp > 0 && { storedMs: record.timeStamp * 1000 }),
  };
}

/** One byte of a file; undefined behind its end. */
async function byteAt(file: string, position: number): Promise<number | undefined> {
  try {
    const handle = await open(file, 'r');
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(1), 0, 1, position);
      return bytesRead === 0 ? undefined : buffer[0];
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
