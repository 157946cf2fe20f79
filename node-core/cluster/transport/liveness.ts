/**
 * Who is there. Every member is spoken with every two seconds over a connection of its own; what comes from it counts as well.
 * One that is silent is away within ten seconds, one that comes back is noticed within three (the figures).
 */
import { ShoalError } from '../../domain/errors.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { EventSink } from '../../runtime/events.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { MemberList } from '../members/member-list.ts';
import type { AddressBook } from './address-book.ts';
import { addressText } from './hints.ts';
import type { PeerClient } from './peer-client.ts';
import type { PeerCaller } from './peer-server.ts';
import { type Heartbeat, heartbeatShape, memberExchangeShape } from './protocol.ts';
import { Reachability, type ReachabilityEvents } from './reachability.ts';

/** News of who is there. */
export interface LivenessEvents extends ReachabilityEvents {
  'member-online': { readonly id: string };
  'member-offline': { readonly id: string };
}

/** Between two heartbeats, in milliseconds; and after one that failed, while the member still counts as there. */
const beatMs = 2000;
const retryMs = 500;

/** After a heartbeat of the other side this one waits longer, in milliseconds. */
const askedMs = 3000;

/** While a member is away, in milliseconds: it must be noticed within three seconds that it is back. */
const probeMs = 1500;

/** How long a heartbeat may take, in milliseconds. */
const beatTimeoutMs = 2500;

/** A member that was not heard of for so long, and does not answer, is away; in milliseconds. */
const silentMs = 5000;

/** What a node says of itself. */
type OwnBeat = Omit<Heartbeat, 'lacking' | 'known' | 'unreached'>;

/** Most members whose addresses are asked for at once. */
const maxLacking = 64;

/** What liveness is built with. */
export interface LivenessOptions {
  readonly members: MemberList;
  readonly client: PeerClient;
  readonly addresses: AddressBook;
  readonly clock: Clock;
  readonly events: EventSink<LivenessEvents>;
  /** What this node says of itself now. */
  readonly own: () => OwnBeat;
  /** A member has told the digest of what members share. */
  readonly heardShared: (member: string, digest: string) => void;
  readonly heardBoot: (member: string, boot: string) => boolean;
  readonly logger: Logger;
}

interface Watched {
  online: boolean;
  /** By the monotonic clock. */
  heardMs: number;
  /** By the wall clock; 0: not since the start. */
  seenMs: number;
  timer: NodeJS.Timeout | undefined;
  beating: boolean;
  exchanging: boolean;
  /** Code with which it refused the last heartbeat, if it did. */
  refusal: string | undefined;
  /** How far its wall clock is ahead of this one's, in milliseconds, as far as it has told. */
  leadMs: number | undefined;
  /** What stands for it in the paths of its uploads, as it has told since the start. */
  peerId: string | undefined;
}

