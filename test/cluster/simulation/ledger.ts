/**
 * What was promised: every acknowledged version, and what somebody who had seen it did to it since. Listens to the
 * transactions of all nodes, so that it knows which versions a write or a delete has replaced.
 */
import type { CataloguedFile } from '../../../node-core/catalog/catalog.ts';
import type { CatalogTransaction } from '../../../node-core/catalog/transaction.ts';
import type { FileVersion } from '../../../node-core/domain/file-record.ts';
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
  /** Versions that a write or a delete of somebody replaced, whether it was committed in the end or not. */
  readonly #replaced = new Set<string>();
  /** Where a move took a version. */
  readonly #movedTo = new Map<string, string>();

  acknowledged(node: string, { path, version }: CataloguedFile, atMs: number): void {
    const dot = formatDot(version.dot);
    if (!this.promised.has(dot)) this.promised.set(dot, { path, version, node, atMs, void: false });
  }

  deleted(node: string, { path, version }: CataloguedFile, atMs: number): void {
    this.deletes.push({ path, version, node, atMs, void: false });
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
    if (next !== undefined) return this.isAccountedFor(next, isThere);
    return this.#replaced.has(dot);
  }

  /** Listens to the writes of all nodes. @returns ends it. */
  listen(prototype: CatalogTransaction): () => void {
    const { write, remove, move } = prototype;
    const ledger = this;
    let moving: string | undefined;
    prototype.write = function (this: CatalogTransaction, path, next, replaces) {
      const before = this.record(path).versions.map(({ dot }) => dot);
      const written = write.call(this, path, next, replaces);
      ledger.#note(before, this.record(path).versions);
      if (moving !== undefined) ledger.#movedTo.set(moving, formatDot(written.dot));
      return written;
    };
    prototype.remove = function (this: CatalogTransaction, path, by, dots) {
      const before = this.record(path).versions.map(({ dot }) => dot);
      remove.call(this, path, by, dots);
      if (moving === undefined) ledger.#note(before, this.record(path).versions);
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

  #note(before: readonly Dot[], after: readonly FileVersion[]): void {
    const stays = new Set(after.map(({ dot }) => formatDot(dot)));
    for (const dot of before) if (!stays.has(formatDot(dot))) this.#replaced.add(formatDot(dot));
  }
}
