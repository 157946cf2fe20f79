import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compareVersions,
  conflictPath,
  emptyRecord,
  type FileVersion,
  mergeRecords,
  type PathRecord,
  removeVersions,
  viewOf,
  writeVersion,
} from '../../../node-core/domain/file-record.ts';
import { HybridClock, hybridTime } from '../../../node-core/domain/hybrid-clock.ts';
import { isLogicalPath, maxPathBytes, parentOf, splitExtension } from '../../../node-core/domain/paths.ts';
import { covers, type Dot, formatDot, sourceOf } from '../../../node-core/domain/version.ts';
import { digestsOf, dot, epochOf, nodeId, version } from './versions.ts';

const path = 'folder/report.final.pdf';
const bytes = (record: PathRecord): string => canonicalize(record) ?? '';
const dotsOf = (record: PathRecord): string[] => record.versions.map((one) => formatDot(one.dot)).sort();

/** One step of a made-up history. Numbers beyond what exists wrap around, so every list of steps is a history. */
type Step =
  | { readonly do: 'write'; readonly at: number; readonly content: number; readonly wall: number }
  | {
      readonly do: 'edit';
      readonly at: number;
      readonly which: number;
      readonly content: number;
      readonly wall: number;
    }
  | { readonly do: 'delete'; readonly at: number; readonly wall: number }
  | { readonly do: 'delete-one'; readonly at: number; readonly which: number; readonly wall: number }
  | { readonly do: 'elsewhere'; readonly at: number }
  | { readonly do: 'restart'; readonly at: number }
  | { readonly do: 'send'; readonly at: number }
  | { readonly do: 'receive'; readonly at: number; readonly which: number }
  | { readonly do: 'pull'; readonly at: number; readonly from: number };

const small = fc.nat({ max: 11 });
const wall = fc.integer({ min: 0, max: 40 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), at: small, content: small, wall }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('edit' as const), at: small, which: small, content: small, wall }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), at: small, wall }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete-one' as const), at: small, which: small, wall }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('elsewhere' as const), at: small }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), at: small }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('send' as const), at: small }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('receive' as const), at: small, which: fc.nat({ max: 99 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pull' as const), at: small, from: small }) },
);
const history = fc.record({
  replicas: fc.integer({ min: 2, max: 4 }),
  steps: fc.array(step, { maxLength: 40 }),
});

interface Replica {
  readonly name: string;
  record: PathRecord;
  start: number;
  number: number;
  wallMs: number;
  readonly clock: HybridClock;
  /** Dots that this replica has had and lost: they may never come back. */
  readonly dropped: Set<string>;
}

/** A few nodes that write one path, and the truth about it: what was written, and what somebody replaced or deleted. */
class Cluster {
  readonly replicas: readonly Replica[];
  readonly written = new Map<string, FileVersion>();
  readonly gone = new Set<string>();
  /** States of any replica at any time, for messages that come late, twice or out of order. */
  readonly mail: PathRecord[] = [];

  constructor(count: number) {
    this.replicas = ['a', 'b', 'c', 'd'].slice(0, count).map((name) => {
      const replica: Replica = {
        name,
        record: emptyRecord(path),
        start: 0,
        number: 0,
        wallMs: 0,
        clock: new HybridClock(() => replica.wallMs),
        dropped: new Set(),
      };
      return replica;
    });
  }

  at(index: number): Replica {
    const replica = this.replicas[index % this.replicas.length];
    if (!replica) throw new Error('a cluster has replicas');
    return replica;
  }

  run(steps: readonly Step[]): this {
    for (const one of steps) this.#run(one);
    return this;
  }

