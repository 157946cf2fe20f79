import { Level } from 'level';
import { LRUCache } from 'lru-cache';
import type { DigestAlgorithm } from '../domain/digests.ts';
import { errnoOf, ShoalError } from '../domain/errors.ts';
import { type PathRecord, type VisibleFile, viewOf } from '../domain/file-record.ts';
import { HybridClock } from '../domain/hybrid-clock.ts';
import { baseName, parentOf } from '../domain/paths.ts';
import { type Dot, formatDot, sameDot, type VersionVector } from '../domain/version.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Service } from '../runtime/service.ts';
import { Committer, type Database, readText } from './committer.ts';
import { CatalogExport } from './export.ts';
import { type FeedPage, feedHead, forgottenVector, readFeed, seenVector } from './feed.ts';
import { type EntryKind, keys, lastPart } from './keys.ts';
import { upgradeCatalog } from './migrations.ts';
import { type ListedFile, recountDay, walkFiles } from './recount.ts';
import type { FeedCursor } from './replication-values.ts';
import { searchNames } from './search-index.ts';
import { sharedLetters } from './shared-values.ts';
import type { Table } from './table.ts';
import { CatalogTransaction, type CommitCounters } from './transaction.ts';
import {
  type DayStatistics,
  decode,
  encode,
  type FolderEntry,
  type FolderJob,
  type Intent,
  type LinkSource,
  type LocalBytes,
  type PackedContent,
  type ResumableUpload,
  type TrashEntry,
} from './values.ts';

/** A visible file together with where its bytes stand here. */
export interface CataloguedFile extends VisibleFile {
  /** Undefined: the bytes are not on this node. */
  readonly local: LocalBytes | undefined;
}

/** One row of a folder listing. */
export type FolderRow = FolderEntry & { readonly name: string };

/** Where the next page of a listing goes on. */
export interface FolderCursor {
  readonly kind: EntryKind;
  readonly name: string;
}

/** What the catalogue is built with. */
export interface CatalogOptions {
  /** Absolute path of the LevelDB folder; made when missing. */
  readonly folder: string;
  readonly nodeId: string;
  readonly clock: Clock;
  /** Whether commits are on disk before they are acknowledged. */
  readonly durable: boolean;
  /** Told of every batch that could not be written. */
  readonly onWriteError: (error: unknown) => void;
  /** Opens the database; LevelDB in the folder when undefined. */
  readonly openDatabase?: () => Database;
  /** Entries of the read cache. */
  readonly cacheEntries?: number;
}

/**
 * The catalogue of one node: which paths exist, in what versions, and where their bytes stand. Reads see what was
 * committed; writes go through {@link Catalog.commit} only.
 */
export class Catalog implements Service {
  readonly name = 'catalogue';
  readonly #options: CatalogOptions;
  readonly #cache: LRUCache<string, CataloguedFile>;
  #db: Database | undefined;
  #committer: Committer | undefined;
  #counters: CommitCounters | undefined;
  #writeError: unknown;
  #recounting: Promise<unknown> = Promise.resolve();
  #sharedRevision = 0;

  constructor(options: CatalogOptions) {
    this.#options = options;
    this.#cache = new LRUCache({ max: options.cacheEntries ?? 20_000 });
  }

