/**
 * The list of members as this node knows it: operations kept in the catalogue, evaluated anew whenever one comes in, and
 * exchanged whole with other members (there are few). Changes are made one after the other.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Catalog } from '../../catalog/catalog.ts';
import { type JoinWay, type MemberChange, memberTables } from '../../catalog/member-values.ts';
import { retentionTables } from '../../catalog/retention-values.ts';
import { policyRow, policyTable } from '../../catalog/shared-values.ts';
import { ShoalError } from '../../domain/errors.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { EventSink } from '../../runtime/events.ts';
import type { NodeIdentity } from '../identity.ts';
import { evaluateMembership, type Member, type Membership } from './evaluate.ts';
import { checkOperation, type KnownOperation, makeOperation, operationId } from './operations.ts';

/** News of members, after the fact. */
export interface MemberEvents {
  'member-joined': Pick<Member, 'id' | 'name' | 'way' | 'admittedBy' | 'addresses'>;
  'member-removed': { readonly id: string; readonly name: string; readonly by: string };
  'member-renamed': { readonly id: string; readonly name: string };
  /** Operations came in or were made here: others may lack them. */
  'members-changed': { readonly digest: string };
}

/** What the list is built with. */
export interface MemberListOptions {
  readonly catalog: Catalog;
  readonly identity: NodeIdentity;
  readonly clock: Clock;
  readonly events: EventSink<MemberEvents>;
  /** Name of this node. */
  readonly name: () => string;
  /** What a cluster key makes of this node, if it has one: the id of the cluster, and the fingerprint of the key. */
  readonly key: { readonly cluster: string; readonly print: string } | undefined;
}

/** Most operations that are kept: hundreds of members with a long history. Evaluation takes the square of them. */
const maxOperations = 2000;

const { operations: operationTable, trust: trustTable } = memberTables;

/** Most parents of an operation; there are several only while members do not know of each other's changes. */
const maxParents = 64;

/** Who comes in, and how. */
export interface Admission {
  readonly subject: string;
  readonly name: string;
  readonly addresses: string[];
  readonly way: JoinWay;
  readonly keyPrint?: string;
  /** Who wanted it, in words. */
  readonly by: string;
}

/** How two nodes become members of one cluster. */
export interface Union {
  /** This node is alone, and begins anew under this id. */
  readonly adopt?: string;
  /** From now on this node goes by the other's policy. */
  readonly follows?: boolean;
  /** What the other side knows. */
  readonly operations: readonly unknown[];
  /** A last look, just before anything is kept. */
  readonly check?: () => void;
}

/** What a joiner will have said once the other side has accepted it. */
export interface JoinDraft {
  readonly anew: boolean;
  readonly subject: string;
  readonly own: readonly KnownOperation[];
  readonly all: readonly KnownOperation[];
}

