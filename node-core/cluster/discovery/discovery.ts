/**
 * Finds nodes on the networks of this host and lets itself be found. It gives hints and nothing more: who is a member,
 * and who is alive, is decided over the connection to a peer.
 *
 *   found  ──> changed ──> ... ──> gone      of one node id; `heard` in between
 *
 * Every two seconds it compares the host's networks with its links and opens what is missing: after a change of address, a
 * card put in, a sleep. Each link asks who is there, often in the first minute and then seldom, and must hear the node's
 * own answer: one that does not is opened anew.
 */
import { type HostNetwork, isOnNetwork } from '../../domain/host-networks.ts';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { EventBus } from '../../runtime/events.ts';
import type { Service } from '../../runtime/service.ts';
import type { Announcement } from './announcement.ts';
import { type HostInterfaces, hostInterfaces, networksOf } from './host-interfaces.ts';
import { LinkKeeper } from './link-keeper.ts';
import type { MulticastOptions } from './multicast-link.ts';
import type { Notice } from './packet.ts';
import { type NodeHint, type Removal, Sightings } from './sightings.ts';
import { type DiscoveryState, judge, stopped } from './state.ts';

/** What discovery tells, in order. Handlers that throw are reported and keep nobody from hearing. */
export interface DiscoveryEvents {
  /** A node is heard of for the first time, or again after it was gone. */
  readonly found: NodeHint;
  /** It is heard at another address or port, or says something else of itself. */
  readonly changed: NodeHint;
  /** It is there, unchanged; at most once a second for a node. Worth a try for whoever waits before dialling again. */
  readonly heard: NodeHint;
  /** It is gone, as far as one can hear. No statement that it is dead. */
  readonly gone: Gone;
  /** What {@link Discovery.state} tells has changed in more than its nodes. */
  readonly state: DiscoveryState;
}

/** The end of a hint. */
export interface Gone {
  readonly hint: NodeHint;
  /** `goodbye`: it said so and did not answer afterwards. `network`: this host has left the network it was on. */
  readonly reason: 'goodbye' | 'silence' | 'network';
}

/** What discovery is made of. */
export interface DiscoveryOptions {
  readonly announcement: Announcement;
  /** Hears of handlers that threw. */
  readonly onHandlerError: (error: unknown) => void;
  readonly clock?: Clock;
  /** The host's network cards; those of the operating system when undefined. */
  readonly interfaces?: HostInterfaces;
  readonly multicast?: MulticastOptions;
}

const pollMs = 2000;
/** Between queries: at first, and later at random between these two. */
const fastQueryMs = 2000;
const slowQueryMs = { least: 15_000, most: 60_000 };
const fastForMs = 60_000;
/** An answer takes milliseconds; after this it is missing. */
const answerMs = 1000;
/** A wall clock that moves by so much more or less than time went by: the host slept, or somebody set it. */
const jumpMs = 5000;

