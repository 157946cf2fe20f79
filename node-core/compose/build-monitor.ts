/** What watches over the node and tells people. */

import type { AlarmEvents } from '../alarms/alarm-board.ts';
import { clusterWatches } from '../alarms/cluster-watches.ts';
import { Monitor } from '../alarms/monitor.ts';
import { nodeWatches } from '../alarms/node-watches.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { nodeNameOf } from '../config/node-name.ts';
import { EventBus } from '../runtime/events.ts';
import type { FileParts } from './build-files.ts';
import type { StoreParts } from './build-store.ts';
import type { Ground } from './ground.ts';

/** Builds the monitor over everything that it watches. */
export function buildMonitor(
  { clock, live, log, identity, metrics, reportError }: Ground,
  { catalog, guard, events }: StoreParts,
  { watcher, retention, deletionClock }: FileParts,
  cluster: Cluster,
) {
  const { logger } = log;
  const nodeId = identity.id;
  const nodeName = () => nodeNameOf(live.current);
  let latestDamaged = '';
  events.on('bytes-damaged', ({ path: damaged, place }) => {
    metrics.count('damaged');
    latestDamaged = damaged;
    logger.error({ path: damaged, place }, 'bytes on disk are not what was stored');
  });
  const alarmEvents = new EventBus<AlarmEvents>(reportError);
  const monitor = new Monitor({
    catalog,
    clock,
    logger,
    events: alarmEvents,
    config: () => live.current,
    reminderHours: () => live.current.alarm_reminder_hours,
    watches: [
      ...nodeWatches({
        config: () => live.current,
        clock,
        space: () => guard.space(),
        checkStore: () => guard.checkStore(),
        catalogueError: () => catalog.writeError,
        internalErrors: () => metrics.counted.internalErrors,
        failedLogins: () => metrics.counted.failedLogins,
        waitingRules: async () => {
          const { held } = watcher.state;
          const rules = (await retention.list()).flatMap(({ rule, state }) =>
            state.waiting ? [{ id: rule.id, files: state.waiting.files }] : [],
          );
          // Removals by other programs wait for the same kind of word.
          return held ? [...rules, { id: 'enable_fsnotify', files: held.paths.length }] : rules;
        },
        clockLeadMs: () => deletionClock.leadMs,
        damagedFiles: () => metrics.counted.damaged,
        latestDamaged: () => latestDamaged,
      }),
      ...clusterWatches({
        members: () =>
          [...cluster.members.current.members.values()]
            .filter(({ id }) => id !== nodeId)
            .map(({ id, name }) => ({
              name,
              online: cluster.liveness.isOnline(id),
              seenMs: cluster.liveness.seenMs(id),
            })),
        wanted: () => cluster.wanted.list(),
        twins: () => {
          const others = cluster.members.others();
          const names = others.filter((id) => cluster.isTwin(id)).map((id) => cluster.members.nameOf(id));
          // Members say so of this node when they refuse it.
          const isTwin = others.some((id) => cluster.liveness.refusal(id) === 'PEER_TWIN');
          return isTwin ? [...names, nodeName()] : names;
        },
        stalled: async () => (cluster.wants.isStalled ? guard.space() : undefined),
        nodeName,
        now: () => clock.now(),
      }),
    ],
  });
  // What cannot wait for the next look around.
  for (const type of ['twin-seen', 'fetching-changed'] as const) cluster.events.on(type, () => void monitor.look());
  events.on('files-lost', () => void monitor.look());
  metrics.gauge('shoal_alarms_open', 'Alarms that are open.', () => monitor.board.openCount);
  return { monitor, alarmEvents };
}
