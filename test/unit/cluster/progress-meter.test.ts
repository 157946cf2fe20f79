import { describe, expect, it } from 'vitest';
import { ProgressMeter } from '../../../node-core/cluster/transport/progress-meter.ts';

function meterAt(done: number) {
  let now = 0;
  const meter = new ProgressMeter(done, () => now);
  return (ms: number, bytes: number) => {
    now += ms;
    return meter.note(bytes);
  };
}

describe('the speed of a transfer', () => {
  it('counts what came since it began, not what was here before', () => {
    const note = meterAt(1_000_000);
    expect(note(1000, 1_500_000)).toBe(500_000);
    expect(note(1000, 2_000_000)).toBe(500_000);
  });

  it('follows a change within seconds, and does not jump with every note', () => {
    const note = meterAt(0);
    note(1000, 1_000_000);
    const soon = note(100, 1_000_000);
    expect(soon).toBeGreaterThan(900_000);
    let last = soon;
    for (let second = 0; second < 12; second += 1) last = note(1000, 1_000_000);
    expect(last).toBeLessThan(50_000);
  });

  it('stays what it was when no time has passed, or bytes were given back', () => {
    const note = meterAt(0);
    expect(note(0, 500)).toBe(0);
    expect(note(1000, 1000)).toBe(1000);
    expect(note(1000, 10)).toBe(1000);
  });
});
