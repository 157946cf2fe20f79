/** The watches over a node's place among others. */
import type { Watch } from './watch.ts';

/** What the watches look at. */
export interface WatchedCluster {
  /** The members besides this node. */
  readonly members: () => readonly {
    readonly name: string;
    readonly online: boolean;
    /** Milliseconds since 1970; undefined when it was not heard of since the start. */
    readonly seenMs: number | undefined;
  }[];
  /** Contents that files here need and this node has not got, with when they were first missed. */
  readonly wanted: () => AsyncIterable<{ readonly addedMs: number; readonly lost: boolean }>;
  /** Names of those that two machines run as. */
  readonly twins: () => readonly string[];
  /** Whether nothing is fetched because the disk is full, and how full it is. */
  readonly stalled: () => Promise<{ readonly free: number; readonly floor: number } | undefined>;
  readonly nodeName: () => string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

const minuteMs = 60_000;
const megabyte = 1_000_000;

/** A member that restarts or moves is no alarm. */
const awayMs = 2 * minuteMs;

/** Files that wait for so long are behind. */
const lagMs = 15 * minuteMs;

/** All of them. */
export function clusterWatches(cluster: WatchedCluster): readonly Watch[] {
  const { members, wanted, twins, stalled, nodeName, now } = cluster;
  return [
    {
      kind: 'peer-unreachable',
      openAfterMs: awayMs,
      closeAfterMs: minuteMs / 2,
      look: () =>
        members()
          .filter(({ online }) => !online)
          .map(({ name, seenMs }) => ({
            subject: name,
            details: { lastSeen: seenMs === undefined ? '-' : new Date(seenMs).toISOString() },
          })),
    },
    {
      kind: 'replication-lag',
      openAfterMs: 0,
      closeAfterMs: minuteMs,
      look: async () => {
        let files = 0;
        let oldestMs = now();
        for await (const { addedMs, lost } of wanted()) {
          // Nobody is going to bring it: that is another alarm.
          if (lost) continue;
          files += 1;
          oldestMs = Math.min(oldestMs, addedMs);
        }
        if (now() - oldestMs < lagMs) return [];
        return [{ subject: nodeName(), details: { files, minutes: Math.round((now() - oldestMs) / minuteMs) } }];
      },
    },
    {
      kind: 'files-lost',
      openAfterMs: 0,
      closeAfterMs: minuteMs,
      look: async () => {
        let contents = 0;
        for await (const { lost } of wanted()) if (lost) contents += 1;
        return contents === 0 ? [] : [{ subject: '', details: { contents } }];
      },
    },
    {
      kind: 'twin-seen',
      openAfterMs: 0,
      closeAfterMs: minuteMs,
      look: () => twins().map((name) => ({ subject: name, details: {} })),
    },
    {
      kind: 'fetching-stopped',
      openAfterMs: 0,
      closeAfterMs: minuteMs,
      look: async () => {
        const space = await stalled();
        if (!space) return [];
        const details = { freeMb: Math.round(space.free / megabyte), floorMb: Math.round(space.floor / megabyte) };
        return [{ subject: nodeName(), details }];
      },
    },
  ];
}
