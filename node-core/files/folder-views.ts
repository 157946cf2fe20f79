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
  /** Files in the view, and the sum of their sizes. */
  readonly files: number;
  readonly bytes: number;
  readonly rows: readonly FolderRow[];
}

/** Rows read from the catalogue at once. */
const pageRows = 2000;

/** Rows that are kept in memory for windows to come, over all views. */
const maxKeptRows = 400_000;

/** Up to so many rows names are compared as people of a language do; above it takes too long. */
const maxCollatedRows = 5000;

/** Makes views of folders, and keeps those that were asked for lately. A change in a folder ends its views. */
export class FolderViews {
  readonly #catalog: Catalog;
  /** Rows of a folder in no particular order. */
  readonly #folders = new LRUCache<string, Promise<readonly FolderRow[]>>({ max: 16, ttl: 60_000 });
  /** Ordered rows, by folder and question. */
  readonly #views = new LRUCache<string, { readonly folder: string; readonly view: Promise<Ordered> }>({
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
    const view = kept?.view ?? this.#read(folder).then((rows) => ordered(rows, query));
    if (!kept) {
      this.#views.set(key, { folder, view });
      view.catch(() => this.#views.delete(key));
    }
    const { rows, files, bytes } = await view;
    if (rows.length > maxKeptRows) this.#views.delete(key);
    return { total: rows.length, files, bytes, rows: rows.slice(offset, offset + limit) };
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

  async #readAll(folder: string): Promise<readonly FolderRow[]> {
    const rows: FolderRow[] = [];
    let after: FolderCursor | undefined;
    for (;;) {
      const page = await this.#catalog.listFolder(folder, { limit: pageRows, ...(after && { after }) });
      rows.push(...page);
      const last = page.at(-1);
      if (page.length < pageRows || !last) return rows;
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
  readonly files: number;
  readonly bytes: number;
}

function ordered(all: readonly FolderRow[], { sort, descending, only }: FolderViewQuery): Ordered {
  const rows = only ? all.filter(only.accepts) : [...all];
  const compareNames = nameOrder(rows);
  const sign = descending ? -1 : 1;
  const compare = (a: FolderRow, b: FolderRow): number => {
    if (a.kind !== b.kind) return a.kind === 'dir' ? -1 : 1;
    const first = sort === 'name' ? 0 : compareBy(sort, a, b);
    return first !== 0 ? first * sign : compareNames(a.name, b.name) * (sort === 'name' ? sign : 1);
  };
  rows.sort(compare);
  let files = 0;
  let bytes = 0;
  for (const row of rows) {
    if (row.kind !== 'file') continue;
    files += 1;
    bytes += row.size;
  }
  return { rows, files, bytes };
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
function nameOrder(rows: readonly FolderRow[]): (a: string, b: string) => number {
  if (rows.length <= maxCollatedRows) {
    const { compare } = new Intl.Collator('zh-CN', { numeric: true });
    const group = (name: string) => (beginsChinese.test(name) ? 1 : 0);
    return (a, b) => group(a) - group(b) || compare(a, b);
  }
  const keys = new Map(rows.map(({ name }) => [name, sortKey(name)]));
  return (a, b) => {
    const left = keys.get(a) ?? a;
    const right = keys.get(b) ?? b;
    return left < right ? -1 : left > right ? 1 : 0;
  };
}

function sortKey(name: string): string {
  return name.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(16, '0'));
}
