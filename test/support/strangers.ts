/**
 * Callers that may not manage. Everybody in a test calls from this host, whose callers may; behind a proxy that the node
 * trusts, they have the addresses that a test gives them.
 */
import type { Clock } from '../../node-core/runtime/clock.ts';

/** Configuration of a node that believes the tests as to who calls. */
export const behindProxy = { trusted_proxies: ['127.0.0.1'] } as const;

/** Headers of a caller from elsewhere. */
export function from(address = '203.0.113.7'): { readonly 'x-forwarded-for': string } {
  return { 'x-forwarded-for': address };
}

/** Headers of a script that manages from anywhere. */
export const withKey = { authorization: 'Bearer test-admin-key' } as const;

/** A clock that tests set: `now` is wall time and moves with them, `monotonic` too. */
export class TestClock implements Clock {
  #offsetMs = 0;

  now(): number {
    return Date.now() + this.#offsetMs;
  }

  monotonic(): number {
    return performance.now() + this.#offsetMs;
  }

  /** Lets time pass, or runs it back. */
  advance(seconds: number): void {
    this.#offsetMs += seconds * 1000;
  }
}
