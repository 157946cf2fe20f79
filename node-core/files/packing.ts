/** Small contents in packs: what goes there, and how it gets there. */
import { readFile } from 'node:fs/promises';
import { isPacked, isStaging } from '../storage/file-store.ts';
import type { FrameHint } from '../storage/pack-format.ts';
import type { FrameLocation } from '../storage/pack-store.ts';
import type { StagedFile } from '../storage/staging.ts';
import type { FilesContext } from './context.ts';

/**
 * Puts a staged content into a pack, if it belongs there. A frame that holds it already, soundly, is used again. The caller
 * holds the content, and commits what this returns.
 * @returns where the frame stands; undefined when the content is to be a plain file.
 * @throws system errors of the disk.
 */
export async function packStaged(
  context: FilesContext,
  staged: StagedFile,
  hint: FrameHint,
): Promise<FrameLocation | undefined> {
  const { sha256, size } = staged.digests;
  // Restored from the trash: the frame is there, and stays.
  if (isPacked(staged.place)) return context.catalog.packed(sha256);
  // What comes back from the trash as a plain file stays one.
  const limit = context.packs.limitBytes();
  const belongs = staged.bytes !== undefined || (limit > 0 && size <= limit && isStaging(staged.place));
  if (!belongs) return undefined;
  return packContent(context, sha256, async () => staged.bytes ?? (await readFile(staged.file)), hint);
}

/**
 * Makes sure that a pack holds a content. The caller holds the content.
 * @param bytes brings it; asked for only when no sound frame holds it.
 */
export async function packContent(
  context: FilesContext,
  sha256: string,
  bytes: () => Promise<Uint8Array>,
  hint?: FrameHint,
): Promise<FrameLocation> {
  const known = context.catalog.packed(sha256);
  if (known && (await context.packs.store.readAt(known, sha256))) return known;
  return context.packs.store.append(sha256, await bytes(), hint);
}
