import type { Clock } from '../../runtime/clock.ts';

/** Packets of one sender in a second, and of all. A neighbour sends a few; twenty that ask every two seconds, about 140. */
const perSender = 40;
const perAll = 1000;

/** Bounds how much of this node's time senders of packets take, in bounded memory: what is over the limit is not read. */
export class SenderBudget {
  readonly #clock: Clock;
  readonly #taken = new Map<string, number>();
  #all = 0;
  #second = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one packet. @returns whether it may be read. */
  take(sender: string): boolean {
    const second = Math.floor(this.#clock.monotonic() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#all = 0;
      this.#taken.clear();
    }
    const taken = this.#taken.get(sender) ?? 0;
    if (taken >= perSender || this.#all >= perAll) return false;
    this.#all += 1;
    this.#taken.set(sender, taken + 1);
    return true;
  }
}
