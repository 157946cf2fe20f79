/** What an import did so far, and to which files it did not. */
import type { ImportSkipReason, ImportTotals } from './import-source.ts';
import type { ImportMode, ImportOutcome } from './import-target.ts';

/** Most files that a report names; all are counted. */
export const maxNamedFiles = 10_000;

/** A file that was not taken in. */
export interface LeftFile {
  /** In the source. */
  readonly path: string;
  readonly reason: ImportSkipReason;
}

/** What is imported, and how. */
export interface ImportPlan {
  readonly kind: 'go-fastdfs' | 'folder';
  /** Absolute path of the source. */
  readonly source: string;
  readonly mode: ImportMode;
  /** Folder of the store that everything goes below; `''` for the root. */
  readonly into: string;
  /** Reads and checks everything, and changes nothing. */
  readonly dryRun: boolean;
}

/** How far an import is; once it has ended, its report. */
export interface ImportReport extends ImportPlan {
  readonly state: 'counting' | 'running' | 'finished' | 'stopped' | 'failed';
  readonly startedMs: number;
  readonly endedMs?: number;
  /** Code of the error that ended a failed import. */
  readonly error?: string;
  /** What there is to do. Undefined while it is counted. */
  readonly total?: ImportTotals;
  /** What was looked at so far. */
  readonly done: ImportTotals;
  /** What came in; in a dry run, what would. */
  readonly taken: ImportTotals;
  /** Files that were in before. */
  readonly known: number;
  readonly skipped: number;
  /** Files whose size or digest is not the one that the source's records name. */
  readonly damaged: number;
  readonly reasons: Readonly<Partial<Record<ImportSkipReason, number>>>;
  /** Ids of tus uploads that lead to their file. */
  readonly uploadIds: number;
  /** The files behind `skipped` and `damaged`, as many as are named. */
  readonly left: readonly LeftFile[];
  /** Folders and files of the source that were set aside, below the data folder. */
  readonly setAside: readonly string[];
}

/** A report that is being written. */
export class ReportWriter {
  #report: ImportReport;
  readonly #reasons: Partial<Record<ImportSkipReason, number>> = {};
  readonly #left: LeftFile[] = [];
  readonly #tell: (report: ImportReport) => void;

  /** @param tell called after every change. */
  constructor(plan: ImportPlan, startedMs: number, tell: (report: ImportReport) => void = () => {}) {
    this.#tell = tell;
    const nothing = { files: 0, bytes: 0 };
    this.#report = {
      ...plan,
      state: 'counting',
      startedMs,
      done: nothing,
      taken: nothing,
      known: 0,
      skipped: 0,
      damaged: 0,
      reasons: this.#reasons,
      uploadIds: 0,
      left: this.#left,
      setAside: [],
    };
  }

  get report(): ImportReport {
    return this.#report;
  }

  change(change: Partial<ImportReport>): void {
    this.#report = { ...this.#report, ...change };
    this.#tell(this.#report);
  }

  /** Notes what became of a file of so many bytes. */
  count(path: string, bytes: number, outcome: ImportOutcome): void {
    const { done, taken, known } = this.#report;
    this.change({ done: { files: done.files + 1, bytes: done.bytes + bytes } });
    if (outcome === 'taken') this.change({ taken: { files: taken.files + 1, bytes: taken.bytes + bytes } });
    else if (outcome === 'known') this.change({ known: known + 1 });
    else this.leave(path, outcome);
  }

  /** Notes something that cannot be taken in and that was not counted as a file to do. */
  leave(path: string, reason: ImportSkipReason): void {
    const { damaged, skipped } = this.#report;
    this.change(reason === 'DAMAGED' ? { damaged: damaged + 1 } : { skipped: skipped + 1 });
    this.#reasons[reason] = (this.#reasons[reason] ?? 0) + 1;
    if (this.#left.length < maxNamedFiles) this.#left.push({ path, reason });
  }

  countUploadId(): void {
    this.change({ uploadIds: this.#report.uploadIds + 1 });
  }
}
