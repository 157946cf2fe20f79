/** What is watched. A watch looks; the board decides what a look means. */
import type { Alarm, AlarmKind } from '../catalog/alarm-values.ts';
import type { Clock } from '../runtime/clock.ts';

/** Something that is wrong now. */
export interface Finding {
  /** What it is about; empty where there is only one of its kind. */
  readonly subject: string;
  readonly details: Alarm['details'];
}

/** Looks for one kind of trouble. */
export interface Watch {
  readonly kind: AlarmKind;
  /** How long it must be seen before it is an alarm, in milliseconds: 0 at once. */
  readonly openAfterMs: number;
  /** How long it must be gone before the alarm is over, in milliseconds. */
  readonly closeAfterMs: number;
  /** Everything of this kind that is wrong now. */
  readonly look: () => Promise<readonly Finding[]> | readonly Finding[];
}

/** A counter that only grows, looked at over a window of time. */
export interface RateWatchOptions {
  readonly kind: AlarmKind;
  readonly clock: Clock;
  readonly windowMs: number;
  /** How long it must have been quiet before the alarm is over, in milliseconds. */
  readonly closeAfterMs: number;
  /** The counter. */
  readonly read: () => number;
  /** So many within the window are too many; 0: never. */
  readonly limit: () => number;
  /** More to say of it. */
  readonly details?: () => Alarm['details'];
}

/** Watches how much a counter grows within a window of time. */
export function rateWatch({ kind, clock, windowMs, closeAfterMs, read, limit, details }: RateWatchOptions): Watch {
  const samples: { readonly atMs: number; readonly value: number }[] = [];
  return {
    kind,
    openAfterMs: 0,
    closeAfterMs,
    look: () => {
      const now = clock.monotonic();
      samples.push({ atMs: now, value: read() });
      // The newest sample outside of the window is what the window begins with.
      while ((samples[1]?.atMs ?? now) < now - windowMs) samples.shift();
      const count = read() - (samples[0]?.value ?? 0);
      const max = limit();
      return max > 0 && count >= max ? [{ subject: '', details: { count, ...details?.() } }] : [];
    },
  };
}
