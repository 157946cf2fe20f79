/**
 * The hash tree over live records (replication.md, 4): two nodes that differ find out where, without sending all they have.
 *
 * Each record with versions is a leaf: the sha256 of its canonical text. A leaf belongs to one of 4096 buckets, by the sha256
 * of its path. A bucket's digest is the sum of its leaves, modulo 2^256: it changes with every leaf, in any order, and can be
 * kept up to date in the batch that changes a record. Records without versions (removals) are in no bucket: they may be
 * forgotten at different times.
 */
import { createHash } from 'node:crypto';
import type { PathRecord } from '../domain/file-record.ts';
import type { Overlay } from './committer.ts';
import { keys } from './keys.ts';
import { encode } from './values.ts';

/** Number of buckets. */
export const bucketCount = 4096;

/** Digest of a bucket without leaves. */
export const emptyBucket = '0'.repeat(64);

const modulus = 1n << 256n;

/** The bucket of a path: three hex digits. */
export function bucketOf(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 3);
}

/** The digest of a record in the tree: 64 hex digits. */
export function leafOf(record: PathRecord): string {
  return createHash('sha256').update(encode(record)).digest('hex');
}

/** Follows a change of a record in the batch that makes it. */
export function replaceInTree(overlay: Overlay, after: PathRecord): void {
  const bucket = bucketOf(after.path);
  const key = keys.leaf(bucket, after.path);
  const old = overlay.get(key);
  const now = after.versions.length > 0 ? leafOf(after) : undefined;
  if (old === now) return;
  const sumKey = keys.bucket(bucket);
  let sum = BigInt(`0x${overlay.get(sumKey) ?? '0'}`);
  if (old !== undefined) sum -= BigInt(`0x${old}`);
  if (now !== undefined) sum = addLeaf(sum, now);
  const digest = bucketDigest(sum);
  if (digest === emptyBucket) overlay.del(sumKey);
  else overlay.put(sumKey, digest);
  if (now === undefined) overlay.del(key);
  else overlay.put(key, now);
}

/** A bucket's sum with one more leaf. */
export function addLeaf(sum: bigint, leaf: string): bigint {
  return sum + BigInt(`0x${leaf}`);
}

/** A sum as the digest that it is kept and compared as. */
export function bucketDigest(sum: bigint): string {
  return (((sum % modulus) + modulus) % modulus).toString(16).padStart(64, '0');
}
