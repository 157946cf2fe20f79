/** Who cannot open connections to whom: told only after several failures between heartbeats that arrive, and taken back at once. */
import { expect, it } from 'vitest';
import { Reachability, type ReachabilityEvents } from '../../../node-core/cluster/transport/reachability.ts';

/** One node's knowledge with a clock of the test's. */
function knowledge() {
  const news: ReachabilityEvents['reach-changed'][] = [];
  let now = 1000;
  const reach = new Reachability({
    self: 'me',
    monotonic: () => now,
    addressesOf: () => ['a:1', 'b:1', 'c:1', 'd:1', 'e:1'],
    onChange: (event) => news.push(event),
  });
  /** What happens in so many rounds of two seconds: a heartbeat that arrives, an attempt that fails. */
  const rounds = (count: number, happens: readonly ('arrived' | 'failed')[] = ['arrived', 'failed']) => {
    for (let round = 0; round < count; round += 1) {
      now += 2000;
      for (const what of happens) reach[what]('other');
    }
  };
  return { news, reach, rounds, pass: (ms: number) => (now += ms) };
}

it('failures in a row between heartbeats that arrive are told, with where it was tried', () => {
  const { news, reach, rounds } = knowledge();
  rounds(4);
  expect(news).toEqual([]);
  rounds(1);
  expect(news).toEqual([{ member: 'other', by: 'me', reached: false }]);
  expect(reach.unreached('other')).toEqual({ forMs: 8000, tried: ['a:1', 'b:1', 'c:1', 'd:1'] });
  rounds(5);
  expect(news).toHaveLength(1);
  reach.reached('other');
  expect(news[1]).toEqual({ member: 'other', by: 'me', reached: true });
  expect(reach.unreached('other')).toBeUndefined();
});

it('one attempt that succeeds begins the count anew', () => {
  const { news, reach, rounds } = knowledge();
  for (let time = 0; time < 5; time += 1) {
    rounds(4);
    reach.reached('other');
  }
  expect(news).toEqual([]);
});

it.each([
  ['many failures within a moment', 8, 500],
  ['few failures over a long time', 2, 60_000],
])('%s are not enough', (_what, times, ms) => {
  const { news, reach, pass } = knowledge();
  for (let time = 0; time < times; time += 1) {
    reach.arrived('other');
    reach.failed('other');
    pass(ms);
  }
  expect(news).toEqual([]);
});

it('a member that is silent itself is away, not unreachable', () => {
  const { news, rounds, reach } = knowledge();
  reach.arrived('other');
  rounds(20, ['failed']);
  expect(news).toEqual([]);
});

it('heartbeats from before say nothing of now', () => {
  const { news, rounds, pass } = knowledge();
  rounds(4);
  pass(7000);
  rounds(20, ['failed']);
  expect(news).toEqual([]);
});

it('a connection is tried now and then though heartbeats come, and after each failure', () => {
  const { reach, pass } = knowledge();
  expect(reach.isDue('other')).toBe(true);
  reach.reached('other');
  expect(reach.isDue('other')).toBe(false);
  pass(31_000);
  expect(reach.isDue('other')).toBe(true);
  reach.reached('other');
  reach.failed('other');
  expect(reach.isDue('other')).toBe(true);
});

it('what others say of this node counts until they say otherwise, come by, or go', () => {
  const { news, reach, pass } = knowledge();
  const claim = { forMs: 9000, tried: ['here:8443'] };
  const told = (reached: boolean) => ({ member: 'me', by: 'other', reached });
  reach.answered('other', claim);
  pass(2000);
  reach.answered('other', { ...claim, forMs: 11_000 });
  expect([...reach.claims()]).toEqual([['other', { ...claim, forMs: 11_000 }]]);
  expect(news).toEqual([told(false)]);
  reach.answered('other', undefined);
  expect(reach.claims().size).toBe(0);
  reach.answered('other', claim);
  reach.arrived('other');
  expect(reach.claims().size).toBe(0);
  reach.answered('other', claim);
  reach.forget('other');
  expect(reach.claims().size).toBe(0);
  expect(news).toEqual([told(false), told(true), told(false), told(true), told(false), told(true)]);
});