  /** Opens the database. @throws ShoalError DATA_LOCKED, DATA_UNUSABLE, CATALOG_TOO_NEW. */
  async start(): Promise<void> {
    const { openDatabase = () => levelDatabase(this.#options.folder) } = this.#options;
    const db = openDatabase();
    try {
      await db.open();
    } catch (error) {
      throw openError(this.#options.folder, error);
    }
    this.#db = db;
    this.#sharedRevision += 1;
    await upgradeCatalog(db);
    const clockText = readText(db, keys.meta('clock'));
    const arrivalText = readText(db, keys.meta('arrival'));
    const last = clockText === undefined ? undefined : decode.string('clock', clockText);
    this.#counters = {
      nodeId: this.#options.nodeId,
      clock: new HybridClock(() => this.#options.clock.now(), last),
      epoch: undefined,
      feedEpoch: undefined,
      number: 0,
      arrival: arrivalText === undefined ? 0 : decode.number('arrival', arrivalText),
    };
    const counters = this.#counters;
    this.#committer = new Committer({
      db,
      sync: this.#options.durable,
      onCommitted: (written) => this.#forget(written),
      onFailed: (error) => {
        // Whether the numbers of the failed batch reached the disk is unknown: none of them is ever used again.
        counters.epoch = undefined;
        counters.feedEpoch = undefined;
        counters.number = 0;
        // The batch may have reached the disk all the same.
        this.#cache.clear();
        this.#writeError = error;
        this.#options.onWriteError(error);
      },
    });
  }

  async stop(): Promise<void> {
    await this.#committer?.close();
    await this.#db?.close();
    this.#db = undefined;
  }

  /** Whether it can be read. */
  get isOpen(): boolean {
    return this.#db !== undefined;
  }

  /** Grows with every change of what members share (shared-values.ts). */
  get sharedRevision(): number {
    return this.#sharedRevision;
  }

  /** The error after which LevelDB takes no more writes, if there was one. */
  get writeError(): unknown {
    return this.#writeError;
  }

  /** Commits what the work writes, atomically, after everything committed before. */
  commit<T>(work: (transaction: CatalogTransaction) => T): Promise<T> {
    const counters = this.#counters;
    if (!this.#committer || !counters)
      return Promise.reject(new ShoalError('NOT_READY', { details: { reason: 'catalogue' } }));
    return this.#committer.commit((overlay) => work(new CatalogTransaction(overlay, counters)));
  }

  /** Id of the store that this catalogue belongs to. */
  storeId(): string | undefined {
    const text = readText(this.#open(), keys.meta('store'));
    return text === undefined ? undefined : decode.string('store', text);
  }

  /** Binds a new catalogue to its store. */
  async setStoreId(id: string): Promise<void> {
    await this.#open().put(keys.meta('store'), encode(id), { sync: true });
  }

  /** The replicated record of a path, deleted ones too. */
  record(path: string): PathRecord | undefined {
    const key = keys.record(path);
    const text = readText(this.#open(), key);
    return text === undefined ? undefined : decode.record(key, text);
  }

  /** The file that shows at a path: the path's own, or a conflict beside another. Folders made empty are none. */
  find(path: string): CataloguedFile | undefined {
    const cached = this.#cache.get(path);
    if (cached) return cached;
    const visible = this.#visible(path);
    if (!visible || visible.version.kind === 'dir') return undefined;
    const file: CataloguedFile = { ...visible, local: this.#local(visible) };
    this.#cache.set(path, file);
    return file;
  }

  /** The file that shows one version of a record. */
  findVersion(recordPath: string, dot: Dot): CataloguedFile | undefined {
    const record = this.record(recordPath);
    const visible = record && viewOf(record).find((file) => sameDot(file.version.dot, dot));
    return visible && { ...visible, local: this.localOf(recordPath, dot) };
  }

  /** All files that show a content, in order of path. */
  async findByDigest(algorithm: DigestAlgorithm, hex: string, limit = -1): Promise<CataloguedFile[]> {
    const found: CataloguedFile[] = [];
    for await (const key of this.#open().keys({ ...keys.digests(algorithm, hex), limit })) {
      const file = this.find(lastPart(key));
      if (file) found.push(file);
    }
    return found;
  }

  /**
   * Files whose name holds a text, letter case aside, in order of path. Reads one list of the index, the shortest that can
   * hold them; `limit` results end it.
   */
  search(text: string, limit: number): Promise<CataloguedFile[]> {
    return searchNames(this.#open(), text, limit, (path) => this.find(path));
  }

  /** Whether a folder shows: made by somebody, or with something below it. The root always does. */
  hasFolder(folder: string): boolean {
    if (folder === '') return true;
    const slash = folder.lastIndexOf('/');
    return (
      readText(this.#open(), keys.entry(folder.slice(0, Math.max(0, slash)), 'dir', folder.slice(slash + 1))) !==
      undefined
    );
  }

  /** Direct entries of a folder; undefined for the root, which nobody counts, and for what is no folder. */
  entriesOf(folder: string): number | undefined {
    if (folder === '') return undefined;
    const key = keys.entry(parentOf(folder), 'dir', baseName(folder));
    const text = readText(this.#open(), key);
    const entry = text === undefined ? undefined : decode.entry(key, text);
    return entry?.kind === 'dir' ? entry.children : undefined;
  }

  /** One page of a folder: folders first, each kind by name in byte order. */
  async listFolder(
    folder: string,
    page: { readonly after?: FolderCursor; readonly limit: number },
  ): Promise<FolderRow[]> {
    const range = page.after ? keys.entriesAfter(folder, page.after.kind, page.after.name) : keys.entries(folder);
    const rows: FolderRow[] = [];
    for (const [key, text] of await this.#open()
      .iterator({ ...range, limit: page.limit })
      .all()) {
      rows.push({ ...decode.entry(key, text), name: lastPart(key) });
    }
    return rows;
  }

  /** Statistics of every day, oldest first, and of `all` last. */
  async dayStatistics(): Promise<(DayStatistics & { readonly day: string })[]> {
    const rows: (DayStatistics & { readonly day: string })[] = [];
    for await (const [key, text] of this.#open().iterator(keys.days())) {
      rows.push({ ...decode.day(key, text), day: lastPart(key) });
    }
    return rows;
  }

  /** Sum of all live files. */
  totals(): DayStatistics {
    const key = keys.day('all');
    const text = readText(this.#open(), key);
    return text === undefined ? { files: 0, bytes: 0 } : decode.day(key, text);
  }

  /** Everything as it is now, for a backup. The caller closes it. */
  export(): CatalogExport {
    return new CatalogExport(this.#open());
  }

  /** Every visible file, folder by folder, as of now. Other work goes on between two pages. */
  walk(): AsyncGenerator<ListedFile> {
    return walkFiles(this.#open());
  }

  /** Counts a day's files anew and corrects its row, and that of `all`. @returns the row now. */
  recountDay(day: string): Promise<DayStatistics> {
    const committer = this.#committer;
    if (!committer) return Promise.reject(new ShoalError('NOT_READY', { details: { reason: 'catalogue' } }));
    const recount = this.#recounting.then(() => recountDay(this.#open(), committer, day));
    this.#recounting = recount.catch(() => undefined);
    return recount;
  }

  /** What commits promised and may not have finished. */
  async intents(): Promise<Intent[]> {
    const found: Intent[] = [];
    for await (const [key, text] of this.#open().iterator(keys.intents())) found.push(decode.intent(key, text));
    return found;
  }

  /** Trash entries, oldest first. */
  async *trash(): AsyncGenerator<TrashEntry> {
    for await (const [key, text] of this.#open().iterator(keys.trashes())) yield decode.trash(key, text);
  }

  /** One page of the trash, newest first. @param before id of the last entry of the page before. */
  async listTrash(limit: number, before?: string): Promise<TrashEntry[]> {
    const range = { ...keys.trashes(), ...(before !== undefined && { lt: keys.trash(before) }) };
    const rows = await this.#open()
      .iterator({ ...range, reverse: true, limit })
      .all();
    return rows.map(([key, text]) => decode.trash(key, text));
  }

  /** One trash entry. */
  trashEntry(id: string): TrashEntry | undefined {
    const key = keys.trash(id);
    const text = readText(this.#open(), key);
    return text === undefined ? undefined : decode.trash(key, text);
  }

  /** Raw block list of a content: 32 bytes a block. Contents of one block have none of their own. */
  blocks(sha256: string): Buffer {
    const key = keys.blocks(sha256);
    const text = readText(this.#open(), key);
    return text === undefined ? Buffer.alloc(0) : Buffer.from(decode.string(key, text), 'base64');
  }

  /** Changes of folders that are not complete. */
  async folderJobs(): Promise<FolderJob[]> {
    const found: FolderJob[] = [];
    for await (const [key, text] of this.#open().iterator(keys.jobs())) found.push(decode.job(key, text));
    return found;
  }

  /** A resumable upload, finished or not. */
  upload(id: string): ResumableUpload | undefined {
    const key = keys.upload(id);
    const text = readText(this.#open(), key);
    return text === undefined ? undefined : decode.upload(key, text);
  }

  /** All resumable uploads. */
  async *uploads(): AsyncGenerator<ResumableUpload> {
    for await (const [key, text] of this.#open().iterator(keys.uploads())) yield decode.upload(key, text);
  }

  /** Names under which conflicts show, with the paths of their records, in order of the names. @param after begins behind it. */
  async *conflictNames(after: string): AsyncGenerator<{ readonly name: string; readonly path: string }> {
    for await (const [key, text] of this.#open().iterator(keys.aliasesAfter(after)))
      yield { name: lastPart(key), path: decode.alias(key, text).path };
  }

  /** The folder that somebody made at a path, if any: its record's version. */
  madeFolder(path: string): VisibleFile | undefined {
    const visible = this.#visible(path);
    return visible?.version.kind === 'dir' ? visible : undefined;
  }

  /** Places on this disk that hold a content, trash included. */
  async placesOf(sha256: string): Promise<string[]> {
    const places: string[] = [];
    for await (const key of this.#open().keys(keys.places(sha256))) places.push(lastPart(key));
    return places;
  }

  /** The frame that holds a packed content. */
  packed(sha256: string): PackedContent | undefined {
    const key = keys.frame(sha256);
    const text = readText(this.#open(), key);
    return text === undefined ? undefined : decode.frame(key, text);
  }

  /** Every packed content, in order of its digest. */
  async *packedContents(): AsyncGenerator<PackedContent & { readonly sha256: string }> {
    for await (const [key, text] of this.#open().iterator(keys.frames())) {
      yield { ...decode.frame(key, text), sha256: lastPart(key) };
    }
  }

  /** Every place that holds a content on this disk, trash included, in order of the digest. */
  async *places(): AsyncGenerator<{ readonly sha256: string; readonly place: string }> {
    for await (const key of this.#open().keys(keys.allPlaces())) {
      const [, sha256 = '', place = ''] = key.split('\0');
      yield { sha256, place };
    }
  }

  /** The first content behind another one, in order of the digest, that stands on this disk. @param after empty: the first. */
  async nextContent(after: string): Promise<string | undefined> {
    const range = after === '' ? keys.allPlaces() : { gt: keys.places(after).lt, lt: keys.allPlaces().lt };
    for await (const key of this.#open().keys({ ...range, limit: 1 })) return key.split('\0')[1];
    return undefined;
  }

  /** The place that equal contents are linked to. */
  linkSource(sha256: string): LinkSource | undefined {
    const key = keys.linkSource(sha256);
    const text = readText(this.#open(), key);
    return text === undefined ? undefined : decode.linkSource(key, text);
  }

  /** A page of the feed, see feed.ts. */
  readFeed(cursor: FeedCursor | undefined, limit: number): Promise<FeedPage> {
    return readFeed(this.#open(), cursor, limit);
  }

  /** The end of the feed, and what this node has seen. */
  feedHead(): Promise<FeedPage> {
    return feedHead(this.#open());
  }

  /** Everything that this node has seen. */
  seen(): Promise<VersionVector> {
    return seenVector(this.#open());
  }

  /** What removals that were forgotten here had seen. */
  forgotten(): VersionVector {
    return forgottenVector(this.#open());
  }

  /** Digests of the buckets of the hash tree that are not empty. */
  async buckets(): Promise<Readonly<Record<string, string>>> {
    const found: Record<string, string> = {};
    for await (const [key, digest] of this.#open().iterator(keys.buckets())) found[lastPart(key)] = digest;
    return found;
  }

  /** Digests of the live records of a bucket, by path. */
  async leaves(bucket: string): Promise<Readonly<Record<string, string>>> {
    const found: Record<string, string> = {};
    for await (const [key, digest] of this.#open().iterator(keys.leaves(bucket))) found[lastPart(key)] = digest;
    return found;
  }

  /** A record as it travels: its canonical text. */
  recordText(path: string): string | undefined {
    return readText(this.#open(), keys.record(path));
  }

  /** Records that are removals. */
  async *removals(): AsyncGenerator<PathRecord> {
    for await (const key of this.#open().keys(keys.removals())) {
      const record = this.record(lastPart(key));
      if (record && record.versions.length === 0) yield record;
    }
  }

  /** A row of a small table. */
  row<T>(table: Table<T>, id: string): T | undefined {
    const key = keys.row(table.letter, id);
    const text = readText(this.#open(), key);
    return text === undefined ? undefined : table.decode(key, text);
  }

  /** Rows of a small table in order of their ids, or the other way round. @param page `before`: an id that ends it. */
  async *rows<T>(
    table: Table<T>,
    page: { readonly before?: string; readonly newestFirst?: boolean } = {},
  ): AsyncGenerator<T> {
    const { before, newestFirst = false } = page;
    const range = { ...keys.rows(table.letter), ...(before !== undefined && { lt: keys.row(table.letter, before) }) };
    for await (const [key, text] of this.#open().iterator({ ...range, reverse: newestFirst })) {
      yield table.decode(key, text);
    }
  }

  /** Ids of the rows of a small table, in order. */
  async *rowIds<T>(table: Table<T>): AsyncGenerator<string> {
    for await (const key of this.#open().keys(keys.rows(table.letter))) yield key.slice(table.letter.length + 1);
  }

  #visible(path: string): VisibleFile | undefined {
    const record = this.record(path);
    if (record && record.versions.length > 0) return viewOf(record)[0];
    const key = keys.alias(path);
    const text = readText(this.#open(), key);
    if (text === undefined) return undefined;
    const owner = this.record(decode.alias(key, text).path);
    return owner && viewOf(owner).find((file) => file.path === path);
  }

  #local({ recordPath, version }: VisibleFile): LocalBytes | undefined {
    return this.localOf(recordPath, version.dot);
  }

  /** Where the bytes of a version stand here, whether it shows or not. */
  localOf(recordPath: string, dot: Dot): LocalBytes | undefined {
    const key = keys.local(recordPath, formatDot(dot));
    const text = readText(this.#open(), key);
    return text === undefined ? undefined : decode.local(key, text);
  }

  /** Drops cached files whose record or bytes changed. */
  #forget(written: Iterable<string>): void {
    for (const key of written) {
      const table = key[0];
      if (table === 'r' || table === 'n') this.#cache.delete(key.slice(2));
      else if (table === 'l') this.#forgetRecord(key.slice(2, key.lastIndexOf('\0')));
      else if (table !== undefined && sharedLetters.has(table)) this.#sharedRevision += 1;
    }
  }

  #forgetRecord(path: string): void {
    this.#cache.delete(path);
    const record = this.record(path);
    if (!record || record.versions.length < 2) return;
    for (const file of viewOf(record)) this.#cache.delete(file.path);
  }

  #open(): Database {
    if (!this.#db) throw new ShoalError('NOT_READY', { details: { reason: 'catalogue' } });
    return this.#db;
  }
}

function levelDatabase(folder: string): Database {
  return new Level<string, string>(folder, {
    keyEncoding: 'utf8',
    valueEncoding: 'utf8',
    cacheSize: 16 * 1024 * 1024,
    writeBufferSize: 8 * 1024 * 1024,
  });
}

function openError(folder: string, error: unknown): ShoalError {
  const cause = error instanceof Error ? error.cause : undefined;
  if (errnoOf(cause) === 'LEVEL_LOCKED' || errnoOf(error) === 'LEVEL_LOCKED') {
    return new ShoalError('DATA_LOCKED', { details: { folder }, cause: error });
  }
  const reason = cause instanceof Error ? cause.message : String(error);
  return new ShoalError('DATA_UNUSABLE', { details: { folder, reason }, cause: error });
}