/** Watches the members. */
export class Liveness {
  readonly #options: LivenessOptions;
  /** Who cannot open connections to whom. */
  readonly reach: Reachability;
  readonly #watched = new Map<string, Watched>();
  #running = false;

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.reach = new Reachability({
      self: options.members.self,
      monotonic: () => options.clock.monotonic(),
      addressesOf: (member) => this.addressesOf(member),
      onChange: (event) => {
        options.logger[event.reached ? 'info' : 'warn'](event, 'who can be reached by whom has changed');
        options.events.emit('reach-changed', event);
      },
    });
  }

  /** Begins to watch. Members that join later are watched from {@link follow} on. */
  start(): void {
    this.#running = true;
    this.follow();
  }

  stop(): void {
    this.#running = false;
    for (const { timer } of this.#watched.values()) clearTimeout(timer);
  }

  /** Looks at the list of members again. */
  follow(): void {
    if (!this.#running) return;
    const others = new Set(this.#options.members.others());
    for (const [id, state] of this.#watched) {
      if (others.has(id)) continue;
      clearTimeout(state.timer);
      this.#watched.delete(id);
      this.reach.forget(id);
      if (state.online) this.#options.events.emit('member-offline', { id });
    }
    for (const id of others) if (!this.#watched.has(id)) this.#watch(id);
  }

  isOnline(member: string): boolean {
    return this.#watched.get(member)?.online === true;
  }

  /** When a member was heard of last since the start, milliseconds since 1970. */
  seenMs(member: string): number | undefined {
    return this.#watched.get(member)?.seenMs || undefined;
  }

  /** How far the wall clock of a member that is there is ahead of this one's, in milliseconds; negative: behind. */
  leadOf(member: string): number | undefined {
    const state = this.#watched.get(member);
    return state?.online ? state.leadMs : undefined;
  }

  /** Whether another member writes its uploads under this id. */
  usesPeerId(peerId: string): boolean {
    return [...this.#watched.values()].some((state) => state.peerId === peerId);
  }

  /** Code with which a member refuses this node: it does not know it, or has removed it. */
  refusal(member: string): string | undefined {
    return this.#watched.get(member)?.refusal;
  }

  /** Where a member is looked for, best first. */
  addressesOf(member: string): string[] {
    return this.#options.addresses.of(member).map(({ text }) => text);
  }

  /** A request to a member has failed: it is looked after at once. */
  suspect(member: string): void {
    const state = this.#watched.get(member);
    if (state?.online && !state.beating) this.#schedule(member, state, 0);
  }

  /** Everybody is spoken with at once: whoever has another list of members asks for this one. */
  hurry(): void {
    for (const [id, state] of this.#watched) if (state.online && !state.beating) this.#schedule(id, state, 0);
  }

  /** Everybody gets the list of members at once. @returns when all have been tried. */
  async spread(): Promise<void> {
    await Promise.all([...this.#watched].map(([id, state]) => state.online && this.#exchange(id, state)));
  }

  /** A heartbeat came in. */
  heard(caller: PeerCaller, beat: Heartbeat): Heartbeat {
    this.#options.addresses.heard(caller.id, addressText(caller.address, beat.port));
    const state = this.#watched.get(caller.id);
    // One heartbeat tells both sides: whoever is asked need not ask as well, as long as the other one does.
    // Now and then it does nevertheless: that the other side can be reached shows in no other way.
    const isNoted = this.#note(caller.id, beat);
    if (isNoted) this.reach.arrived(caller.id);
    if (isNoted && state && !state.beating && !this.reach.isDue(caller.id)) this.#schedule(caller.id, state, askedMs);
    const unreached = this.reach.unreached(caller.id);
    const known = beat.lacking.flatMap((id) =>
      this.isOnline(id) ? [{ id, addresses: this.addressesOf(id).slice(0, 4) }] : [],
    );
    return {
      ...this.#options.own(),
      lacking: [],
      known,
      ...(unreached && { unreached: { ...unreached, tried: [...unreached.tried] } }),
    };
  }

  /** Whatever else a member sends proves that it is there. */
  heardOf(member: string): void {
    const state = this.#watched.get(member);
    if (state?.online) state.heardMs = this.#options.clock.monotonic();
  }

  /** A member counts as away from now on, until it is heard of again. */
  giveUp(id: string): void {
    const state = this.#watched.get(id);
    if (!state?.online) return;
    state.online = false;
    this.reach.forget(id);
    this.#options.client.cut(id);
    this.#options.events.emit('member-offline', { id });
  }

  #watch(id: string): void {
    const state: Watched = {
      online: false,
      heardMs: 0,
      seenMs: 0,
      timer: undefined,
      beating: false,
      exchanging: false,
      refusal: undefined,
      leadMs: undefined,
      peerId: undefined,
    };
    this.#watched.set(id, state);
    this.#schedule(id, state, 0);
  }

  #schedule(id: string, state: Watched, ms: number): void {
    if (!this.#running) return;
    clearTimeout(state.timer);
    state.timer = setTimeout(() => void this.#beat(id, state), ms * (0.85 + Math.random() * 0.3));
    state.timer.unref();
  }

  async #beat(id: string, state: Watched): Promise<void> {
    if (state.beating) return;
    state.beating = true;
    const { client, own } = this.#options;
    let pause = beatMs;
    try {
      const request = {
        method: 'POST',
        path: 'heartbeat',
        body: { ...own(), lacking: this.#lacking(id), known: [] },
        timeoutMs: beatTimeoutMs,
        lane: 'heartbeat',
      } as const;
      const beat = await client.call(id, request, heartbeatShape);
      state.refusal = undefined;
      this.reach.reached(id);
      this.#learn(beat);
      if (!this.#note(id, beat)) throw new ShoalError('PEER_TWIN', { details: { member: id.slice(0, 8) } });
      this.reach.answered(id, beat.unreached);
    } catch (error) {
      state.refusal = refusalIn(error);
      this.#options.logger.debug({ member: id, err: error }, 'a heartbeat failed');
      // Who refuses this node is as good as away.
      if (state.refusal !== undefined) this.giveUp(id);
      else this.#miss(id, state);
      pause = !state.online ? probeMs : this.reach.isUnreached(id) ? beatMs : retryMs;
    } finally {
      state.beating = false;
    }
    if (this.#watched.get(id) === state) this.#schedule(id, state, pause);
  }

  #lacking(asked: string): string[] {
    return [...this.#watched].flatMap(([id, { online }]) => (online || id === asked ? [] : [id])).slice(0, maxLacking);
  }

  /** Somebody knows where members are that this node cannot reach: they may have other addresses now. */
  #learn({ known }: Heartbeat): void {
    for (const { id, addresses } of known) {
      const state = this.#watched.get(id);
      if (!state || state.online) continue;
      const before = new Set(this.addressesOf(id));
      for (const address of [...addresses].reverse()) this.#options.addresses.heard(id, address);
      if (addresses.some((address) => !before.has(address)) && !state.beating) this.#schedule(id, state, 0);
    }
  }

  /** @returns whether the member may be spoken with. */
  #note(id: string, beat: Heartbeat): boolean {
    const { addresses, clock, events, heardBoot, heardShared, members } = this.#options;
    const state = this.#watched.get(id);
    if (!state || !heardBoot(id, beat.boot)) return false;
    for (const address of [...beat.addresses].reverse()) addresses.heard(id, address);
    state.heardMs = clock.monotonic();
    state.seenMs = clock.now();
    if (!state.online) {
      state.online = true;
      events.emit('member-online', { id });
    }
    state.peerId = beat.peerId;
    if (beat.nowMs !== undefined) state.leadMs = beat.nowMs - state.seenMs;
    if (beat.shared !== undefined) heardShared(id, beat.shared);
    if (beat.members !== members.digest) void this.#exchange(id, state);
    return true;
  }

  #miss(id: string, state: Watched): void {
    if (state.online) this.reach.failed(id);
    if (this.#options.clock.monotonic() - state.heardMs >= silentMs) this.giveUp(id);
  }

  async #exchange(id: string, state: Watched): Promise<void> {
    if (state.exchanging) return;
    state.exchanging = true;
    const { client, members, logger } = this.#options;
    try {
      const body = { operations: members.operations() };
      const theirs = await client.call(id, { method: 'POST', path: 'members', body }, memberExchangeShape);
      await members.takeIn(theirs.operations);
    } catch (error) {
      logger.debug({ member: id, err: error }, 'the list of members could not be exchanged');
    } finally {
      state.exchanging = false;
    }
  }
}

function refusalIn(error: unknown): string | undefined {
  if (!(error instanceof ShoalError) || error.code !== 'PEER_REFUSED') return undefined;
  return String(error.details.code ?? '');
}