export class Discovery implements Service {
  readonly name = 'discovery';
  readonly events: EventBus<DiscoveryEvents>;
  readonly #options: DiscoveryOptions;
  readonly #clock: Clock;
  readonly #sightings = new Sightings();
  readonly #links: LinkKeeper;
  readonly #lastHeardMs = new Map<string, number>();
  #announcement: Announcement;
  #state: DiscoveryState = stopped;
  #running = false;
  #poll: NodeJS.Timeout | undefined;
  #query: NodeJS.Timeout | undefined;
  #verdict: NodeJS.Timeout | undefined;
  #fastUntilMs = 0;
  #wallMs = 0;
  #monotonicMs = 0;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#announcement = options.announcement;
    this.events = new EventBus(options.onHandlerError);
    this.#links = new LinkKeeper(this.#clock, options.multicast ?? {}, {
      ready: () => this.#ask(),
      heard: (notice, from) => this.#hear(notice, from),
      changed: () => this.#tellState(),
    });
  }

  /** Opens what there is. A network that does not work is no error: {@link state} tells, and it is tried again. */
  async start(): Promise<void> {
    this.#running = true;
    this.#rememberTime();
    this.#state = { ...stopped, state: 'starting' };
    this.#hurry();
    this.#reconcile(false);
    this.#poll = setInterval(() => this.#reconcile(this.#hasJumped()), pollMs);
    this.#scheduleQuery();
  }

  /** Says goodbye on every network and closes the sockets. */
  async stop(): Promise<void> {
    this.#running = false;
    clearInterval(this.#poll);
    clearTimeout(this.#query);
    clearTimeout(this.#verdict);
    this.#query = undefined;
    this.#verdict = undefined;
    await this.#links.closeAll(true);
    this.#sightings.clear();
    this.#lastHeardMs.clear();
    this.#state = stopped;
  }

  /** Announces something else from now on: another name, port or tag; undefined takes a tag away. The id stays. */
  announce(change: Partial<Omit<Announcement, 'id'>>): void {
    this.#announcement = { ...this.#announcement, ...change };
    if (!this.#running) return;
    this.#hurry();
    this.#reconcile(true);
  }

  /** What a status page shows. */
  state(): DiscoveryState {
    return { ...this.#state, interfaces: this.#links.views(), nodes: this.#sightings.hints() };
  }

  /** Nodes heard of, in order of first appearance. */
  nodes(): readonly NodeHint[] {
    return this.#sightings.hints();
  }

  /** Asks now who is there; the answers are events. For a person who looks at the list, and for who misses a peer. */
  refresh(): void {
    if (this.#running) this.#ask();
  }

  #reconcile(anew: boolean): void {
    const networks = networksOf(this.#options.interfaces ?? hostInterfaces, this.#options.multicast?.interface);
    const { opened, left } = this.#links.reconcile(networks, this.#announcement, anew);
    if (opened) this.#hurry();
    if (left) this.#tellRemoval(this.#sightings.removeUnreachable(reaching(networks)), 'network');
    this.#tellRemoval(this.#sightings.removeSilent(this.#clock.monotonic()), 'silence');
    this.#tellState();
  }

  /** Asks often for the next minute. */
  #hurry(): void {
    this.#fastUntilMs = this.#clock.monotonic() + fastForMs;
    if (this.#query) this.#scheduleQuery();
  }

  #scheduleQuery(): void {
    clearTimeout(this.#query);
    // Random, so that the nodes of a network that was switched on do not speak in chorus.
    const fast = this.#clock.monotonic() < this.#fastUntilMs || this.#links.misses();
    const { least, most } = slowQueryMs;
    const delayMs = fast ? fastQueryMs * (0.8 + Math.random() * 0.4) : least + Math.random() * (most - least);
    this.#query = setTimeout(() => {
      this.#ask();
      this.#scheduleQuery();
    }, delayMs);
  }

  #ask(): void {
    this.#sightings.asked(reaching(this.#links.ask()));
    // One verdict at a time: it concerns everything asked since the last one.
    this.#verdict ??= setTimeout(() => this.#judgeAnswers(), answerMs);
  }

  #judgeAnswers(): void {
    this.#verdict = undefined;
    this.#tellRemoval(this.#sightings.removeLeaving(), 'goodbye');
    if (this.#links.countMissing()) this.#scheduleQuery();
    if (this.#sightings.hasUnaskedGoodbyes()) this.#ask();
    this.#tellState();
  }

  #hear(notice: Notice, from: string): void {
    if (notice.id === this.#announcement.id) return;
    if (notice.kind === 'goodbye') {
      // Anybody can say it in a node's name. Whether it is true, the node's silence tells.
      if (this.#sightings.goodbye(notice.id, from) && this.#verdict === undefined) this.#ask();
      return;
    }
    const nowMs = this.#clock.monotonic();
    const hearing = this.#sightings.hear(notice.id, { address: from, port: notice.port }, notice.text, nowMs);
    const hint = this.#sightings.hint(notice.id);
    if (hearing === 'ignored' || hint === undefined) return;
    const lastMs = this.#lastHeardMs.get(notice.id) ?? Number.NEGATIVE_INFINITY;
    if (hearing === 'heard' && nowMs - lastMs < 1000) return;
    this.#lastHeardMs.set(notice.id, nowMs);
    this.events.emit(hearing, hint);
  }

  #tellRemoval(removal: Removal, reason: Gone['reason']): void {
    for (const hint of removal.changed) this.events.emit('changed', hint);
    for (const hint of removal.gone) {
      this.#lastHeardMs.delete(hint.id);
      this.events.emit('gone', { hint, reason });
    }
  }

  #tellState(): void {
    if (!this.#running) return;
    const next = judge(this.#links.views(), this.#state);
    const same = next.state === this.#state.state && next.reason === this.#state.reason;
    this.#state = next;
    if (!same) this.events.emit('state', this.state());
  }

  #hasJumped(): boolean {
    const [wallMs, monotonicMs] = [this.#wallMs, this.#monotonicMs];
    this.#rememberTime();
    const passedMs = this.#monotonicMs - monotonicMs;
    // On some systems the monotonic clock runs on during sleep: then only the timer comes late.
    return Math.abs(this.#wallMs - wallMs - passedMs) > jumpMs || passedMs > pollMs + jumpMs;
  }

  #rememberTime(): void {
    this.#wallMs = this.#clock.now();
    this.#monotonicMs = this.#clock.monotonic();
  }
}

function reaching(networks: readonly HostNetwork[]): (address: string) => boolean {
  return (address) => networks.some((network) => isOnNetwork(address, network));
}
