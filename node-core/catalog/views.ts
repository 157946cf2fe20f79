/**
 * Indexes over what people see: folder entries, conflict names, digests, day statistics. All of them follow from records
 * alone (domain/file-record.ts, viewOf) and change in the same batch.
 */
import { dayOf } from '../domain/days.ts';
import { type PathRecord, type VisibleFile, viewOf } from '../domain/file-record.ts';
import { baseName, parentOf } from '../domain/paths.ts';
import { formatDot } from '../domain/version.ts';
import type { Overlay } from './committer.ts';
import { keys } from './keys.ts';
import { indexedNames } from './search-index.ts';
import { type DayStatistics, decode, encode, type FolderEntry } from './values.ts';

type FileEntry = Extract<FolderEntry, { kind: 'file' }>;
type DirectoryEntry = Extract<FolderEntry, { kind: 'dir' }>;

const digestNames = ['sha256', 'md5', 'sha1'] as const;

/** Replaces what a record shows by what its successor shows. */
export function replaceInViews(overlay: Overlay, before: PathRecord, after: PathRecord): void {
  const old = new Map(viewOf(before).map((file) => [file.path, file]));
  const now = new Map(viewOf(after).map((file) => [file.path, file]));
  for (const [path, file] of old) {
    const successor = now.get(path);
    if (!successor || !sameRow(file, successor)) hide(overlay, file);
  }
  for (const [path, file] of now) {
    const predecessor = old.get(path);
    if (!predecessor || !sameRow(predecessor, file)) show(overlay, file);
  }
}

/** One version may show under the same name before and after: then nothing is written. */
function sameRow(a: VisibleFile, b: VisibleFile): boolean {
  return formatDot(a.version.dot) === formatDot(b.version.dot);
}

function show(overlay: Overlay, file: VisibleFile): void {
  const { path, recordPath, version } = file;
  if (path !== recordPath) overlay.put(keys.alias(path), encode({ path: recordPath, dot: formatDot(version.dot) }));
  if (version.kind === 'dir') {
    makeExplicit(overlay, path, version.mtimeMs);
    return;
  }
  const day = dayOf(version.storedMs);
  const entry: FileEntry = {
    kind: 'file',
    size: version.size,
    mtimeMs: version.mtimeMs,
    sha256: version.sha256,
    compatible: version.md5 ?? version.sha1 ?? '',
    day,
  };
  overlay.put(keys.entry(parentOf(path), 'file', baseName(path)), encode(entry));
  countChild(overlay, parentOf(path), 1, version.storedMs);
  for (const name of digestNames) {
    const digest = version[name];
    if (digest !== undefined) overlay.put(keys.digest(name, digest, path), '');
  }
  const { grams, otherName } = indexedNames(file);
  for (const gram of grams) overlay.put(keys.gram(gram, path), otherName);
  count(overlay, day, 1, version.size);
}

function hide(overlay: Overlay, file: VisibleFile): void {
  const { path, recordPath, version } = file;
  if (path !== recordPath) overlay.del(keys.alias(path));
  if (version.kind === 'dir') {
    makeImplicit(overlay, path);
    return;
  }
  const key = keys.entry(parentOf(path), 'file', baseName(path));
  const text = overlay.get(key);
  const entry = text === undefined ? undefined : decode.entry(key, text);
  const day = entry?.kind === 'file' ? entry.day : dayOf(version.storedMs);
  overlay.del(key);
  countChild(overlay, parentOf(path), -1, version.storedMs);
  for (const name of digestNames) {
    const digest = version[name];
    if (digest !== undefined) overlay.del(keys.digest(name, digest, path));
  }
  for (const gram of indexedNames(file).grams) overlay.del(keys.gram(gram, path));
  count(overlay, day, -1, -version.size);
}

/** Counts an entry into or out of its folder; folders appear with their first entry and go with their last. */
function countChild(overlay: Overlay, folder: string, by: 1 | -1, nowMs: number): void {
  if (folder === '') return;
  const entry = directory(overlay, folder);
  if (!entry) {
    if (by === 1) {
      putDirectory(overlay, folder, { kind: 'dir', children: 1, explicit: false, mtimeMs: nowMs });
      countChild(overlay, parentOf(folder), 1, nowMs);
    }
    return;
  }
  const children = Math.max(0, entry.children + by);
  if (children > 0 || entry.explicit) putDirectory(overlay, folder, { ...entry, children });
  else removeDirectory(overlay, folder, nowMs);
}

function makeExplicit(overlay: Overlay, folder: string, mtimeMs: number): void {
  const entry = directory(overlay, folder);
  putDirectory(overlay, folder, { kind: 'dir', children: entry?.children ?? 0, explicit: true, mtimeMs });
  if (!entry) countChild(overlay, parentOf(folder), 1, mtimeMs);
}

function makeImplicit(overlay: Overlay, folder: string): void {
  const entry = directory(overlay, folder);
  if (!entry) return;
  if (entry.children > 0) putDirectory(overlay, folder, { ...entry, explicit: false });
  else removeDirectory(overlay, folder, entry.mtimeMs);
}

function removeDirectory(overlay: Overlay, folder: string, nowMs: number): void {
  overlay.del(keys.entry(parentOf(folder), 'dir', baseName(folder)));
  countChild(overlay, parentOf(folder), -1, nowMs);
}

function directory(overlay: Overlay, folder: string): DirectoryEntry | undefined {
  const key = keys.entry(parentOf(folder), 'dir', baseName(folder));
  const text = overlay.get(key);
  if (text === undefined) return undefined;
  const entry = decode.entry(key, text);
  return entry.kind === 'dir' ? entry : undefined;
}

function putDirectory(overlay: Overlay, folder: string, entry: DirectoryEntry): void {
  overlay.put(keys.entry(parentOf(folder), 'dir', baseName(folder)), encode(entry));
}

function count(overlay: Overlay, day: string, files: number, bytes: number): void {
  for (const row of [day, 'all']) {
    const key = keys.day(row);
    const text = overlay.get(key);
    const before: DayStatistics = text === undefined ? { files: 0, bytes: 0 } : decode.day(key, text);
    const after = { files: before.files + files, bytes: before.bytes + bytes };
    if (after.files === 0 && row !== 'all') overlay.del(key);
    else overlay.put(key, encode(after));
  }
}
