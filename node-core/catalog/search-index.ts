/**
 * Search in names. Every visible file is listed under each pair of neighbouring characters of its name (Chinese words are
 * often two characters long), and under its last character with an end mark. A query reads the shortest of its lists and
 * keeps what really holds the text: the path stands in the key, so nothing else is read for a miss.
 */
import type { VisibleFile } from '../domain/file-record.ts';
import { baseName } from '../domain/paths.ts';
import type { Database } from './committer.ts';
import { keys, lastPart } from './keys.ts';

/** Stands after the last character of a name; no name contains it. */
const endMark = '\u0001';

/** Keys read at once. */
const pageKeys = 1000;

/** Keys of a list that are counted to find the shortest one. */
const probeKeys = 8192;

/** How a file stands in the index. */
export interface IndexedNames {
  readonly grams: ReadonlySet<string>;
  /** Value of its keys: what its uploader called it, when that is not the last segment of its path. */
  readonly otherName: string;
}

/** The grams of every name that a file goes by: the last segment of its path, and what its uploader called it. */
export function indexedNames({ path, version }: VisibleFile): IndexedNames {
  const stored = baseName(path);
  const otherName = version.name === stored ? '' : version.name;
  const grams = gramsOf(fold(stored));
  for (const gram of gramsOf(fold(otherName))) grams.add(gram);
  return { grams, otherName };
}

/** Runs a search. @param find what shows at a path. */
export async function searchNames<T extends VisibleFile>(
  db: Database,
  text: string,
  limit: number,
  find: (path: string) => T | undefined,
): Promise<T[]> {
  const wanted = fold(text);
  const characters = [...wanted];
  const [first] = characters;
  if (first === undefined) return [];
  const range = characters.length === 1 ? keys.gramsFrom(first) : keys.grams(await shortestList(db, pairs(characters)));
  const found = new Map<string, T>();
  const iterator = db.iterator(range);
  try {
    for (;;) {
      const page = await iterator.nextv(pageKeys);
      if (page.length === 0) break;
      for (const [key, otherName] of page) {
        const path = lastPart(key);
        if (found.has(path)) continue;
        if (!fold(baseName(path)).includes(wanted) && !fold(otherName).includes(wanted)) continue;
        const file = find(path);
        if (file) found.set(path, file);
        if (found.size === limit) return [...found.values()];
      }
    }
  } finally {
    await iterator.close();
  }
  return [...found.values()];
}

/** The gram with the fewest files, as far as a short look tells. */
async function shortestList(db: Database, grams: ReadonlySet<string>): Promise<string> {
  let best = '';
  let fewest = Number.POSITIVE_INFINITY;
  for (const gram of grams) {
    const iterator = db.keys({ ...keys.grams(gram), limit: Math.min(fewest, probeKeys) });
    const count = (await iterator.all()).length;
    if (count >= fewest) continue;
    best = gram;
    fewest = count;
    if (count === 0) break;
  }
  return best;
}

function gramsOf(folded: string): Set<string> {
  const characters = [...folded];
  const grams = pairs(characters);
  const last = characters.at(-1);
  if (last !== undefined) grams.add(last + endMark);
  return grams;
}

function pairs(characters: readonly string[]): Set<string> {
  const grams = new Set<string>();
  for (let index = 0; index + 1 < characters.length; index += 1) {
    grams.add(`${characters[index]}${characters[index + 1]}`);
  }
  return grams;
}

/** Letter case and composition aside; NUL-free as every name, and without the end mark. */
function fold(name: string): string {
  return name.normalize('NFC').toLowerCase().replaceAll('\0', '').replaceAll(endMark, '');
}
