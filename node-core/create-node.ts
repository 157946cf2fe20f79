/** The composition root: builds every part of a node, starts them in order and stops them in reverse. */
import { mkdir, readFile, stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { availableParallelism, hostname, networkInterfaces } from 'node:os';
import path from 'node:path';
import { LocalToken } from './access/local-token.ts';
import { createProtection } from './access/protection.ts';
import type { AlarmEvents } from './alarms/alarm-board.ts';
import { clusterWatches } from './alarms/cluster-watches.ts';
import { Monitor } from './alarms/monitor.ts';
import { nodeWatches } from './alarms/node-watches.ts';
import { Catalog } from './catalog/catalog.ts';
import { Cluster, type ClusterEvents, type ClusterSecrets } from './cluster/cluster.ts';
import { DiscoveryHints } from './cluster/discovery/discovery-hints.ts';
import { loadIdentity, type NodeIdentity } from './cluster/identity.ts';
import { makeCertificate } from './cluster/trust/certificate.ts';
import type { JoiningFlags } from './config/flags.ts';
import { LiveConfiguration } from './config/live.ts';
import { type LoadConfigOptions, type LoadedConfig, loadConfig } from './config/load.ts';
import type { ConfigFlags, Environment } from './config/overrides.ts';
import type { Config } from './config/schema.ts';
import { errnoOf, ShoalError } from './domain/errors.ts';
import { FileAdopter } from './files/adopt-file.ts';
import { FolderBrowser } from './files/browse.ts';
import { StoreChecker } from './files/check-store.ts';
import type { FileEvents, FilesContext } from './files/context.ts';
import { DeletionClock } from './files/deletion-clock.ts';
import { FolderKeeper } from './files/folders.ts';
import { FileMover } from './files/move-file.ts';
import { FilePacker, PackKeeper } from './files/pack-keeper.ts';
import { FileReader } from './files/read-file.ts';
import { FileRemover } from './files/remove-file.ts';
import { ContentRestorer } from './files/restore-content.ts';
import { ResumableUploads } from './files/resumable-uploads.ts';
import { RetentionKeeper } from './files/retention.ts';
import { FileStorer } from './files/store-file.ts';
import { StoreKeeper } from './files/store-keeper.ts';
import { TrashKeeper } from './files/trash.ts';
import { UploadRegistry } from './files/uploads.ts';
import { StoreVerifier } from './files/verify-store.ts';
import { StoreWatcher } from './files/watch-store.ts';
import { HttpServer } from './http/server.ts';
import { ImageCache } from './images/image-cache.ts';
import { ImagePool } from './images/image-pool.ts';
import { ImageScaler } from './images/image-scaler.ts';
import { checkRestored } from './import/backup/restore-backup.ts';
import { BackupWriter } from './import/backup/write-backup.ts';
import { ImportRunner } from './import/import-runner.ts';
import { type Clock, systemClock } from './runtime/clock.ts';
import { EventBus } from './runtime/events.ts';
import { KeyedLock } from './runtime/keyed-lock.ts';
import { type Log, openLog } from './runtime/logger.ts';
import { Metrics } from './runtime/metrics.ts';
import { type Service, Supervisor } from './runtime/service.ts';
import { FileStore, storeFolders } from './storage/file-store.ts';
import { FolderSync } from './storage/folder-sync.ts';
import { PackStore } from './storage/pack-store.ts';
import { Staging } from './storage/staging.ts';
import { StoreGuard } from './storage/store-guard.ts';
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
      secrets: await readSecrets(config.cluster_key, options.joining),
      noDiscovery: options.joining?.noDiscovery === true,
      onTerminal: options.onTerminal === true,
    });
  } catch (error) {
    await Promise.all([log.close(), audit.close()]);
    throw error;
  }
}

interface Ground {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly live: LiveConfiguration;
  readonly log: Log;
  readonly audit: Log;
  readonly identity: NodeIdentity;
  readonly secrets: ClusterSecrets;
  readonly noDiscovery: boolean;
  readonly onTerminal: boolean;
}

