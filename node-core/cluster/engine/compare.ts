/**
 * The exchange by hash tree: for a reader to whom a feed tells too little, and as repair (replication.md, 4). What differs is
 * fetched; what the other does not know although it has seen it was removed; what it has not seen is news for it and stays.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import { coversAll } from '../../domain/version.ts';
import type { RemoteRecords } from '../../files/remote-records.ts';
import type { PeerLinks } from './ports.ts';
import { readRecords } from './records.ts';

/** Records asked for at once. */
const pageRecords = 200;

/** What a comparison found. */
export interface ComparisonReport {
  /** Buckets that differed. */
  readonly buckets: number;
  /** Records that changed here. */
  readonly changed: number;
}

/** The parts that a comparison works with. */
export interface ComparisonParts {
  readonly catalog: Catalog;
  readonly remote: RemoteRecords;
  readonly links: PeerLinks;
}

/** Compares this node with a member and takes in what differs. @throws what the links throw; a part may be done by then. */
export async function compareWith(parts: ComparisonParts, member: string): Promise<ComparisonReport> {
  const { catalog, remote, links } = parts;
  const { generation } = remote;
  const seen = await catalog.seen();
  // First where the other stands: whatever it learns meanwhile is in its feed after this point.
  const head = await links.ask(member, 'head', {});
  const theirs = await links.ask(member, 'buckets', {});
  const ours = await catalog.buckets();
  const differing = [...new Set([...Object.keys(theirs), ...Object.keys(ours)])].filter(
    (bucket) => theirs[bucket] !== ours[bucket],
  );
  let changed = 0;
  for (const bucket of differing.sort()) changed += await compareBucket(parts, member, bucket, head.seen);
  // Nothing was learnt: a comparison of nodes that agree writes nothing.
  if (changed === 0 && coversAll(seen, remote.counted(head.seen)) && !remote.isWaitingFor(member))
    return { buckets: differing.length, changed };
  // Removals that the other still remembers were not read: for others this node counts as one that has forgotten them.
  await remote.takeIn([], {
    node: member,
    generation,
    ...(head.cursor && { cursor: head.cursor }),
    seen: head.seen,
    forgot: true,
  });
  return { buckets: differing.length, changed };
}

async function compareBucket(
  { catalog, remote, links }: ComparisonParts,
  member: string,
  bucket: string,
  seenThere: Readonly<Record<string, number>>,
): Promise<number> {
  const theirs = await links.ask(member, 'leaves', { bucket });
  const ours = await catalog.leaves(bucket);
  const different = Object.keys(theirs).filter((path) => theirs[path] !== ours[path]);
  const absent = Object.keys(ours).filter((path) => theirs[path] === undefined);
  let changed = 0;
  for (let start = 0; start < different.length; start += pageRecords) {
    const paths = different.slice(start, start + pageRecords);
    const { records } = await links.ask(member, 'records', { paths });
    changed += await remote.takeIn(readRecords(records), { node: member, generation: remote.generation });
  }
  if (absent.length > 0)
    changed += await remote.takeIn([], { node: member, generation: remote.generation }, { paths: absent, seenThere });
  return changed;
}
