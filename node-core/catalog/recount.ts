/**
 * Walks over everything that shows, and what is worked out from such a walk. A walk reads one page after the other from a
 * snapshot: other work goes on between two pages, and what is committed meanwhile is not seen.
 */
import type { Committer, Database } from './committer.ts';
import { keys } from './keys.ts';
import { type DayStatistics, decode, encode, type FolderEntry } from './values.ts';

type FileEntry = Extract<FolderEntry, { kind: 'file' }>;

/** A file as its folder lists it. */
export interface ListedFile {
  readonly path: string;
  readonly entry: FileEntry;
}

/** Rows read at once. */
const pageRows = 200;

const noFiles: DayStatistics = { files: 0, bytes: 0 };

type Snapshot = ReturnType<Database['snapshot']>;

/** Every visible file, folder by folder. */
export async function* walkFiles(db: Database, snapshot?: Snapshot): AsyncGenerator<ListedFile> {
  const iterator = db.iterator({ ...keys.allEntries(), ...(snapshot && { snapshot }) });
  try {
    for (;;) {
      const page = await iterator.nextv(pageRows);
      if (page.length === 0) return;
      for (const [key, text] of page) {
        const entry = decode.entry(key, text);
        if (entry.kind === 'file') yield { path: keys.pathOfEntry(key), entry };
      }
    }
  } finally {
    await iterator.close();
  }
}

/**
 * Counts the files of a day anew, and those of all days, and corrects both rows. Commits go on meanwhile: they add to the
 * rows, so what the rows were wrong by at the moment of the snapshot is what they are wrong by afterwards.
 *
 * Two recounts at once would correct the same mistake twice: the caller runs one after the other.
 * @returns the row of the day as it stands now.
 */
export async function recountDay(db: Database, committer: Committer, day: string): Promise<DayStatistics> {
  const snapshot = db.snapshot();
  const wrongBy = new Map<string, DayStatistics>();
  try {
    const found = new Map([day, 'all'].map((row) => [row, { files: 0, bytes: 0 }]));
    for await (const { entry } of walkFiles(db, snapshot)) {
      for (const row of [entry.day, 'all']) {
        const counted = found.get(row);
        if (!counted) continue;
        counted.files += 1;
        counted.bytes += entry.size;
      }
    }
    for (const [row, { files, bytes }] of found) {
      const text = await db.get(keys.day(row), { snapshot });
      const counted = text === undefined ? noFiles : decode.day(keys.day(row), text);
      wrongBy.set(row, { files: files - counted.files, bytes: bytes - counted.bytes });
    }
  } finally {
    await snapshot.close();
  }
  return committer.commit((overlay) => {
    for (const [row, { files, bytes }] of wrongBy) {
      if (files === 0 && bytes === 0) continue;
      const key = keys.day(row);
      const text = overlay.get(key);
      const before = text === undefined ? noFiles : decode.day(key, text);
      const after = { files: before.files + files, bytes: before.bytes + bytes };
      if (after.files === 0 && row !== 'all') overlay.del(key);
      else overlay.put(key, encode(after));
    }
    const text = overlay.get(keys.day(day));
    return text === undefined ? noFiles : decode.day(keys.day(day), text);
  });
}
