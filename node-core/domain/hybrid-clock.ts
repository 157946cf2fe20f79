/**
 * Hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014): wall time that never runs backwards and
 * orders what this node has seen. It only breaks ties; what has seen what is carried by contexts (version.ts).
 */

/** 12 hex digits of milliseconds since 1970, then 4 of a counter; comparing the strings compares the times. */
export type HybridTime = string;

/** A remote time further ahead than this is not adopted: one wrong clock must not win for ever (replication.md, 20). */
export const maxClockLeadMs = 5 * 60 * 1000;

const maxCounter = 0xffff;

/** Writes a hybrid time. */
export function hybridTime(wallMs: number, counter: number): HybridTime {
  return wallMs.toString(16).padStart(12, '0') + counter.toString(16).padStart(4, '0');
}

/** Wall-clock part of a hybrid time, in milliseconds since 1970. */
export function wallMsOf(time: HybridTime): number {
  return Number.parseInt(time.slice(0, 12), 16);
}

/** Counter part of a hybrid time. */
export function counterOf(time: HybridTime): number {
  return Number.parseInt(time.slice(12), 16);
}

/** True for a well-formed hybrid time. */
export function isHybridTime(value: string): boolean {
  return /^[0-9a-f]{16}$/.test(value);
}

/** The clock of one node. Not shared between nodes; only the committer ticks it. */
export class HybridClock {
  readonly #now: () => number;
  #last: HybridTime;

  /** @param now wall clock in milliseconds. @param last the highest time known from before, kept by the catalogue. */
  constructor(now: () => number, last: HybridTime = hybridTime(0, 0)) {
    this.#now = now;
    this.#last = last;
  }

  /** The highest time given out or seen. */
  get last(): HybridTime {
    return this.#last;
  }

  /** A time higher than every one given out or seen before. */
  tick(): HybridTime {
    const wall = Math.max(0, Math.floor(this.#now()));
    const lastWall = wallMsOf(this.#last);
    if (wall > lastWall) this.#last = hybridTime(wall, 0);
    else {
      const counter = counterOf(this.#last) + 1;
      this.#last = counter > maxCounter ? hybridTime(lastWall + 1, 0) : hybridTime(lastWall, counter);
    }
    return this.#last;
  }

  /** Takes note of a remote time. Returns false, and ignores it, when it is too far ahead of this node's wall clock. */
  observe(remote: HybridTime): boolean {
    if (wallMsOf(remote) > this.#now() + maxClockLeadMs) return false;
    if (remote > this.#last) this.#last = remote;
    return true;
  }
}
