/**
 * Holds everything that is here against the cuts of removed members (replication.md, 23): what they did beyond is taken back,
 * and nothing here speaks of it any more. Afterwards all members are read from their beginning, since what stood before may be
 * with somebody who never took the change in. Goes on after a crash: it is noted as done when all of it is.
 */
import { createHash } from 'node:crypto';
import type { Catalog } from '../catalog/catalog.ts';
import { replicationTables } from '../catalog/replication-values.ts';
import { decode, encode } from '../catalog/values.ts';
import { clampVector, type RemovalCuts, withoutRefused } from '../domain/removal-cut.ts';
import type { RemoteRecords, ReplacedVersion } from './remote-records.ts';

/** Records looked at between two commits. */
const pageRecords = 200;

/** Applies the cuts. One at a time; the caller sees to that. */
export class RemovedMembers {
  readonly #catalog: Catalog;
  readonly #remote: RemoteRecords;
  readonly #cuts: () => RemovalCuts;

  constructor(catalog: Catalog, remote: RemoteRecords, cuts: () => RemovalCuts) {
    this.#catalog = catalog;
    this.#remote = remote;
    this.#cuts = cuts;
  }

  /** Whether all that is here was held against the cuts as they are now. */
  get isDone(): boolean {
    const cuts = this.#cuts();
    const applied = this.#catalog.row(replicationTables.appliedCuts, 'cuts');
    return applied === undefined ? cuts.size === 0 : applied.digest === digestOf(cuts);
  }

  /**
   * Applies the cuts, unless that was done.
   * @param members ids of the other members: those that are read anew. @returns the number of records that changed; undefined
   * when there was nothing to do.
   */
  async apply(members: readonly string[]): Promise<number | undefined> {
    if (this.isDone) return undefined;
    const cuts = this.#cuts();
    const replaced = await this.#replacedVersions(cuts);
    let changed = 0;
    for (let page = await this.#catalog.readFeed(undefined, pageRecords); ; ) {
      const records = page.records.map((text) => decode.record('feed', text));
      const paths = records.filter((record) => withoutRefused(record, cuts) !== record).map(({ path }) => path);
      if (paths.length > 0) changed += await this.#remote.takeBack(paths, replaced);
      if (page.seen) break;
      page = await this.#catalog.readFeed(page.cursor, pageRecords);
    }
    await this.#conclude(cuts, members);
    return changed;
  }

  /** Paths are ordinary ones again once everybody was read who is a member still. @param members ids of the others. */
  async tidy(members: readonly string[]): Promise<void> {
    const applied = this.#catalog.row(replicationTables.appliedCuts, 'cuts');
    if (!applied || applied.waiting.some((member) => members.includes(member))) return;
    const paths: string[] = [];
    for await (const path of this.#catalog.rowIds(replicationTables.reopened)) paths.push(path);
    for (let start = 0; start < paths.length; start += pageRecords) {
      await this.#catalog.commit((transaction) => {
        for (const path of paths.slice(start, start + pageRecords))
          transaction.removeRow(replicationTables.reopened, path);
      });
    }
  }

  async #conclude(cuts: RemovalCuts, members: readonly string[]): Promise<void> {
    const seen = await this.#catalog.seen();
    const counted = clampVector(seen, cuts);
    const lowered = Object.keys(seen).filter((source) => counted[source] !== seen[source]);
    const neighbours: string[] = [];
    for await (const id of this.#catalog.rowIds(replicationTables.neighbours)) neighbours.push(id);
    await this.#catalog.commit((transaction) => {
      transaction.lowerSeen(Object.fromEntries(lowered.map((source) => [source, counted[source] ?? 0])));
      const floor = transaction.row(replicationTables.forgotten, 'floor');
      if (floor) transaction.putRow(replicationTables.forgotten, 'floor', clampVector(floor, cuts));
      for (const id of neighbours) {
        const row = transaction.row(replicationTables.neighbours, id);
        if (!row) continue;
        const { cursor: _cursor, ...rest } = row;
        transaction.putRow(replicationTables.neighbours, id, rest);
      }
      transaction.putRow(replicationTables.appliedCuts, 'cuts', { digest: digestOf(cuts), waiting: [...members] });
    });
  }

  /** What refused commits took out of use here, by path: their bytes are in the trash. */
  async #replacedVersions(cuts: RemovalCuts): Promise<Map<string, ReplacedVersion[]>> {
    const found = new Map<string, ReplacedVersion[]>();
    for await (const { path, undo } of this.#catalog.trash()) {
      if (undo?.dots.some((dot) => cuts.has(dot.slice(0, dot.indexOf('.')))))
        found.set(path, [...(found.get(path) ?? []), undo as ReplacedVersion]);
    }
    return found;
  }
}

function digestOf(cuts: RemovalCuts): string {
  const sorted = [...cuts].sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(encode(sorted)).digest('hex');
}
