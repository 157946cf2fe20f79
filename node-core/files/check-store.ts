import { setImmediate as nextTurn } from 'node:timers/promises';
import { type RunControl, SharedRun } from '../runtime/shared-run.ts';
import { isPacked } from '../storage/file-store.ts';
import { sameContent } from '../storage/identity.ts';
import { type FilesContext, withPath } from './context.ts';
import { isIntact } from './integrity.ts';

/** Files looked at before others get their turn. */
const filesPerTurn = 50;

/** What a check found so far. */
export interface CheckReport {
  /** Files looked at. */
  checked: number;
  /** Their bytes are here, as they were stored. */
  sound: number;
  /** There is nothing where their bytes should be. */
  missing: number;
  /** Their bytes are not those that were stored. */
  damaged: number;
  /** Their bytes were never on this node. */
  elsewhere: number;
}

/**
 * Looks whether the bytes of every file stand where they should. A file of the recorded size and time is sound; one that
 * was touched is hashed, and its record mended when the content is the same. Damage is told by `bytes-damaged`.
 */
export class StoreChecker extends SharedRun<CheckReport> {
  constructor(context: FilesContext) {
    const begin = () => ({ checked: 0, sound: 0, missing: 0, damaged: 0, elsewhere: 0 });
    super('store check', begin, (report, control) => checkAll(context, report, control));
  }
}

async function checkAll(context: FilesContext, report: CheckReport, control: RunControl): Promise<void> {
  await context.guard.checkStore();
  for await (const { path } of context.catalog.walk()) {
    if (control.stopping) return;
    const state = await stateOf(context, path);
    // Removed since the walk began.
    if (state === undefined) continue;
    report.checked += 1;
    report[state] += 1;
    if (report.checked % filesPerTurn === 0) await nextTurn();
  }
}

async function stateOf(
  context: FilesContext,
  path: string,
): Promise<Exclude<keyof CheckReport, 'checked'> | undefined> {
  const file = context.catalog.find(path);
  if (!file) return undefined;
  if (!file.local) return 'elsewhere';
  const seen = context.store.identify(file.local.place);
  if (seen && !isPacked(file.local.place) && sameContent(seen, file.local.identity)) return 'sound';
  // The bytes may just be on their way: whoever moves them holds the path.
  return withPath(context, file.recordPath, async () => {
    const current = context.catalog.find(path);
    if (!current) return undefined;
    if (!current.local) return 'elsewhere';
    const { place } = current.local;
    if (await isIntact(context, current)) return 'sound';
    if (isPacked(place)) context.events.emit('bytes-damaged', { path, place });
    if (context.store.identify(place)) return 'damaged';
    // A disk that went away is not a thousand lost files.
    await context.guard.checkFolder();
    context.events.emit('bytes-damaged', { path, place });
    return 'missing';
  });
}
