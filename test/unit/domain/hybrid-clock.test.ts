import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  counterOf,
  HybridClock,
  hybridTime,
  isHybridTime,
  maxClockLeadMs,
  wallMsOf,
} from '../../../node-core/domain/hybrid-clock.ts';

const wall = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const counter = fc.integer({ min: 0, max: 0xffff });

describe('hybridTime', () => {
  it('orders as text as the times order, and gives its parts back', () => {
    fc.assert(
      fc.property(wall, counter, wall, counter, (wallA, counterA, wallB, counterB) => {
        const [a, b] = [hybridTime(wallA, counterA), hybridTime(wallB, counterB)];
        expect(Math.sign(Number(a > b) - Number(a < b))).toBe(Math.sign(wallA - wallB || counterA - counterB));
        expect([wallMsOf(a), counterOf(a), isHybridTime(a)]).toEqual([wallA, counterA, true]);
      }),
    );
  });

  it.each(['', '0'.repeat(15), '0'.repeat(17), 'G'.repeat(16), 'A'.repeat(16)])('%j is none', (text) => {
    expect(isHybridTime(text)).toBe(false);
  });
});

describe('HybridClock', () => {
  it('only goes up, however the wall clock jumps and whatever it sees', () => {
    const step = fc.oneof(
      fc.record({ wall: fc.integer({ min: -5, max: 1_000_000 }) }),
      fc.record({ seen: fc.integer({ min: 0, max: 1_000_000 }), counter }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let now = 0;
        const clock = new HybridClock(() => now);
        let last = clock.last;
        for (const one of steps) {
          if ('wall' in one) now = one.wall;
          else clock.observe(hybridTime(one.seen, one.counter));
          expect(clock.last >= last).toBe(true);
          last = clock.last;
          const time = clock.tick();
          expect(time > last).toBe(true);
          expect(isHybridTime(time)).toBe(true);
          expect(wallMsOf(time)).toBeGreaterThanOrEqual(Math.max(0, now));
          last = time;
        }
      }),
    );
  });

  it('shows the wall clock while that runs ahead, and counts while it stands', () => {
    let now = 1000.9;
    const clock = new HybridClock(() => now);
    expect(clock.tick()).toBe(hybridTime(1000, 0));
    expect(clock.tick()).toBe(hybridTime(1000, 1));
    now = 500;
    expect(clock.tick()).toBe(hybridTime(1000, 2));
    now = 2000;
    expect(clock.tick()).toBe(hybridTime(2000, 0));
  });

  it('goes on with the next millisecond when its counter is full', () => {
    const clock = new HybridClock(() => 5, hybridTime(1000, 0xffff));
    expect(clock.tick()).toBe(hybridTime(1001, 0));
  });

  it('goes on from the last time of before a start', () => {
    expect(new HybridClock(() => 5, hybridTime(1000, 7)).tick()).toBe(hybridTime(1000, 8));
  });

  it('takes note of others up to five minutes ahead, and ignores what is further', () => {
    const now = 1_700_000_000_000;
    const clock = new HybridClock(() => now);
    const allowed = hybridTime(now + maxClockLeadMs, 3);
    expect(clock.observe(allowed)).toBe(true);
    expect(clock.tick()).toBe(hybridTime(now + maxClockLeadMs, 4));
    expect(clock.observe(hybridTime(now + maxClockLeadMs + 1, 0))).toBe(false);
    expect(clock.last).toBe(hybridTime(now + maxClockLeadMs, 4));
    expect(clock.observe(hybridTime(1, 0))).toBe(true);
    expect(clock.last).toBe(hybridTime(now + maxClockLeadMs, 4));
  });
});
