import { describe, expect, it } from 'vitest';
import { Quorum } from '../../../node-core/cluster/members/quorum.ts';

/** A node `c` among others, each with its lead in minutes; those without one are away. */
function quorum(others: Readonly<Record<string, number | undefined>>): Quorum {
  return new Quorum(
    { self: 'c', others: () => Object.keys(others) },
    {
      isOnline: (id) => others[id] !== undefined,
      leadOf: (id) => (others[id] === undefined ? undefined : others[id] * 60_000),
    },
  );
}

describe('Quorum', () => {
  it.each([
    ['alone', {}, true],
    ['of two, both there', { d: 0 }, true],
    ['of two, the other away', { d: undefined }, false],
    ['the lowest of three', { d: 0, e: 0 }, true],
    ['not the lowest', { a: 0, d: 0 }, false],
    ['the lowest that is there', { a: undefined, d: 0 }, true],
    ['one of three', { d: undefined, e: undefined }, false],
    ['half of four', { d: 0, e: undefined, f: undefined }, false],
    ['three of five', { d: 0, e: 0, f: undefined, g: undefined }, true],
  ])('runs the rules when it is %s', (_what, others, runs) => {
    expect(quorum(others).runsRules()).toBe(runs);
  });

  it.each([
    ['alone: nobody to agree with', {}, undefined],
    ['all agree', { d: 1, e: -4 }, true],
    ['one of two others is off by a day', { d: 1440, e: 0 }, true],
    ['both others are a day ahead: it may be this clock that is wrong', { d: 1440, e: 1440 }, false],
    ['nobody can be asked', { d: undefined, e: undefined }, false],
    ['exactly five minutes are too much', { d: 5 }, false],
    ['the other one of two agrees', { d: 4.9 }, true],
  ])('tells whether the clock agrees when %s', (_what, others, agrees) => {
    expect(quorum(others).clockAgrees()).toBe(agrees);
  });
});
