/**
 * The replicated value of one path: a dotted version vector set (replication.md, 1).
 *
 * It is a causal context and the versions (siblings) that nobody has replaced yet. Merging is associative, commutative
 * and idempotent, so nodes agree whatever the order in which news arrives. A delete is a context without versions.
 * Everything here is pure; catalog/ stores the values and keeps indexes over {@link viewOf}.
 */
import type { ContentDigests } from './digests.ts';
import { counterOf, type HybridTime, wallMsOf } from './hybrid-clock.ts';
import { baseName, joinPath, maxPathBytes, parentOf, splitExtension } from './paths.ts';
import { covers, type Dot, formatDot, joinVectors, type VersionVector, withDot } from './version.ts';

/** Format number of {@link PathRecord}; a member relays formats it does not know unchanged. */
export const recordFormat = 1;

/** One written version of a path, as its origin wrote it. Fields that a newer node added are kept and passed on. */
export interface FileVersion extends ContentDigests {
  readonly dot: Dot;
  readonly clock: HybridTime;
  /** `dir` is an empty folder that somebody made; other folders follow from paths. */
  readonly kind: 'file' | 'dir';
  /** Name that the uploader gave, for display and downloads; the path's last segment may differ. */
  readonly name: string;
  readonly scene: string;
  /** Last-Modified, in milliseconds since 1970. */
  readonly mtimeMs: number;
  /** When it was first stored, in milliseconds since 1970. */
  readonly storedMs: number;
  /** Where a move took it from; receivers look for the bytes at home first (replication.md, 7). */
  readonly movedFrom?: string;
}

/** The last delete that took part in a record's history: who and when, for the trash and for people. */
export interface Removal {
  readonly dot: Dot;
  readonly clock: HybridTime;
  /** Who deleted: an address, a user or a rule, as shown to people. */
  readonly by: string;
}

/** The replicated part of one path. */
export interface PathRecord {
  readonly format: number;
  readonly path: string;
  readonly context: VersionVector;
  /** Unreplaced versions, highest first by {@link compareVersions}. */
  readonly versions: readonly FileVersion[];
  readonly removal?: Removal;
}

/** One file as people see it: a version at the path where it shows. */
export interface VisibleFile {
  /** The path where it shows: the record's own, or a conflict name beside it. */
  readonly path: string;
  /** The path whose record holds the version. */
  readonly recordPath: string;
  readonly version: FileVersion;
}

/** An empty record of a path: nothing seen, nothing there. */
export function emptyRecord(path: string): PathRecord {
  return { format: recordFormat, path, context: {}, versions: [] };
}

/** The commits that made a record what it shows: those of its versions, and its last removal. */
export function shapingDots({ versions, removal }: PathRecord): Dot[] {
  return [...versions, ...(removal ? [removal] : [])].map(({ dot }) => dot);
}

/** Order of versions at one path: the higher shows. By clock, then node, then epoch and number. */
export function compareVersions(a: FileVersion, b: FileVersion): number {
  if (a.clock !== b.clock) return a.clock < b.clock ? 1 : -1;
  if (a.dot.node !== b.dot.node) return a.dot.node < b.dot.node ? 1 : -1;
  if (a.dot.epoch !== b.dot.epoch) return a.dot.epoch < b.dot.epoch ? 1 : -1;
  return b.dot.number - a.dot.number;
}

/**
 * Merges two states of one path. A version stays unless the other side lacks it although its context covers it:
 * then the other side has seen it and replaced or removed it.
 */
export function mergeRecords(a: PathRecord, b: PathRecord): PathRecord {
  const inA = new Set(a.versions.map((version) => formatDot(version.dot)));
  const inB = new Set(b.versions.map((version) => formatDot(version.dot)));
  const kept = [
    ...a.versions.filter((version) => inB.has(formatDot(version.dot)) || !covers(b.context, version.dot)),
    ...b.versions.filter((version) => !inA.has(formatDot(version.dot)) && !covers(a.context, version.dot)),
  ];
  const removal = higherRemoval(a.removal, b.removal);
  return {
    ...mergeUnknownFields(a, b),
    format: Math.max(a.format, b.format),
    path: a.path,
    context: joinVectors(a.context, b.context),
    versions: kept.sort(compareVersions),
    ...(removal && { removal }),
  };
}

