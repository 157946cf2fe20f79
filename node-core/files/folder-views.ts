/**
 * Folders in an order, as windows: rows 4000 to 4200 of a folder by size. Whoever scrolls through a hundred thousand entries
 * jumps; cursors only walk.
 */
import { LRUCache } from 'lru-cache';
import type { Catalog, FolderCursor, FolderRow } from '../catalog/catalog.ts';
import { ShoalError } from '../domain/errors.ts';
import { parentOf, splitExtension } from '../domain/paths.ts';
import type { EventBus } from '../runtime/events.ts';
import type { FileEvents } from './context.ts';

/** What rows can be ordered by; folders always stand before files. */
export const folderSorts = ['name', 'size', 'time', 'type'] as const;
export type FolderSort = (typeof folderSorts)[number];

/** Which rows, in which order. */
export interface FolderViewQuery {
  readonly folder: string;
  readonly sort: FolderSort;
  readonly descending: boolean;
  /** Only these rows; all when undefined. */
  readonly only?: { readonly key: string; readonly accepts: (row: FolderRow) => boolean };
}

/** Rows of a view from an offset on. */
export interface FolderWindow {
  /** Rows of the whole view. */
  readonly total: number;
  /** Sum of the sizes of all files of the view; undefined before it has been read. */
  readonly bytes?: number;
  readonly rows: readonly FolderRow[];
}

/** Rows read from the catalogue at once. */
const pageRows = 2000;

/** Rows that are kept in memory for windows to come, over all views. */
const maxKeptRows = 400_000;

/** Up to so many rows names stand as people of a language count; above, in the order of their bytes, as they are kept. */
const maxCollatedRows = 5000;

/** Windows of large folders that end before this row come straight from the catalogue. */
const quickRows = 1000;

/** Makes views of folders, and keeps those that were asked for lately. A change in a folder ends its views. */
export class FolderViews {
  readonly #catalog: Catalog;
  /** Rows of a folder in no particular order. */
  readonly #folders = new LRUCache<string, Promise<readonly FolderRow[]>>({ max: 16, ttl: 60_000 });
  /** Ordered rows, by folder and question. */
  readonly #views = new LRUCache<string, KeptView>({
    max: 16,
    ttl: 60_000,
  });

  constructor(catalog: Catalog, events: EventBus<FileEvents>) {
    this.#catalog = catalog;
    for (const type of ['file-committed', 'file-arrived', 'file-removed', 'folder-made'] as const) {
      events.on(type, ({ path }) => this.#forget(path));
    }
    events.on('file-moved', ({ from, to }) => {
      this.#forget(from);
      this.#forget(to);
    });
    events.on('folder-progress', ({ job }) => {
      this.#forget(job.from);
      this.#forget(job.to);
    });
  }

  /** Rows of a folder from `offset` on. @throws ShoalError FOLDER_NOT_FOUND. */
  async window(query: FolderViewQuery, offset: number, limit: number): Promise<FolderWindow> {
    const { folder, sort, descending, only } = query;
    if (!this.#catalog.hasFolder(folder)) throw new ShoalError('FOLDER_NOT_FOUND', { details: { what: folder } });
    const key = JSON.stringify([folder, sort, descending, only?.key]);
    const kept = this.#views.get(key);
    if (kept?.done) return windowOf(kept.done, offset, limit);
    const view = kept?.view ?? this.#make(key, query);
    // The beginning of a large folder is there before all of it has been read.
    const quick = await this.#quickWindow(query, offset, limit);
    if (quick) return quick;
    const made = await view;
    if (made.rows.length > maxKeptRows) this.#views.delete(key);
    return windowOf(made, offset, limit);
  }

  #make(key: string, query: FolderViewQuery): Promise<Ordered> {
    const { folder } = query;
    const reading = query.only?.key === 'folder' ? this.#readAll(folder, true) : this.#read(folder);
    const kept: KeptView = { folder, view: reading.then((rows) => ordered(rows, query)), done: undefined };
    this.#views.set(key, kept);
    kept.view.then(
      (view) => {
        kept.done = view;
      },
      () => this.#views.delete(key),
    );
    return kept.view;
  }

  async #quickWindow(
    { folder, sort, descending, only }: FolderViewQuery,
    offset: number,
    limit: number,
  ): Promise<FolderWindow | undefined> {
    if (sort !== 'name' || descending || only || offset + limit > quickRows) return undefined;
    const total = this.#catalog.entriesOf(folder);
    if (total === undefined || total <= maxCollatedRows) return undefined;
    const rows = await this.#catalog.listFolder(folder, { limit: offset + limit });
    return { total, rows: rows.slice(offset) };
  }

  #read(folder: string): Promise<readonly FolderRow[]> {
    const kept = this.#folders.get(folder);
    if (kept) return kept;
    const reading = this.#readAll(folder);
    this.#folders.set(folder, reading);
    reading.then(
      (rows) => {
        if (rows.length > maxKeptRows) this.#folders.delete(folder);
      },
      () => this.#folders.delete(folder),
    );
    return reading;
  }

  /** @param onlyFolders ends at the first file: folders stand first. */
  async #readAll(folder: string, onlyFolders = false): Promise<readonly FolderRow[]> {
    const rows: FolderRow[] = [];
    let after: FolderCursor | undefined;
    for (;;) {
      const page = await this.#catalog.listFolder(folder, { limit: pageRows, ...(after && { after }) });
      rows.push(...page);
      const last = page.at(-1);
      if (page.length < pageRows || !last || (onlyFolders && last.kind === 'file')) return rows;
      after = { kind: last.kind, name: last.name };
    }
  }

  /** A change at a path shows in its folder, and in those above it when it was the first or last thing there. */
  #forget(path: string): void {
    for (let folder = parentOf(path); ; folder = parentOf(folder)) {
      this.#folders.delete(folder);
      for (const [key, kept] of this.#views.entries()) if (kept.folder === folder) this.#views.delete(key);
      if (folder === '') return;
    }
  }
}

