/** What follows from which news: the only place where the parts of the cluster react to each other's events. */
import type { FileEvents } from '../files/context.ts';
import type { EventBus } from '../runtime/events.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Holdings } from './engine/holdings.ts';
import type { Replicator } from './engine/replicator.ts';
import type { WantWorker } from './engine/want-worker.ts';
import type { ClusterEvents } from './events.ts';
import type { Removals } from './members/removals.ts';
import type { Liveness } from './transport/liveness.ts';
import type { PeerClient } from './transport/peer-client.ts';
import type { PeerServer } from './transport/peer-server.ts';

/** The parts that react. */
export interface ReactingParts {
  readonly events: EventBus<ClusterEvents>;
  readonly files: EventBus<FileEvents>;
  readonly logger: Logger;
  readonly client: PeerClient;
  readonly server: PeerServer;
  readonly liveness: Liveness;
  readonly replicator: Replicator;
  readonly wants: WantWorker;
  readonly holdings: Holdings;
  readonly removals: Removals;
}

/** Begins to react. @returns what ends each subscription. */
export function followNews(parts: ReactingParts): readonly (() => void)[] {
  const { client, events, files, holdings, liveness, logger, removals, replicator, server, wants } = parts;
  const kept = (['file-committed', 'file-arrived', 'content-kept'] as const).map((type) =>
    files.on(type, () => holdings.changed()),
  );
  const told = (['file-committed', 'file-removed', 'file-moved', 'folder-made'] as const).map((type) =>
    files.on(type, () => replicator.announce()),
  );
  return [
    ...kept,
    ...told,
    // What was set aside is fetched again.
    files.on('bytes-set-aside', () => wants.wake()),
    events.on('member-online', ({ id }) => {
      logger.info({ member: id }, 'a member is there');
      void replicator.read(id);
      wants.wake(true);
    }),
    events.on('member-offline', ({ id }) => logger.info({ member: id }, 'a member is away')),
    events.on('member-joined', ({ id, name, way }) => logger.info({ member: id, name, way }, 'a member has joined')),
    events.on('member-removed', ({ id, name, by }) => {
      logger.warn({ member: id, name, by }, 'a member was removed');
      server.cut(id);
      client.cut(id);
    }),
    events.on('members-changed', () => {
      liveness.follow();
      liveness.hurry();
      void removals.follow();
    }),
    events.on('twin-seen', ({ id }) => {
      logger.error({ member: id }, 'two machines run with this id: both are refused');
      liveness.giveUp(id);
      server.cut(id);
    }),
  ];
}
