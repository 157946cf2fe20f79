import { availableParallelism } from 'node:os';
import path from 'node:path';
import { ClusterPolicy } from './access/cluster-policy.ts';
import { LocalToken } from './access/local-token.ts';
import { createProtection } from './access/protection.ts';
import type { Catalog } from './catalog/catalog.ts';
import type { Cluster } from './cluster/cluster.ts';
import { loadIdentity } from './cluster/identity.ts';
import { reachableUrl, urlOf } from './compose/addresses.ts';
import { buildCluster, readSecrets } from './compose/build-cluster.ts';
import { buildFiles } from './compose/build-files.ts';
import { buildMonitor } from './compose/build-monitor.ts';
import { buildStore } from './compose/build-store.ts';
import { makeDataFolder } from './compose/data-folder.ts';
import type { Ground } from './compose/ground.ts';
import type { JoiningFlags } from './config/flags.ts';
import { LiveConfiguration } from './config/live.ts';
import { type LoadConfigOptions, type LoadedConfig, loadConfig } from './config/load.ts';
import type { ConfigFlags, Environment } from './config/overrides.ts';
import { FolderBrowser } from './files/browse.ts';
import { FolderViews } from './files/folder-views.ts';
import { FileReader } from './files/read-file.ts';
import { ContentRestorer } from './files/restore-content.ts';
import { ZipTickets } from './http/api/zip-tickets.ts';
import { HttpServer } from './http/server.ts';
import { ImageCache } from './images/image-cache.ts';
import { ImagePool } from './images/image-pool.ts';
import { ImageScaler } from './images/image-scaler.ts';
import { checkRestored } from './import/backup/restore-backup.ts';
import { BackupWriter } from './import/backup/write-backup.ts';
import { type Clock, systemClock } from './runtime/clock.ts';
import { openLog } from './runtime/logger.ts';
import { Metrics } from './runtime/metrics.ts';
import { type Service, Supervisor } from './runtime/service.ts';
import type { StoreGuard } from './storage/store-guard.ts';
import { version } from './version.ts';

/** Where built programs stand: beside this one, or where the build puts them when it runs from its sources. */
const programFolder = import.meta.filename.endsWith('.ts')
  ? path.join(import.meta.dirname, '..', 'dist', 'node-core')
  : import.meta.dirname;

/** What a node is started with. */
export interface NodeOptions {
  /** Data folder: holds `conf/`, `files/`, `data/` and `log/`; made when missing. */
  readonly dataDir: string;
  readonly configFile?: string;
  readonly flags?: ConfigFlags;
  readonly env?: Environment;
  readonly clock?: Clock;
  /** Starts on a folder that is being restored, to complete it. */
  readonly restoring?: boolean;
  /** The caller shows the setup link on a terminal: no file with it is written. */
  readonly onTerminal?: boolean;
  /** How this start may join a cluster. */
  readonly joining?: JoiningFlags;
}

