/** Which cluster stays when two nodes meet (replication.md, 24). Both sides compute the same from what they told each other. */
import { z } from 'zod';
import { ShoalError } from '../../domain/errors.ts';

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().nonnegative();

/** A name as it comes from another node: it is shown to people. */
export const nameShape = z
  .string()
  .max(64)
  .regex(/^\P{Cc}*$/u);

/** What nodes tell each other of themselves once they have proved that they may know. */
export const summaryShape = z.object({
  name: nameShape,
  cluster: hex64,
  /** It is a cluster of one. */
  alone: z.boolean(),
  /** All of its members came in by the trust of one network. */
  byLan: z.boolean(),
  members: count,
  files: count,
  bytes: count,
  /** Where it can be reached, best first. */
  addresses: z.array(z.string().max(300)).max(16),
  /** Its peer port. */
  port: z.number().int().min(1).max(65_535),
  /** A joiner's person wants two clusters of several to become one. */
  merge: z.literal(true).exactOptional(),
  /** What its members go by; nodes of before do not tell. */
  policy: z
    .object({ upload: z.string().max(20), download: z.string().max(20), minReplicas: z.number().int() })
    .exactOptional(),
});

/** What nodes tell each other of themselves. */
export type Summary = z.infer<typeof summaryShape>;

/** Who takes over the other's cluster id; nobody where both have it already, or keep both as one. */
export interface MergeDecision {
  readonly joinerAdopts?: string;
  readonly acceptorAdopts?: string;
}

type Side = Pick<Summary, 'cluster' | 'alone' | 'byLan' | 'merge'>;

/** @throws ShoalError CLUSTERS_DIFFER. */
export function decideMerge(joiner: Side, acceptor: Side, lan: boolean): MergeDecision {
  if (joiner.cluster === acceptor.cluster) return {};
  if (joiner.alone && acceptor.alone)
    return joiner.cluster < acceptor.cluster ? { acceptorAdopts: joiner.cluster } : { joinerAdopts: acceptor.cluster };
  if (joiner.alone) return { joinerAdopts: acceptor.cluster };
  if (acceptor.alone) return { acceptorAdopts: joiner.cluster };
  // Nodes of one network that were started together may have found each other in pairs.
  if (lan && joiner.byLan && acceptor.byLan) return {};
  // All members and records become one; the smaller id stays, and the other becomes an alias of it (members/evaluate.ts).
  if (joiner.merge) return {};
  throw new ShoalError('CLUSTERS_DIFFER');
}

/** Who goes by the other's policy from now on: a cluster of one, and of two such the one that asked. */
export function whoFollows(joiner: Side, acceptor: Side): 'joiner' | 'acceptor' | undefined {
  if (joiner.alone) return 'joiner';
  return acceptor.alone ? 'acceptor' : undefined;
}
