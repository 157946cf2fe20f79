/**
 * Follows hints: where a member is said to be is noted; a node that is none is asked to let this one in, if there is a key or
 * trust of the network for it. Otherwise it is only remembered as being near.
 */
import { ShoalError } from '../../domain/errors.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { EventSink } from '../../runtime/events.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { MemberList } from '../members/member-list.ts';
import type { AddressBook } from '../transport/address-book.ts';
import { addressText, type PeerHint, type PeerHints } from '../transport/hints.ts';
import type { JoinEvents } from './join-door.ts';
import type { Joiner } from './joiner.ts';
import type { LanTrust } from './lan-trust.ts';
import type { ClusterKey } from './proofs.ts';

/** Pause after a failed try, doubled with each, in milliseconds. */
const firstPauseMs = 500;
const longestPauseMs = 60_000;
const waitsPauseMs = 1500;

/** A node that no hint was heard of for so long is not near any more, in milliseconds. */
const nearMs = 3 * 60_000;

/** Most nodes that are remembered as near: anybody can send hints. */
const maxNear = 256;

/** Several nodes that appear at the same time are told of together, in milliseconds. */
const tellMs = 1000;

/** A node that is near and no member. */
export interface NearNode {
  readonly id?: string;
  readonly name?: string;
  readonly address: string;
  /** Name of the source. */
  readonly source: string;
  readonly heardMs: number;
  /** Code of why it did not become a member, if it was tried. */
  readonly failure?: string;
}

interface Candidate {
  hint: PeerHint;
  source: string;
  heardMs: number;
  failures: number;
  failure: string | undefined;
  busy: boolean;
  timer: NodeJS.Timeout | undefined;
}

/** What the gatherer is built with. */
export interface GathererOptions {
  readonly members: MemberList;
  readonly joiner: Joiner;
  readonly addresses: AddressBook;
  readonly sources: readonly PeerHints[];
  readonly key: ClusterKey | undefined;
  readonly lan: LanTrust;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventSink<JoinEvents>;
  /** Whether a member says that it does not know this node: the attempt to join it broke off half-way. */
  readonly isUnknownTo: (member: string) => boolean;
}

/** Gathers nodes. */
export class Gatherer {
  readonly #options: GathererOptions;
  /** By address. */
  readonly #candidates = new Map<string, Candidate>();
  #running = false;
  #telling: NodeJS.Timeout | undefined;
  /** Who was near when that was told last, and why each did not join. */
  #told = '';

  constructor(options: GathererOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#running = true;
    for (const source of this.#options.sources) await source.start((hint) => this.#hear(hint, source.name));
  }

  async stop(): Promise<void> {
    this.#running = false;
    clearTimeout(this.#telling);
    for (const { timer } of this.#candidates.values()) clearTimeout(timer);
    for (const source of this.#options.sources) await source.stop();
  }

  /** A way in has opened: everybody that is near is tried at once. */
  tryAll(): void {
    if (!this.#running) return;
    for (const [address, candidate] of this.#candidates) {
      clearTimeout(candidate.timer);
      candidate.timer = undefined;
      candidate.failures = 0;
      this.#try(address, candidate);
    }
  }

  /** Nodes that are near and no members. */
  near(): NearNode[] {
    this.#sweep();
    return [...this.#candidates].map(([address, { hint, source, heardMs, failure }]) => ({
      ...(hint.id !== undefined && { id: hint.id }),
      ...(hint.name !== undefined && { name: hint.name }),
      address,
      source,
      heardMs,
      ...(failure !== undefined && { failure }),
    }));
  }

  #hear(hint: PeerHint, source: string): void {
    const { members, addresses, clock, isUnknownTo } = this.#options;
    if (!this.#running || hint.id === members.self) return;
    const address = addressText(hint.address, hint.port);
    if (hint.id !== undefined && members.isMember(hint.id)) {
      if (source === 'manual') addresses.configured(hint.id, address);
      else addresses.heard(hint.id, address);
      if (!isUnknownTo(hint.id)) {
        this.#drop(address);
        return;
      }
    }
    this.#sweep();
    let candidate = this.#candidates.get(address);
    if (!candidate) {
      if (this.#candidates.size >= maxNear) return;
      candidate = { hint, source, heardMs: 0, failures: 0, failure: undefined, busy: false, timer: undefined };
      this.#candidates.set(address, candidate);
      this.#tell();
    }
    // Somebody else is there now.
    if (candidate.hint.id !== hint.id) candidate.failures = 0;
    Object.assign(candidate, { hint, source, heardMs: clock.now() });
    if (!candidate.timer) this.#try(address, candidate);
  }

  #try(address: string, candidate: Candidate): void {
    const { joiner, key, lan, members, logger } = this.#options;
    const { hint } = candidate;
    const mayUseKey = key !== undefined && !members.current.retiredKeys.has(key.print);
    if (candidate.busy || (!mayUseKey && !lan.isOn)) return;
    candidate.busy = true;
    const target = { host: hint.address, port: hint.port };
    const attempt = mayUseKey ? joiner.byKey(target, hint.id) : joiner.byLan(target, hint.id);
    attempt
      .then((joined) => {
        if (joined) logger.info({ node: joined.node, name: joined.name }, 'joined');
        this.#drop(address);
      })
      .catch((error: unknown) => {
        candidate.failure = error instanceof ShoalError ? String(error.details.code ?? error.code) : 'PEER_UNREACHABLE';
        logger.debug({ address, err: error }, 'a node that is near was not joined');
        this.#tell();
        this.#later(address, candidate);
      })
      .finally(() => {
        candidate.busy = false;
      });
  }

  #later(address: string, candidate: Candidate): void {
    if (!this.#running || this.#candidates.get(address) !== candidate) return;
    // Somebody is looking at a screen to say yes.
    const waits = candidate.failure === 'JOIN_WAITS';
    const pause = waits ? waitsPauseMs : Math.min(longestPauseMs, firstPauseMs * 2 ** candidate.failures);
    candidate.failures = waits ? 0 : Math.min(candidate.failures + 1, 10);
    const again = () => {
      candidate.timer = undefined;
      if (this.#candidates.get(address) === candidate) this.#try(address, candidate);
    };
    candidate.timer = setTimeout(again, pause * (0.75 + Math.random() / 2));
    candidate.timer.unref();
  }

  #sweep(): void {
    const oldest = this.#options.clock.now() - nearMs;
    for (const [address, { heardMs, hint }] of this.#candidates) {
      const isMember = hint.id !== undefined && this.#options.members.isMember(hint.id);
      if (heardMs < oldest || (isMember && !this.#options.isUnknownTo(hint.id ?? ''))) this.#drop(address);
    }
  }

  #drop(address: string): void {
    clearTimeout(this.#candidates.get(address)?.timer);
    if (this.#candidates.delete(address)) this.#tell();
  }

  #tell(): void {
    if (!this.#running || this.#telling) return;
    const tell = () => {
      this.#telling = undefined;
      const now = [...this.#candidates].map(([address, { failure = '' }]) => `${address} ${failure}`).join('\n');
      if (now !== this.#told) this.#options.events.emit('near-changed', { count: this.#candidates.size });
      this.#told = now;
    };
    this.#telling = setTimeout(tell, tellMs).unref();
  }
}
