import { randomBytes } from 'node:crypto';
import type { ContentDigests } from '../domain/digests.ts';
import {
  emptyRecord,
  type FileVersion,
  mergeRecords,
  type PathRecord,
  removeVersions,
  writeVersion,
} from '../domain/file-record.ts';
import { type HybridClock, hybridTime, wallMsOf } from '../domain/hybrid-clock.ts';
import { baseName } from '../domain/paths.ts';
import { covers, type Dot, formatDot, joinVectors, sameDot, sourceOf, type VersionVector } from '../domain/version.ts';
import { isPacked } from '../storage/file-store.ts';
import type { FileIdentity } from '../storage/identity.ts';
import type { FrameLocation } from '../storage/pack-store.ts';
import type { Overlay } from './committer.ts';
import { arrivalText, keys } from './keys.ts';
import { replicationTables } from './replication-values.ts';
import type { Table } from './table.ts';
import { replaceInTree } from './tree.ts';
import {
  decode,
  encode,
  type FolderJob,
  type Intent,
  type LinkSource,
  type LocalBytes,
  type PackedContent,
  type ResumableUpload,
  type TrashEntry,
} from './values.ts';
import { replaceInViews } from './views.ts';

/** Numbers that only commits advance. Held by the catalogue, changed by transactions, which run one at a time. */
export interface CommitCounters {
  readonly nodeId: string;
  readonly clock: HybridClock;
  /** Opened by the first own commit after a start; undefined before. */
  epoch: string | undefined;
  /** Opened by the first change of a record after a start; undefined before. */
  feedEpoch: string | undefined;
  /** Last number given out in the epoch. */
  number: number;
  /** Last arrival number given out. */
  arrival: number;
}

/** What a writer says of a new version; dot and clock are the committer's. */
export interface NewVersion {
  readonly kind: 'file' | 'dir';
  readonly digests: ContentDigests;
  readonly name: string;
  readonly scene: string;
  readonly mtimeMs: number;
  readonly storedMs: number;
  readonly movedFrom?: string;
}

/** Bytes that left their record and wait to be moved to the trash folder. */
export interface RetiredBytes {
  readonly trashId: string;
  readonly place: string;
}

/** Who took bytes out of use, and why. */
export interface RetireReason {
  readonly reason: TrashEntry['reason'];
  readonly by: string;
  readonly nowMs: number;
  /** The commits of other nodes that did it. */
  readonly dots?: readonly string[];
}

/**
 * Reads and writes of one atomic commit. Every index, the statistics and the feed follow from what is written here, in
 * the same batch. Synchronous; runs inside the committer only.
 */
export class CatalogTransaction {
  readonly #overlay: Overlay;
  readonly #counters: CommitCounters;

  constructor(overlay: Overlay, counters: CommitCounters) {
    this.#overlay = overlay;
    this.#counters = counters;
  }

  /** The record of a path; the empty one when nothing is known of it. */
  record(path: string): PathRecord {
    const key = keys.record(path);
    const text = this.#overlay.get(key);
    return text === undefined ? emptyRecord(path) : decode.record(key, text);
  }

