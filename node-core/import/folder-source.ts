/** Any folder tree as a source. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { ShoalError } from '../domain/errors.ts';
import type { ImportItem, ImportSource, ImportTotals, UnusableItem, UploadAlias } from './import-source.ts';
import { walkFolder } from './walk-folder.ts';

/** What a folder says of itself that is not for a store. */
const systemFiles: readonly string[] = ['.DS_Store', 'Thumbs.db', 'desktop.ini'];

/** A folder tree. */
export class FolderSource implements ImportSource {
  readonly keepsDeletions = false;
  readonly #root: string;
  readonly #prefix: string;

  private constructor(root: string, prefix: string) {
    this.#root = root;
    this.#prefix = prefix;
  }

  /**
   * @param root absolute path. @param prefix stands before every path of an item, as when the folder lies in the store's own.
   * @throws ShoalError SOURCE_UNUSABLE.
   */
  static async open(root: string, prefix = ''): Promise<FolderSource> {
    const found = await stat(root).catch(() => undefined);
    if (!found?.isDirectory()) {
      throw new ShoalError('SOURCE_UNUSABLE', { details: { folder: root, reason: 'there is no such folder' } });
    }
    return new FolderSource(root, prefix);
  }

  async count(): Promise<ImportTotals> {
    let files = 0;
    let bytes = 0;
    for await (const { place, kind } of this.#walk()) {
      if (kind !== 'file') continue;
      files += 1;
      bytes += (await stat(path.join(this.#root, place)).catch(() => undefined))?.size ?? 0;
    }
    return { files, bytes };
  }

  async *items(): AsyncGenerator<ImportItem | UnusableItem> {
    for await (const { place, kind } of this.#walk()) {
      const named = path.posix.join(this.#prefix, place);
      const file = path.join(this.#root, place);
      const found = kind === 'file' ? await stat(file).catch(() => undefined) : undefined;
      if (found) {
        yield { kind: 'file', path: named, file, size: found.size, mtimeMs: Math.floor(found.mtimeMs) };
        continue;
      }
      const reason = ({ file: 'UNREADABLE', link: 'LINK', special: 'SPECIAL', unreadable: 'UNREADABLE' } as const)[
        kind
      ];
      yield { kind: 'unusable', path: named, reason };
    }
  }

  async *aliases(): AsyncGenerator<UploadAlias> {}

  async close(): Promise<void> {}

  #walk() {
    const isOwn = (place: string) =>
      this.#prefix === '' &&
      ['_tmp', '_trash', '_alt', '_big', '_pack', '_part', '_damaged', '.shoal-store'].includes(place);
    return walkFolder(this.#root, (place) => isOwn(place) || systemFiles.includes(path.posix.basename(place)));
  }
}
