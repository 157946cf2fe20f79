import { describe, expect, it } from 'vitest';
import { clusterWatches } from '../../../node-core/alarms/cluster-watches.ts';

const minute = 60_000;
const now = 1_700_000_000_000;
/** What was missed first then counts as lost. */
const lostMs = now - 99 * minute;

function watches(members: { name: string; online: boolean; seenMs: number | undefined }[], wanted: number[]) {
  async function* list() {
    for (const addedMs of wanted) yield { addedMs, lost: addedMs === lostMs };
  }
  const [unreachable, lag, lost] = clusterWatches({
    members: () => members,
    wanted: list,
    twins: () => [],
    stalled: async () => undefined,
    nodeName: () => 'here',
    now: () => now,
  });
  return { unreachable, lag, lost };
}

describe('the watches over a cluster', () => {
  it('see members that are away, and nothing where there are none', async () => {
    expect(await watches([], []).unreachable?.look()).toEqual([]);
    const seen = [
      { name: 'north', online: true, seenMs: now },
      { name: 'south', online: false, seenMs: now - minute },
      { name: 'east', online: false, seenMs: undefined },
    ];
    expect(await watches(seen, []).unreachable?.look()).toEqual([
      { subject: 'south', details: { lastSeen: '2023-11-14T22:12:20.000Z' } },
      { subject: 'east', details: { lastSeen: '-' } },
    ]);
  });

  it('see what nobody has any more, which is not behind', async () => {
    const { lag, lost } = watches([], [now, lostMs]);
    expect(await lag?.look()).toEqual([]);
    expect(await lost?.look()).toEqual([{ subject: '', details: { contents: 1 } }]);
    expect(await watches([], [now]).lost?.look()).toEqual([]);
  });

  it.each([
    [[], []],
    [[now, now - 14 * minute], []],
    [[now - 20 * minute, now - minute], [{ subject: 'here', details: { files: 2, minutes: 20 } }]],
  ])('see files that have waited for too long: %j', async (wanted, expected) => {
    expect(await watches([], wanted).lag?.look()).toEqual(expected);
  });
});