  /** Writes a version that has seen and replaces the given dots (all of the path when omitted). */
  write(path: string, next: NewVersion, replaces?: readonly Dot[]): FileVersion {
    const { digests, ...rest } = next;
    const version: FileVersion = { ...digests, ...rest, dot: this.#nextDot(), clock: this.#tick() };
    const before = this.record(path);
    this.#putRecord(before, writeVersion(before, version, replaces));
    return version;
  }

  /** Deletes the given dots of a path (all when omitted). The caller retires their bytes. */
  remove(path: string, by: string, dots?: readonly Dot[]): void {
    const before = this.record(path);
    const removal = { dot: this.#nextDot(), clock: this.#tick(), by };
    this.#putRecord(before, removeVersions(before, removal, dots));
  }

  /**
   * Takes in a path's state from another node (replication.md, 1 and 4). A version that is not here although this node has
   * seen its dot was removed or replaced here, even if the removal is forgotten and the path was written anew: it does not
   * come back. Comes before {@link joinSeen} of the same exchange.
   * @returns the record before and after; undefined when nothing changes.
   */
  merge(incoming: PathRecord): { before: PathRecord; after: PathRecord } | undefined {
    const { path } = incoming;
    const known = this.#overlay.get(keys.record(path)) !== undefined;
    const before = this.record(path);
    const news = this.#withoutSeen(incoming, before);
    // A removal of what is not here, that this node had seen and forgotten, is no news either.
    if (!known && news.versions.length === 0 && this.#hasSeen(incoming.context)) return undefined;
    const after = mergeRecords(before, news);
    if (encode(after) === encode(before)) return undefined;
    for (const { clock } of [...incoming.versions, ...(incoming.removal ? [incoming.removal] : [])])
      this.observe(clock);
    this.#putRecord(before, after);
    return { before, after };
  }

  /**
   * Drops the versions of a path that another node, which does not know the path, has seen: they were removed, and the
   * removal is forgotten there (replication.md, 4).
   * @returns the record before and after; undefined when nothing changes.
   */
  dropRemoved(path: string, seenThere: VersionVector): { before: PathRecord; after: PathRecord } | undefined {
    const before = this.record(path);
    const versions = before.versions.filter(({ dot }) => !covers(seenThere, dot));
    if (versions.length === before.versions.length) return undefined;
    const after = { ...before, versions };
    this.#putRecord(before, after);
    return { before, after };
  }

  /** Forgets a removal that everybody has seen. @returns whether there was one. */
  forgetRemoval(path: string): boolean {
    const record = this.record(path);
    if (record.versions.length > 0 || this.#overlay.get(keys.record(path)) === undefined) return false;
    this.#dropRecord(path);
    this.removeRow(replicationTables.reopened, path);
    this.joinForgotten(record.context);
    return true;
  }

  /**
   * Takes a record back to a state without the changes of a removed member (domain/removal-cut.ts). From now on the path takes
   * in what stood there before, although this node has seen it. Comes in order with everything else that is written.
   */
  takeBack(before: PathRecord, after: PathRecord, nowMs: number): void {
    const { path } = after;
    this.#putRecord(before, after);
    // Not a removal: nobody removed it. Others must not take it for one.
    if (after.versions.length === 0) this.#dropRecord(path);
    this.putRow(replicationTables.reopened, path, { sinceMs: nowMs });
  }

  /** Narrows the context of a record whose versions stay: it speaks of commits that do not count any more. */
  narrow(before: PathRecord, after: PathRecord): void {
    this.#putRecord(before, after);
  }

  /** Replaces what is known of sources by less. */
  lowerSeen(vector: VersionVector): void {
    for (const [source, number] of Object.entries(vector)) {
      if (number > 0) this.#overlay.put(keys.vector(source), encode(number));
      else this.#overlay.del(keys.vector(source));
    }
  }

  #dropRecord(path: string): void {
    this.#overlay.del(keys.record(path));
    this.#overlay.del(keys.removed(path));
    const arrivalKey = keys.arrival(path);
    const arrival = this.#overlay.get(arrivalKey);
    if (arrival !== undefined) this.#overlay.del(keys.feed(decode.number(arrivalKey, arrival)));
    this.#overlay.del(arrivalKey);
  }

  /** Removals that a vector has seen may be forgotten here: whoever has not seen them must compare trees. */
  joinForgotten(vector: VersionVector): void {
    const floor = this.row(replicationTables.forgotten, 'floor') ?? {};
    this.putRow(replicationTables.forgotten, 'floor', joinVectors(floor, vector));
  }

  /** This node has now seen everything that a vector has. */
  joinSeen(vector: VersionVector): void {
    for (const [source, number] of Object.entries(vector)) {
      if (number > this.#seenOf(source)) this.#overlay.put(keys.vector(source), encode(number));
    }
  }

  #hasSeen(vector: VersionVector): boolean {
    return Object.entries(vector).every(([source, number]) => this.#seenOf(source) >= number);
  }

  /** A state without the versions that were seen and are not here any more. */
  #withoutSeen(record: PathRecord, here: PathRecord): PathRecord {
    const present = new Set(here.versions.map(({ dot }) => formatDot(dot)));
    const isNews = ({ dot }: FileVersion) => present.has(formatDot(dot)) || this.#seenOf(sourceOf(dot)) < dot.number;
    const versions = record.versions.filter(isNews);
    if (versions.length === record.versions.length) return record;
    return this.row(replicationTables.reopened, record.path) ? record : { ...record, versions };
  }

  #seenOf(source: string): number {
    const key = keys.vector(source);
    const text = this.#overlay.get(key);
    return text === undefined ? 0 : decode.number(key, text);
  }

  /** Where the bytes of a version stand here; undefined when they do not. */
  local(path: string, dot: Dot): LocalBytes | undefined {
    const key = keys.local(path, formatDot(dot));
    const text = this.#overlay.get(key);
    return text === undefined ? undefined : decode.local(key, text);
  }

  /** Says where the bytes of a version stand here. */
  setLocal(path: string, version: { readonly dot: Dot; readonly sha256: string }, local: LocalBytes): void {
    const before = this.local(path, version.dot);
    this.#overlay.put(keys.local(path, formatDot(version.dot)), encode(local));
    this.#addPlace(version.sha256, local.place);
    if (before && before.place !== local.place) this.#dropPlace(version.sha256, before.place);
    this.#followLinkSource(version.sha256, before?.place, local.place, local.identity);
  }

  /** Gives the bytes of one version of a path to another of the same content. */
  rebind(path: string, from: Dot, to: Dot): void {
    const local = this.local(path, from);
    if (!local) return;
    this.#overlay.del(keys.local(path, formatDot(from)));
    this.#overlay.put(keys.local(path, formatDot(to)), encode(local));
  }

  /**
   * Moves a version to another path: two records, one commit. The new version names its source; its bytes, where they are
   * here, are its from now on, still at their old place.
   * @returns the new version; the caller has made room at the target.
   */
  move(from: string, version: FileVersion, to: string, by: string): FileVersion {
    // Everything but its dot and clock goes along, what a newer node added too.
    const { dot: _dot, clock: _clock, ...kept } = version;
    const local = this.local(from, version.dot);
    const moved = this.write(to, {
      ...kept,
      name: nameAfterMove(version.name, from, to),
      digests: kept,
      movedFrom: from,
    });
    this.#overlay.del(keys.local(from, formatDot(version.dot)));
    if (local) this.setLocal(to, moved, local);
    this.remove(from, by, [version.dot]);
    return moved;
  }

  /**
   * Takes the bytes of a version out of use: they become a trash entry, for now at their old place.
   * @returns what to move; undefined when the bytes were not here, or are packed and stay where they are.
   */
  retire(path: string, version: FileVersion, why: RetireReason): RetiredBytes | undefined {
    const local = this.local(path, version.dot);
    if (!local) return undefined;
    this.#overlay.del(keys.local(path, formatDot(version.dot)));
    const trashId = newTrashId(why.nowMs);
    const { size, sha256, md5, sha1, blockRoot, name, mtimeMs, scene } = version;
    const entry: TrashEntry = {
      id: trashId,
      path,
      name,
      size,
      sha256,
      ...(md5 !== undefined && { md5 }),
      ...(sha1 !== undefined && { sha1 }),
      blockRoot,
      mtimeMs,
      scene,
      place: local.place,
      identity: local.identity,
      reason: why.reason,
      by: why.by,
      trashedMs: why.nowMs,
      ...(why.dots && { undo: { version: version as never, dots: [...why.dots] } }),
    };
    this.#overlay.put(keys.trash(trashId), encode(entry));
    return isPacked(local.place) ? undefined : { trashId, place: local.place };
  }

  /** Forgets where the bytes of a version stood: they are gone, or others stand there. Nothing is left to restore. */
  dropLocal(path: string, version: { readonly dot: Dot; readonly sha256: string }): void {
    const before = this.local(path, version.dot);
    if (!before) return;
    this.#overlay.del(keys.local(path, formatDot(version.dot)));
    this.#dropPlace(version.sha256, before.place);
    this.forgetLinkSource(version.sha256, before.place);
  }

  /** Notes that trashed bytes now stand elsewhere; without an identity they were not found, and the entry goes. */
  moveTrash(trashId: string, place: string, identity: FileIdentity | undefined): void {
    const key = keys.trash(trashId);
    const text = this.#overlay.get(key);
    if (text === undefined) return;
    if (!identity) {
      this.removeTrash(trashId);
      return;
    }
    const entry = decode.trash(key, text);
    this.#addPlace(entry.sha256, place);
    this.#dropPlace(entry.sha256, entry.place);
    this.#overlay.put(key, encode({ ...entry, place, identity }));
    this.#followLinkSource(entry.sha256, entry.place, place, identity);
  }

  /** Forgets a trash entry; the caller removes its bytes. */
  removeTrash(trashId: string): void {
    const key = keys.trash(trashId);
    const text = this.#overlay.get(key);
    if (text === undefined) return;
    const entry = decode.trash(key, text);
    this.#overlay.del(key);
    this.#dropPlace(entry.sha256, entry.place);
    this.forgetLinkSource(entry.sha256, entry.place);
  }

  /** The place that equal contents are linked to. */
  linkSource(sha256: string): LinkSource | undefined {
    const key = keys.linkSource(sha256);
    const text = this.#overlay.get(key);
    return text === undefined ? undefined : decode.linkSource(key, text);
  }

  /** Forgets the place that equal contents are linked to, if it is this one. */
  forgetLinkSource(sha256: string, place: string): void {
    if (this.linkSource(sha256)?.place === place) this.#overlay.del(keys.linkSource(sha256));
  }

  setLinkSource(sha256: string, source: LinkSource): void {
    this.#overlay.put(keys.linkSource(sha256), encode(source));
  }

  /** The frame that holds a packed content, as it stands in this transaction. */
  packed(sha256: string): PackedContent | undefined {
    const key = keys.frame(sha256);
    const text = this.#overlay.get(key);
    return text === undefined ? undefined : decode.frame(key, text);
  }

  /** Says where a packed content stands. Its uses stay; a new one has none, and must get one in this transaction. */
  setFrame(sha256: string, size: number, location: FrameLocation): void {
    const { segment, offset, length } = location;
    const uses = this.packed(sha256)?.uses ?? 0;
    this.#overlay.put(keys.frame(sha256), encode({ segment, offset, length, size, uses }));
  }

  /** Forgets where a packed content stands, as after a repair of the catalogue; its uses stay known by their places. */
  forgetFrame(sha256: string): void {
    this.#overlay.del(keys.frame(sha256));
  }

  /** Enters a frame anew whose uses were counted by the caller, who holds the content. */
  restoreFrame(sha256: string, size: number, location: FrameLocation, uses: number): void {
    const { segment, offset, length } = location;
    this.#overlay.put(keys.frame(sha256), encode({ segment, offset, length, size, uses }));
  }

  /** Counts a place that is going to use a packed content, before others are given up. */
  usePacked(sha256: string, place: string): void {
    this.#addPlace(sha256, place);
  }

  #addPlace(sha256: string, place: string): void {
    const key = keys.place(sha256, place);
    if (this.#overlay.get(key) === undefined) this.#countUse(sha256, place, 1);
    this.#overlay.put(key, '');
  }

  #dropPlace(sha256: string, place: string): void {
    const key = keys.place(sha256, place);
    if (this.#overlay.get(key) !== undefined) this.#countUse(sha256, place, -1);
    this.#overlay.del(key);
  }

  /** A packed content without uses has no entry: the next compaction leaves its frame behind. */
  #countUse(sha256: string, place: string, change: number): void {
    const packed = isPacked(place) ? this.packed(sha256) : undefined;
    if (!packed) return;
    const uses = packed.uses + change;
    if (uses > 0) this.#overlay.put(keys.frame(sha256), encode({ ...packed, uses }));
    else this.#overlay.del(keys.frame(sha256));
  }

  /** Keeps the block list of a content of more than one block: 32 raw bytes a block. */
  putBlocks(sha256: string, blocks: Buffer): void {
    if (blocks.byteLength > 32) this.#overlay.put(keys.blocks(sha256), encode(blocks.toString('base64')));
  }

  putIntent(intent: Intent): void {
    this.#overlay.put(keys.intent(intent.id), encode(intent));
  }

  removeIntent(id: string): void {
    this.#overlay.del(keys.intent(id));
  }

  /** A resumable upload as it stands in this transaction. */
  upload(id: string): ResumableUpload | undefined {
    const key = keys.upload(id);
    const text = this.#overlay.get(key);
    return text === undefined ? undefined : decode.upload(key, text);
  }

  putUpload(upload: ResumableUpload): void {
    this.#overlay.put(keys.upload(upload.id), encode(upload));
  }

  removeUpload(id: string): void {
    this.#overlay.del(keys.upload(id));
  }

  putJob(job: FolderJob): void {
    this.#overlay.put(keys.job(job.id), encode(job));
  }

  removeJob(id: string): void {
    this.#overlay.del(keys.job(id));
  }

  /** A row of a small table, as it stands in this transaction. */
  row<T>(table: Table<T>, id: string): T | undefined {
    const key = keys.row(table.letter, id);
    const text = this.#overlay.get(key);
    return text === undefined ? undefined : table.decode(key, text);
  }

  putRow<T>(table: Table<T>, id: string, value: T): void {
    this.#overlay.put(keys.row(table.letter, id), encode(value));
  }

  removeRow<T>(table: Table<T>, id: string): void {
    this.#overlay.del(keys.row(table.letter, id));
  }

  /**
   * Who writes an entry that is replicated whole, and when.
   * @param before the entry that it replaces: it is later than that one, even if a wrong clock wrote it.
   */
  stamp(before?: { readonly clock: string }): { readonly node: string; readonly clock: string } {
    const clock = this.#tick();
    const later = before && before.clock >= clock ? hybridTime(wallMsOf(before.clock) + 1, 0) : clock;
    return { node: this.#counters.nodeId, clock: later };
  }

  /** Takes note of another node's hybrid time: what is written from now on is later, unless that is far ahead. */
  observe(clock: string): void {
    if (this.#counters.clock.observe(clock)) this.#overlay.put(keys.meta('clock'), encode(this.#counters.clock.last));
  }

  #putRecord(before: PathRecord, after: PathRecord): void {
    const { path } = after;
    this.#overlay.put(keys.record(path), encode(after));
    this.#enterFeed(path);
    replaceInViews(this.#overlay, before, after);
    replaceInTree(this.#overlay, after);
    if (after.versions.length === 0) this.#overlay.put(keys.removed(path), '');
    else if (before.versions.length === 0) this.#overlay.del(keys.removed(path));
  }

  /** A changed record moves to the end of the feed (replication.md, 3). */
  #enterFeed(path: string): void {
    const key = keys.arrival(path);
    const before = this.#overlay.get(key);
    if (before !== undefined) this.#overlay.del(keys.feed(decode.number(key, before)));
    this.#counters.arrival += 1;
    const arrival = this.#counters.arrival;
    if (this.#counters.feedEpoch === undefined) {
      // Numbers of an earlier run may be given out anew when the folder came from a backup: each run has its own epoch.
      const epoch = randomBytes(6).toString('hex');
      this.#counters.feedEpoch = epoch;
      this.putRow(replicationTables.feedEpochs, arrivalText(arrival), { epoch, from: arrival });
    }
    this.#overlay.put(keys.feed(arrival), encode(path));
    this.#overlay.put(key, encode(arrival));
    this.#overlay.put(keys.meta('arrival'), encode(arrival));
  }

  #nextDot(): Dot {
    this.#counters.epoch ??= randomBytes(6).toString('hex');
    this.#counters.number += 1;
    const dot = { node: this.#counters.nodeId, epoch: this.#counters.epoch, number: this.#counters.number };
    this.#overlay.put(keys.vector(sourceOf(dot)), encode(dot.number));
    return dot;
  }

  #tick(): string {
    const time = this.#counters.clock.tick();
    this.#overlay.put(keys.meta('clock'), encode(time));
    return time;
  }

  /** Bytes of the content moved, or got another name: what guards the next hard link is recorded anew. */
  #followLinkSource(sha256: string, from: string | undefined, to: string, identity: FileIdentity): void {
    const source = this.linkSource(sha256);
    if (!source) return;
    if (source.place === from) this.setLinkSource(sha256, { place: to, identity });
    else if (source.identity.ino === identity.ino) this.setLinkSource(sha256, { place: source.place, identity });
  }
}

/** The version of a record that has a dot. */
export function versionWithDot(record: PathRecord, dot: Dot): FileVersion | undefined {
  return record.versions.find((version) => sameDot(version.dot, dot));
}

/** A name that was the path's own follows it; one that the uploader gave besides stays. */
function nameAfterMove(name: string, from: string, to: string): string {
  return name === baseName(from) ? baseName(to) : name;
}

/** Ids sort by time, so that the oldest trash goes first. */
function newTrashId(nowMs: number): string {
  return nowMs.toString(16).padStart(12, '0') + randomBytes(6).toString('hex');
}
