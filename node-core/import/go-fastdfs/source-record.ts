/**
 * The file records of go-fastdfs, as its LevelDB holds them: JSON under the digest of the content, under the md5 of
 * `files/<path>/<name>`, and under the id of the tus upload that it came from.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { parseDigest } from '../../domain/digests.ts';
import { joinPath } from '../../domain/paths.ts';
import type { ExpectedDigest } from '../../files/adopt-place.ts';

const shape = z.object({
  name: z.string(),
  rename: z.string().default(''),
  path: z.string(),
  md5: z.string().default(''),
  size: z.number().int().nonnegative(),
  scene: z.string().default(''),
  timeStamp: z.number().default(0),
  offset: z.number().int().default(-1),
});

/** A record of the source. `size` counts the marker byte of a merged file; `timeStamp` is in unix seconds. */
export type SourceRecord = z.infer<typeof shape>;

/** A record as it was written; undefined when the text is none. */
export function parseSourceRecord(text: string): SourceRecord | undefined {
  try {
    return shape.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Where the file of a record stands: `files/<path>/<name>`. */
export function storedName({ path, rename, name }: SourceRecord): string {
  return joinPath(path, rename || name);
}

/** The same without `files/`: what follows the group in its URL. */
export function urlPathOf(record: SourceRecord): string {
  return storedName(record).replace(/^files\//, '');
}

/** The key of the record that belongs to a place, `files/<path>/<name>`. */
export function placeKey(stored: string): string {
  return createHash('md5').update(stored).digest('hex');
}

/** The digest that the content must have; undefined when the record names none. */
export function expectedOf({ md5 }: SourceRecord): ExpectedDigest | undefined {
  return parseDigest(md5);
}

/** Where a merged file stands: `files/haystack/<peer>/<n>`, one marker byte and then its content. */
export interface MergedPlace {
  /** Place of the container below `files/`, without it. */
  readonly container: string;
  /** Of the marker byte. */
  readonly offset: number;
  /** Bytes of the content, without the marker. */
  readonly size: number;
}

/** A merged file is named `<n>,<offset>,<size>,<extension>`; undefined for a record of a file of its own. */
export function mergedPlaceOf(record: SourceRecord): MergedPlace | undefined {
  const match = /^(\d+),(\d+),(\d+),/.exec(record.rename || record.name);
  if (record.offset < 0 || !match) return undefined;
  const [, number = '', offset, length] = match;
  const folder = record.path.replace(/^files\/?/, '');
  return { container: joinPath(folder, number), offset: Number(offset), size: Math.max(0, Number(length) - 1) };
}

/** Whether a place below `files/` is a container of merged files: it is no file of its own. */
export function isContainer(place: string): boolean {
  return /^haystack\/[^/]+\/\d+$/.test(place);
}