async function buildNode(ground: Ground): Promise<StorageNode> {
  const { dataDir, clock, live, log, audit, identity, secrets, noDiscovery, onTerminal } = ground;
  const nodeId = identity.id;
  const config = live.current;
  const { logger } = log;
  for (const { en, key } of live.loaded.warnings) logger.warn({ key }, en);
  const root = path.join(dataDir, 'files');
  const durable = config.durability === 'full';
  const metrics = new Metrics();
  const reportError = (error: unknown) => logger.error({ err: error }, 'a background task failed');

  const catalog = new Catalog({
    folder: path.join(dataDir, 'data', 'catalog'),
    nodeId,
    clock,
    durable,
    onWriteError: (error) => logger.fatal({ err: error }, 'the catalogue cannot be written'),
  });
  const folderSync = new FolderSync(durable);
  const packStore = new PackStore({
    folder: path.join(root, storeFolders.pack),
    durable,
    folderSync,
    locate: (sha256) => catalog.packed(sha256),
  });
  const packBytes = () => (config.enable_merge_small_file ? config.merge_small_file_limit : 0);
  const store = new FileStore(root, folderSync, {
    sizeOf: (sha256) => catalog.packed(sha256)?.size,
    read: (sha256) => packStore.read(sha256),
  });
  const floor = () => ({
    percent: live.current.free_space_floor_percent,
    megabytes: live.current.free_space_floor_mb,
  });
  const guard = new StoreGuard(root, floor, clock);
  const staging = new Staging({
    folder: store.pathOf(storeFolders.staging),
    algorithm: () => config.file_sum_arithmetic,
    durable,
    folderSync,
    packBytes,
    checkSpace: (bytes) => guard.checkWrite(bytes),
  });
  const events = new EventBus<FileEvents>(reportError);
  const files: FilesContext = {
    catalog,
    store,
    staging,
    guard,
    pathLocks: new KeyedLock(),
    unfinished: new Map(),
    contentLocks: new KeyedLock(),
    othersWrite: () => config.enable_fsnotify,
    packs: { store: packStore, limitBytes: packBytes },
    clock,
    events,
  };
  let latestDamaged = '';
  events.on('bytes-damaged', ({ path: damaged, place }) => {
    metrics.count('damaged');
    latestDamaged = damaged;
    logger.error({ path: damaged, place }, 'bytes on disk are not what was stored');
  });
  const storer = new FileStorer(files);
  const packKeeper = new PackKeeper(files, logger);
  const keeper = new StoreKeeper(files, storer, packKeeper, logger);
  const remover = new FileRemover(files);
  const mover = new FileMover(files);
  const folders = new FolderKeeper(files, mover, remover, reportError);
  const uploads = new UploadRegistry(() => clock.now());
  const resumable = new ResumableUploads(files, storer, uploads, {
    algorithm: () => live.current.file_sum_arithmetic,
    durable,
    expirationHours: () => live.current.tus_expiration_hours,
    onError: reportError,
  });
  const packer = new FilePacker(files, () => config.merge_small_file_limit);
  const checker = new StoreChecker(files);
  const adopter = new FileAdopter(files, () => config.file_sum_arithmetic);
  const verifier = new StoreVerifier(files);
  const watcher = new StoreWatcher({
    context: files,
    enabled: config.enable_fsnotify,
    algorithm: () => config.file_sum_arithmetic,
    quietSeconds: () => live.current.sync_delay,
    scanSeconds: () => live.current.refresh_interval,
    logger,
  });
  const imports = new ImportRunner({
    context: files,
    storer,
    link: (...args) => staging.link(...args),
    algorithm: () => config.file_sum_arithmetic,
    dataFolder: dataDir,
    logger,
  });
  const deletionClock = new DeletionClock(catalog, clock, reportError);
  const ageNow = () => deletionClock.now();
  const retention = new RetentionKeeper(files, remover, ageNow, reportError);
  const trash = new TrashKeeper(files, storer, {
    termDays: () => live.current.trash_days,
    now: ageNow,
    onError: reportError,
  });
  const clusterEvents = new EventBus<ClusterEvents>(reportError);
  const nodeName = () => live.current.node_name || hostname();
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
    clock,
    events: clusterEvents,
    logger,
  });
  live.onChange(({ applied }) => {
    if (applied.includes('peers')) cluster.followPeers();
  });
  // A name that another member gave to this node is its own from now on.
  clusterEvents.on('member-renamed', ({ id, name }) => {
    if (id === nodeId && name !== live.current.node_name) live.change({ node_name: name }).catch(reportError);
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
        nodeName,
        now: () => clock.now(),
      }),
    ],
  });
  metrics.gauge('shoal_alarms_open', 'Alarms that are open.', () => monitor.board.openCount);
  const imageCache = new ImageCache(path.join(dataDir, 'data', 'images'), config.image_cache_mb * 1024 * 1024, clock);
  const imagePool = new ImagePool({
    program: path.join(programFolder, 'image-process.mjs'),
    processes: config.image_workers || Math.max(1, Math.floor(availableParallelism() / 2)),
    timeoutSeconds: () => live.current.image_timeout,
  });
  guard.onShortage((bytes) => trash.reclaim(bytes));
  metrics.gauge('shoal_files', 'Live files.', () => catalog.totals().files);
  metrics.gauge('shoal_bytes', 'Bytes of live files.', () => catalog.totals().bytes);
  const localToken = new LocalToken(path.join(dataDir, 'data'), () => urlOf(config.enable_https, http.address));
  const protection = createProtection({
    catalog,
    config: () => live.current,
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
    config: () => live.current,
    configuration: live,
    catalog,
    reader: new FileReader(files, (content) => cluster.openElsewhere(content)),
    storer,
    remover,
    uploads,
    resumable,
    trash,
    events,
    retention,
    deletionClock,
    monitor,
    alarmEvents,
    checker,
    packer,
    packKeeper,
    adopter,
    imports,
    verifier,
    watcher,
    backups: new BackupWriter({ context: files, dataFolder: dataDir, nodeId, version }),
    contents: new ContentRestorer(files, storer),
    images: new ImageScaler(imageCache, imagePool, () => live.current),
    nodeId,
    cluster,
    dataFolder: dataDir,
    logFolder: path.join(dataDir, 'log'),
    mover,
    folders,
    browser: new FolderBrowser(catalog),
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
    peerId: () => config.peer_id || nodeId.slice(0, 8),
    notReady: async () => notReady(catalog, guard),
    version,
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
    stop: () => {
      stopped ??= supervisor.stop().then(async () => {
        logger.info('stopped');
        await Promise.all([log.close(), audit.close()]);
      });
      return stopped;
    },
  };
}

