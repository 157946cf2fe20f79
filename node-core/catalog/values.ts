/** The values of the catalogue: types, and schemas that every value is checked with when it is read back. */
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { ShoalError } from '../domain/errors.ts';
import type { PathRecord } from '../domain/file-record.ts';

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const count = z.number().int().nonnegative();

const dot = z.object({ node: hex(64), epoch: hex(12), number: z.number().int().positive() });

const contentFields = {
  size: count,
  sha256: hex(64),
  md5: hex(32).exactOptional(),
  sha1: hex(40).exactOptional(),
  blockRoot: hex(64),
};

/** Loose: fields of newer nodes are kept and passed on unchanged (replication.md, 5). */
export const fileVersionSchema = z.looseObject({
  ...contentFields,
  dot,
  clock: hex(16),
  kind: z.enum(['file', 'dir']),
  name: z.string(),
  scene: z.string(),
  mtimeMs: z.number(),
  storedMs: z.number(),
  movedFrom: z.string().exactOptional(),
});

const pathRecord = z.looseObject({
  format: z.number().int().positive(),
  path: z.string().min(1),
  context: z.record(z.string(), count),
  versions: z.array(fileVersionSchema),
  removal: z.looseObject({ dot, clock: hex(16), by: z.string() }).exactOptional(),
});

const identity = z.object({ size: count, ino: z.string(), mtimeNs: z.string(), ctimeNs: z.string() });

const localBytes = z.object({
  /** Where the bytes stand, below `files/`. */
  place: z.string().min(1),
  identity,
  /** When their digest was last computed here, in milliseconds since 1970. */
  verifiedMs: z.number(),
});

const linkSource = z.object({ place: z.string().min(1), identity });

const packedContent = z.object({
  /** Segment, position and length of the frame, in bytes. */
  segment: z.string().min(1),
  offset: count,
  length: count,
  /** Bytes of the content. */
  size: count,
  /** Files and trash entries that use it. */
  uses: count,
});

const fileEntry = z.object({
  kind: z.literal('file'),
  size: count,
  mtimeMs: z.number(),
  sha256: hex(64),
  /** md5 or sha1, as far as known. */
  compatible: z.string(),
  /** Day that counts the file in the statistics: kept, since the time zone may change. */
  day: z.string(),
});

const directoryEntry = z.object({
  kind: z.literal('dir'),
  /** Direct entries below it. */
  children: count,
  /** Made by somebody: stays when it is empty. Others follow from the paths below them. */
  explicit: z.boolean(),
  /** When it appeared. */
  mtimeMs: z.number(),
});

const folderEntry = z.discriminatedUnion('kind', [fileEntry, directoryEntry]);

const dayStatistics = z.object({ files: z.number().int(), bytes: z.number().int() });

const retired = z.object({ trashId: z.string(), place: z.string() });

const intent = z.object({
  id: z.string(),
  path: z.string(),
  /** Bytes to place, if any: staged ones (`_tmp/<id of the intent>`), or those of a moved file at their old place. */
  placing: z.object({ dot: z.string(), sha256: hex(64), identity, from: z.string() }).exactOptional(),
  /** Bytes to move to the trash first. */
  retire: z.array(retired),
  /** Bytes to remove at the end, as long as it is still this file that stands there. */
  discard: z.object({ place: z.string(), ino: z.string() }).exactOptional(),
});

const trashEntry = z.object({
  id: z.string(),
  path: z.string(),
  name: z.string(),
  ...contentFields,
  mtimeMs: z.number(),
  scene: z.string(),
  /** Where the bytes stand: their old place until they were moved, then `_trash/<id>`. */
  place: z.string(),
  identity,
  reason: z.enum(['deleted', 'replaced', 'damaged']),
  by: z.string(),
  trashedMs: z.number(),
  /** Where commits of another node took it out of use: what it was, and which commits. They may have to be taken back. */
  undo: z.object({ version: fileVersionSchema, dots: z.array(z.string()) }).exactOptional(),
});

const alias = z.object({ path: z.string(), dot: z.string() });

const folderJob = z.object({
  id: z.string(),
  kind: z.enum(['move', 'remove']),
  from: z.string(),
  /** Target of a move; empty for a removal. */
  to: z.string(),
  by: z.string(),
  startedMs: z.number(),
});

const resumableUpload = z.object({
  id: z.string(),
  /** Bytes announced; absent while the length is deferred. */
  size: count.exactOptional(),
  metadata: z.record(z.string(), z.string().nullable()),
  /** `partial`: a part of a concatenation, never a file of its own; `final`: made of the named parts. */
  concatenation: z.enum(['partial', 'final']).exactOptional(),
  parts: z.array(z.string()).exactOptional(),
  /** Bytes that are known to be on disk. */
  safe: count,
  createdMs: z.number(),
  by: z.string(),
  /** The file it became. */
  done: z.object({ path: z.string(), sha256: hex(64), atMs: z.number() }).exactOptional(),
});

/** A resumable upload. Finished ones stay, so that their address goes on answering. */
export type ResumableUpload = z.infer<typeof resumableUpload>;
/** A change of a whole folder, done file by file; kept until it is complete. */
export type FolderJob = z.infer<typeof folderJob>;
/** Where the bytes of one version stand on this node. Never replicated. */
export type LocalBytes = z.infer<typeof localBytes>;
/** The place that equal contents are hard-linked to. */
export type LinkSource = z.infer<typeof linkSource>;
/** Where a packed content stands, and how often it is used. Never replicated. */
export type PackedContent = z.infer<typeof packedContent>;
/** One row of a folder, kept beside the record so that a page needs no further look-ups. */
export type FolderEntry = z.infer<typeof folderEntry>;
/** Live files counted to one day, or to `all`. Bytes. */
export type DayStatistics = z.infer<typeof dayStatistics>;
/** What a commit promised to do with bytes; redone at start until it is done. */
export type Intent = z.infer<typeof intent>;
/** Bytes that were deleted or replaced and can be restored. */
export type TrashEntry = z.infer<typeof trashEntry>;
/** A conflict name: which version of which record shows there. */
export type Alias = z.infer<typeof alias>;

/** Canonical bytes (RFC 8785): the same value is the same text on every node. */
export function encode(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new Error('the value has no JSON form');
  return text;
}

/** A reader of stored text. It throws ShoalError CATALOG_CORRUPT. */
export function decoder<T>(schema: z.ZodType<T>): (key: string, text: string) => T {
  return (key, text) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw corrupt(key, error);
    }
    const parsed = schema.safeParse(value);
    // Data on disk is an edge: what cannot be read is an error, never "not found".
    if (!parsed.success) throw corrupt(key, parsed.error);
    return parsed.data;
  };
}

function corrupt(key: string, cause: unknown): ShoalError {
  return new ShoalError('CATALOG_CORRUPT', { details: { key: key.replaceAll('\0', ' ') }, cause });
}

/** Readers of stored text, by table. @throws ShoalError CATALOG_CORRUPT. */
export const decode = {
  record: decoder(pathRecord as unknown as z.ZodType<PathRecord>),
  local: decoder(localBytes),
  linkSource: decoder(linkSource),
  frame: decoder(packedContent),
  entry: decoder(folderEntry),
  day: decoder(dayStatistics),
  intent: decoder(intent),
  trash: decoder(trashEntry),
  alias: decoder(alias),
  job: decoder(folderJob),
  upload: decoder(resumableUpload),
  vector: decoder(z.record(z.string(), count)),
  number: decoder(z.number().int().nonnegative()),
  string: decoder(z.string()),
} as const;
