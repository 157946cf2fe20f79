import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../runtime/clock.ts';

/** How long a ticket is good, in milliseconds, and how many there are at once. */
const ticketMs = 60_000;
const maxTickets = 100;

/** Selections that wait for their download: an address holds a few hundred paths, a selection thousands. */
export class ZipTickets {
  readonly #clock: Clock;
  readonly #tickets = new LRUCache<string, { readonly paths: readonly string[]; readonly untilMs: number }>({
    max: maxTickets,
  });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Keeps a selection. @returns its ticket. */
  give(paths: readonly string[]): string {
    const ticket = randomBytes(16).toString('base64url');
    this.#tickets.set(ticket, { paths, untilMs: this.#clock.now() + ticketMs });
    return ticket;
  }

  /** The selection of a ticket, once. */
  take(ticket: string): readonly string[] | undefined {
    const kept = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    return kept && kept.untilMs > this.#clock.now() ? kept.paths : undefined;
  }
}