/** A running node. */
export interface StorageNode {
  readonly id: string;
  /** Where the HTTP interface is, as it can be opened on this host. */
  readonly url: string;
  readonly port: number;
  /** Port on which other members reach it. */
  readonly peerPort: number;
  readonly configuration: LoadedConfig;
  /** The link that makes the first administrator, as long as there is none. */
  readonly setupUrl: () => string | undefined;
  /**
   * Tells how many nodes are near and not connected, whenever that changes while this node is alone and nothing would connect it
   * by itself. @returns ends it.
   */
  readonly onNear: (handler: (count: number) => void) => () => void;
  /** Drains, closes everything that was opened, and resolves when nothing is left. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Builds and starts a node. When it resolves, the node answers.
 * @throws ShoalError when the configuration is broken, the data folder is in use or unusable, or the port is taken:
 * nothing is left open then.
 */
export async function createNode(options: NodeOptions): Promise<StorageNode> {
  const dataDir = path.resolve(options.dataDir);
  const clock = options.clock ?? systemClock;
  if (options.restoring !== true) await checkRestored(dataDir);
  await makeDataFolder(dataDir);
  const loadOptions: LoadConfigOptions = {
    dataDir,
    flags: options.flags ?? {},
    env: options.env ?? {},
    ...(options.configFile !== undefined && { configFile: options.configFile }),
  };
  const loaded = await loadConfig(loadOptions);
  const { config } = loaded;
  const logOptions = { folder: path.join(dataDir, 'log'), maxMegabytes: config.log_max_mb, files: config.log_files };
  const log = await openLog({ ...logOptions, name: 'shoal', level: config.log_level });
  const audit = await openLog({ ...logOptions, name: 'audit', level: 'info' });
  try {
    const identity = await loadIdentity(path.join(dataDir, 'data'));
    const live = new LiveConfiguration(loaded, loadOptions);
    live.onChange((change) => {
      log.logger.level = live.current.log_level;
      log.logger.info(change, 'the configuration has changed');
    });
    return await buildNode({
      dataDir,
      clock,
      live,
      log,
      audit,
      identity,
      metrics: new Metrics(),
      reportError: (error) => log.logger.error({ err: error }, 'a background task failed'),
      secrets: await readSecrets(config.cluster_key, options.joining),
      noDiscovery: options.joining?.noDiscovery === true,
      onTerminal: options.onTerminal === true,
    });
  } catch (error) {
    await Promise.all([log.close(), audit.close()]);
    throw error;
  }
}

async function buildNode(ground: Ground): Promise<StorageNode> {
  const { dataDir, clock, live, log, audit, identity, metrics, onTerminal } = ground;
  const nodeId = identity.id;
  const config = live.current;
  const { logger } = log;
  for (const { en, key } of live.loaded.warnings) logger.warn({ key }, en);
  const storeParts = buildStore(ground);
  const policy = new ClusterPolicy(storeParts.catalog, () => live.current);
  const { catalog, store, staging, guard, events, files } = storeParts;
  const fileParts = buildFiles(ground, storeParts, () => !cluster.members.isAlone);
  const { keeper, ...useCases } = fileParts;
  const { packKeeper, folders, resumable, deletionClock, trash, retention } = useCases;
  const { checker, adopter, imports, verifier, scrubber, watcher, packer } = useCases;
  const cluster: Cluster = await buildCluster(ground, storeParts, fileParts, {
    // Server and doors are built behind the cluster, and all start before anybody asks.
    uploadDoor: {
      state: (id) => http.uploadDoor.state(id),
      bytes: (id) => http.uploadDoor.bytes(id),
      serve: (...exchange) => http.uploadDoor.serve(...exchange),
    },
    redeemLink: (link) => protection.links.redeem(link),
    policy: () => {
      const { upload, download, minReplicas } = policy.current;
      return { upload, download, minReplicas };
    },
  });
  const { monitor, alarmEvents } = buildMonitor(ground, storeParts, fileParts, cluster);
  const imageCache = new ImageCache(path.join(dataDir, 'data', 'images'), config.image_cache_mb * 1024 * 1024, clock);
  const imagePool = new ImagePool({
    program: path.join(programFolder, 'image-process.mjs'),
    processes: config.image_workers || Math.max(1, Math.floor(availableParallelism() / 2)),
    timeoutSeconds: () => live.current.image_timeout,
  });
  metrics.gauge('shoal_files', 'Live files.', () => catalog.totals().files);
  metrics.gauge('shoal_bytes', 'Bytes of live files.', () => catalog.totals().bytes);
  const localToken = new LocalToken(path.join(dataDir, 'data'), () => urlOf(config.enable_https, http.address));
  const protection = createProtection({
    catalog,
    config: () => policy.effective(),
    redeem: (creator, link) => cluster.redeem(creator, link),
    clock,
    logger,
    nodeId,
    folder: path.join(dataDir, 'data'),
    onWrongKey: () => metrics.count('failedLogins'),
    isLocalToken: (token) => localToken.matches(token),
    setupPage: () => `${reachableUrl(live.current, http.address)}setup`,
    onTerminal,
  });
  const http: HttpServer = new HttpServer({
    config: () => policy.effective(),
    policy,
    configuration: live,
    ...useCases,
    catalog,
    reader: new FileReader(files, (content) => cluster.openElsewhere(content)),
    events,
    monitor,
    alarmEvents,
    backups: new BackupWriter({ context: files, dataFolder: dataDir, nodeId, version }),
    contents: new ContentRestorer(files, useCases.storer),
    images: new ImageScaler(imageCache, imagePool, () => live.current),
    nodeId,
    cluster,
    dataFolder: dataDir,
    logFolder: path.join(dataDir, 'log'),
    browser: new FolderBrowser(catalog),
    views: new FolderViews(catalog, events),
    zipTickets: new ZipTickets(clock),
    staging,
    guard,
    access: protection.gate,
    protection,
    audit: (entry) => audit.logger.info(entry),
    clock,
    metrics,
    logger,
    accessLog: log.writeLine,
    pathOf: (place) => store.pathOf(place),
    identify: (place) => store.identify(place),
    peerId: () => cluster.peerId,
    notReady: async () => notReady(catalog, guard),
    version,
    webFolder: path.join(programFolder, '..', 'renderer'),
  });

  // Long runs stop before the server does: callers that wait for them are answered.
  const services: readonly Service[] = [
    catalog,
    protection.sessions,
    packKeeper,
    keeper,
    folders,
    resumable,
    deletionClock,
    trash,
    retention,
    monitor,
    imageCache,
    imagePool,
    cluster,
    http,
    localToken,
    protection.setupLink,
    checker,
    adopter,
    imports,
    verifier,
    scrubber,
    watcher,
    packer,
  ];
  const supervisor = new Supervisor(services, (service, error) => logger.error({ err: error, service }, 'stop failed'));
  await supervisor.start();
  const { port } = http.address;
  const url = urlOf(config.enable_https, http.address);
  logger.info({ node: nodeId, url, version, data: dataDir }, 'ready');
  let stopped: Promise<void> | undefined;
  return {
    id: nodeId,
    url,
    port,
    peerPort: cluster.port,
    configuration: live.loaded,
    setupUrl: () => protection.setupLink.url,
    onNear: (handler) =>
      cluster.events.on('near-changed', ({ count }) => {
        if (cluster.members.isAlone && !cluster.gathersByItself) handler(count);
      }),
    stop: () => {
      stopped ??= supervisor.stop().then(async () => {
        logger.info('stopped');
        await Promise.all([log.close(), audit.close()]);
      });
      return stopped;
    },
  };
}

async function notReady(catalog: Catalog, guard: StoreGuard): Promise<string[]> {
  const reasons: string[] = [];
  if (catalog.writeError !== undefined) reasons.push('the catalogue cannot be written');
  for (const check of [() => guard.checkStore(), () => guard.checkWrite(0)]) {
    await check().catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      if (!reasons.includes(reason)) reasons.push(reason);
    });
  }
  return reasons;
}
