/**
 * One id, two machines: a data folder was copied together with its key (replication.md, 2). Every start of a node has a
 * number of its own. A restart changes it once; when a number is heard again after another one had taken its place, two
 * machines are running, and both are refused until only one has been heard for a while.
 */

/** How long a number must not have been heard for the other one to count as the only one, in milliseconds. */
const quietMs = 30_000;

/** A request that was under way while its node restarted may come late: so many are none yet. */
const lateRequests = 2;

interface Heard {
  current: string;
  /** When numbers were heard last, by the monotonic clock. */
  readonly lastMs: Map<string, number>;
  /** How often a number was heard that another one had replaced. */
  again: number;
  twins: boolean;
}

/** Watches the numbers of all nodes. */
export class BootNumbers {
  readonly #nodes = new Map<string, Heard>();
  readonly #now: () => number;
  readonly #onTwins: (node: string) => void;

  /** @param now monotonic milliseconds. @param onTwins told once whenever a node turns out to be two. */
  constructor(now: () => number, onTwins: (node: string) => void) {
    this.#now = now;
    this.#onTwins = onTwins;
  }

  /** Takes note of a number. @returns whether the node may be spoken with. */
  heard(node: string, boot: string): boolean {
    const now = this.#now();
    let state = this.#nodes.get(node);
    if (!state) {
      state = { current: boot, lastMs: new Map(), again: 0, twins: false };
      this.#nodes.set(node, state);
    }
    for (const [number, lastMs] of state.lastMs) if (now - lastMs > quietMs) state.lastMs.delete(number);
    const known = state.lastMs.has(boot);
    state.lastMs.set(boot, now);
    if (state.lastMs.size === 1) {
      Object.assign(state, { current: boot, again: 0, twins: false });
      return true;
    }
    if (!known) state.current = boot;
    else if (boot !== state.current) state.again += 1;
    if (!state.twins && state.again >= lateRequests) {
      state.twins = true;
      this.#onTwins(node);
    }
    return !state.twins;
  }

  /** Whether a node is two machines, as far as is known. */
  isTwin(node: string): boolean {
    return this.#nodes.get(node)?.twins === true;
  }
}