/** @throws ShoalError FLAG_INVALID when the file of the key cannot be read. */
async function readSecrets(configured: string, joining: JoiningFlags = {}): Promise<ClusterSecrets> {
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

/** Where the HTTP interface is, as another machine most likely reaches it: `host` when set, else an address of the host. */
function reachableUrl(config: Config, listening: AddressInfo): string {
  if (config.host !== '') return `${config.host}/`;
  const { address, port } = listening;
  if (address !== '::' && address !== '0.0.0.0') return urlOf(config.enable_https, listening);
  const found = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const own = found.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1';
  return urlOf(config.enable_https, { address: own, family: 'IPv4', port });
}

/** Where an interface is, as it can be opened on this host. */
function urlOf(secure: boolean, { address, family, port }: AddressInfo): string {
  const anywhere = address === '::' || address === '0.0.0.0';
  const host = anywhere ? '127.0.0.1' : family === 'IPv6' ? `[${address}]` : address;
  return `${secure ? 'https' : 'http'}://${host}:${port}/`;
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

async function makeDataFolder(dataDir: string): Promise<void> {
  try {
    await mkdir(path.join(dataDir, 'data'), { recursive: true });
    for (const name of ['files', 'log', 'conf']) {
      const stats = await stat(path.join(dataDir, name)).catch(() => undefined);
      if (stats && !stats.isDirectory()) throw Object.assign(new Error(name), { code: 'ENOTDIR' });
    }
  } catch (error) {
    const reason = {
      EACCES: 'no permission',
      EROFS: 'read-only file system',
      ENOTDIR: 'a file is in the way',
      EEXIST: 'a file is in the way',
    }[errnoOf(error) ?? ''];
    throw new ShoalError('DATA_UNUSABLE', {
      details: { folder: dataDir, reason: reason ?? String(error) },
      cause: error,
    });
  }
}
