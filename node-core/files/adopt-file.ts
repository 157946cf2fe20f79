/**
 * Takes files into the catalogue that somebody put into the store's folder: in place, without copying. Such files may be
 * written by others, so they never become a source of hard links (replication.md, 10).
 */
import { opendir } from 'node:fs/promises';
import path from 'node:path';
import type { NewVersion } from '../catalog/transaction.ts';
import type { CompatibleAlgorithm } from '../domain/digests.ts';
import { ShoalError } from '../domain/errors.ts';
import { baseName, normalizePath, parentOf, reservedTopNames } from '../domain/paths.ts';
import { type RunControl, SharedRun } from '../runtime/shared-run.ts';
import { ContentHasher, type HashedContent } from '../storage/content-hasher.ts';
import { type FileIdentity, identityOf, untouched } from '../storage/identity.ts';
import { type FilesContext, withPath } from './context.ts';

/** Bytes hashed before others get their turn. */
const chunkBytes = 256 * 1024;

/** Files in work at once: their commits share one write to the disk. */
const filesAtOnce = 8;

/** Files between two tellings of the progress. */
const filesPerProgress = 100;

/** Why a file was left where it is, unknown. Codes of paths are those of domain/errors.ts. */
export type SkipReason =
  | 'PATH_INVALID'
  | 'PATH_TOO_LONG'
  | 'PATH_RESERVED'
  /** Another file shows at its path. */
  | 'TARGET_EXISTS'
  /** A symbolic link. */
  | 'LINK'
  /** Neither file nor folder. */
  | 'SPECIAL'
  /** Somebody was writing it; the next run takes it. */
  | 'CHANGING'
  | 'UNREADABLE';

/** How far a run is. */
export interface AdoptReport {
  /** Files that are in the catalogue now. */
  taken: number;
  /** Files that were there before. */
  known: number;
  /** Files left alone; `reasons` says why. */
  skipped: number;
  readonly reasons: Partial<Record<SkipReason, number>>;
}

type Outcome = 'taken' | 'known' | SkipReason;

/** Walks the store's folder and takes in what no record knows. */
export class FileAdopter extends SharedRun<AdoptReport> {
  /** @param algorithm digest of the compatible interface. */
  constructor(context: FilesContext, algorithm: () => CompatibleAlgorithm) {
    const begin = (): AdoptReport => ({ taken: 0, known: 0, skipped: 0, reasons: {} });
    super('adoption', begin, (report, control) => adoptAll(context, algorithm(), report, control));
  }
}

async function adoptAll(
  context: FilesContext,
  algorithm: CompatibleAlgorithm,
  report: AdoptReport,
  control: RunControl,
): Promise<void> {
  await context.guard.checkStore();
  const tell = (finished: boolean) => {
    const { taken, known, skipped } = report;
    context.events.emit('adopt-progress', { taken, known, skipped, finished });
  };
  let seen = 0;
  let failed = false;
  const found = walkDisk(context, '');
  const work = async () => {
    for (;;) {
      const { value, done } = await found.next();
      if (done || failed || control.stopping) return;
      const { place, kind } = value;
      const outcome = kind === 'file' ? await adoptFile(context, algorithm, place, control) : skipOf(kind);
      if (outcome === undefined) continue;
      count(report, outcome);
      seen += 1;
      if (seen % filesPerProgress === 0) tell(false);
    }
  };
  const workers = Array.from({ length: filesAtOnce }, () =>
    work().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  // All have ended before the run has, whatever happened to one of them.
  const ends = await Promise.allSettled(workers);
  await found.return(undefined);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  if (!control.stopping) tell(true);
}

function count(report: AdoptReport, outcome: Outcome): void {
  if (outcome === 'taken' || outcome === 'known') {
    report[outcome] += 1;
    return;
  }
  report.skipped += 1;
  report.reasons[outcome] = (report.reasons[outcome] ?? 0) + 1;
}

type FoundKind = 'file' | 'link' | 'special' | 'unreadable';

function skipOf(kind: Exclude<FoundKind, 'file'>): SkipReason {
  return ({ link: 'LINK', special: 'SPECIAL', unreadable: 'UNREADABLE' } as const)[kind];
}

/** Everything below a place that is no folder. The store's own folders and its marker are left out; links stay links. */
async function* walkDisk(
  context: FilesContext,
  folder: string,
): AsyncGenerator<{ readonly place: string; readonly kind: FoundKind }> {
  const opened = await opendir(context.store.pathOf(folder)).catch((error: unknown) => {
    if (folder === '') throw error;
    return undefined;
  });
  if (!opened) {
    yield { place: folder, kind: 'unreadable' };
    return;
  }
  for await (const entry of opened) {
    if (folder === '' && reservedTopNames.includes(entry.name.toLowerCase())) continue;
    const place = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) yield* walkDisk(context, place);
    else yield { place, kind: entry.isFile() ? 'file' : entry.isSymbolicLink() ? 'link' : 'special' };
  }
}

