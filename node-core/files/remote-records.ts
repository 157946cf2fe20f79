/**
 * Records of other nodes come in (replication.md, 1, 4, 11, 16). What a path shows changes at once and everywhere alike; bytes
 * follow: those that equal bytes here can stand for are used, others are wanted, and what was replaced keeps its bytes until
 * those of its successor are here.
 */
import { randomBytes } from 'node:crypto';
import { type FeedCursor, replicationTables } from '../catalog/replication-values.ts';
import type { CatalogTransaction, RetiredBytes, RetireReason } from '../catalog/transaction.ts';
import type { Intent } from '../catalog/values.ts';
import { type FileVersion, type PathRecord, shapingDots, viewOf } from '../domain/file-record.ts';
import { clampVector, isRefused, type RemovalCuts, refusedDots, withoutRefused } from '../domain/removal-cut.ts';
import { formatDot, parseDot, type VersionVector } from '../domain/version.ts';
import { type FilesContext, withPaths } from './context.ts';
import { finishIntent } from './placement.ts';

/** What is noted in the very batch that takes records in. */
export interface ReadProgress {
  /** The node that they were read from. */
  readonly node: string;
  /** {@link RemoteRecords.generation} when the question was asked: when it has changed, the reading begins anew. */
  readonly generation: string;
  /** Where the next page of its feed begins. */
  readonly cursor?: FeedCursor;
  /** What this node has seen once the page is in: only with the page that reaches the end. */
  readonly seen?: VersionVector;
  /** Removals among what was seen were not read: for others this node counts as one that has forgotten them. */
  readonly forgot?: true;
}

/** Bytes that a commit took out of use, with the content that they were. */
interface RetiredContent extends RetiredBytes {
  readonly sha256: string;
}

/** A version that commits of other nodes took out of use here, and those commits. */
export interface ReplacedVersion {
  readonly version: FileVersion;
  /** Formatted dots. */
  readonly dots: readonly string[];
}

/** A path whose record has changed. */
interface ChangedPath {
  readonly before: PathRecord;
  readonly after: PathRecord;
}

/** Takes in what other nodes know. */
export class RemoteRecords {
  readonly #context: FilesContext;
  readonly #cuts: () => RemovalCuts;

  /** @param cuts how far the commits of removed members count. */
  constructor(context: FilesContext, cuts: () => RemovalCuts) {
    this.#context = context;
    this.#cuts = cuts;
  }

