/** Walks the store's folder and takes what somebody put there into the catalogue (adopt-place.ts): `repair_fileinfo`. */
import { opendir } from 'node:fs/promises';
import path from 'node:path';
import type { CompatibleAlgorithm } from '../domain/digests.ts';
import { reservedTopNames } from '../domain/paths.ts';
import { type RunControl, SharedRun } from '../runtime/shared-run.ts';
import { type AdoptOutcome, adoptPlace, type SkipReason } from './adopt-place.ts';
import type { FilesContext } from './context.ts';

/** Files in work at once: their commits share one write to the disk. */
const filesAtOnce = 8;

/** Files between two tellings of the progress. */
const filesPerProgress = 100;

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
      const outcome = kind === 'file' ? await adoptPlace(context, { place, algorithm }, control) : skipOf(kind);
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

function count(report: AdoptReport, outcome: AdoptOutcome): void {
  if (outcome === 'taken' || outcome === 'known') {
    report[outcome] += 1;
    return;
  }
  report.skipped += 1;
  report.reasons[outcome] = (report.reasons[outcome] ?? 0) + 1;
}

/** What stands in a folder besides folders. */
export type FoundKind = 'file' | 'link' | 'special' | 'unreadable';

function skipOf(kind: Exclude<FoundKind, 'file'>): SkipReason {
  return ({ link: 'LINK', special: 'SPECIAL', unreadable: 'UNREADABLE' } as const)[kind];
}

/** Everything below a place that is no folder. The store's own folders and its marker are left out; links stay links. */
export async function* walkDisk(
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
