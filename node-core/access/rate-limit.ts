import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';
import { ShoalError } from '../domain/errors.ts';
import type { Clock } from '../runtime/clock.ts';

/** How often something may be done. */
export interface Rate {
  /** At once, after a pause. */
  readonly burst: number;
  /** Over a longer time. */
  readonly perMinute: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Callers remembered at once. Who is forgotten begins anew; the total still holds. */
const maxCallers = 20_000;

/**
 * Limits how often a caller may do something, and all callers together: token buckets in bounded memory, by a clock that
 * nobody can set back.
 */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #rate: () => Rate;
  readonly #total: Rate | undefined;
  readonly #buckets = new LRUCache<string, Bucket>({ max: maxCallers });
  #all: Bucket;

  /** @param rate of one caller, as it counts now. @param total of all together. */
  constructor(clock: Clock, rate: () => Rate, total?: Rate) {
    this.#clock = clock;
    this.#rate = rate;
    this.#total = total;
    this.#all = { tokens: total?.burst ?? 0, atMs: clock.monotonic() };
  }

  /** Counts one attempt. @throws ShoalError TOO_MANY_REQUESTS, and counts nothing then. */
  take(address: string): void {
    this.check(address);
    this.#bucketOf(address).tokens -= 1;
    if (this.#total) this.#all.tokens -= 1;
  }

  /** Gives back what a success has taken: only failures count in the end. */
  giveBack(address: string): void {
    const bucket = this.#bucketOf(address);
    bucket.tokens = Math.min(this.#rate().burst, bucket.tokens + 1);
    if (this.#total) this.#all.tokens = Math.min(this.#total.burst, this.#all.tokens + 1);
  }

  /** @throws ShoalError TOO_MANY_REQUESTS when the next attempt would be one too many. */
  check(address: string): void {
    const rate = this.#rate();
    const own = this.#bucketOf(address);
    if (own.tokens < 1) throw tooMany(rate, own);
    if (this.#total === undefined) return;
    this.#refill(this.#all, this.#total);
    if (this.#all.tokens < 1) throw tooMany(this.#total, this.#all);
  }

  #bucketOf(address: string): Bucket {
    const key = callerKey(address);
    const rate = this.#rate();
    let bucket = this.#buckets.get(key);
    if (!bucket) {
      bucket = { tokens: rate.burst, atMs: this.#clock.monotonic() };
      this.#buckets.set(key, bucket);
    }
    this.#refill(bucket, rate);
    return bucket;
  }

  #refill(bucket: Bucket, { burst, perMinute }: Rate): void {
    const now = this.#clock.monotonic();
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.atMs) / 60_000) * perMinute);
    bucket.atMs = now;
  }
}

function tooMany({ perMinute }: Rate, { tokens }: Bucket): ShoalError {
  const retryAfterSeconds = Math.max(1, Math.ceil(((1 - tokens) * 60) / perMinute));
  return new ShoalError('TOO_MANY_REQUESTS', { details: { retryAfterSeconds } });
}

/** One caller has a whole /64 of IPv6 for itself (RFC 6177): all of it counts as one. */
export function callerKey(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed.kind() === 'ipv4' ? parsed.toString() : parsed.toByteArray().slice(0, 8).join('.');
}
