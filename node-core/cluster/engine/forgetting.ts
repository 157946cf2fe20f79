/**
 * Removals are remembered until every member that was heard of within thirty days has seen them (replication.md, 4). A member
 * that was away for longer compares trees when it comes back, so nothing that was removed returns with it.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import { replicationTables } from '../../catalog/replication-values.ts';
import { coversAll, type VersionVector } from '../../domain/version.ts';

/** A member that was not heard of for so long is not waited for, in milliseconds. */
export const awayMs = 30 * 24 * 60 * 60 * 1000;

/** Removals forgotten in one batch. */
const batchSize = 200;

/**
 * Forgets what everybody has seen.
 * @param members ids of the other members. @returns how many removals were forgotten.
 */
export async function forgetRemovals(catalog: Catalog, members: readonly string[], nowMs: number): Promise<number> {
  // This node as well: a page of a feed brings records before all that its sender has seen counts as seen here, and to whoever
  // compares with this node a path that is not there was removed only as far as this node has seen.
  const waitedFor: VersionVector[] = [await catalog.seen()];
  for (const member of members) {
    const neighbour = catalog.row(replicationTables.neighbours, member);
    // Nobody has forgotten it yet: it joined just now, or this node has not spoken with it.
    if (!neighbour) return 0;
    if (nowMs - neighbour.heardMs < awayMs) waitedFor.push(neighbour.seen);
  }
  const isSeen = (context: VersionVector) => waitedFor.every((seen) => coversAll(seen, context));
  const going: string[] = [];
  for await (const { path, context } of catalog.removals()) if (isSeen(context)) going.push(path);
  let forgotten = 0;
  for (let start = 0; start < going.length; start += batchSize) {
    forgotten += await catalog.commit((transaction) => {
      // A path that was written again meanwhile is no removal any more, or another one.
      const paths = going.slice(start, start + batchSize).filter((path) => isSeen(transaction.record(path).context));
      return paths.filter((path) => transaction.forgetRemoval(path)).length;
    });
  }
  return forgotten;
}
