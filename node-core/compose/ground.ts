/**
 * node-core/compose: how the parts of a node are put together, a few of them a file. Only create-node.ts uses it.
 *
 * What everything else stands on: configuration, log, identity, and what counts and reports.
 */
import type { DeviceKind } from '../cluster/care/figures.ts';
import type { ClusterSecrets } from '../cluster/cluster.ts';
import type { NodeIdentity } from '../cluster/identity.ts';
import type { LiveConfiguration } from '../config/live.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/logger.ts';
import type { Metrics } from '../runtime/metrics.ts';

/** What a node is built on. */
export interface Ground {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly live: LiveConfiguration;
  readonly log: Log;
  readonly audit: Log;
  readonly identity: NodeIdentity;
  readonly secrets: ClusterSecrets;
  readonly noDiscovery: boolean;
  readonly onTerminal: boolean;
  readonly device: DeviceKind;
  readonly metrics: Metrics;
  /** Tells of what failed behind the scenes. */
  readonly reportError: (error: unknown) => void;
}
