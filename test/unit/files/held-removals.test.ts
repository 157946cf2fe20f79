import { describe, expect, it } from 'vitest';
import { needsConfirmation, RemovalHold } from '../../../node-core/files/held-removals.ts';

describe('the guard against mass deletion', () => {
  const cases: readonly (readonly [gone: number, total: number, asks: boolean])[] = [
    [0, 0, false],
    [1, 1, false],
    [1, 2, false],
    [2, 2, true],
    [5, 5, true],
    [5, 6, false],
    [10, 11, false],
    [11, 110, false],
    [11, 109, true],
    [100, 1000, false],
    [101, 1000, true],
    [1000, 1_000_000, false],
    [1001, 1_000_000, true],
  ];
  for (const [gone, total, asks] of cases) {
    it(`${gone} of ${total} files: ${asks ? 'asks' : 'removes'}`, () => {
      expect(needsConfirmation(gone, total)).toBe(asks);
    });
  }
});

describe('files that went just before', () => {
  const cases: readonly (readonly [gone: number, total: number, recent: number, asks: boolean])[] = [
    [1, 1, 1, false],
    [3, 35, 8, true],
    [2, 36, 8, false],
    [200, 9200, 800, false],
    [201, 9200, 800, true],
    [1, 1_000_000, 1000, true],
  ];
  for (const [gone, total, recent, asks] of cases) {
    it(`${gone} of ${total} after ${recent}: ${asks ? 'asks' : 'removes'}`, () => {
      expect(needsConfirmation(gone, total, recent)).toBe(asks);
    });
  }
});

describe('removals that wait for a word', () => {
  it('are gathered, under a new id when more go', () => {
    const hold = new RemovalHold();
    const first = hold.hold(['a', 'b'], 10, 1);
    expect(hold.hold(['b'], 10, 2)).toBeUndefined();
    const second = hold.hold(['c'], 10, 3);
    expect(second).toMatchObject({ paths: ['a', 'b', 'c'], sinceMs: 1 });
    expect(hold.answer(first?.id ?? '', false)).toBeUndefined();
    expect(hold.answer(second?.id ?? '', false)).toEqual(['a', 'b', 'c']);
    expect(hold.held).toBeUndefined();
  });

  it('forgets files that are there again, and remembers those that are kept', () => {
    const hold = new RemovalHold();
    hold.hold(['a', 'b'], 10, 1);
    hold.seen('a');
    expect(hold.held?.paths).toEqual(['b']);
    hold.answer(hold.held?.id ?? '', true);
    expect(hold.unanswered(['a', 'b'])).toEqual(['a']);
    hold.seen('b');
    expect(hold.unanswered(['a', 'b'])).toEqual(['a', 'b']);
    hold.hold(['b'], 10, 2);
    hold.seen('b');
    expect(hold.held).toBeUndefined();
  });
});