/** Keeps the list. */
export class MemberList {
  readonly #options: MemberListOptions;
  #operations = new Map<string, KnownOperation>();
  #anchors: readonly string[] = [];
  #membership: Membership = evaluateMembership([], []);
  #digest = '';
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: MemberListOptions) {
    this.#options = options;
  }

  /** Reads what is kept; a node that is new, or alone and given a key, founds its own cluster. Comes after the catalogue. */
  async start(): Promise<void> {
    const { catalog, identity, key } = this.#options;
    const found = new Map<string, KnownOperation>();
    for await (const operation of catalog.rows(operationTable)) {
      const id = operationId(operation);
      found.set(id, { id, operation });
    }
    this.#operations = found;
    this.#anchors = catalog.row(trustTable, 'self')?.anchors ?? [identity.id];
    this.#evaluate();
    // Once anything has happened the history stays: it says who was removed.
    const mustFound = found.size === 0 || (key !== undefined && found.size === 1 && this.cluster !== key.cluster);
    if (mustFound && !this.isRemoved)
      await this.#exclusively(() => this.#replace([this.#founding(key?.cluster ?? randomId())]));
    const name = this.#options.name();
    if (this.isMember(identity.id) && this.current.members.get(identity.id)?.name !== name)
      await this.rename(identity.id, name, 'configuration');
  }

  /** What the operations amount to now. */
  get current(): Membership {
    return this.#membership;
  }

  /** Id of this node. */
  get self(): string {
    return this.#options.identity.id;
  }

  /** Id of the cluster. */
  get cluster(): string {
    return this.#membership.cluster ?? '';
  }

  /** Whether there is no other member. */
  get isAlone(): boolean {
    return this.#membership.members.size < 2;
  }

  /** Whether others have removed this node. */
  get isRemoved(): boolean {
    return this.#membership.removed.has(this.self);
  }

  /** Digest of all operations: two lists with the same one are equal. */
  get digest(): string {
    return this.#digest;
  }

  /** Whether a node is a member now. A node that was removed takes nobody for one. */
  isMember(id: string): boolean {
    return this.#membership.members.has(id) && this.#membership.members.has(this.self);
  }

  /** Ids of the members that are not this node, in order. */
  others(): string[] {
    if (!this.#membership.members.has(this.self)) return [];
    return [...this.#membership.members.keys()].filter((id) => id !== this.self);
  }

  /** What a member is called; the begin of its id when it is none. */
  nameOf(id: string): string {
    return this.#membership.members.get(id)?.name ?? id.slice(0, 8);
  }

  /** All operations, for other members. */
  operations(): KnownOperation['operation'][] {
    return [...this.#operations.values()].map(({ operation }) => operation);
  }

  /** Takes in operations of a member. @returns whether there was anything new. @throws ShoalError PEER_DATA_INVALID. */
  takeIn(values: readonly unknown[]): Promise<boolean> {
    return this.#exclusively(() => this.#add(this.#unknown(values)));
  }

  /** Renames a member. @throws ShoalError MEMBER_NOT_FOUND. */
  rename(subject: string, name: string, by: string): Promise<void> {
    return this.#exclusively(async () => {
      this.#mustBeMember(subject);
      await this.#act({ kind: 'rename', subject, name }, by);
    });
  }

  /**
   * Removes a member for good: what it does from now on counts nowhere, and no cluster key that was used until now opens the
   * door any more. @throws ShoalError MEMBER_NOT_FOUND, MEMBER_IS_SELF.
   */
  remove(subject: string, by: string): Promise<void> {
    return this.#exclusively(async () => {
      this.#mustBeMember(subject);
      if (subject === this.self) throw new ShoalError('MEMBER_IS_SELF');
      const seen = await this.#options.catalog.seen();
      const cut = Object.fromEntries(Object.entries(seen).filter(([source]) => source.startsWith(`${subject}.`)));
      const print = this.#options.key?.print;
      await this.#act({ kind: 'remove', subject, cut, ...(print !== undefined && { keyPrint: print }) }, by);
    });
  }

  /**
   * The accepting side of a handshake in which both have proved who they are: takes in what the joiner knows and admits it.
   * Nothing is kept when it throws. @throws ShoalError CLUSTERS_DIFFER, PEER_DATA_INVALID, whatever the last look throws.
   */
  accept(admission: Admission, union: Union): Promise<void> {
    return this.#exclusively(async () => {
      const admitted = this.#draft(admission, union);
      const theirs = this.#unknown(union.operations);
      if (union.follows) await this.#dropPolicy();
      await this.#keep(admitted, theirs);
      // A joiner that was removed before comes in again by an admission that has seen its removal.
      if (this.#isAdmitted(admission.subject)) return;
      const { by, ...rest } = admission;
      await this.#act({ ...rest, kind: 'admit' }, by);
    });
  }

  /** What the joining side says first. Nothing is kept of it before {@link join}. @throws ShoalError CLUSTERS_DIFFER. */
  draft(admission: Admission, union: Pick<Union, 'adopt' | 'check'>): JoinDraft {
    return this.#draft(admission, union);
  }

  /** The joining side, once the other side has accepted. @throws ShoalError CLUSTERS_DIFFER, PEER_DATA_INVALID. */
  join(draft: JoinDraft, union: Union): Promise<void> {
    return this.#exclusively(async () => {
      union.check?.();
      if (draft.anew && !this.isAlone) throw new ShoalError('CLUSTERS_DIFFER');
      if (union.follows) await this.#dropPolicy();
      await this.#keep(draft, this.#unknown(union.operations), draft.subject);
    });
  }

  #mustBeMember(subject: string): void {
    if (!this.isMember(subject)) throw new ShoalError('MEMBER_NOT_FOUND', { details: { id: subject.slice(0, 64) } });
  }

  #draft(admission: Admission, { adopt, check }: Pick<Union, 'adopt' | 'check'>): JoinDraft {
    check?.();
    const anew = this.isRemoved || (adopt !== undefined && adopt !== this.cluster);
    if (anew && !this.isAlone && !this.isRemoved) throw new ShoalError('CLUSTERS_DIFFER');
    const founding = anew ? [this.#founding(adopt ?? this.cluster)] : [];
    const { clock, identity } = this.#options;
    const { by, ...rest } = admission;
    const admitted = makeOperation(identity, {
      change: { ...rest, kind: 'admit' },
      parents: anew ? founding.map(({ id }) => id) : this.#membership.heads.slice(0, maxParents),
      atMs: clock.now(),
      by,
    });
    const known = anew ? [] : [...this.#operations.values()];
    const own = !anew && this.#isAdmitted(admission.subject) ? [] : [admitted];
    return { anew, subject: admission.subject, own: [...founding, ...own], all: [...known, ...founding, ...own] };
  }

  /** Whether a member came in by an admission, not only by its own word and this node's trust. */
  #isAdmitted(id: string): boolean {
    const member = this.#membership.members.get(id);
    return member !== undefined && member.way !== 'founder';
  }

  async #keep(draft: JoinDraft, theirs: readonly KnownOperation[], anchor?: string): Promise<void> {
    if (draft.anew) await this.#replace(draft.own, anchor);
    const fresh = draft.anew ? theirs : [...draft.own, ...theirs];
    await this.#add(fresh);
    // Who was removed before has no word of its own yet: it goes by the word of the one that let it in.
    if (anchor !== undefined && !this.isMember(this.self)) await this.#add([], [anchor]);
  }

  /** Policy and rules of a node that joins would be laid upon all the others: it goes by theirs. */
  async #dropPolicy(): Promise<void> {
    const { catalog } = this.#options;
    const rules: string[] = [];
    for await (const id of catalog.rowIds(retentionTables.rules)) rules.push(id);
    await catalog.commit((transaction) => {
      for (const id of rules) transaction.removeRow(retentionTables.rules, id);
      transaction.removeRow(policyTable, policyRow);
    });
  }

  #founding(cluster: string): KnownOperation {
    const { identity, clock, name, key } = this.#options;
    const print = key?.cluster === cluster ? { keyPrint: key.print } : {};
    const change = { kind: 'found', cluster, name: name().slice(0, 64), ...print } as const;
    return makeOperation(identity, { change, parents: [], atMs: clock.now(), by: 'founding' });
  }

  /** Begins anew. What was known of another cluster is dropped. */
  async #replace(operations: readonly KnownOperation[], anchor?: string): Promise<void> {
    const { catalog, identity } = this.#options;
    const anchors = [identity.id, ...(anchor === undefined ? [] : [anchor])];
    const dropped = [...this.#operations.keys()];
    await catalog.commit((transaction) => {
      for (const id of dropped) transaction.removeRow(operationTable, id);
      for (const { id, operation } of operations) transaction.putRow(operationTable, id, operation);
      transaction.putRow(trustTable, 'self', { anchors });
    });
    this.#operations = new Map(operations.map((one) => [one.id, one]));
    this.#anchors = anchors;
    this.#become();
  }

  /** Signs and keeps an operation of this node's own. */
  async #act(change: MemberChange, by: string): Promise<void> {
    const { identity, clock } = this.#options;
    const { heads } = this.#membership;
    await this.#add([makeOperation(identity, { change, parents: heads.slice(0, maxParents), atMs: clock.now(), by })]);
  }

  #unknown(values: readonly unknown[]): KnownOperation[] {
    const fresh = new Map<string, KnownOperation>();
    for (const value of values) {
      const one = checkOperation(value);
      if (!this.#operations.has(one.id)) fresh.set(one.id, one);
    }
    if (this.#operations.size + fresh.size > maxOperations)
      throw new ShoalError('PEER_DATA_INVALID', { details: { format: 1 }, cause: new Error('too many operations') });
    return [...fresh.values()];
  }

  async #add(fresh: readonly KnownOperation[], anchors: readonly string[] = []): Promise<boolean> {
    const trusted = [...new Set([...this.#anchors, ...anchors])];
    if (fresh.length === 0 && trusted.length === this.#anchors.length) return false;
    await this.#options.catalog.commit((transaction) => {
      for (const { id, operation } of fresh) transaction.putRow(operationTable, id, operation);
      transaction.putRow(trustTable, 'self', { anchors: trusted });
    });
    for (const one of fresh) this.#operations.set(one.id, one);
    this.#anchors = trusted;
    this.#become();
    return fresh.length > 0;
  }

  #become(): void {
    const before = this.#membership;
    this.#evaluate();
    this.#tell(before, this.#membership);
  }

  #evaluate(): void {
    this.#membership = evaluateMembership(this.#operations.values(), this.#anchors);
    const hash = createHash('sha256');
    for (const id of [...this.#operations.keys()].sort()) hash.update(id);
    this.#digest = hash.digest('hex');
  }

  #tell(before: Membership, after: Membership): void {
    const { events } = this.#options;
    for (const [id, member] of after.members) {
      const old = before.members.get(id);
      if (!old && id !== this.self) events.emit('member-joined', member);
      else if (old && old.name !== member.name) events.emit('member-renamed', { id, name: member.name });
    }
    for (const [id, { name }] of before.members) {
      const gone = after.removed.get(id);
      if (!after.members.has(id)) events.emit('member-removed', { id, name, by: gone?.by ?? '' });
    }
    events.emit('members-changed', { digest: this.#digest });
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#work.then(work);
    this.#work = next.catch(() => undefined);
    return next;
  }
}

function randomId(): string {
  return randomBytes(32).toString('hex');
}