interface Ordered {
  readonly rows: readonly FolderRow[];
  readonly bytes: number;
}

interface KeptView {
  readonly folder: string;
  readonly view: Promise<Ordered>;
  /** The view, once it has been made. */
  done: Ordered | undefined;
}

function windowOf({ rows, bytes }: Ordered, offset: number, limit: number): FolderWindow {
  return { total: rows.length, bytes, rows: rows.slice(offset, offset + limit) };
}

function ordered(all: readonly FolderRow[], { sort, descending, only }: FolderViewQuery): Ordered {
  const rows = only ? all.filter(only.accepts) : [...all];
  const compareNames = nameOrder(all.length);
  const sign = descending ? -1 : 1;
  const compare = (a: FolderRow, b: FolderRow): number => {
    if (a.kind !== b.kind) return a.kind === 'dir' ? -1 : 1;
    const first = sort === 'name' ? 0 : compareBy(sort, a, b);
    return first !== 0 ? first * sign : compareNames(a.name, b.name) * (sort === 'name' ? sign : 1);
  };
  // The catalogue gives them in the order of their bytes.
  if (sort !== 'name' || descending || all.length <= maxCollatedRows) rows.sort(compare);
  const bytes = rows.reduce((sum, row) => sum + (row.kind === 'file' ? row.size : 0), 0);
  return { rows, bytes };
}

function compareBy(sort: Exclude<FolderSort, 'name'>, a: FolderRow, b: FolderRow): number {
  if (sort === 'time') return a.mtimeMs - b.mtimeMs;
  if (sort === 'size') return sizeOf(a) - sizeOf(b);
  const [left, right] = [splitExtension(a.name).extension, splitExtension(b.name).extension];
  return left < right ? -1 : left > right ? 1 : 0;
}

function sizeOf(row: FolderRow): number {
  return row.kind === 'file' ? row.size : row.children;
}

const beginsChinese = /^\p{Script=Han}/u;

/** `a2` stands before `a10`; Chinese names stand behind the others, by their sound. */
function nameOrder(count: number): (a: string, b: string) => number {
  if (count > maxCollatedRows) return (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const { compare } = new Intl.Collator('zh-CN', { numeric: true });
  const group = (name: string) => (beginsChinese.test(name) ? 1 : 0);
  return (a, b) => group(a) - group(b) || compare(a, b);
}
