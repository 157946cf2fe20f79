/**
 * What follows a commit: retired bytes go to the trash folder, staged bytes to their place, and the intent is removed
 * (replication.md, 9). The same code finishes a commit and redoes it after a crash.
 */

import { versionWithDot } from '../catalog/transaction.ts';
import type { Intent } from '../catalog/values.ts';
import { foldPath } from '../domain/paths.ts';
import { parseDot } from '../domain/version.ts';
import type { Place } from '../storage/file-store.ts';
import { storeFolders } from '../storage/file-store.ts';
import type { FileIdentity } from '../storage/identity.ts';
import type { FilesContext } from './context.ts';

interface PlacedBytes {
  readonly place: Place;
  readonly identity: FileIdentity;
}

/**
 * Does what an intent promised, and removes it. The caller holds the path (and the content, when it is placed).
 * @throws system errors of the disk. What is committed stays committed: it is finished before anything else happens at
 * the path, at the latest by the next start.
 */
export async function finishIntent(context: FilesContext, intent: Intent): Promise<void> {
  try {
    await carryOut(context, intent);
  } catch (error) {
    await finishLater(context, intent);
    throw error;
  }
}

async function finishLater(context: FilesContext, intent: Intent): Promise<void> {
  const path = foldPath(intent.path);
  const before = context.unfinished.get(path);
  const finish = async () => {
    await before?.();
    await redoIntent(context, intent);
    context.unfinished.delete(path);
  };
  // The error may have been a passing one; else whoever comes next tries again.
  await finish().catch(() => context.unfinished.set(path, finish));
}

async function carryOut(context: FilesContext, intent: Intent): Promise<void> {
  for (const { trashId, place } of intent.retire) await context.store.move(place, trashPlace(trashId));
  const { placing } = intent;
  const placed = placing ? await context.store.place(placing.from, intent.id, intent.path) : undefined;
  await discard(context, intent);
  await settle(context, intent, placed);
}

/**
 * Finishes an intent of before a crash. Any part of it may have happened already: what is in the trash is not moved
 * again (its old place may hold the successor by now), and staged bytes that are gone are looked for where they belong.
 * @returns false when staged bytes cannot be found anywhere.
 */
export async function redoIntent(context: FilesContext, intent: Intent): Promise<boolean> {
  for (const { trashId, place } of intent.retire) await redoRetire(context, intent, trashId, place);
  let placed: PlacedBytes | undefined;
  const { placing } = intent;
  if (placing) {
    if (context.store.identify(placing.from)?.ino === placing.identity.ino) {
      placed = await context.store.place(placing.from, intent.id, intent.path);
    } else {
      const place = await context.store.findPlaced(intent.id, intent.path, placing.identity);
      const identity = place && context.store.identify(place);
      placed = place && identity ? { place, identity } : undefined;
    }
  }
  await discard(context, intent);
  await settle(context, intent, placed);
  return placed !== undefined || placing === undefined;
}

/** Place of trashed bytes. */
export function trashPlace(trashId: string): Place {
  return `${storeFolders.trash}/${trashId}`;
}

async function redoRetire(context: FilesContext, intent: Intent, trashId: string, place: Place): Promise<void> {
  if (context.store.identify(trashPlace(trashId))) return;
  const found = context.store.identify(place);
  if (!found) return;
  // Equal contents share an inode wherever they stand: it is the successor only at the path itself, and only once it has
  // left the place that it comes from.
  const { placing } = intent;
  const isPlaced = placing !== undefined && context.store.identify(placing.from)?.ino !== placing.identity.ino;
  const isSuccessor = isPlaced && place === intent.path && found.ino === placing.identity.ino;
  if (!isSuccessor) await context.store.move(place, trashPlace(trashId));
}

async function settle(context: FilesContext, intent: Intent, placed: PlacedBytes | undefined): Promise<void> {
  const trashed = intent.retire.map(({ trashId }) => ({
    trashId,
    identity: context.store.identify(trashPlace(trashId)),
  }));
  await context.catalog.commit((transaction) => {
    for (const { trashId, identity } of trashed) transaction.moveTrash(trashId, trashPlace(trashId), identity);
    const dot = intent.placing && parseDot(intent.placing.dot);
    if (dot && placed) {
      const version = versionWithDot(transaction.record(intent.path), dot);
      const local = version && transaction.local(intent.path, dot);
      if (version && local) transaction.setLocal(intent.path, version, { ...local, ...placed });
    }
    transaction.removeIntent(intent.id);
  });
}

/** Removes what an intent gives up, unless something else stands there by now. */
async function discard(context: FilesContext, { discard: given }: Intent): Promise<void> {
  if (!given || context.store.identify(given.place)?.ino !== given.ino) return;
  await context.store.remove(given.place);
}
