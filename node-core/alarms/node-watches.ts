/** The watches over one node by itself. */
import type { Config } from '../config/schema.ts';
import type { Clock } from '../runtime/clock.ts';
import { rateWatch, type Watch } from './watch.ts';

/** What the watches look at. */
export interface WatchedNode {
  readonly config: () => Config;
  readonly clock: Clock;
  /** Bytes of the store's disk. @throws when it cannot be looked at. */
  readonly space: () => Promise<{ readonly free: number; readonly floor: number }>;
  /** @throws when the store's folder is not the one that belongs to the catalogue. */
  readonly checkStore: () => Promise<void>;
  /** Why the catalogue cannot be written, if it cannot. */
  readonly catalogueError: () => unknown;
  /** Counters that only grow. */
  readonly internalErrors: () => number;
  readonly failedLogins: () => number;
  readonly damagedFiles: () => number;
  /** Rules that wait for somebody to confirm what they would remove. */
  readonly waitingRules: () => Promise<readonly { readonly id: string; readonly files: number }[]>;
  /** How far the wall clock is ahead of what deletions by age trust, in milliseconds. */
  readonly clockLeadMs: () => number;
  /** Path of the file that was found damaged last. */
  readonly latestDamaged: () => string;
}

const megabyte = 1_000_000;
const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** A machine that was off for days has a clock that is ahead of what is trusted; only more is worth a word. */
const maxLeadMs = 7 * dayMs;

/** All of them. */
export function nodeWatches(node: WatchedNode): readonly Watch[] {
  const { clock, config } = node;
  return [
    {
      kind: 'disk-floor',
      openAfterMs: 0,
      // A disk that is cleared and fills up again is one alarm.
      closeAfterMs: 5 * minuteMs,
      look: async () => {
        // A folder that is gone is another alarm.
        const space = await node.space().catch(() => undefined);
        if (!space || space.free >= space.floor) return [];
        const details = { freeMb: Math.round(space.free / megabyte), floorMb: Math.round(space.floor / megabyte) };
        return [{ subject: '', details }];
      },
    },
    {
      kind: 'store-missing',
      openAfterMs: 0,
      closeAfterMs: minuteMs,
      look: async () => {
        const reason = await node.checkStore().then(
          () => undefined,
          (error: unknown) => (error instanceof Error ? error.message : String(error)),
        );
        return reason === undefined ? [] : [{ subject: '', details: { reason } }];
      },
    },
    {
      kind: 'catalogue-unwritable',
      openAfterMs: 0,
      closeAfterMs: minuteMs,
      look: () => {
        const error = node.catalogueError();
        if (error === undefined) return [];
        return [{ subject: '', details: { reason: error instanceof Error ? error.message : String(error) } }];
      },
    },
    {
      kind: 'deletion-waits',
      openAfterMs: 0,
      closeAfterMs: 0,
      look: async () => {
        const rules = await node.waitingRules();
        return rules.map(({ id, files }) => ({ subject: id, details: { files } }));
      },
    },
    {
      kind: 'clock-jumped',
      openAfterMs: 0,
      closeAfterMs: minuteMs,
      look: () => {
        const leadMs = node.clockLeadMs();
        return leadMs < maxLeadMs ? [] : [{ subject: '', details: { hours: Math.round(leadMs / 3_600_000) } }];
      },
    },
    rateWatch({
      kind: 'bytes-damaged',
      clock,
      windowMs: minuteMs,
      // What is damaged stays so until somebody has looked; a day without another one lets it rest.
      closeAfterMs: dayMs,
      read: node.damagedFiles,
      limit: () => 1,
      details: () => ({ latest: node.latestDamaged() }),
    }),
    rateWatch({
      kind: 'error-rate',
      clock,
      windowMs: minuteMs,
      closeAfterMs: 5 * minuteMs,
      read: node.internalErrors,
      limit: () => config().alarm_errors_per_minute,
    }),
    rateWatch({
      kind: 'login-attack',
      clock,
      windowMs: 10 * minuteMs,
      closeAfterMs: 10 * minuteMs,
      read: node.failedLogins,
      limit: () => config().alarm_failed_logins,
    }),
  ];
}
