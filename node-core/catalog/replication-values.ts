/** What the catalogue keeps so that nodes can agree: all of it local, nothing of it is sent as it stands. */
import { z } from 'zod';
import { table } from './table.ts';
import { fileVersionSchema } from './values.ts';

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const count = z.number().int().nonnegative();
const vector = z.record(z.string(), count);

/** How far a neighbour's feed has been read. Arrival numbers mean something within their epoch only. */
const cursor = z.object({ epoch: hex(12), arrival: count });

const neighbour = z.object({
  cursor: cursor.exactOptional(),
  /** What it is known to have seen of everybody: it says so whenever it asks. */
  seen: vector,
  /** When it was last heard of, milliseconds since 1970. */
  heardMs: z.number(),
});

const want = z.object({
  sha256: hex(64),
  size: count,
  /** What the list of blocks must hash to. */
  blockRoot: hex(64),
  addedMs: z.number(),
  attempts: count,
  /** Not tried again before. */
  nextMs: z.number(),
  /** Bytes are here in full elsewhere; nobody that is a member has them any more. */
  lost: z.boolean(),
  /** Bytes were here and were set aside. */
  damaged: z.boolean().exactOptional(),
});

/** Versions that a newer one has replaced, whose bytes stay until those of the newer one are here (replication.md, 11). */
const held = z.array(fileVersionSchema);

/** Where the feed's numbers of one run of the node begin. */
const feedEpoch = z.object({ epoch: hex(12), from: count });

/** A path where a change of a removed member was taken back: what stood there before may come from whoever has it. */
const reopened = z.object({ sinceMs: z.number() });

/** What was done about removed members. */
const appliedCuts = z.object({
  /** Digest of the cuts that everything here has been held against. */
  digest: z.string(),
  /** Members that were not read to their end since: they may know what stood at reopened paths. */
  waiting: z.array(hex(64)),
});

/** How far somebody's feed has been read. */
export type FeedCursor = z.infer<typeof cursor>;
/** What is known of another node. */
export type Neighbour = z.infer<typeof neighbour>;
/** A content that files here need and this node does not have. */
export type Want = z.infer<typeof want>;
/** One run of a feed. */
export type FeedEpoch = z.infer<typeof feedEpoch>;

/** The tables of replication. */
export const replicationTables = {
  /** By node id. */
  neighbours: table('N', neighbour),
  /** By sha256. */
  wants: table('W', want),
  /** By path. */
  held: table('H', held),
  /** By first arrival number, in hex, so that they stand in order. */
  feedEpochs: table('G', feedEpoch),
  /** One row, `floor`: everything that removals forgotten here had seen. */
  forgotten: table('K', vector),
  /** By path. */
  reopened: table('U', reopened),
  /** One row, `cuts`. */
  appliedCuts: table('V', appliedCuts),
} as const;
