import type { Catalog, FolderCursor, FolderRow } from '../catalog/catalog.ts';
import { ShoalError } from '../domain/errors.ts';

/** One page of a folder. */
export interface FolderPage {
  readonly rows: readonly FolderRow[];
  /** Where the next page begins; undefined on the last one. */
  readonly next: FolderCursor | undefined;
}

/** Lists folders. Folders exist as long as something is below them, or when somebody made them. */
export class FolderBrowser {
  readonly #catalog: Catalog;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** One page, folders first, then by name in byte order. @throws ShoalError FOLDER_NOT_FOUND. */
  async page(folder: string, limit: number, after?: FolderCursor): Promise<FolderPage> {
    if (!this.#catalog.hasFolder(folder)) throw new ShoalError('FOLDER_NOT_FOUND', { details: { what: folder } });
    const rows = await this.#catalog.listFolder(folder, { limit: limit + 1, ...(after && { after }) });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return { rows: page, next: rows.length > limit && last ? { kind: last.kind, name: last.name } : undefined };
  }
}
