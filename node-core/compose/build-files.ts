/** The use cases of files. */
import { FileAdopter } from '../files/adopt-file.ts';
import { StoreChecker } from '../files/check-store.ts';
import { Conflicts } from '../files/conflicts.ts';
import { DeletionClock } from '../files/deletion-clock.ts';
import { FolderKeeper } from '../files/folders.ts';
import { LostFiles } from '../files/lost-files.ts';
import { FileMover } from '../files/move-file.ts';
import { FilePacker, PackKeeper } from '../files/pack-keeper.ts';
import { FileRemover } from '../files/remove-file.ts';
import { ResumableUploads } from '../files/resumable-uploads.ts';
import { RetentionKeeper } from '../files/retention.ts';
import { Scrubber } from '../files/scrubber.ts';
import { FileStorer } from '../files/store-file.ts';
import { StoreKeeper } from '../files/store-keeper.ts';
import { TrashKeeper } from '../files/trash.ts';
import { UploadRegistry } from '../files/uploads.ts';
import { StoreVerifier } from '../files/verify-store.ts';
import { StoreWatcher } from '../files/watch-store.ts';
import { ImportRunner } from '../import/import-runner.ts';
import type { StoreParts } from './build-store.ts';
import type { Ground } from './ground.ts';

/** What is built here. */
export type FileParts = ReturnType<typeof buildFiles>;

/** Builds the use cases over a store. @param hasMembers whether there are others who may have what is lacking here. */
export function buildFiles(
  { dataDir, clock, live, log, metrics, reportError }: Ground,
  parts: StoreParts,
  hasMembers: () => boolean,
) {
  const { catalog, files, staging, guard, durable } = parts;
  const { logger } = log;
  const config = live.current;
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
  const scrubber = new Scrubber(files, {
    kibPerSecond: () => live.current.scrub_kib_per_second,
    intervalDays: () => live.current.scrub_interval_days,
    hasMembers,
    onError: reportError,
  });
  live.onChange(({ applied }) => {
    if (applied.some((key) => key.startsWith('scrub_'))) scrubber.follow();
  });
  metrics.counter('shoal_scrubbed_files_total', 'Places that the scrub has read.', () => scrubber.counted.files);
  metrics.counter('shoal_scrubbed_bytes_total', 'Bytes that the scrub has read.', () => scrubber.counted.bytes);
  metrics.counter('shoal_set_aside_total', 'Places whose bytes were set aside.', () => scrubber.counted.damaged);
  metrics.counter('shoal_repaired_total', 'Damaged contents that are whole again.', () => scrubber.counted.repaired);
  const conflicts = new Conflicts(files, remover, mover);
  const lost = new LostFiles(files, storer, trash);
  guard.onShortage((bytes) => trash.reclaim(bytes));
  return {
    storer,
    packKeeper,
    keeper,
    remover,
    mover,
    folders,
    uploads,
    resumable,
    packer,
    checker,
    adopter,
    verifier,
    scrubber,
    lost,
    conflicts,
    watcher,
    imports,
    deletionClock,
    retention,
    trash,
  };
}
