/**
 * What was promised: every acknowledged version, and what somebody who had seen it did to it since. Listens to the
 * transactions of all nodes, so that it knows which versions a write or a delete has replaced.
 */
import type { CataloguedFile } from '../../../node-core/catalog/catalog.ts';
import type { CatalogTransaction } from '../../../node-core/catalog/transaction.ts';
import type { FileVersion } from '../../../node-core/domain/file-record.ts';
import { isRefused, type RemovalCuts } from '../../../node-core/domain/removal-cut.ts';
import { covers, type Dot, formatDot, type VersionVector } from '../../../node-core/domain/version.ts';

/** An acknowledged version. */
export interface Promised {
  readonly path: string;
  readonly version: FileVersion;
  readonly node: string;
  readonly atMs: number;
  void: boolean;
}

/** Keeps the promises of all nodes. */
export class Ledger {
  readonly promised = new Map<string, Promised>();
  /** Deletes that were acknowledged: the version that went. */
  readonly deletes: Promised[] = [];
  /** Contents whose only bytes went with a disk before anybody else had them: no promise covers those. */
  readonly lostBytes = new Set<string>();
  /** Members that were removed: nothing is promised to them any more. */
  readonly removed = new Set<string>();
  /** How far the commits of removed members count: what they did beyond did not happen. */
  cuts: RemovalCuts = new Map();
  /** Versions that writes or deletes replaced, whether they were committed in the end or not, and the dots of these. */
  readonly #replaced = new Map<string, Dot[]>();
  /** Where a move took a version. */
  readonly #movedTo = new Map<string, Dot>();
  /** Who changed a path. */
  readonly #changes = new Map<string, Dot[]>();

  acknowledged(node: string, { path, version }: CataloguedFile, atMs: number): void {
    const dot = formatDot(version.dot);
    const isVoid = this.removed.has(node);
    if (!this.promised.has(dot)) this.promised.set(dot, { path, version, node, atMs, void: isVoid });
  }

  deleted(node: string, { path, version }: CataloguedFile, atMs: number): void {
    this.deletes.push({ path, version, node, atMs, void: this.removed.has(node) });
  }

  /** A node has lost what it did since a moment, unless others had seen it. @param copies contents that are elsewhere too. */
  lostDisk(node: string, sinceMs: number, known: readonly VersionVector[], copies: ReadonlySet<string>): void {
    for (const promised of [...this.promised.values(), ...this.deletes]) {
      if (promised.atMs >= sinceMs && !copies.has(promised.version.sha256)) this.lostBytes.add(promised.version.sha256);
      if (promised.node !== node || promised.atMs < sinceMs) continue;
      if (!known.some((seen) => covers(seen, promised.version.dot))) promised.void = true;
    }
    // A delete has no version of its own: others may know the version and not the delete.
    for (const gone of this.deletes) if (gone.node === node && gone.atMs >= sinceMs) gone.void = true;
  }

  /** What became of a version: still there (by `isThere`), or replaced or deleted by somebody who had seen it. */
  isAccountedFor(dot: string, isThere: (dot: string) => boolean): boolean {
    if (isThere(dot)) return true;
    const next = this.#movedTo.get(dot);
    if (next !== undefined && this.#counts(next) && this.isAccountedFor(formatDot(next), isThere)) return true;
    // Whoever wrote over what a removed member had done has seen that, not what had stood there before: it counts all the same.
    return this.#replaced.get(dot)?.some((by) => this.#counts(by) || this.#wasReplaced(by)) === true;
  }

  #wasReplaced(dot: Dot): boolean {
    return this.#replaced.get(formatDot(dot))?.some((by) => this.#counts(by) || this.#wasReplaced(by)) === true;
  }

  /** Whether a removed member did something to a path that does not count: what others removed there may come back. */
  isDisturbed(path: string): boolean {
    return this.#changes.get(path)?.some((dot) => !this.#counts(dot)) === true;
  }

  /** A member is removed. @param known what each other member has seen. @param copies contents that are on other disks. */
  removedMember(id: string, known: readonly VersionVector[], copies: ReadonlySet<string>): void {
    for (const promised of [...this.promised.values(), ...this.deletes]) {
      const { version, node } = promised;
      if (!copies.has(version.sha256)) this.lostBytes.add(version.sha256);
      // Whether the others hear of it in time is not promised.
      if (node === id || !known.some((seen) => covers(seen, version.dot))) promised.void = true;
    }
    this.removed.add(id);
  }

  #counts(dot: Dot): boolean {
    return !isRefused(this.cuts, dot);
  }

  /** Listens to the writes of all nodes. @returns ends it. */
  listen(prototype: CatalogTransaction): () => void {
    const { write, remove, move } = prototype;
    const ledger = this;
    let moving: string | undefined;
    prototype.write = function (this: CatalogTransaction, path, next, replaces) {
      const before = this.record(path).versions.map(({ dot }) => dot);
      const written = write.call(this, path, next, replaces);
      ledger.#note(path, before, this.record(path).versions, written.dot);
      if (moving !== undefined) ledger.#movedTo.set(moving, written.dot);
      return written;
    };
    prototype.remove = function (this: CatalogTransaction, path, by, dots) {
      const before = this.record(path).versions.map(({ dot }) => dot);
      remove.call(this, path, by, dots);
      const { versions, removal } = this.record(path);
      if (removal) ledger.#note(path, moving === undefined ? before : [], versions, removal.dot);
    };
    prototype.move = function (this: CatalogTransaction, from, version, to, by) {
      moving = formatDot(version.dot);
      try {
        return move.call(this, from, version, to, by);
      } finally {
        moving = undefined;
      }
    };
    return () => Object.assign(prototype, { write, remove, move });
  }

  #note(path: string, before: readonly Dot[], after: readonly FileVersion[], by: Dot): void {
    const stays = new Set(after.map(({ dot }) => formatDot(dot)));
    for (const dot of before.map(formatDot)) if (!stays.has(dot)) push(this.#replaced, dot, by);
    push(this.#changes, path, by);
  }
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  lists.set(key, [...(lists.get(key) ?? []), value]);
}