  /**
   * Merges records, all in one batch together with how far they bring this node.
   * @param absent paths that the other node does not know, although it has seen what `seenThere` has: versions that it has
   * seen were removed. @returns the number of records that changed.
   */
  async takeIn(
    records: readonly PathRecord[],
    progress: ReadProgress,
    absent: { readonly paths: readonly string[]; readonly seenThere: VersionVector } = { paths: [], seenThere: {} },
  ): Promise<number> {
    return this.#change([...records.map(({ path }) => path), ...absent.paths], (transaction, changed) => {
      const cuts = this.#cuts();
      for (const record of records) {
        const counts = withoutRefused(record, cuts);
        // Nothing of it counts: it says nothing of the path.
        if (Object.keys(counts.context).length > 0) push(changed, transaction.merge(counts));
      }
      for (const path of absent.paths) {
        const seenThere = clampVector(absent.seenThere, cuts);
        if (!transaction.row(replicationTables.reopened, path)) push(changed, transaction.dropRemoved(path, seenThere));
      }
      this.#note(transaction, progress);
    });
  }

  /**
   * Takes back what removed members did to paths beyond their cuts (domain/removal-cut.ts). Versions that they replaced stand
   * again where their bytes are still here; the others come from members.
   * @param replaced what is known of replaced versions, by path. @returns the number of records that changed.
   */
  takeBack(paths: readonly string[], replaced: ReadonlyMap<string, readonly ReplacedVersion[]>): Promise<number> {
    return this.#change(paths, (transaction, changed) => {
      const cuts = this.#cuts();
      for (const path of paths) {
        const before = transaction.record(path);
        const held = (transaction.row(replicationTables.held, path) ?? []) as readonly FileVersion[];
        const stood = (replaced.get(path) ?? []).filter(({ dots }) => dots.some((dot) => isRefusedText(cuts, dot)));
        const after = withoutRefused(before, cuts, [...held, ...stood.map(({ version }) => version)]);
        if (after === before) continue;
        if (refusedDots(before, cuts).length > 0) transaction.takeBack(before, after, this.#context.clock.now());
        else transaction.narrow(before, after);
        changed.push({ before, after });
      }
    });
  }

  /** Changes records in one batch, and does with bytes what follows. @param work says which records it has changed. */
  async #change(
    paths: readonly string[],
    work: (transaction: CatalogTransaction, changed: ChangedPath[]) => void,
  ): Promise<number> {
    const { catalog } = this.#context;
    const changed: ChangedPath[] = [];
    await withPaths(this.#context, paths, async () => {
      const retired = await catalog.commit((transaction) => {
        changed.length = 0;
        work(transaction, changed);
        const intents = changed.flatMap((change) => this.#followBytes(transaction, change));
        for (const { intent } of intents) transaction.putIntent(intent);
        return intents;
      });
      for (const { intent, sha256 } of retired) {
        await this.#context.contentLocks.run(sha256, () => finishIntent(this.#context, intent));
        for (const { place } of intent.retire) await this.#context.store.pruneEmptyFolders(place);
      }
    });
    for (const change of changed) this.#tell(change);
    return changed.length;
  }

  /** Changes when changes of a removed member were taken back here: everybody is read from the beginning then. */
  get generation(): string {
    return this.#context.catalog.row(replicationTables.appliedCuts, 'cuts')?.digest ?? '';
  }

  /** A vector without what does not count. */
  counted(vector: VersionVector): VersionVector {
    return clampVector(vector, this.#cuts());
  }

  /** Whether a member must be read to its end, even if that brings nothing: it is waited for. */
  isWaitingFor(node: string): boolean {
    return this.#context.catalog.row(replicationTables.appliedCuts, 'cuts')?.waiting.includes(node) === true;
  }

  #note(transaction: CatalogTransaction, { node, generation, cursor, seen, forgot }: ReadProgress): void {
    const applied = transaction.row(replicationTables.appliedCuts, 'cuts');
    if ((applied?.digest ?? '') !== generation) return;
    const before = transaction.row(replicationTables.neighbours, node) ?? { seen: {}, heardMs: 0 };
    const heardMs = this.#context.clock.now();
    transaction.putRow(replicationTables.neighbours, node, { ...before, ...(cursor && { cursor }), heardMs });
    if (!seen) return;
    const counted = this.counted(seen);
    transaction.joinSeen(counted);
    if (forgot) transaction.joinForgotten(counted);
    if (applied?.waiting.includes(node)) {
      const waiting = applied.waiting.filter((member) => member !== node);
      transaction.putRow(replicationTables.appliedCuts, 'cuts', { ...applied, waiting });
    }
  }

  #followBytes(transaction: CatalogTransaction, change: ChangedPath): { intent: Intent; sha256: string }[] {
    const nowMs = this.#context.clock.now();
    for (const version of shownContents(change.after)) {
      if (settleContent(transaction, change, version)) continue;
      const { sha256, size, blockRoot } = version;
      if (transaction.row(replicationTables.wants, sha256)) continue;
      const want = { sha256, size, blockRoot, addedMs: nowMs, attempts: 0, nextMs: nowMs, lost: false };
      transaction.putRow(replicationTables.wants, sha256, want);
    }
    hold(transaction, change);
    return releaseHeld(transaction, change.after.path, { nowMs, by: whoChanged(change.after) }).map(
      ({ sha256, ...bytes }) => ({
        sha256,
        intent: {
          id: `${bytes.trashId}.${randomBytes(4).toString('hex')}`,
          path: change.after.path,
          retire: [bytes],
        },
      }),
    );
  }

  #tell({ before, after }: ChangedPath): void {
    const { events } = this.#context;
    const isConflict = viewOf(after).length > 1;
    if (isConflict !== viewOf(before).length > 1)
      events.emit(isConflict ? 'conflict-found' : 'conflict-gone', { path: after.path });
    const shown = after.versions[0];
    if (shown?.kind === 'file') {
      if (!before.versions.some(({ sha256 }) => sha256 === shown.sha256))
        events.emit('file-arrived', { path: after.path, size: shown.size, sha256: shown.sha256, from: shown.dot.node });
    } else if (!shown && before.versions.length > 0) {
      events.emit('file-removed', { path: after.path, by: after.removal?.by ?? 'another node' });
    }
  }
}

