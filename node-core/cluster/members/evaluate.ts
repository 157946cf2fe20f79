/**
 * Who is a member: a pure function of a set of operations, whatever the order in which they arrived (replication.md, 23).
 *
 * What an actor had seen when it acted are the ancestors of its operation. An operation is valid when they make its actor a
 * member. It counts when, besides, no removal of the actor that has force was made without either knowing of the other: a
 * removal's cut are its ancestors. Removals may stand against each other so. One that stands against another does that only
 * if it has force itself; where it goes in a circle (A removes B while B removes A) all of them have force, and all of their
 * subjects are out: removal wins. An admission lets in whoever it names unless there is a removal that it had not seen.
 *
 * A `found` operation is what a node says of itself. It is valid for nodes that this one trusts by its own handshake
 * (anchors) and for those that a member admitted: nobody makes himself a member.
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
  let trusted: ReadonlySet<string> = new Set(anchors);
  // Whom a member admitted may have founded and acted before that: trust grows until it stands still.
  for (;;) {
    const view = viewOf(validAmong(nodes, trusted));
    const admitted = view.accepted.flatMap(({ operation: { change } }) =>
      change.kind === 'admit' ? [change.subject] : [],
    );
    const next: ReadonlySet<string> = new Set([...trusted, ...admitted]);
    if (next.size === trusted.size) return conclude(nodes, view);
    trusted = next;
  }
}

/** What valid operations amount to. */
interface View {
  /** Removals that have force. */
  readonly force: readonly Node[];
  /** Operations that count, ancestors first. */
  readonly accepted: readonly Node[];
}

/** The valid operations, ancestors first. */
function validAmong(nodes: readonly Node[], trusted: ReadonlySet<string>): Node[] {
  const valid: Node[] = [];
  for (const node of nodes) {
    const { actor, change } = node.operation;
    if (change.kind === 'found') {
      if (trusted.has(actor)) valid.push(node);
      continue;
    }
    const seen = viewOf(valid.filter(({ id }) => node.ancestors.has(id)));
    if (standing(actor, seen).length > 0) valid.push(node);
  }
  return valid;
}

/** @param valid operations together with all of their ancestors that are valid. */
function viewOf(valid: readonly Node[]): View {
  const removals = valid.filter(({ operation }) => operation.change.kind === 'remove');
  // The alternating fixed point: what has force for sure grows, what may have force shrinks, until both stand still.
  let sure: readonly Node[] = [];
  for (;;) {
    const possible = unopposed(removals, sure);
    const next = unopposed(removals, possible);
    if (next.length === sure.length) return { force: possible, accepted: unopposed(valid, possible) };
    sure = next;
  }
}

/** Operations against whose actor no removal with force stands that neither knows of the other. */
function unopposed(nodes: readonly Node[], force: readonly Node[]): Node[] {
  return nodes.filter((node) =>
    removalsOf(node.operation.actor, force).every(
      (removal) => removal.ancestors.has(node.id) || node.ancestors.has(removal.id),
    ),
  );
}

/** The operations that make a node a member; none: it is no member. */
function standing(id: string, { force, accepted }: View): Node[] {
  const against = removalsOf(id, force);
  return accepted.filter(
    ({ operation, ancestors }) => admits(operation, id) && against.every((removal) => ancestors.has(removal.id)),
  );
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
  const ready = [...known.keys()].filter((id) => waiting.get(id) === 0);
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
  // Whoever comes behind has more ancestors.
  return [...ordered.values()].sort((a, b) => a.ancestors.size - b.ancestors.size || (a.id < b.id ? -1 : 1));
}

function removalsOf(subject: string, force: readonly Node[]): Node[] {
  return force.filter(({ operation: { change } }) => change.kind === 'remove' && change.subject === subject);
}

function admits({ actor, change }: MemberOperation, id: string): boolean {
  return change.kind === 'found' ? actor === id : change.kind === 'admit' && change.subject === id;
}

function conclude(nodes: readonly Node[], view: View): Membership {
  const { force, accepted: all } = view;
  const members = new Map<string, Member>();
  const subjects = new Set(all.flatMap(({ operation }) => subjectOf(operation)));
  for (const id of [...subjects].sort()) {
    const member = describeMember(id, standing(id, view), all);
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
    accepted: new Set(all.map(({ id }) => id)),
  };
}

function subjectOf({ actor, change }: MemberOperation): string[] {
  if (change.kind === 'found') return [actor];
  return change.kind === 'admit' ? [change.subject] : [];
}

/** @param admissions what makes it a member; nothing: it is none. @param all everything that counts, ancestors first. */
function describeMember(id: string, admissions: readonly Node[], all: readonly Node[]): Member | undefined {
  // An admission tells more than the member's own founding, and the latest the most.
  const last = newest(admissions.filter(({ operation }) => operation.change.kind === 'admit')) ?? newest(admissions);
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
