import { randomBytes } from 'node:crypto';
import { ShoalError } from '../domain/errors.ts';
import { type Database, readText } from './committer.ts';
import { arrivalText, keys } from './keys.ts';
import { type FeedEpoch, replicationTables } from './replication-values.ts';
import { addLeaf, bucketDigest, bucketOf, leafOf } from './tree.ts';
import { decode, encode } from './values.ts';

/** One step from a format to the next. It may be interrupted and run again. */
export type CatalogMigration = (db: Database) => Promise<void>;

/** `migrations[n]` leads from format n + 1 to n + 2. The newest format is one more than there are steps. */
export const migrations: readonly CatalogMigration[] = [buildTree];

/** Rows written at once. */
const batchRows = 500;

/** Format 2 adds the hash tree over records, the list of removals and the epochs of the feed. */
async function buildTree(db: Database): Promise<void> {
  const sums = new Map<string, bigint>();
  let batch = db.batch();
  for await (const [key, text] of db.iterator(keys.records())) {
    const record = decode.record(key, text);
    const { path } = record;
    if (record.versions.length === 0) batch.put(keys.removed(path), '');
    else {
      const bucket = bucketOf(path);
      const leaf = leafOf(record);
      batch.put(keys.leaf(bucket, path), leaf);
      sums.set(bucket, addLeaf(sums.get(bucket) ?? 0n, leaf));
    }
    if (batch.length < batchRows) continue;
    await batch.write();
    batch = db.batch();
  }
  // All of them at the end: an interrupted run begins anew and writes the same.
  for (const [bucket, sum] of sums) batch.put(keys.bucket(bucket), bucketDigest(sum));
  const epoch: FeedEpoch = { epoch: randomBytes(6).toString('hex'), from: 1 };
  batch.put(keys.row(replicationTables.feedEpochs.letter, arrivalText(1)), encode(epoch));
  await batch.write();
}

/**
 * Brings a catalogue to the newest format, step by step; a new one gets its format number.
 * @throws ShoalError CATALOG_TOO_NEW.
 */
export async function upgradeCatalog(db: Database, steps: readonly CatalogMigration[] = migrations): Promise<void> {
  const known = steps.length + 1;
  const key = keys.meta('format');
  const text = readText(db, key);
  const found = text === undefined ? known : decode.number(key, text);
  if (found > known) throw new ShoalError('CATALOG_TOO_NEW', { details: { found, known } });
  for (let format = found; format < known; format += 1) {
    await steps[format - 1]?.(db);
    await db.put(key, encode(format + 1), { sync: true });
  }
  if (text === undefined) await db.put(key, encode(known), { sync: true });
}
