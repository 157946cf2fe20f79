import type { AuditEntry } from '../access/audit.ts';
import type { ClusterPolicy } from '../access/cluster-policy.ts';
import type { ManagementGate } from '../access/management.ts';
import type { Protection } from '../access/protection.ts';
import type { AlarmEvents } from '../alarms/alarm-board.ts';
import type { Monitor } from '../alarms/monitor.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { LiveConfiguration } from '../config/live.ts';
import type { Config } from '../config/schema.ts';
import { ShoalError } from '../domain/errors.ts';
import type { FileAdopter } from '../files/adopt-file.ts';
import type { FolderBrowser } from '../files/browse.ts';
import type { StoreChecker } from '../files/check-store.ts';
import type { Conflicts } from '../files/conflicts.ts';
import type { FileEvents } from '../files/context.ts';
import type { DeletionClock } from '../files/deletion-clock.ts';
import type { FolderViews } from '../files/folder-views.ts';
import type { FolderKeeper } from '../files/folders.ts';
import type { LostFiles } from '../files/lost-files.ts';
import type { FileMover } from '../files/move-file.ts';
import type { FilePacker, PackKeeper } from '../files/pack-keeper.ts';
import type { FileReader } from '../files/read-file.ts';
import type { FileRemover } from '../files/remove-file.ts';
import type { ContentRestorer } from '../files/restore-content.ts';
import type { ResumableUploads } from '../files/resumable-uploads.ts';
import type { RetentionKeeper } from '../files/retention.ts';
import type { Scrubber } from '../files/scrubber.ts';
import type { FileStorer } from '../files/store-file.ts';
import type { TrashKeeper } from '../files/trash.ts';
import type { UploadRegistry } from '../files/uploads.ts';
import type { StoreVerifier } from '../files/verify-store.ts';
import type { StoreWatcher } from '../files/watch-store.ts';
import type { ImageScaler } from '../images/image-scaler.ts';
import type { BackupWriter } from '../import/backup/write-backup.ts';
import type { ImportRunner } from '../import/import-runner.ts';
import type { Clock } from '../runtime/clock.ts';
import type { EventBus } from '../runtime/events.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { FileIdentity } from '../storage/identity.ts';
import type { Staging } from '../storage/staging.ts';
import type { StoreGuard } from '../storage/store-guard.ts';
import type { ZipTickets } from './api/zip-tickets.ts';

/** Everything that the HTTP room calls. Handed in by create-node. */
export interface HttpServices {
  /** What counts now. */
  readonly config: () => Config;
  readonly configuration: LiveConfiguration;
  /** What all members go by. */
  readonly policy: ClusterPolicy;
  readonly catalog: Catalog;
  readonly reader: FileReader;
  readonly storer: FileStorer;
  readonly remover: FileRemover;
  readonly mover: FileMover;
  readonly folders: FolderKeeper;
  readonly browser: FolderBrowser;
  readonly views: FolderViews;
  readonly zipTickets: ZipTickets;
  readonly staging: Staging;
  readonly uploads: UploadRegistry;
  readonly resumable: ResumableUploads;
  readonly trash: TrashKeeper;
  readonly events: EventBus<FileEvents>;
  readonly retention: RetentionKeeper;
  readonly deletionClock: DeletionClock;
  readonly monitor: Monitor;
  readonly alarmEvents: EventBus<AlarmEvents>;
  readonly checker: StoreChecker;
  readonly packer: FilePacker;
  readonly packKeeper: PackKeeper;
  readonly adopter: FileAdopter;
  readonly imports: ImportRunner;
  readonly verifier: StoreVerifier;
  readonly scrubber: Scrubber;
  readonly lost: LostFiles;
  readonly conflicts: Conflicts;
  readonly watcher: StoreWatcher;
  readonly backups: BackupWriter;
  readonly contents: ContentRestorer;
  readonly images: ImageScaler;
  readonly nodeId: string;
  readonly cluster: Cluster;
  /** Absolute path of the data folder: holds `conf/`, `data/`, `files/` and `log/`. */
  readonly dataFolder: string;
  /** Absolute path of the log folder. */
  readonly logFolder: string;
  readonly guard: StoreGuard;
  readonly access: ManagementGate;
  readonly protection: Protection;
  /** Writes one entry of the audit log. */
  readonly audit: (entry: AuditEntry) => void;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Writes one finished line of the access log. */
  readonly accessLog: (line: string) => void;
  /** Absolute path of a place. */
  readonly pathOf: (place: string) => string;
  /** What stands at a place now. */
  readonly identify: (place: string) => FileIdentity | undefined;
  /** What stands in dated folders for this node. */
  readonly peerId: () => string;
  /** Reasons why the node should get no traffic now; none when it is ready. */
  readonly notReady: () => Promise<readonly string[]>;
  readonly version: string;
  /** `http://HOST:PORT` at which other machines most likely reach the node. */
  readonly reachableOrigin: () => string;
  /** Absolute path of the built web app. */
  readonly webFolder: string;
}

/** @throws ShoalError READ_ONLY. */
export function readOnlyCheck(services: HttpServices): void {
  if (services.config().read_only) throw new ShoalError('READ_ONLY');
}
