import { describe, expect, it } from 'vitest';
import { SenderBudget } from '../../../../node-core/cluster/discovery/sender-budget.ts';

describe('the budget of senders', () => {
  const admitted = (budget: SenderBudget, sender: string, packets: number) =>
    Array.from({ length: packets }, () => budget.take(sender)).filter(Boolean).length;

  it('lets a neighbour who floods take nothing from the others, and begins anew each second', () => {
    let nowMs = 0;
    const budget = new SenderBudget({ now: () => 0, monotonic: () => nowMs });
    expect(admitted(budget, '10.0.0.1', 100_000)).toBe(40);
    expect(admitted(budget, '10.0.0.2', 10)).toBe(10);
    nowMs = 999;
    expect(admitted(budget, '10.0.0.1', 10)).toBe(0);
    nowMs = 1000;
    expect(admitted(budget, '10.0.0.1', 10)).toBe(10);
  });

  it('bounds all senders together, however many addresses they forge', () => {
    const budget = new SenderBudget({ now: () => 0, monotonic: () => 0 });
    const each = Array.from({ length: 5000 }, (_, index) => admitted(budget, `10.0.${index >> 8}.${index & 255}`, 1));
    expect(each.reduce((sum, one) => sum + one, 0)).toBe(1000);
  });
});
