/** The whole catalogue as it was at one moment, for backups; and a catalogue made of one. */
import { Level } from 'level';
import { baseName, parentOf } from '../domain/paths.ts';
import type { Database } from './committer.ts';
import { keys, lastPart } from './keys.ts';
import { decode } from './values.ts';

type Snapshot = ReturnType<Database['snapshot']>;

/** Rows read at once. */
const pageRows = 200;

/**
 * Tables that say where bytes stand on this disk, or that wait for it: they mean nothing without the folder `files/` that
 * belongs to them. Letters of catalog/keys.ts.
 */
const diskTables: ReadonlySet<string> = new Set(['l', 'c', 'b', 'f', 'i', 'x', 'H']);

/** A content that files show. */
export interface ShownContent {
  readonly sha256: string;
  readonly size: number;
}

/** The catalogue at one moment; commits go on meanwhile. Close it. */
export class CatalogExport {
  readonly #db: Database;
  readonly #snapshot: Snapshot;

  constructor(db: Database) {
    this.#db = db;
    this.#snapshot = db.snapshot();
  }

  /** Every entry. @param withoutDisk leaves out what means nothing without the store's folder. */
  async *entries(withoutDisk: boolean): AsyncGenerator<readonly [key: string, value: string]> {
    for await (const [key, value] of this.#rows({})) {
      if (!withoutDisk || !belongsToDisk(key, value)) yield [key, value];
    }
  }

  /** Every content that shows, each once, in order of its digest. */
  async *contents(): AsyncGenerator<ShownContent> {
    let last = '';
    for await (const [key] of this.#rows({ gt: 'd\0sha256\0', lt: 'd\0sha256\u0001' })) {
      const sha256 = key.split('\0')[2] ?? '';
      if (sha256 === last) continue;
      last = sha256;
      const path = lastPart(key);
      const rowKey = keys.entry(parentOf(path), 'file', baseName(path));
      // As bytes: see readText.
      const text = await this.#db.get<Buffer, string>(Buffer.from(rowKey, 'utf8'), {
        keyEncoding: 'buffer',
        valueEncoding: 'utf8',
        snapshot: this.#snapshot,
      });
      const row = text === undefined ? undefined : decode.entry(rowKey, text);
      if (row?.kind === 'file') yield { sha256, size: row.size };
    }
  }

  async close(): Promise<void> {
    await this.#snapshot.close();
  }

  async *#rows(range: { readonly gt?: string; readonly lt?: string }): AsyncGenerator<[string, string]> {
    const iterator = this.#db.iterator({ ...range, snapshot: this.#snapshot });
    try {
      for (;;) {
        const page = await iterator.nextv(pageRows);
        if (page.length === 0) return;
        yield* page;
      }
    } finally {
      await iterator.close();
    }
  }
}

/** An upload that is not complete waits for bytes in `files/_big`. */
function belongsToDisk(key: string, value: string): boolean {
  const table = key[0] ?? '';
  if (diskTables.has(table) || key === keys.meta('store')) return true;
  return table === 'u' && decode.upload(key, value).done === undefined;
}

/** Makes a catalogue of the entries of another. Nothing else may be in its folder. */
export class CatalogWriter {
  readonly #db: Database;

  private constructor(db: Database) {
    this.#db = db;
  }

  /** @param folder absolute path of the new LevelDB folder. */
  static async begin(folder: string): Promise<CatalogWriter> {
    const db: Database = new Level<string, string>(folder, { keyEncoding: 'utf8', valueEncoding: 'utf8' });
    await db.open({ errorIfExists: true });
    return new CatalogWriter(db);
  }

  /** Durable when it resolves. */
  async write(entries: readonly (readonly [key: string, value: string])[]): Promise<void> {
    const batch = this.#db.batch();
    for (const [key, value] of entries) batch.put(key, value);
    await batch.write({ sync: true });
  }

  async end(): Promise<void> {
    await this.#db.close();
  }
}
