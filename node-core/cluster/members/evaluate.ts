/**
 * Who is a member: a pure function of a set of operations, whatever the order in which they arrived (replication.md, 23).
 *
 * What an actor had seen when it acted are the ancestors of its operation. An operation counts when its actor was a member in
 * the light of them, and when no removal of the actor stands against it that neither it nor a later admission had seen:
 * that removal's cut are its ancestors. Removals may stand against each other. One that stands against another takes its
 * force only if it has force itself; where that goes in a circle (A removes B while B removes A) all of them have force, and
 * all of their subjects are out: removal wins.
 *
 * A `found` operation is what a node says of itself. It counts for nodes that this one trusts by its own handshake (anchors)
 * and for those that a member admitted: nobody makes himself a member.
 */
import type { JoinWay, MemberOperation } from '../../catalog/member-values.ts';
import { joinVectors, type VersionVector } from '../../domain/version.ts';
import type { KnownOperation } from './operations.ts';

/** A member, or somebody who was one. */
export interface Member {
  readonly id: string;
  readonly name: string;
  /** Where it was when it came in: hints. */
  readonly addresses: readonly string[];
  readonly way: JoinWay | 'founder';
  readonly admittedBy: string;
  readonly sinceMs: number;
}

/** Somebody who was removed. */
export interface RemovedMember {
  readonly id: string;
  readonly name: string;
  readonly by: string;
  readonly atMs: number;
  /** What counts of its commits: nothing beyond. */
  readonly cut: VersionVector;
}

/** What a set of operations amounts to. */
export interface Membership {
  /** By id. */
  readonly members: ReadonlyMap<string, Member>;
  /** By id; nobody of them is a member. */
  readonly removed: ReadonlyMap<string, RemovedMember>;
  /** The id of the cluster: the smallest of those that members founded. Undefined where nobody founded anything. */
  readonly cluster: string | undefined;
  /** Other ids that it had before clusters were merged. */
  readonly aliases: readonly string[];
  /** Fingerprints of cluster keys by which nobody comes in any more. */
  readonly retiredKeys: ReadonlySet<string>;
  /** Operations that nobody else has seen: the parents of the next one. */
  readonly heads: readonly string[];
  /** Operations that count. */
  readonly accepted: ReadonlySet<string>;
}

interface Node extends KnownOperation {
  readonly ancestors: ReadonlySet<string>;
}

/** Evaluates operations. @param anchors ids of the nodes that are trusted by a handshake of this node's own. */
export function evaluateMembership(operations: Iterable<KnownOperation>, anchors: readonly string[]): Membership {
  const nodes = inOrder(operations);
  const removals = nodes.filter(({ operation }) => operation.change.kind === 'remove');
  // The alternating fixed point: what has force for sure grows, what may have force shrinks, until both stand still.
  let sure = new Set<string>();
  for (;;) {
    const possible = acceptedRemovals(nodes, anchors, effective(removals, sure));
    const next = acceptedRemovals(nodes, anchors, effective(removals, possible));
    if (next.size === sure.size) return conclude(nodes, anchors, effective(removals, possible));
    sure = next;
  }
}

/** Operations whose ancestors are all here, ancestors first; equal sets give equal lists. */
function inOrder(operations: Iterable<KnownOperation>): Node[] {
  const known = new Map([...operations].map((one) => [one.id, one] as const));
  const waiting = new Map<string, number>();
  const children = new Map<string, string[]>();
  for (const { id, operation } of known.values()) {
    const parents = new Set(operation.parents);
    waiting.set(id, parents.size);
    for (const parent of parents) children.set(parent, [...(children.get(parent) ?? []), id]);
  }
  const ready = [...known.keys()].filter((id) => waiting.get(id) === 0).sort();
  const ordered = new Map<string, Node>();
  for (let id = ready.shift(); id !== undefined; id = ready.shift()) {
    const one = known.get(id);
    if (!one) continue;
    const ancestors = new Set<string>();
    for (const parent of one.operation.parents) {
      ancestors.add(parent);
      for (const ancestor of ordered.get(parent)?.ancestors ?? []) ancestors.add(ancestor);
    }
    ordered.set(id, { ...one, ancestors });
    for (const child of children.get(id) ?? []) {
      const left = (waiting.get(child) ?? 0) - 1;
      waiting.set(child, left);
      if (left === 0) ready.push(child);
    }
  }
  return [...ordered.values()];
}

function effective(removals: readonly Node[], force: ReadonlySet<string>): readonly Node[] {
  return removals.filter(({ id }) => force.has(id));
}

function acceptedRemovals(nodes: readonly Node[], anchors: readonly string[], force: readonly Node[]): Set<string> {
  const accepted = acceptedUnder(nodes, anchors, force);
  return new Set([...accepted].filter(([, { operation }]) => operation.change.kind === 'remove').map(([id]) => id));
}

/** The operations that count when exactly these removals have force. */
function acceptedUnder(nodes: readonly Node[], anchors: readonly string[], force: readonly Node[]): Map<string, Node> {
  let accepted = new Map<string, Node>();
  // Whom a member admitted may have founded before that: what counts grows until it stands still.
  for (;;) {
    const trusted = new Set(anchors);
    for (const { operation } of accepted.values())
      if (operation.change.kind === 'admit') trusted.add(operation.change.subject);
    const next = new Map<string, Node>();
    const admissions = new Map<string, Node[]>();
    for (const node of nodes) {
      if (!counts(node, admissions, trusted, force)) continue;
      next.set(node.id, node);
      for (const subject of subjectOf(node.operation))
        admissions.set(subject, [...(admissions.get(subject) ?? []), node]);
    }
    if (next.size === accepted.size) return next;
    accepted = next;
  }
}

