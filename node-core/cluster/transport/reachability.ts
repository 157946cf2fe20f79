/**
 * Whether connections can be opened to whom. A firewall or a wrong address lets a node speak with others and lets nobody speak
 * with it: its heartbeats arrive, and whoever wants to fetch something from it gets nowhere. Only the others notice; they
 * tell it in their answers. One lost connection is nothing: it takes several, over a while, between heartbeats that arrive.
 */

/** A member to which a node cannot open connections although its heartbeats arrive. */
export interface Unreached {
  /** Since when, milliseconds ago. */
  readonly forMs: number;
  /** Where it was tried, `host:port`. */
  readonly tried: readonly string[];
}

/** News of it. */
export interface ReachabilityEvents {
  /** `by` cannot open connections to `member`, or can again. Both are ids of members. */
  'reach-changed': { readonly member: string; readonly by: string; readonly reached: boolean };
}

/** So many attempts in a row, and for so long, before a member is taken for unreachable; the latter in milliseconds. */
const minFailures = 3;
const minFailingMs = 8000;

/** A heartbeat that came later than this ago says nothing of now, in milliseconds. */
const freshMs = 6000;

/** A connection is tried at least this often, though the other side's heartbeats would do; in milliseconds. Longer than
 * an unused connection is kept, so that each time a new one is opened. */
const tryMs = 30_000;

/** What is built with. */
export interface ReachabilityOptions {
  readonly self: string;
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonic: () => number;
  /** Where a member is looked for, best first. */
  readonly addressesOf: (member: string) => readonly string[];
  readonly onChange: (event: ReachabilityEvents['reach-changed']) => void;
}

interface Attempts {
  /** When the last one ended. */
  lastMs: number;
  /** Failed ones in a row, and when the first of them failed. */
  failures: number;
  sinceMs: number;
  /** Heartbeats that came since then. */
  arrived: number;
  arrivedMs: number;
  unreached: boolean;
}

interface Claim {
  readonly sinceMs: number;
  readonly tried: readonly string[];
}

/** Keeps what this node and others have found out. */
export class Reachability {
  readonly #options: ReachabilityOptions;
  readonly #attempts = new Map<string, Attempts>();
  /** Members that say that they cannot reach this node. */
  readonly #claims = new Map<string, Claim>();

  constructor(options: ReachabilityOptions) {
    this.#options = options;
  }

  /** Whether a member should be tried although its own heartbeats come. */
  isDue(member: string): boolean {
    const known = this.#attempts.get(member);
    return !known || known.failures > 0 || this.#options.monotonic() - known.lastMs > tryMs;
  }

  /** A heartbeat of a member came in over a connection that it has opened: it reaches this node. */
  arrived(member: string): void {
    const known = this.#of(member);
    known.arrived += 1;
    known.arrivedMs = this.#options.monotonic();
    this.#claim(member, undefined);
  }

  /** A connection to a member was opened, or one was open. */
  reached(member: string): void {
    const known = this.#of(member);
    const before = known.unreached;
    Object.assign(known, { lastMs: this.#options.monotonic(), failures: 0, arrived: 0, unreached: false });
    if (before) this.#tell(member, this.#options.self, true);
  }

  /** No connection to a member could be opened. */
  failed(member: string): void {
    const known = this.#of(member);
    const now = this.#options.monotonic();
    known.lastMs = now;
    if (known.failures === 0) Object.assign(known, { sinceMs: now, arrived: 0 });
    known.failures += 1;
    if (known.unreached || known.failures < minFailures || known.arrived < minFailures) return;
    if (now - known.sinceMs < minFailingMs || now - known.arrivedMs > freshMs) return;
    known.unreached = true;
    this.#tell(member, this.#options.self, false);
  }

  /** A member has answered, and said what it knows of reaching this node. */
  answered(member: string, claim: Unreached | undefined): void {
    this.#claim(member, claim && { sinceMs: this.#options.monotonic() - claim.forMs, tried: claim.tried });
  }

  /** A member is away or none any more: what is known of it says nothing. */
  forget(member: string): void {
    this.reached(member);
    this.#attempts.delete(member);
    this.#claim(member, undefined);
  }

  /** Whether this node cannot reach a member whose heartbeats arrive. */
  isUnreached(member: string): boolean {
    return this.#attempts.get(member)?.unreached === true;
  }

  /** What this node knows of a member that it cannot reach. @returns undefined: it can, or does not know. */
  unreached(member: string): Unreached | undefined {
    const known = this.#attempts.get(member);
    if (!known?.unreached) return undefined;
    const tried = this.#options.addressesOf(member).slice(0, 4);
    return { forMs: Math.round(this.#options.monotonic() - known.sinceMs), tried };
  }

  /** Members that say that they cannot reach this node, by id. */
  claims(): ReadonlyMap<string, Unreached> {
    const now = this.#options.monotonic();
    return new Map(
      [...this.#claims].map(([id, { sinceMs, tried }]) => [id, { forMs: Math.round(now - sinceMs), tried }]),
    );
  }

  #of(member: string): Attempts {
    let known = this.#attempts.get(member);
    if (!known) {
      const never = Number.NEGATIVE_INFINITY;
      known = { lastMs: never, failures: 0, sinceMs: 0, arrived: 0, arrivedMs: never, unreached: false };
      this.#attempts.set(member, known);
    }
    return known;
  }

  #claim(member: string, claim: Claim | undefined): void {
    const before = this.#claims.has(member);
    if (claim) this.#claims.set(member, claim);
    else this.#claims.delete(member);
    if (before !== (claim !== undefined)) this.#tell(this.#options.self, member, before);
  }

  #tell(member: string, by: string, reached: boolean): void {
    this.#options.onChange({ member, by, reached });
  }
}
