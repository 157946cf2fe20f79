import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  covers,
  type Dot,
  formatDot,
  joinVectors,
  parseDot,
  sameDot,
  sourceOf,
  withDot,
} from '../../../node-core/domain/version.ts';
import { dot } from './versions.ts';

const anyDot: fc.Arbitrary<Dot> = fc
  .tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(0, 1), fc.integer({ min: 1, max: 9 }))
  .map(([name, start, number]) => dot(name, number, start));
const anyVector = fc.array(anyDot, { maxLength: 8 }).map((dots) => dots.reduce(withDot, {}));

describe('dots', () => {
  it('are read back from their text', () => {
    fc.assert(
      fc.property(anyDot, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (one, number) => {
        const at = { ...one, number };
        expect(parseDot(formatDot(at))).toEqual(at);
        expect(formatDot(at).startsWith(`${sourceOf(at)}.`)).toBe(true);
      }),
    );
  });

  const { node, epoch } = dot('a', 1);
  it.each([
    '',
    `${node}.${epoch}`,
    `${node}.${epoch}.`,
    `${node}.${epoch}.0`,
    `${node}.${epoch}.01`,
    `${node}.${epoch}.-1`,
    `${node}.${epoch}.1.1`,
    `${node}.${epoch}.99999999999999999`,
    `${node}.${epoch}.9007199254740993`,
    `${node.toUpperCase()}.${epoch}.1`,
    `${node.slice(1)}.${epoch}.1`,
    ` ${node}.${epoch}.1`,
    `${node}.${epoch}.1\n`,
  ])('are not read from %j', (text) => {
    expect(parseDot(text)).toBeUndefined();
  });

  it('are the same when node, epoch and number are', () => {
    fc.assert(fc.property(anyDot, anyDot, (a, b) => sameDot(a, b) === (formatDot(a) === formatDot(b))));
  });
});

describe('vectors', () => {
  it('join to the least that has seen what either has', () => {
    fc.assert(
      fc.property(anyVector, anyVector, anyVector, anyDot, (a, b, c, one) => {
        const joined = joinVectors(a, b);
        expect(covers(joined, one)).toBe(covers(a, one) || covers(b, one));
        expect(joinVectors(b, a)).toEqual(joined);
        expect(joinVectors(a, joined)).toEqual(joined);
        expect(joinVectors(joined, c)).toEqual(joinVectors(a, joinVectors(b, c)));
      }),
    );
  });

  it('cover a dot and all before it of its source, and nothing else, once they have seen it', () => {
    fc.assert(
      fc.property(anyVector, anyDot, anyDot, (vector, one, other) => {
        const after = withDot(vector, one);
        const implied = sourceOf(one) === sourceOf(other) && other.number <= one.number;
        expect(covers(after, other)).toBe(covers(vector, other) || implied);
      }),
    );
  });

  it('are not changed by what is made of them', () => {
    const vector = Object.freeze(withDot({}, dot('a', 1)));
    withDot(vector, dot('a', 2));
    joinVectors(vector, withDot({}, dot('a', 3)));
    expect(vector).toEqual({ [sourceOf(dot('a', 1))]: 1 });
  });
});
