/** What an import reads from: a go-fastdfs store, or any folder tree. A source is only ever read. */
import type { ExpectedDigest, SkipReason } from '../files/adopt-place.ts';

/** Why something of a source was not taken in, besides the reasons of files/adopt-place.ts. */
export type ImportSkipReason =
  | SkipReason
  /** The source knows of it, but its bytes are not there. */
  | 'MISSING'
  /** It was deleted in the source. */
  | 'DELETED'
  /** It had been taken in and was deleted or moved here since. */
  | 'REMOVED_HERE'
  /** The source knows two contents for one path; the older is gone. */
  | 'REPLACED'
  /** Not a record at all. */
  | 'RECORD_UNREADABLE';

/** One file of a source. */
export interface ImportItem {
  readonly kind: 'file';
  /** Its path in the source, not checked yet. */
  readonly path: string;
  /** Absolute path of the file that holds its bytes. */
  readonly file: string;
  /** The part of that file that it is; the whole when undefined. */
  readonly slice?: { readonly offset: number };
  /** Bytes of the content, as the source's folder says. */
  readonly size: number;
  readonly expected?: ExpectedDigest;
  /** Bytes of the content, as the source's records say; differs from `size` in damaged files. */
  readonly expectedSize?: number;
  /** Name that the uploader gave; the path's own when undefined. */
  readonly name?: string;
  readonly scene?: string;
  readonly mtimeMs: number;
  readonly storedMs?: number;
}

/** Something of a source that cannot be taken in. */
export interface UnusableItem {
  readonly kind: 'unusable';
  readonly path: string;
  readonly reason: ImportSkipReason;
}

/** Another name that a source had for a content: the id of a tus upload. */
export interface UploadAlias {
  readonly id: string;
  /** Path of the file that it became. */
  readonly path: string;
  readonly name: string;
  readonly expected?: ExpectedDigest;
  readonly storedMs: number;
}

/** What there is to do. */
export interface ImportTotals {
  readonly files: number;
  readonly bytes: number;
}

/** A source that was opened. Close it. */
export interface ImportSource {
  /** Whether a file that was taken in before and deleted here since stays deleted. */
  readonly keepsDeletions: boolean;
  /** Counts what {@link items} will give, as far as can be told without reading contents. */
  count(): Promise<ImportTotals>;
  items(): AsyncGenerator<ImportItem | UnusableItem>;
  /** Asked for after all items. */
  aliases(): AsyncGenerator<UploadAlias>;
  close(): Promise<void>;
}
