/** The cluster, with discovery as a source of hints. */

import { readFile } from 'node:fs/promises';
import { Cluster, type ClusterOptions, type ClusterSecrets } from '../cluster/cluster.ts';
import { DiscoveryHints } from '../cluster/discovery/discovery-hints.ts';
import type { ClusterEvents } from '../cluster/events.ts';
import { makeCertificate } from '../cluster/trust/certificate.ts';
import type { JoiningFlags } from '../config/flags.ts';
import { nodeNameOf } from '../config/node-name.ts';
import { errnoOf, ShoalError } from '../domain/errors.ts';
import { EventBus } from '../runtime/events.ts';
import { storeFolders } from '../storage/file-store.ts';
import type { FileParts } from './build-files.ts';
import type { StoreParts } from './build-store.ts';
import type { Ground } from './ground.ts';

/** Builds what speaks with other nodes. */
export async function buildCluster(
  { clock, device, live, log, identity, metrics, secrets, noDiscovery, reportError }: Ground,
  { catalog, files, staging, store, folderSync, durable }: StoreParts,
  { storer, retention, deletionClock }: FileParts,
  { uploadDoor, redeemLink, policy }: Pick<ClusterOptions, 'uploadDoor' | 'redeemLink' | 'policy'>,
): Promise<Cluster> {
  const { logger } = log;
  const config = live.current;
  const nodeId = identity.id;
  const clusterEvents = new EventBus<ClusterEvents>(reportError);
  const nodeName = () => nodeNameOf(live.current);
  const announced = {
    id: nodeId,
    name: nodeName,
    port: () => cluster.port,
    cluster: () => cluster.members.current.cluster,
  };
  const discovery = config.enable_discovery && !noDiscovery ? new DiscoveryHints(announced, logger) : undefined;
  for (const type of ['member-joined', 'member-removed', 'member-renamed'] as const)
    clusterEvents.on(type, () => discovery?.renew());
  const cluster: Cluster = new Cluster({
    identity,
    certificate: await makeCertificate(identity),
    catalog,
    files,
    storer,
    staging,
    parts: { folder: store.pathOf(storeFolders.part), durable, folderSync },
    config: () => live.current,
    secrets,
    nodeName,
    hints: discovery ? [discovery] : [],
    uploadDoor,
    redeemLink,
    device,
    policy,
    clock,
    events: clusterEvents,
    logger,
  });
  const others = () => cluster.members.others();
  metrics.gauge('shoal_members', 'Members of the cluster, this node included.', () => others().length + 1);
  metrics.gauge(
    'shoal_members_online',
    'Members that are there, this node included.',
    () => others().filter((id) => cluster.liveness.isOnline(id)).length + 1,
  );
  retention.runsOnlyIf(() => cluster.quorum.runsRules());
  deletionClock.agreesIf(() => cluster.quorum.clockAgrees());
  live.onChange(({ applied }) => {
    if (applied.includes('peers')) cluster.followPeers();
  });
  // A name that another member gave to this node is its own from now on.
  clusterEvents.on('member-renamed', ({ id, name }) => {
    if (id === nodeId && name !== live.current.node_name) live.change({ node_name: name }).catch(reportError);
  });
  return cluster;
}

/** What this start was told about joining. @throws ShoalError FLAG_INVALID when the file of the key cannot be read. */
export async function readSecrets(configured: string, joining: JoiningFlags = {}): Promise<ClusterSecrets> {
  const { clusterKeyFile, joinToken, trustLan } = joining;
  let clusterKey = configured;
  if (clusterKeyFile !== undefined) {
    clusterKey = await readFile(clusterKeyFile, 'utf8').catch((cause: unknown) => {
      const details = { flag: '--cluster-key-file', reason: errnoOf(cause) ?? 'it cannot be read' };
      throw new ShoalError('FLAG_INVALID', { details, cause });
    });
  }
  return {
    ...(clusterKey.trim() !== '' && { clusterKey }),
    ...(joinToken !== undefined && { joinToken }),
    ...(trustLan && { trustLan }),
  };
}