/** @returns undefined when the file has gone meanwhile, or the node stops. */
async function adoptFile(
  context: FilesContext,
  algorithm: CompatibleAlgorithm,
  place: string,
  control: RunControl,
): Promise<Outcome | undefined> {
  let logicalPath: string;
  try {
    logicalPath = normalizePath(place);
  } catch (error) {
    if (error instanceof ShoalError) return error.code as SkipReason;
    throw error;
  }
  const shown = context.catalog.find(logicalPath);
  if (shown?.local?.place === place) return 'known';
  let hashed: Hashed | 'CHANGING' | undefined;
  try {
    hashed = await hashInPlace(context, algorithm, place, control);
  } catch {
    return 'UNREADABLE';
  }
  if (hashed === undefined || hashed === 'CHANGING') return hashed;
  return commit(context, logicalPath, place, hashed);
}

interface Hashed extends HashedContent {
  readonly identity: FileIdentity;
}

async function hashInPlace(
  context: FilesContext,
  algorithm: CompatibleAlgorithm,
  place: string,
  control: RunControl,
): Promise<Hashed | 'CHANGING' | undefined> {
  const opened = await context.store.openPlain(place);
  // A name that is not UTF-8 is listed, but cannot be opened by what it is listed as.
  if (!opened && place.includes('\ufffd')) return Promise.reject(new Error('its name is not UTF-8'));
  if (!opened) return undefined;
  const { handle, identity } = opened;
  try {
    const hasher = new ContentHasher(algorithm);
    const buffer = Buffer.allocUnsafe(chunkBytes);
    for (;;) {
      if (control.stopping) return undefined;
      const { bytesRead } = await handle.read(buffer, 0, chunkBytes, hasher.size);
      if (bytesRead === 0) break;
      hasher.update(buffer.subarray(0, bytesRead));
    }
    const now = identityOf(await handle.stat({ bigint: true }));
    return untouched(now, identity) && hasher.size === identity.size ? { identity, ...hasher.finish() } : 'CHANGING';
  } finally {
    await handle.close();
  }
}

/** The record and where its bytes stand, in one commit. No link source: the file is not ours. */
function commit(
  context: FilesContext,
  logicalPath: string,
  place: string,
  { digests, blocks, identity }: Hashed,
): Promise<Outcome | undefined> {
  return withPath(context, logicalPath, async () => {
    await context.guard.checkStore();
    const found = context.store.identify(place);
    if (!found) return undefined;
    if (!untouched(found, identity)) return 'CHANGING';
    const nowMs = context.clock.now();
    const mtimeMs = Math.min(nowMs, Math.max(0, Number(BigInt(identity.mtimeNs) / 1_000_000n)));
    const next: NewVersion = {
      kind: 'file',
      digests,
      name: baseName(logicalPath),
      // As uploads have it: the first folder.
      scene: parentOf(logicalPath).split('/')[0] ?? '',
      mtimeMs,
      // Counted to the day that it is from, as go-fastdfs does.
      storedMs: mtimeMs,
    };
    const shown = context.catalog.find(logicalPath);
    const outcome = await context.catalog.commit((transaction): Outcome => {
      const { versions } = transaction.record(logicalPath);
      if (versions.some(({ dot }) => transaction.local(logicalPath, dot)?.place === place)) return 'known';
      if (versions.length > 0 || shown) return 'TARGET_EXISTS';
      const version = transaction.write(logicalPath, next);
      transaction.setLocal(logicalPath, version, { place, identity, verifiedMs: nowMs });
      transaction.putBlocks(digests.sha256, blocks);
      return 'taken';
    });
    if (outcome === 'taken') {
      const { size, sha256 } = digests;
      context.events.emit('file-committed', { path: logicalPath, size, sha256 });
    }
    return outcome;
  });
}
