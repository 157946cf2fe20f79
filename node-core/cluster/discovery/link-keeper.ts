/** The links of this host, one for each network: opened, watched, opened anew when they are deaf or could not be opened. */
import type { HostNetwork } from '../../domain/host-networks.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Announcement } from './announcement.ts';
import { type MulticastLink, type MulticastOptions, openLink } from './multicast-link.ts';
import type { Notice } from './packet.ts';
import { SenderBudget } from './sender-budget.ts';
import type { LinkView } from './state.ts';

/** Who hears of the links. */
export interface LinksListener {
  /** A link listens now: time to ask on it. */
  readonly ready: () => void;
  readonly heard: (notice: Notice, from: string) => void;
  /** The health of a link is another. */
  readonly changed: () => void;
}

interface Entry {
  readonly network: HostNetwork;
  link: MulticastLink;
  health: LinkView['health'];
  error: string | undefined;
  /** A query is out, and the node's own answer has not come back yet. */
  awaiting: boolean;
  /** Queries in a row without the node's own answer. */
  missed: number;
  /** Times in a row that the link was of no use. */
  failures: number;
  /** Monotonic time at which it is opened anew. */
  retryMs: number | undefined;
}

/** A link is opened anew when so many queries in a row brought not even the node's own answer. */
const deafAfterQueries = 3;
const retryFirstMs = 2000;
const retryMostMs = 60_000;

export class LinkKeeper {
  readonly #clock: Clock;
  readonly #options: MulticastOptions;
  readonly #listener: LinksListener;
  readonly #budget: SenderBudget;
  readonly #entries = new Map<string, Entry>();
  readonly #closing = new Set<Promise<void>>();

  constructor(clock: Clock, options: MulticastOptions, listener: LinksListener) {
    this.#clock = clock;
    this.#options = options;
    this.#listener = listener;
    this.#budget = new SenderBudget(clock);
  }

  /**
   * Makes the links those of the networks.
   * @param anew opens those again that are open already. @returns whether a network is new or opened anew by wish, and
   * whether one was left.
   */
  reconcile(
    networks: readonly HostNetwork[],
    announcement: Announcement,
    anew: boolean,
  ): { readonly opened: boolean; readonly left: boolean } {
    const wanted = new Map(networks.map((network) => [keyOf(network), network]));
    let [opened, left] = [false, false];
    for (const [key, entry] of this.#entries) {
      if (wanted.has(key)) continue;
      this.#entries.delete(key);
      this.#close(entry.link, false);
      left = true;
    }
    for (const [key, network] of wanted) {
      const entry = this.#entries.get(key);
      if (entry && !anew && (entry.retryMs === undefined || this.#clock.monotonic() < entry.retryMs)) continue;
      if (entry) this.#close(entry.link, false);
      opened ||= anew || !entry;
      this.#open(key, network, announcement, anew ? 0 : (entry?.failures ?? 0));
    }
    return { opened, left };
  }

  /** Asks on every link that listens. @returns their networks. */
  ask(): readonly HostNetwork[] {
    const asked = [...this.#entries.values()].filter(({ health }) => health !== 'failed');
    for (const entry of asked) {
      entry.awaiting = true;
      entry.link.query();
    }
    return asked.map(({ network }) => network);
  }

  /** Counts the queries that the node itself did not answer. @returns whether one is missing now that was not before. */
  countMissing(): boolean {
    let begins = false;
    for (const entry of this.#entries.values()) {
      if (!entry.awaiting || entry.retryMs !== undefined) continue;
      entry.awaiting = false;
      entry.missed += 1;
      begins ||= entry.missed === 1;
      if (entry.missed >= deafAfterQueries) this.#fail(entry, 'silent', entry.error);
    }
    return begins;
  }

  /** Whether some link has begun to miss its own answers, so that it is worth asking soon again. */
  misses(): boolean {
    return [...this.#entries.values()].some(({ missed, retryMs }) => missed > 0 && retryMs === undefined);
  }

  /** For the status page, in the order of the networks. */
  views(): LinkView[] {
    return [...this.#entries.values()].map(({ network, health, error }) => ({
      name: network.card,
      address: network.address,
      health,
      ...(error === undefined || health === 'working' ? {} : { error }),
    }));
  }

  /** Closes all links, and waits for those that are closing. */
  async closeAll(goodbye: boolean): Promise<void> {
    for (const { link } of this.#entries.values()) this.#close(link, goodbye);
    this.#entries.clear();
    await Promise.all(this.#closing);
  }

  #open(key: string, network: HostNetwork, announcement: Announcement, failures: number): void {
    const own = announcement.id;
    const link = openLink(network, announcement, this.#options, {
      ready: () => this.#listener.ready(),
      heard: (notice, from) => {
        if (notice.id === own && from === network.address) this.#hearOwn(entry);
        else this.#listener.heard(notice, from);
      },
      failed: (error) => this.#fail(entry, 'failed', codeOf(error)),
      unsent: (error) => {
        entry.error = codeOf(error);
      },
      admits: (from) => from === network.address || this.#budget.take(from),
    });
    const fresh = { awaiting: false, missed: 0, failures, retryMs: undefined, error: undefined };
    const entry: Entry = { network, link, health: 'opening', ...fresh };
    this.#entries.set(key, entry);
  }

  #hearOwn(entry: Entry): void {
    const news = entry.health !== 'working';
    Object.assign(entry, { health: 'working', error: undefined, awaiting: false, missed: 0, failures: 0 });
    entry.retryMs = undefined;
    if (news) this.#listener.changed();
  }

  #fail(entry: Entry, health: 'silent' | 'failed', error: string | undefined): void {
    // Both the socket and its opening report the same error.
    if (entry.retryMs !== undefined) return;
    entry.health = health;
    entry.error = error;
    entry.retryMs = this.#clock.monotonic() + Math.min(retryFirstMs * 2 ** entry.failures, retryMostMs);
    entry.failures += 1;
    this.#listener.changed();
  }

  #close(link: MulticastLink, goodbye: boolean): void {
    const closing = link.close(goodbye).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

/** A network with another card or address is another one. */
function keyOf({ card, address, prefix, cardId }: HostNetwork): string {
  return `${card} ${address}/${prefix} ${cardId}`;
}

function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : 'UNKNOWN';
}