/** @param admissions what counts and makes somebody a member, by that somebody; of all that comes before the node. */
function counts(
  { id, ancestors, operation: { actor, change } }: Node,
  admissions: ReadonlyMap<string, readonly Node[]>,
  trusted: ReadonlySet<string>,
  force: readonly Node[],
): boolean {
  const removals = removalsOf(actor, force);
  const withinCut = (removal: Node) => removal.ancestors.has(id);
  if (change.kind === 'found') return trusted.has(actor) && removals.every(withinCut);
  // One admission that it has seen must outlast every removal that does not have this operation within its cut.
  return (admissions.get(actor) ?? []).some(
    (admission) =>
      ancestors.has(admission.id) &&
      removals.every((removal) => admission.ancestors.has(removal.id) || withinCut(removal)),
  );
}

function removalsOf(subject: string, force: readonly Node[]): Node[] {
  return force.filter(({ operation: { change } }) => change.kind === 'remove' && change.subject === subject);
}

function admits({ actor, change }: MemberOperation, id: string): boolean {
  return change.kind === 'found' ? actor === id : change.kind === 'admit' && change.subject === id;
}

function conclude(nodes: readonly Node[], anchors: readonly string[], force: readonly Node[]): Membership {
  const accepted = acceptedUnder(nodes, anchors, force);
  const all = [...accepted.values()];
  const members = new Map<string, Member>();
  const subjects = new Set(all.flatMap(({ operation }) => subjectOf(operation)));
  for (const id of [...subjects].sort()) {
    const against = removalsOf(id, force);
    const standing = all.filter(
      ({ operation, ancestors }) => admits(operation, id) && against.every((removal) => ancestors.has(removal.id)),
    );
    const member = describeMember(id, standing, all);
    if (member) members.set(id, member);
  }
  const removed = new Map<string, RemovedMember>();
  for (const { operation } of force) {
    if (operation.change.kind !== 'remove' || members.has(operation.change.subject)) continue;
    const { subject, cut } = operation.change;
    const before = removed.get(subject);
    const { name = '' } =
      describeMember(
        subject,
        all.filter((one) => admits(one.operation, subject)),
        all,
      ) ?? {};
    // Two removed it without knowing of each other: what either had seen of it stays.
    const both = joinVectors(before?.cut ?? {}, cut);
    if (before && before.atMs <= operation.atMs) removed.set(subject, { ...before, cut: both });
    else removed.set(subject, { id: subject, name, by: operation.by, atMs: operation.atMs, cut: both });
  }
  const founded = all.flatMap(({ operation: { actor, change } }) =>
    change.kind === 'found' && (members.has(actor) || removed.has(actor)) ? [change.cluster] : [],
  );
  const [cluster, ...aliases] = [...new Set(founded)].sort();
  const seen = new Set(nodes.flatMap(({ operation }) => operation.parents));
  return {
    members,
    removed,
    cluster,
    aliases,
    retiredKeys: retiredKeys(nodes, force),
    heads: nodes.map(({ id }) => id).filter((id) => !seen.has(id)),
    accepted: new Set(accepted.keys()),
  };
}

function subjectOf({ actor, change }: MemberOperation): string[] {
  if (change.kind === 'found') return [actor];
  return change.kind === 'admit' ? [change.subject] : [];
}

/** @param standing what makes it a member; nothing: it is none. @param all everything that counts, ancestors first. */
function describeMember(id: string, standing: readonly Node[], all: readonly Node[]): Member | undefined {
  // An admission tells more than the member's own founding, and the latest the most.
  const last = newest(standing.filter(({ operation }) => operation.change.kind === 'admit')) ?? newest(standing);
  if (!last) return undefined;
  const { change, actor, atMs } = last.operation;
  const named = newest(all.filter(({ operation }) => names(operation, id)));
  const name = named && 'name' in named.operation.change ? String(named.operation.change.name) : '';
  const admission = change.kind === 'admit' ? change : undefined;
  return {
    id,
    name,
    addresses: admission?.addresses ?? [],
    way: admission?.way ?? 'founder',
    admittedBy: actor,
    sinceMs: atMs,
  };
}

function names({ actor, change }: MemberOperation, id: string): boolean {
  if (change.kind === 'found') return actor === id;
  return (change.kind === 'admit' || change.kind === 'rename') && change.subject === id;
}

/** The one that saw the most; among those that did not see each other a rename, the later one, the greater id. */
function newest(nodes: readonly Node[]): Node | undefined {
  const tops = nodes.filter((one) => !nodes.some((other) => other.ancestors.has(one.id)));
  const rank = ({ operation }: Node) => (operation.change.kind === 'rename' ? 1 : 0);
  return [...tops].sort(
    (a, b) => rank(b) - rank(a) || b.operation.atMs - a.operation.atMs || (a.id < b.id ? 1 : -1),
  )[0];
}

/** Whoever was removed may know the key that somebody came in by before: it opens nothing any more. */
function retiredKeys(nodes: readonly Node[], force: readonly Node[]): Set<string> {
  const known = new Map(nodes.map((node) => [node.id, node]));
  const retired = new Set<string>();
  for (const { ancestors, operation } of force) {
    for (const id of ancestors) {
      const change = known.get(id)?.operation.change;
      if ((change?.kind === 'admit' || change?.kind === 'found') && change.keyPrint !== undefined)
        retired.add(change.keyPrint);
    }
    if (operation.change.kind === 'remove' && operation.change.keyPrint !== undefined)
      retired.add(operation.change.keyPrint);
  }
  return retired;
}
