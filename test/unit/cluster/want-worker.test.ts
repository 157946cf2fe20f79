/** The list of wants and a disk that has no room: what waits, what goes on, and that nothing is written meanwhile. */
import { afterEach, describe, expect, it } from 'vitest';
import { replicationTables, type Want } from '../../../node-core/catalog/replication-values.ts';
import { WantWorker } from '../../../node-core/cluster/engine/want-worker.ts';
import { ShoalError } from '../../../node-core/domain/errors.ts';
import { WantedContent } from '../../../node-core/files/wanted-content.ts';
import { eventually } from '../../support/eventually.ts';
import { digestsOf } from '../domain/versions.ts';
import { Bench } from '../files/fixture.ts';

const workers: WantWorker[] = [];
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.stop();
});

/** A worker over a real catalogue with records of two files whose bytes are elsewhere. */
async function workerOver(fetch: (want: Want) => 'full' | 'here') {
  const bench = await Bench.open();
  const contents = { large: 'the large one', small: 'small' };
  const wants: Record<string, string> = {};
  for (const [name, content] of Object.entries(contents)) {
    await bench.upload(name, content);
    const { version, recordPath } = bench.file(name);
    wants[version.sha256] = content;
    const { sha256, size, blockRoot } = version;
    await bench.context.catalog.commit((transaction) => {
      transaction.dropLocal(recordPath, version);
      const want = { sha256, size, blockRoot, addedMs: 0, attempts: 0, nextMs: 0, lost: false };
      transaction.putRow(replicationTables.wants, sha256, want);
    });
    await bench.context.store.remove(name);
  }
  const timers: (() => void)[] = [];
  const told: boolean[] = [];
  const state: { full: boolean; tries: number; error?: ShoalError } = { full: false, tries: 0 };
  const worker = new WantWorker({
    wanted: new WantedContent(bench.context, bench.storer),
    transfers: {
      fetch: async (want) => {
        state.tries += 1;
        if (state.full || fetch(want) === 'full') throw new ShoalError('DISK_FULL');
        return bench.stage(wants[want.sha256] ?? '');
      },
    },
    scheduler: {
      now: () => bench.clock.ms,
      random: () => 0.5,
      after: (_ms, work) => {
        timers.push(work);
        return () => timers.splice(timers.indexOf(work), 1);
      },
    },
    report: () => undefined,
    checkRoom: async () => {
      if (state.error) throw state.error;
      if (state.full) throw new ShoalError('DISK_FULL');
    },
    onStalled: (stalled) => told.push(stalled),
  });
  workers.push(worker);
  const attempts = async () => {
    const found: number[] = [];
    for await (const want of bench.context.catalog.rows(replicationTables.wants)) found.push(want.attempts);
    return found;
  };
  return { bench, worker, timers, told, state, attempts };
}

describe('a disk without room', () => {
  it('stops the list until there is some; no try counts and nothing is asked for', async () => {
    const { worker, timers, told, state, attempts, bench } = await workerOver(() => 'here');
    state.full = true;
    worker.wake(true);
    await eventually(() => worker.isStalled, 'it has stopped');
    const { tries } = state;
    worker.wake(true);
    worker.prefer(digestsOf('small').sha256);
    for (let look = 0; look < 3; look += 1) {
      for (const work of timers.splice(0)) work();
      await eventually(() => timers.length > 0, 'it looks again later');
    }
    expect([state.tries, await attempts(), told]).toEqual([tries, [0, 0], [true]]);
    state.full = false;
    for (const work of timers.splice(0)) work();
    await eventually(async () => (await attempts()).length === 0, 'everything is here');
    expect([told, worker.isStalled]).toEqual([[true, false], false]);
    expect(await bench.read('large')).toBe('the large one');
  });

  it('that cannot be looked at is like any other failure: the contents are tried again later', async () => {
    const { worker, told, attempts, state } = await workerOver(() => 'full');
    state.error = new ShoalError('STORE_MISSING', { details: { folder: 'files' } });
    worker.wake(true);
    await eventually(async () => (await attempts()).join() === '1,1', 'each was tried once');
    expect(state.tries).toBe(2);
    expect([told, worker.isStalled]).toEqual([[], false]);
  });

  it('for one content only makes that one wait, and no other', async () => {
    const { worker, told, attempts, bench } = await workerOver(({ size }) => (size > 10 ? 'full' : 'here'));
    worker.wake(true);
    await eventually(async () => (await attempts()).join() === '1', 'the small one is here, the large one was tried');
    expect([told, worker.isStalled]).toEqual([[], false]);
    expect(await bench.read('small')).toBe('small');
  });
});