/**
 * The record after a write.
 *
 * @param replaces dots that the writer saw and replaces; all versions of the record when omitted. An edit under a
 * conflict name replaces that dot only.
 */
export function writeVersion(record: PathRecord, version: FileVersion, replaces?: readonly Dot[]): PathRecord {
  const kept = record.versions.filter((old) => replaces !== undefined && !hasDot(replaces, old.dot));
  return {
    ...record,
    context: withDot(record.context, version.dot),
    versions: [...kept, version].sort(compareVersions),
  };
}

/** The record after a delete of some dots (all when omitted). The delete has a dot of its own, so members can acknowledge it. */
export function removeVersions(record: PathRecord, removal: Removal, dots?: readonly Dot[]): PathRecord {
  const kept = record.versions.filter((old) => dots !== undefined && !hasDot(dots, old.dot));
  return { ...record, context: withDot(record.context, removal.dot), versions: kept, removal };
}

/**
 * What people see of a record: the highest version at the path, the others beside it under conflict names, a content
 * that shows already not again. Every node computes the same from the same record.
 */
export function viewOf(record: PathRecord): VisibleFile[] {
  const contents = new Set<string>();
  const paths = new Set<string>();
  const visible: VisibleFile[] = [];
  for (const version of record.versions) {
    const content = `${version.kind}:${version.sha256}`;
    if (contents.has(content)) continue;
    contents.add(content);
    let path = visible.length === 0 ? record.path : conflictPath(record.path, version);
    // One node at one time can have written twice only from two epochs: a restored backup beside a clock set back.
    if (paths.has(path)) path = conflictPath(record.path, version, ` ${version.dot.epoch}.${version.dot.number}`);
    paths.add(path);
    visible.push({ path, recordPath: record.path, version });
  }
  return visible;
}

/** Longest name of a conflict, in bytes: what disks hold. */
const maxNameBytes = 255;

/**
 * `folder/name (conflict <node> <UTC time>).ext`, computed from the version alone so that all nodes agree.
 * @param more stands after the time, where node and time do not tell two versions apart.
 */
export function conflictPath(path: string, version: FileVersion, more = ''): string {
  const { stem, extension } = splitExtension(baseName(path));
  const time = new Date(wallMsOf(version.clock)).toISOString().replace(/[-:]/g, '').replace('T', ' ').replace('Z', '');
  const counter = counterOf(version.clock);
  const node = version.dot.node.slice(0, 8);
  const mark = ` (conflict ${node} ${time}${counter === 0 ? '' : `-${counter}`}${more})`;
  const folder = parentOf(path);
  const above = folder === '' ? 0 : Buffer.byteLength(folder) + 1;
  const room = Math.min(maxNameBytes, maxPathBytes - above) - Buffer.byteLength(mark);
  const ending = cutToBytes(extension, Math.max(0, room));
  return joinPath(folder, `${cutToBytes(stem, Math.max(0, room - Buffer.byteLength(ending)))}${mark}${ending}`);
}

/** The longest beginning of a text that fits, whole characters only. */
function cutToBytes(text: string, maxBytes: number): string {
  let cut = '';
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    cut += character;
  }
  return cut;
}

/** Fields of newer nodes are passed on; where both sides differ the greater text wins, on every node alike. */
function mergeUnknownFields(a: PathRecord, b: PathRecord): object {
  const merged: Record<string, unknown> = {};
  for (const [key, value] of [...Object.entries(a), ...Object.entries(b)]) {
    const other = merged[key];
    if (other === undefined || JSON.stringify(value) > JSON.stringify(other)) merged[key] = value;
  }
  for (const known of ['format', 'path', 'context', 'versions', 'removal']) delete merged[known];
  return merged;
}

function hasDot(dots: readonly Dot[], dot: Dot): boolean {
  const text = formatDot(dot);
  return dots.some((other) => formatDot(other) === text);
}

function higherRemoval(a: Removal | undefined, b: Removal | undefined): Removal | undefined {
  if (!a || !b) return a ?? b;
  if (a.clock !== b.clock) return a.clock > b.clock ? a : b;
  return formatDot(a.dot) >= formatDot(b.dot) ? a : b;
}