/**
 * Retires the bytes of replaced versions, once nothing at the path needs them as its fall-back: the bytes of all that shows
 * are here, or nothing shows any more.
 * @param besides a version whose bytes are being recorded in this very transaction.
 */
export function releaseHeld(
  transaction: CatalogTransaction,
  path: string,
  who: Omit<RetireReason, 'reason' | 'dots'>,
  besides?: FileVersion,
): RetiredContent[] {
  const held = transaction.row(replicationTables.held, path);
  if (!held) return [];
  const record = transaction.record(path);
  const lacking = shownContents(record).some(
    (version) => version.sha256 !== besides?.sha256 && !transaction.local(path, version.dot),
  );
  if (lacking) return [];
  transaction.removeRow(replicationTables.held, path);
  const reason = record.versions.length > 0 ? ('replaced' as const) : ('deleted' as const);
  const dots = shapingDots(record).map(formatDot);
  return (held as readonly FileVersion[]).flatMap((version) => {
    const bytes = transaction.retire(path, version, { ...who, reason, dots });
    return bytes ? [{ ...bytes, sha256: version.sha256 }] : [];
  });
}

/** The versions of a record that show, each content once: only they need bytes. */
function shownContents({ versions }: PathRecord): FileVersion[] {
  const contents = new Set<string>();
  return versions.filter(({ kind, sha256 }) => {
    if (kind !== 'file' || contents.has(sha256)) return false;
    contents.add(sha256);
    return true;
  });
}

/** Whether the bytes of a version that shows are here: its own, or those of an equal one at this path, which become its own. */
function settleContent(transaction: CatalogTransaction, { before, after }: ChangedPath, version: FileVersion): boolean {
  const { path } = after;
  if (transaction.local(path, version.dot)) return true;
  const held = (transaction.row(replicationTables.held, path) ?? []) as readonly FileVersion[];
  const equal = [...after.versions, ...before.versions, ...held].find(
    ({ sha256, dot }) => sha256 === version.sha256 && transaction.local(path, dot) !== undefined,
  );
  if (!equal) return false;
  transaction.rebind(path, equal.dot, version.dot);
  return true;
}

/** Versions that are gone, with their bytes, are held; which of them may go is decided afterwards. */
function hold(transaction: CatalogTransaction, { before, after }: ChangedPath): void {
  const { path } = after;
  const stays = new Set(after.versions.map(({ dot }) => formatDot(dot)));
  const held = (transaction.row(replicationTables.held, path) ?? []) as readonly FileVersion[];
  const all = [...held, ...before.versions].filter(
    ({ dot }) => !stays.has(formatDot(dot)) && transaction.local(path, dot) !== undefined,
  );
  const unique = [...new Map(all.map((version) => [formatDot(version.dot), version])).values()];
  if (unique.length > 0) transaction.putRow(replicationTables.held, path, unique as never);
  else if (held.length > 0) transaction.removeRow(replicationTables.held, path);
}

function isRefusedText(cuts: RemovalCuts, text: string): boolean {
  const dot = parseDot(text);
  return dot !== undefined && isRefused(cuts, dot);
}

function whoChanged({ versions, removal }: PathRecord): string {
  if (versions.length === 0) return removal?.by ?? 'another node';
  return `node ${versions[0]?.dot.node.slice(0, 8) ?? ''}`;
}

function push(changes: ChangedPath[], change: ChangedPath | undefined): void {
  if (change) changes.push(change);
}
