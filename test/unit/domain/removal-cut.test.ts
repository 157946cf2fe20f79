import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  emptyRecord,
  mergeRecords,
  type PathRecord,
  removeVersions,
  writeVersion,
} from '../../../node-core/domain/file-record.ts';
import { hybridTime } from '../../../node-core/domain/hybrid-clock.ts';
import { clampVector, isRefused, refusedDots, withoutRefused } from '../../../node-core/domain/removal-cut.ts';
import { formatDot, sourceOf } from '../../../node-core/domain/version.ts';
import { dot, nodeId, version } from './versions.ts';

const path = 'a.txt';
const gone = 'removed';
const cutAt = 3;
const cuts = new Map([[nodeId(gone), { [sourceOf(dot(gone, 1))]: cutAt }]]);
const dots = (record: PathRecord) => record.versions.map((one) => formatDot(one.dot));
const write = (record: PathRecord, node: string, number: number) =>
  writeVersion(record, version(dot(node, number), number));

describe('withoutRefused', () => {
  it('leaves alone what no removed member touched, and what one did within its cut', () => {
    const ours = write(emptyRecord(path), 'a', 1);
    expect(withoutRefused(ours, cuts)).toBe(ours);
    const within = write(ours, gone, cutAt);
    expect(withoutRefused(within, cuts)).toBe(within);
    expect(withoutRefused(within, new Map())).toBe(within);
  });

  it('takes a write beyond the cut away, and covers nothing that it does not hold', () => {
    const record = write(write(emptyRecord(path), 'a', 1), gone, cutAt + 1);
    expect(withoutRefused(record, cuts)).toMatchObject({ context: {}, versions: [] });
    const before = [version(dot('a', 1), 1)];
    const restored = withoutRefused(record, cuts, before);
    expect(dots(restored)).toEqual([formatDot(dot('a', 1))]);
    // Another who never took the write in comes to the same.
    const elsewhere = write(emptyRecord(path), 'a', 1);
    expect(mergeRecords(withoutRefused(record, cuts), elsewhere)).toEqual(elsewhere);
    expect(mergeRecords(restored, elsewhere)).toEqual(elsewhere);
  });

  it('takes a removal beyond the cut back', () => {
    const record = write(emptyRecord(path), 'a', 1);
    const removal = { dot: dot(gone, cutAt + 2), clock: hybridTime(9, 0), by: 'x' };
    const after = withoutRefused(removeVersions(record, removal), cuts, record.versions);
    expect(after.removal).toBeUndefined();
    expect(dots(after)).toEqual(dots(record));
  });

  it('keeps what others wrote over it', () => {
    const record = write(write(emptyRecord(path), gone, cutAt + 1), 'c', 7);
    const after = withoutRefused(record, cuts);
    expect(dots(after)).toEqual([formatDot(dot('c', 7))]);
    expect(after.context).toEqual({ [sourceOf(dot(gone, 1))]: cutAt, [sourceOf(dot('c', 7))]: 7 });
  });

  it('counts an epoch that the cut does not name as beyond it', () => {
    expect(isRefused(cuts, dot(gone, 1, 9))).toBe(true);
    expect(isRefused(cuts, dot(gone, cutAt))).toBe(false);
    expect(isRefused(cuts, dot('a', 99))).toBe(false);
    const vector = { [sourceOf(dot(gone, 1))]: 8, [sourceOf(dot(gone, 1, 9))]: 4, [sourceOf(dot('a', 1))]: 5 };
    expect(clampVector(vector, cuts)).toEqual({ [sourceOf(dot(gone, 1))]: cutAt, [sourceOf(dot('a', 1))]: 5 });
  });

  it('is done once, and merging what was cut is associative and commutative', () => {
    const state = fc
      .array(fc.record({ node: fc.constantFrom('a', gone, 'c'), number: fc.integer({ min: 1, max: 6 }) }), {
        maxLength: 6,
      })
      .map((steps) => steps.reduce((record, { node, number }) => write(record, node, number), emptyRecord(path)));
    fc.assert(
      fc.property(state, state, state, (a, b, c) => {
        const [x, y, z] = [a, b, c].map((one) => withoutRefused(one, cuts)) as [PathRecord, PathRecord, PathRecord];
        expect(withoutRefused(x, cuts)).toEqual(x);
        expect(refusedDots(mergeRecords(x, y), cuts)).toEqual([]);
        expect(mergeRecords(x, y)).toEqual(mergeRecords(y, x));
        expect(mergeRecords(mergeRecords(x, y), z)).toEqual(mergeRecords(x, mergeRecords(y, z)));
      }),
    );
  });
});
