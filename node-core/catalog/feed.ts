/**
 * The feed: every record in order of its last change here (replication.md, 3). Another node reads it from where it left off
 * and has then seen what this node had seen; a page and what it amounts to are read from one snapshot.
 */
import type { VersionVector } from '../domain/version.ts';
import { type Database, readText } from './committer.ts';
import { arrivalOf, keys, lastPart } from './keys.ts';
import { type FeedCursor, type FeedEpoch, replicationTables } from './replication-values.ts';
import { decode } from './values.ts';

type Snapshot = ReturnType<Database['snapshot']>;

/** A page of the feed. */
export interface FeedPage {
  /** Canonical texts of records, in order of arrival. */
  readonly records: readonly string[];
  /** Where the next page begins. Undefined: nothing was ever written here. */
  readonly cursor: FeedCursor | undefined;
  /** Set by the page that reaches the end: what the reader has seen once it has taken in this and all pages before it. */
  readonly seen?: VersionVector;
}

/** Reads a page. @param cursor where the reader left off; undefined for the beginning. */
export async function readFeed(db: Database, cursor: FeedCursor | undefined, limit: number): Promise<FeedPage> {
  const snapshot = db.snapshot();
  try {
    const epochs = await feedEpochs(db, snapshot);
    const after = startAfter(epochs, cursor);
    const records: string[] = [];
    let last = after;
    const rows = await db.iterator({ ...keys.feedAfter(after), limit, snapshot }).all();
    for (const [key, text] of rows) {
      last = arrivalOf(key);
      const record = await db.get(keys.record(decode.string(key, text)), { snapshot });
      if (record !== undefined) records.push(record);
    }
    const next = epochAt(epochs, last);
    const cursorNow = next === undefined ? undefined : { epoch: next.epoch, arrival: last };
    if (rows.length === limit) return { records, cursor: cursorNow };
    return { records, cursor: cursorNow, seen: await seenVector(db, snapshot) };
  } finally {
    await snapshot.close();
  }
}

/** Where the feed ends now, and what this node has seen: the state that an exchange by tree begins with. */
export async function feedHead(db: Database): Promise<FeedPage> {
  const snapshot = db.snapshot();
  try {
    const epochs = await feedEpochs(db, snapshot);
    const [newest] = await db.keys({ ...keys.feedAfter(0), reverse: true, limit: 1, snapshot }).all();
    const arrival = newest === undefined ? 0 : arrivalOf(newest);
    const epoch = epochAt(epochs, arrival);
    const cursor = epoch && { epoch: epoch.epoch, arrival };
    return { records: [], cursor, seen: await seenVector(db, snapshot) };
  } finally {
    await snapshot.close();
  }
}

/** Everything that this node has seen, as of now. */
export async function seenVector(db: Database, snapshot?: Snapshot): Promise<VersionVector> {
  const seen: Record<string, number> = {};
  for await (const [key, text] of db.iterator({ ...keys.vectors(), ...(snapshot && { snapshot }) }))
    seen[lastPart(key)] = decode.number(key, text);
  return seen;
}

/** What removals that were forgotten here had seen: a reader that has not seen it must compare trees. */
export function forgottenVector(db: Database): VersionVector {
  const key = keys.row(replicationTables.forgotten.letter, 'floor');
  const text = readText(db, key);
  return text === undefined ? {} : replicationTables.forgotten.decode(key, text);
}

async function feedEpochs(db: Database, snapshot: Snapshot): Promise<FeedEpoch[]> {
  const { letter, decode: decodeEpoch } = replicationTables.feedEpochs;
  const rows = await db.iterator({ ...keys.rows(letter), snapshot }).all();
  return rows.map(([key, text]) => decodeEpoch(key, text));
}

/** The run that gave a number out; the last one for 0 too, so that a reader of an empty feed has a cursor. */
function epochAt(epochs: readonly FeedEpoch[], arrival: number): FeedEpoch | undefined {
  return epochs.findLast(({ from }) => from <= arrival) ?? epochs[0];
}

/**
 * The number after which a reader goes on. A cursor of a run that this folder does not know (it came from a backup since) is
 * worth nothing; one that lies beyond the end of its run was given out by a life that the folder has forgotten: the reader
 * goes back to where the two lives part.
 */
function startAfter(epochs: readonly FeedEpoch[], cursor: FeedCursor | undefined): number {
  const index = cursor ? epochs.findIndex(({ epoch }) => epoch === cursor.epoch) : -1;
  if (!cursor || index < 0) return 0;
  const next = epochs[index + 1];
  return next ? Math.min(cursor.arrival, next.from - 1) : cursor.arrival;
}
