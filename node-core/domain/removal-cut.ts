/**
 * What a removed member did that the one who removed it had not seen counts nowhere (replication.md, 23): its cut says how far
 * its commits count. This is what becomes of a record and of a vector then.
 *
 * A record that one of the refused commits changed is taken back to the versions that others wrote. What the refused commit
 * had seen cannot be told from what others had seen, so such a record keeps only the dots of its own versions as context:
 * that covers nothing that it does not hold, and merging brings the rest back from whoever has it.
 */
import { compareVersions, type FileVersion, type PathRecord, shapingDots } from './file-record.ts';
import { type Dot, formatDot, joinVectors, sourceOf, type VersionVector } from './version.ts';

/** Removed members by id, with how far their commits count. */
export type RemovalCuts = ReadonlyMap<string, VersionVector>;

/** Whether a commit is one that does not count. */
export function isRefused(cuts: RemovalCuts, dot: Dot): boolean {
  const cut = cuts.get(dot.node);
  return cut !== undefined && (cut[sourceOf(dot)] ?? 0) < dot.number;
}

/** The commits that made a record what it shows and that do not count. */
export function refusedDots(record: PathRecord, cuts: RemovalCuts): Dot[] {
  return shapingDots(record).filter((dot) => isRefused(cuts, dot));
}

/** A vector that speaks of nothing beyond the cuts. */
export function clampVector(vector: VersionVector, cuts: RemovalCuts): VersionVector {
  if (cuts.size === 0) return vector;
  const clamped: Record<string, number> = {};
  for (const [source, number] of Object.entries(vector)) {
    const cut = cuts.get(source.slice(0, source.indexOf('.')));
    const kept = cut === undefined ? number : Math.min(number, cut[source] ?? 0);
    if (kept > 0) clamped[source] = kept;
  }
  return clamped;
}

/**
 * A record without what does not count. Pure, and the same on every node that knows the same cuts.
 * @param before versions that a refused commit had replaced, as far as they are known: they stand again.
 */
export function withoutRefused(record: PathRecord, cuts: RemovalCuts, before: readonly FileVersion[] = []): PathRecord {
  if (cuts.size === 0) return record;
  if (refusedDots(record, cuts).length === 0) {
    const context = clampVector(record.context, cuts);
    return Object.keys(record.context).every((source) => context[source] === record.context[source])
      ? record
      : { ...record, context };
  }
  const { removal: _removal, ...rest } = record;
  const known = new Map([...record.versions, ...before].map((version) => [formatDot(version.dot), version]));
  const kept = [...known.values()].filter(({ dot }) => !isRefused(cuts, dot)).sort(compareVersions);
  const context = kept.map(({ dot }) => ({ [sourceOf(dot)]: dot.number })).reduce(joinVectors, {});
  return { ...rest, context, versions: kept };
}