  #run(one: Step): void {
    const replica = this.at(one.at);
    if ('wall' in one) replica.wallMs = 1_700_000_000_000 + one.wall;
    const { versions } = replica.record;
    const target = 'which' in one ? versions[one.which % Math.max(1, versions.length)] : undefined;
    switch (one.do) {
      case 'write':
        this.#write(replica, one.content, undefined);
        break;
      case 'edit':
        this.#write(replica, one.content, target ? [target.dot] : undefined);
        break;
      case 'delete':
        this.#delete(replica, undefined);
        break;
      case 'delete-one':
        if (target) this.#delete(replica, [target.dot]);
        break;
      case 'elsewhere':
        replica.number += 1;
        break;
      case 'restart':
        replica.start += 1;
        replica.number = 0;
        break;
      case 'send':
        this.mail.push(replica.record);
        break;
      case 'receive': {
        const letter = this.mail[one.which % Math.max(1, this.mail.length)];
        if (letter) this.merge(replica, letter);
        break;
      }
      case 'pull':
        this.merge(replica, this.at(one.from).record);
        break;
    }
  }

  merge(replica: Replica, other: PathRecord): void {
    this.#become(replica, mergeRecords(replica.record, other));
  }

  #write(replica: Replica, content: number, replaces: readonly Dot[] | undefined): void {
    const next = version(this.#nextDot(replica), replica.wallMs, {
      text: `content ${content}`,
      clock: replica.clock.tick(),
    });
    this.written.set(formatDot(next.dot), next);
    for (const old of replaces ?? replica.record.versions.map((one) => one.dot)) this.gone.add(formatDot(old));
    this.#become(replica, writeVersion(replica.record, next, replaces));
  }

  #delete(replica: Replica, dots: readonly Dot[] | undefined): void {
    for (const old of dots ?? replica.record.versions.map((one) => one.dot)) this.gone.add(formatDot(old));
    const removal = { dot: this.#nextDot(replica), clock: replica.clock.tick(), by: replica.name };
    this.#become(replica, removeVersions(replica.record, removal, dots));
  }

  #become(replica: Replica, record: PathRecord): void {
    const now = new Set(record.versions.map((one) => formatDot(one.dot)));
    for (const one of replica.record.versions) {
      if (!now.has(formatDot(one.dot))) replica.dropped.add(formatDot(one.dot));
    }
    for (const one of now) {
      if (replica.dropped.has(one)) throw new Error(`${one} was deleted at ${replica.name} and came back`);
    }
    for (const one of record.versions) {
      if (!covers(record.context, one.dot)) throw new Error(`${formatDot(one.dot)} is not covered by its own context`);
    }
    replica.record = record;
  }

  #nextDot(replica: Replica): Dot {
    replica.number += 1;
    return dot(replica.name, replica.number, replica.start);
  }

  /** What must be left once everybody knows everything. */
  surviving(): string[] {
    return [...this.written.keys()].filter((one) => !this.gone.has(one)).sort();
  }
}

/** Merges everything into one record, in the order that the numbers say. */
function mergeAll(records: readonly PathRecord[], order: readonly number[]): PathRecord {
  const rest = [...records];
  let merged = emptyRecord(path);
  for (const index of order) {
    const [next] = rest.splice(index % Math.max(1, rest.length), 1);
    if (next) merged = mergeRecords(merged, next);
  }
  for (const next of rest) merged = mergeRecords(next, merged);
  return merged;
}

