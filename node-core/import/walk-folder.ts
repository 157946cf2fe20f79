/** Walks a folder of a source. Links are told, never followed; what cannot be listed is told too. */
import type { Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';
import path from 'node:path';

/** Something below a folder that is no folder. */
export interface FoundEntry {
  /** Below the folder, with `/`, as the disk spells it. */
  readonly place: string;
  readonly kind: 'file' | 'link' | 'special' | 'unreadable';
}

/**
 * Everything below a folder.
 * @param skips whether a folder or file is left out, by its place. @throws system errors when the folder itself cannot be listed.
 */
export async function* walkFolder(
  root: string,
  skips: (place: string) => boolean,
  below = '',
): AsyncGenerator<FoundEntry> {
  let entries: AsyncIterable<Dirent>;
  try {
    entries = await opendir(path.join(root, below));
  } catch (error) {
    if (below === '') throw error;
    yield { place: below, kind: 'unreadable' };
    return;
  }
  for await (const entry of entries) {
    const place = path.posix.join(below, entry.name);
    if (skips(place)) continue;
    if (entry.isDirectory()) yield* walkFolder(root, skips, place);
    else yield { place, kind: entry.isFile() ? 'file' : entry.isSymbolicLink() ? 'link' : 'special' };
  }
}
