/** Reads every byte of the store and says which files are not what was stored. Mends records that were only touched. */
import type { CataloguedFile } from '../catalog/catalog.ts';
import { type RunControl, SharedRun } from '../runtime/shared-run.ts';
import { chunksOf } from '../storage/byte-source.ts';
import { ContentHasher } from '../storage/content-hasher.ts';
import { type FilesContext, withPath } from './context.ts';

/** Files in work at once: the disk is kept busy while one is hashed. */
const filesAtOnce = 4;

/** Bytes read at once. */
const readBytes = 1024 * 1024;

/** Most files that a report names; all are counted. */
const maxNamedFiles = 10_000;

/** How far a verification is; once it has ended, its report. */
export interface VerifyReport {
  state: 'running' | 'finished' | 'stopped' | 'failed';
  readonly startedMs: number;
  /** Live files and their bytes when it began. */
  readonly total: { readonly files: number; readonly bytes: number };
  /** Files and bytes looked at. */
  readonly done: { files: number; bytes: number };
  /** Every byte is what was stored. */
  sound: number;
  /** There is nothing where their bytes should be. */
  missing: number;
  /** Their bytes are not those that were stored. */
  damaged: number;
  /** Their bytes were never on this node. */
  elsewhere: number;
  /** The files behind `missing` and `damaged`, as many as are named. */
  readonly bad: { readonly path: string; readonly state: 'missing' | 'damaged' }[];
}

type FileState = 'sound' | 'missing' | 'damaged' | 'elsewhere';

/** Verifies the whole store, once at a time. */
export class StoreVerifier extends SharedRun<VerifyReport> {
  #last: VerifyReport | undefined;

  constructor(context: FilesContext) {
    super(
      'verification',
      () => {
        this.#last = newReport(context);
        return this.#last;
      },
      async (report, control) => {
        try {
          await verifyAll(context, report, control);
          report.state = control.stopping ? 'stopped' : 'finished';
        } catch (error) {
          report.state = 'failed';
          throw error;
        }
      },
    );
  }

  /** The run under way, or the last one of this start of the node. */
  get report(): VerifyReport | undefined {
    return this.#last;
  }
}

function newReport({ catalog, clock }: FilesContext): VerifyReport {
  return {
    state: 'running',
    startedMs: clock.now(),
    total: catalog.totals(),
    done: { files: 0, bytes: 0 },
    sound: 0,
    missing: 0,
    damaged: 0,
    elsewhere: 0,
    bad: [],
  };
}

async function verifyAll(context: FilesContext, report: VerifyReport, control: RunControl): Promise<void> {
  await context.guard.checkStore();
  const files = context.catalog.walk();
  let failed = false;
  const work = async () => {
    for (;;) {
      const { value, done } = await files.next();
      if (done || failed || control.stopping) return;
      const { path, entry } = value;
      const state = await stateOf(context, path, control);
      // Removed since the walk began, or cut.
      if (state === undefined) continue;
      report.done.files += 1;
      report.done.bytes += entry.size;
      report[state] += 1;
      if ((state === 'missing' || state === 'damaged') && report.bad.length < maxNamedFiles)
        report.bad.push({ path, state });
    }
  };
  const workers = Array.from({ length: filesAtOnce }, () =>
    work().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  const ends = await Promise.allSettled(workers);
  await files.return(undefined);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

async function stateOf(context: FilesContext, path: string, control: RunControl): Promise<FileState | undefined> {
  const file = context.catalog.find(path);
  if (!file) return undefined;
  const first = await verify(context, file, control);
  if (first !== 'missing' && first !== 'damaged') return first;
  // Its bytes may just have been on their way, or have been replaced: whoever moves them holds the path.
  return withPath(context, file.recordPath, async () => {
    const current = context.catalog.find(path);
    if (!current) return undefined;
    const state = await verify(context, current, control);
    if (state === 'missing') await context.guard.checkFolder();
    if ((state === 'missing' || state === 'damaged') && current.local)
      context.events.emit('bytes-damaged', { path, place: current.local.place });
    return state;
  });
}

async function verify(
  context: FilesContext,
  file: CataloguedFile,
  control: RunControl,
): Promise<FileState | undefined> {
  const { local, version, recordPath } = file;
  if (!local) return 'elsewhere';
  const opened = await context.store.open(local.place);
  if (!opened) return context.store.identify(local.place) ? 'damaged' : 'missing';
  try {
    const hasher = new ContentHasher('md5');
    for await (const chunk of chunksOf(opened.handle, readBytes)) {
      if (control.stopping) return undefined;
      hasher.update(chunk);
    }
    if (hasher.finish().digests.sha256 !== version.sha256) return 'damaged';
  } catch {
    // A sector that cannot be read.
    return 'damaged';
  } finally {
    await opened.handle.close();
  }
  const verifiedMs = context.clock.now();
  await context.catalog.commit((transaction) => {
    const current = transaction.local(recordPath, version.dot);
    if (current?.place !== local.place) return;
    transaction.setLocal(recordPath, version, { ...current, identity: opened.identity, verifiedMs });
  });
  return 'sound';
}