describe('mergeRecords, over random histories of 2 to 4 replicas', () => {
  const states = history.map(({ replicas, steps }) => {
    const cluster = new Cluster(replicas).run(steps);
    return [...cluster.mail, ...cluster.replicas.map((replica) => replica.record)];
  });
  const threeStates = fc.tuple(states, small, small, small).map(([all, x, y, z]) =>
    [x, y, z].map((index) => {
      const state = all[index % all.length];
      if (!state) throw new Error('a cluster has states');
      return state;
    }),
  ) as fc.Arbitrary<[PathRecord, PathRecord, PathRecord]>;

  it('does not care who merges whom', () => {
    fc.assert(
      fc.property(threeStates, ([a, b]) => {
        expect(bytes(mergeRecords(a, b))).toBe(bytes(mergeRecords(b, a)));
      }),
      { numRuns: 300 },
    );
  });

  it('does not care about the order of arrival', () => {
    fc.assert(
      fc.property(threeStates, ([a, b, c]) => {
        expect(bytes(mergeRecords(mergeRecords(a, b), c))).toBe(bytes(mergeRecords(a, mergeRecords(b, c))));
      }),
      { numRuns: 300 },
    );
  });

  it('changes nothing when the same news comes again', () => {
    fc.assert(
      fc.property(threeStates, ([a, b]) => {
        const merged = mergeRecords(a, b);
        expect(bytes(mergeRecords(a, a))).toBe(bytes(a));
        expect(bytes(mergeRecords(merged, a))).toBe(bytes(merged));
        expect(bytes(mergeRecords(b, merged))).toBe(bytes(merged));
      }),
      { numRuns: 300 },
    );
  });

  it('ends, on every replica, with exactly what nobody replaced or deleted, byte for byte the same', () => {
    fc.assert(
      fc.property(history, fc.array(small, { maxLength: 12 }), ({ replicas, steps }, order) => {
        const cluster = new Cluster(replicas).run(steps);
        const final = cluster.replicas.map((replica) => replica.record);
        const merged = mergeAll(final, order);
        expect(dotsOf(merged)).toEqual(cluster.surviving());
        for (const replica of cluster.replicas) {
          for (const record of final) cluster.merge(replica, record);
          // Late and doubled letters of any time change nothing any more, and bring nothing back.
          for (const letter of cluster.mail) cluster.merge(replica, letter);
          expect(bytes(replica.record)).toBe(bytes(merged));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('keeps every edit that a delete had not seen', () => {
    fc.assert(
      fc.property(history, small, small, ({ replicas, steps }, deleter, editor) => {
        const cluster = new Cluster(replicas).run(steps);
        const a = cluster.at(deleter);
        const b = cluster.at(deleter + 1 + (editor % (replicas - 1)));
        cluster.run([
          { do: 'delete', at: deleter, wall: 40 },
          { do: 'write', at: deleter + 1 + (editor % (replicas - 1)), content: 99, wall: 0 },
        ]);
        const edit = b.record.versions.find((one) => one.sha256 === digestsOf('content 99').sha256);
        expect(edit).toBeDefined();
        for (const merged of [mergeRecords(a.record, b.record), mergeRecords(b.record, a.record)]) {
          expect(merged.versions.map((one) => formatDot(one.dot))).toContain(edit && formatDot(edit.dot));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('shows the same files on every replica: unique names, each content once, the highest at the path', () => {
    fc.assert(
      fc.property(history, ({ replicas, steps }) => {
        const cluster = new Cluster(replicas).run(steps);
        const final = cluster.replicas.map((replica) => replica.record);
        const merged = mergeAll(final, []);
        const view = viewOf(merged);
        const paths = view.map((file) => file.path);
        expect(new Set(paths).size, 'names are unique').toBe(paths.length);
        expect(new Set(view.map((file) => file.version.sha256))).toEqual(
          new Set(merged.versions.map((one) => one.sha256)),
        );
        expect(view.length).toBe(new Set(merged.versions.map((one) => one.sha256)).size);
        if (merged.versions.length > 0) {
          expect(paths[0]).toBe(path);
          const highest = merged.versions.reduce((a, b) => (a.clock >= b.clock ? a : b));
          expect(view[0]?.version.clock).toBe(highest.clock);
        }
        for (const record of cluster.replicas) {
          for (const other of final) cluster.merge(record, other);
          expect(viewOf(record.record)).toEqual(view);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('the trap of replication.md, point 1', () => {
  // a writes Z; b, which knows nothing of it, writes X; c deletes what it saw, which is Z.
  const z = writeVersion(emptyRecord(path), version(dot('a', 1), 1000));
  const x = writeVersion(emptyRecord(path), version(dot('b', 1), 2000));
  const t = removeVersions(z, { dot: dot('c', 1), clock: hybridTime(3000, 0), by: 'c' });
  const orders = [
    [z, x, t],
    [z, t, x],
    [x, z, t],
    [x, t, z],
    [t, z, x],
    [t, x, z],
  ];

  it.each(orders.map((order, index) => [index, order] as const))('ends the same in order %i', (_index, order) => {
    const merged = order.reduce(mergeRecords);
    expect(merged.versions.map((one) => one.dot)).toEqual([dot('b', 1)]);
    expect(merged.removal?.by).toBe('c');
    expect(bytes(merged)).toBe(bytes([z, x, t].reduce(mergeRecords)));
  });
});

describe('writeVersion and removeVersions', () => {
  const first = writeVersion(emptyRecord(path), version(dot('a', 1), 1000));
  const both = mergeRecords(first, writeVersion(emptyRecord(path), version(dot('b', 1), 2000)));

  it('replaces everything that the writer saw', () => {
    const after = writeVersion(both, version(dot('a', 2), 1500));
    expect(dotsOf(after)).toEqual([formatDot(dot('a', 2))]);
    // The highest by clock was replaced by a lower one: what was seen counts, not the time.
    expect(dotsOf(mergeRecords(after, both))).toEqual([formatDot(dot('a', 2))]);
  });

  it('replaces one conflict only when the edit was made under its name', () => {
    const after = writeVersion(both, version(dot('c', 1), 3000), [dot('a', 1)]);
    expect(dotsOf(mergeRecords(both, after))).toEqual([formatDot(dot('b', 1)), formatDot(dot('c', 1))].sort());
  });

  it('deletes one conflict and keeps the other', () => {
    const after = removeVersions(both, { dot: dot('c', 1), clock: hybridTime(9, 0), by: 'c' }, [dot('b', 1)]);
    expect(dotsOf(mergeRecords(both, after))).toEqual([formatDot(dot('a', 1))]);
  });

  it('leaves a tombstone that has seen what it deleted and has a dot of its own', () => {
    const after = removeVersions(both, { dot: dot('c', 7), clock: hybridTime(9, 0), by: 'c' });
    expect(after.versions).toEqual([]);
    for (const seen of [dot('a', 1), dot('b', 1), dot('c', 7)]) expect(covers(after.context, seen)).toBe(true);
    expect(covers(after.context, dot('c', 8))).toBe(false);
  });

  it('counts a new epoch of a node from one again', () => {
    const restarted = writeVersion(first, version(dot('a', 1, 1), 5000));
    expect(restarted.context).toEqual({ [sourceOf(dot('a', 1))]: 1, [sourceOf(dot('a', 1, 1))]: 1 });
    expect(dotsOf(mergeRecords(first, restarted))).toEqual([formatDot(dot('a', 1, 1))]);
  });

  it('keeps the later of two deletes for the trash, whichever comes first', () => {
    const early = removeVersions(first, { dot: dot('a', 2), clock: hybridTime(5, 0), by: 'early' });
    const late = removeVersions(first, { dot: dot('b', 2), clock: hybridTime(6, 0), by: 'late' });
    expect(mergeRecords(early, late).removal?.by).toBe('late');
    expect(mergeRecords(late, early).removal?.by).toBe('late');
  });

  it('passes on fields of a version that it does not know', () => {
    const newer = { ...version(dot('a', 1), 1000), colour: 'green' } as FileVersion;
    const merged = mergeRecords(writeVersion(emptyRecord(path), newer), both);
    expect(merged.versions.find((one) => formatDot(one.dot) === formatDot(newer.dot))).toHaveProperty(
      'colour',
      'green',
    );
  });
});

describe('compareVersions', () => {
  it('is a total order by clock, node, epoch and number', () => {
    const clocks = fc.constantFrom(1, 2);
    const any = fc
      .tuple(fc.constantFrom('a', 'b'), fc.constantFrom(0, 1), fc.integer({ min: 1, max: 3 }), clocks)
      .map(([name, start, number, clock]) => version(dot(name, number, start), clock));
    fc.assert(
      fc.property(any, any, any, (a, b, c) => {
        const sign = (x: FileVersion, y: FileVersion) => Math.sign(compareVersions(x, y));
        expect(sign(a, b) + sign(b, a)).toBe(0);
        expect(sign(a, b) === 0).toBe(formatDot(a.dot) === formatDot(b.dot) && a.clock === b.clock);
        if (sign(a, b) <= 0 && sign(b, c) <= 0) expect(sign(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe('viewOf and conflict names', () => {
  const at = Date.UTC(2026, 1, 3, 4, 5, 6, 789);

  it('names the conflict by node and time, before the extension', () => {
    const other = version(dot('b', 1), at);
    expect(conflictPath('2026/photo.tar.gz', other)).toBe(
      `2026/photo.tar (conflict ${nodeId('b').slice(0, 8)} 20260203 040506.789).gz`,
    );
    expect(conflictPath('.profile', other)).toBe(`.profile (conflict ${nodeId('b').slice(0, 8)} 20260203 040506.789)`);
  });

  it('stays in the folder and keeps the extension, as a valid path', () => {
    const names = fc.constantFrom('a', '.b', 'c.txt', 'd.tar.gz', 'é ü.jpg', '文件.pdf', '🐟', 'x.');
    fc.assert(
      fc.property(fc.array(names, { minLength: 1, maxLength: 3 }), fc.integer({ min: 0, max: at }), (parts, ms) => {
        const own = parts.join('/');
        const conflict = conflictPath(own, version(dot('a', 1), ms));
        expect(isLogicalPath(conflict)).toBe(true);
        expect(parentOf(conflict)).toBe(parentOf(own));
        const { extension } = splitExtension(own.slice(own.lastIndexOf('/') + 1));
        expect(conflict.endsWith(`)${extension}`)).toBe(true);
      }),
    );
  });

  it('gives two versions of one moment different names', () => {
    const tick = (counter: number) => version(dot('a', 1 + counter), at, { clock: hybridTime(at, counter) });
    let record = emptyRecord(path);
    for (const counter of [0, 1, 2]) record = writeVersion(record, tick(counter), []);
    expect(new Set(viewOf(record).map((file) => file.path)).size).toBe(3);
  });

  it('gives versions of two epochs different names, even when a restored node repeats its times', () => {
    // A data folder restored from a backup, on a machine whose clock is behind: the hybrid clock counts on from the same
    // place in both lives. Only the dots differ, and the names follow from the dots (replication.md, 1).
    let record = emptyRecord(path);
    record = writeVersion(record, version({ ...dot('a', 5), epoch: epochOf('a', 0) }, at), []);
    record = writeVersion(record, version({ ...dot('a', 5), epoch: epochOf('a', 1) }, at), []);
    record = writeVersion(record, version(dot('b', 1), at + 1), []);
    expect(new Set(viewOf(record).map((file) => file.path)).size).toBe(3);
  });

  it('names a conflict of the longest path so that it can still be asked for', () => {
    const longest = `${'d/'.repeat((maxPathBytes - 200) / 2)}${'n'.repeat(200)}`;
    expect(isLogicalPath(longest)).toBe(true);
    expect(isLogicalPath(conflictPath(longest, version(dot('a', 1), at)))).toBe(true);
  });

  it('shows equal content once, under the name of its highest version', () => {
    let record = emptyRecord(path);
    record = writeVersion(record, version(dot('a', 1), at, { text: 'same' }), []);
    record = writeVersion(record, version(dot('b', 1), at + 1, { text: 'other' }), []);
    record = writeVersion(record, version(dot('c', 1), at + 2, { text: 'same' }), []);
    expect(viewOf(record).map((file) => file.version.dot)).toEqual([dot('c', 1), dot('b', 1)]);
  });

  it('shows a folder and a file of one path side by side, and nothing of a deleted path', () => {
    let record = emptyRecord(path);
    record = writeVersion(record, version(dot('a', 1), at, { text: '', kind: 'dir' }), []);
    record = writeVersion(record, version(dot('b', 1), at + 1, { text: '' }), []);
    expect(viewOf(record).map((file) => file.version.kind)).toEqual(['file', 'dir']);
    expect(viewOf(removeVersions(record, { dot: dot('a', 2), clock: hybridTime(at, 9), by: 'a' }))).toEqual([]);
  });
});
