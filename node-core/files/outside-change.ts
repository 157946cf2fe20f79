/**
 * What another program did to a file of a watched store: a new file, another content, a file that went. The other program
 * owns the plain files there; its word counts like an upload or a delete.
 */
import { randomBytes } from 'node:crypto';
import type { CataloguedFile } from '../catalog/catalog.ts';
import type { NewVersion, RetiredBytes } from '../catalog/transaction.ts';
import type { Intent } from '../catalog/values.ts';
import type { CompatibleAlgorithm } from '../domain/digests.ts';
import { ShoalError } from '../domain/errors.ts';
import { baseName, normalizePath, parentOf, reservedTopNames } from '../domain/paths.ts';
import type { RunControl } from '../runtime/shared-run.ts';
import { sameContent, untouched } from '../storage/identity.ts';
import { type AdoptOutcome, adoptPlace, type HashedPlace, hashPlace, type SkipReason } from './adopt-place.ts';
import { type FilesContext, withPath, withPaths } from './context.ts';
import { finishIntent } from './placement.ts';

/** Removals under way at once: their commits share one write to the disk. */
const removalsAtOnce = 16;

/** Who the records name. */
const outside = 'outside';

/** What was found at a place. `vanished`: the catalogue has a file there, the disk has not. */
export type OutsideOutcome = AdoptOutcome | 'changed' | 'vanished';

/** Whether a place is one of the store's own, which no other program has a say in. */
export function isOwnPlace(place: string): boolean {
  return reservedTopNames.includes((place.split('/')[0] ?? '').toLowerCase());
}

/** Whether the catalogue knows what stands at a place, as far as size and time tell. Cheap. */
export function isKnownPlace(context: FilesContext, place: string): boolean {
  const file = fileAt(context, place);
  const found = file?.local?.place === place ? context.store.identify(place) : undefined;
  return found !== undefined && file?.local !== undefined && sameContent(found, file.local.identity);
}

/**
 * Takes in what stands at a place. Nothing is removed here: see {@link removeVanished}.
 * @returns undefined when there is nothing to do: nothing is there and nothing was, or the node stops.
 */
export async function takeOutsideChange(
  context: FilesContext,
  place: string,
  algorithm: CompatibleAlgorithm,
  control: RunControl,
): Promise<OutsideOutcome | undefined> {
  let path: string;
  try {
    path = normalizePath(place);
  } catch (error) {
    if (error instanceof ShoalError) return error.code as SkipReason;
    throw error;
  }
  // What the node itself is just placing or removing is no news once it is done.
  await withPath(context, path, async () => undefined);
  if (isKnownPlace(context, place)) return 'known';
  const shown = context.catalog.find(path);
  if (!context.store.identify(place)) return shown?.local?.place === place ? 'vanished' : undefined;
  if (!shown) return adoptPlace(context, { place, algorithm }, control);
  let hashed: HashedPlace | 'CHANGING' | undefined;
  try {
    hashed = await hashPlace(context, algorithm, place, control);
  } catch {
    return 'UNREADABLE';
  }
  if (hashed === undefined || hashed === 'CHANGING') return hashed;
  return commitChange(context, shown, place, hashed);
}

/** Another content is a new version; the same one, touched, is known by its new times. */
async function commitChange(
  context: FilesContext,
  shown: CataloguedFile,
  place: string,
  { digests, blocks, identity }: HashedPlace,
): Promise<OutsideOutcome | undefined> {
  const { path, recordPath } = shown;
  return withPaths(context, [path, recordPath], async () => {
    await context.guard.checkStore();
    const found = context.store.identify(place);
    const current = context.catalog.find(path);
    if (!found || current?.recordPath !== recordPath) return 'CHANGING';
    if (!untouched(found, identity)) return 'CHANGING';
    const nowMs = context.clock.now();
    const local = { place, identity, verifiedMs: nowMs };
    if (current.local?.place === place && current.version.sha256 === digests.sha256) {
      await context.catalog.commit((transaction) => transaction.setLocal(recordPath, current.version, local));
      return 'known';
    }
    const mtimeMs = Math.min(nowMs, Math.max(0, Number(BigInt(identity.mtimeNs) / 1_000_000n)));
    const scene = parentOf(path).split('/')[0] ?? '';
    const next: NewVersion = { kind: 'file', digests, name: baseName(path), scene, mtimeMs, storedMs: nowMs };
    const intent = await context.catalog.commit((transaction) => {
      // Under a conflict name it replaces that version only; anywhere else it has seen all that is there.
      const isConflict = path !== recordPath;
      const going = isConflict ? [current.version] : transaction.record(recordPath).versions;
      const version = transaction.write(recordPath, next, isConflict ? [current.version.dot] : undefined);
      const retire: RetiredBytes[] = [];
      for (const old of going) {
        // Its bytes were written over: there is nothing to keep.
        if (transaction.local(recordPath, old.dot)?.place === place) transaction.dropLocal(recordPath, old);
        const retired = transaction.retire(recordPath, old, { reason: 'replaced', by: outside, nowMs });
        if (retired) retire.push(retired);
      }
      transaction.setLocal(recordPath, version, local);
      transaction.putBlocks(digests.sha256, blocks);
      const promised: Intent = { id: randomBytes(12).toString('hex'), path: recordPath, retire };
      transaction.putIntent(promised);
      return promised;
    });
    await finishIntent(context, intent);
    const { size, sha256 } = digests;
    context.events.emit('file-committed', { path, size, sha256 });
    return 'changed';
  });
}

/** Files that went: `moved` ones whose content stands under another path, as after a rename, and `lost` ones. */
export async function sortVanished(
  context: FilesContext,
  paths: readonly string[],
): Promise<{ readonly moved: string[]; readonly lost: string[] }> {
  const moved: string[] = [];
  const lost: string[] = [];
  for (const path of paths) {
    const sha256 = context.catalog.find(path)?.version.sha256;
    const same = sha256 === undefined ? [] : await context.catalog.findByDigest('sha256', sha256);
    const isHere = same.some((file) => file.path !== path && file.local && context.store.identify(file.local.place));
    (isHere ? moved : lost).push(path);
  }
  return { moved, lost };
}

/**
 * Notes that files went from the store: a tombstone each. One that is back is left alone.
 * @returns how many were removed. @throws ShoalError STORE_MISSING when it is the disk that went: nothing is removed then.
 */
export async function removeVanished(context: FilesContext, paths: readonly string[]): Promise<number> {
  let removed = 0;
  const next = paths[Symbol.iterator]();
  const work = async () => {
    for (const path of next) {
      if (!(await removeOne(context, path))) continue;
      removed += 1;
      context.events.emit('file-removed', { path, by: outside });
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: removalsAtOnce }, work));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return removed;
}

async function removeOne(context: FilesContext, path: string): Promise<boolean> {
  const owner = context.catalog.find(path)?.recordPath ?? path;
  return withPaths(context, [path, owner], async () => {
    const file = context.catalog.find(path);
    if (!file?.local || context.store.identify(file.local.place)) return false;
    await context.guard.checkFolder();
    const { recordPath, version } = file;
    await context.catalog.commit((transaction) => {
      transaction.dropLocal(recordPath, version);
      transaction.remove(recordPath, outside, [version.dot]);
    });
    return true;
  });
}

/** The file that shows at the path of a place; undefined when the place is no path. */
function fileAt(context: FilesContext, place: string): CataloguedFile | undefined {
  try {
    return context.catalog.find(normalizePath(place));
  } catch {
    return undefined;
  }
}
