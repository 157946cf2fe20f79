import { describe, expect, it } from 'vitest';
import { isMassDeletion } from '../../../node-core/domain/mass-deletion.ts';
import { DeletionClock } from '../../../node-core/files/deletion-clock.ts';
import { RetentionKeeper } from '../../../node-core/files/retention.ts';
import { errorOf } from '../temp-folder.ts';
import { Bench, trashOf } from './fixture.ts';

const dayMs = 24 * 60 * 60 * 1000;

function keeperOf(bench: Bench, now = () => bench.clock.now()): RetentionKeeper {
  return new RetentionKeeper(bench.context, bench.remover, now, (error) => {
    throw error;
  });
}

/** Files of three ages: 10, 5 and 0 days, in two folders and two scenes. */
async function aged(): Promise<Bench> {
  const bench = await Bench.open();
  for (const age of [10, 5, 0]) {
    await bench.upload(`logs/${age}`, `log ${age}`, { scene: 'logs' });
    await bench.upload(`keep/${age}`, `keep ${age}`, { scene: 'default' });
    await bench.upload(`logs-not/${age}`, `other ${age}`, { scene: 'default' });
    if (age > 0) bench.clock.ms += 5 * dayMs;
  }
  return bench;
}

describe('a rule by age', () => {
  it.each([
    [{ folder: 'logs', days: 7 }, ['logs/10']],
    [{ folder: 'logs', days: 5 }, ['logs/10', 'logs/5']],
    [{ folder: 'logs', days: 11 }, []],
    [{ scene: 'default', days: 7 }, ['keep/10', 'logs-not/10']],
    [{ folder: '', days: 7 }, ['keep/10', 'logs-not/10', 'logs/10']],
    [{ folder: 'none', days: 1 }, []],
  ] as const)('%j removes exactly what its preview says: %j', async (request, going) => {
    const bench = await aged();
    const keeper = keeperOf(bench);
    const before = await bench.liveFiles();
    const preview = await keeper.preview(request);
    expect(preview.examples.map(({ path }) => path).sort()).toEqual(going);
    expect([preview.files, preview.needsConfirmation]).toEqual([going.length, false]);
    expect(await bench.liveFiles()).toEqual(before);
    const { id } = await keeper.add(request, 'me');
    expect(await keeper.run(id)).toMatchObject({ removed: going.length });
    expect(await bench.liveFiles()).toEqual(before.filter((path) => !(going as readonly string[]).includes(path)));
    for (const entry of await bench.context.catalog.listTrash(10)) expect(entry.by).toBe(`retention ${id}`);
    await bench.expectConsistent();
  });

  it('keeps a file that was written again while the rule ran', async () => {
    const bench = await aged();
    const keeper = keeperOf(bench);
    const { id } = await keeper.add({ folder: 'logs', days: 7 }, 'me');
    const remove = bench.remover.removeVersion.bind(bench.remover);
    bench.remover.removeVersion = async (file, by) => {
      await bench.upload(file.path, 'new content');
      return remove(file, by);
    };
    expect(await keeper.run(id)).toMatchObject({ removed: 0 });
    expect(await bench.read('logs/10')).toBe('new content');
  });

  it('asks somebody before it removes many files at once, and goes on when it is told so', async () => {
    const bench = await Bench.open();
    for (let number = 0; number < 12; number += 1) await bench.upload(`old/${number}`, `old ${number}`);
    bench.clock.ms += 10 * dayMs;
    for (let number = 0; number < 20; number += 1) await bench.upload(`new/${number}`, `new ${number}`);
    const asked: number[] = [];
    bench.context.events.on('deletion-waits', ({ files }) => asked.push(files));
    const keeper = keeperOf(bench);
    const { id } = await keeper.add({ folder: '', days: 7 }, 'me');
    for (let round = 0; round < 3; round += 1) {
      const state = await keeper.run(id);
      expect(state).toMatchObject({ removed: 0, waiting: { files: 12 } });
    }
    expect(asked).toEqual([12]);
    expect((await bench.liveFiles()).length).toBe(32);
    expect(await keeper.run(id, 5)).toMatchObject({ waiting: { files: 12 } });
    const done = await keeper.run(id, 12);
    expect(done.waiting).toBeUndefined();
    expect(done.removed).toBe(12);
    expect((await bench.liveFiles()).length).toBe(20);
  });

  it('is there after a restart, with how it fared, and gone once it is removed', async () => {
    const bench = await aged();
    const { id } = await keeperOf(bench).add({ folder: 'logs', days: 7 }, 'me');
    await keeperOf(bench).run(id);
    const again = await bench.reopen();
    const keeper = keeperOf(again);
    expect(await keeper.list()).toMatchObject([
      { rule: { id, folder: 'logs', days: 7, by: 'me' }, state: { removed: 1 } },
    ]);
    await keeper.remove(id);
    expect(await keeper.list()).toEqual([]);
    expect((await errorOf(() => keeper.run(id))).code).toBe('RULE_NOT_FOUND');
    expect((await errorOf(() => keeper.remove(id))).code).toBe('RULE_NOT_FOUND');
  });

  it.each([
    [0, 0, false],
    [10, 10, false],
    [11, 11, true],
    [11, 109, true],
    [11, 110, false],
    [1000, 100_000, false],
    [1001, 100_000, true],
  ])('%d of %d files are a mass deletion: %s', (going, total, expected) => {
    expect(isMassDeletion(going, total)).toBe(expected);
  });
});

describe('the clock of deletions', () => {
  const hour = 60 * 60 * 1000;

  async function clockOf(bench: Bench, time: { wall: number; steady: number }) {
    const clock = new DeletionClock(
      bench.context.catalog,
      { now: () => time.wall, monotonic: () => time.steady },
      (error) => {
        throw error;
      },
    );
    await clock.start();
    return clock;
  }

  it('follows the wall clock while both agree', async () => {
    const bench = await Bench.open();
    const time = { wall: 1_700_000_000_000, steady: 0 };
    const clock = await clockOf(bench, time);
    for (let passed = 0; passed < 48; passed += 1) {
      time.wall += hour + 1000;
      time.steady += hour;
      expect(clock.now()).toBe(time.wall);
    }
    expect(clock.leadMs).toBe(0);
    await clock.stop();
  });

  it('goes by what a majority of members says, and stands still while they differ or are away', async () => {
    const bench = await Bench.open();
    const time = { wall: 1_700_000_000_000, steady: 0 };
    const clock = await clockOf(bench, time);
    let agrees: boolean | undefined = false;
    clock.agreesIf(() => agrees);
    const before = clock.now();
    time.wall += 365 * dayMs;
    time.steady += hour;
    expect(clock.now()).toBe(before);
    agrees = true;
    expect(clock.now()).toBe(time.wall);
    agrees = false;
    time.wall += dayMs;
    time.steady += dayMs;
    expect(clock.now()).toBe(time.wall - dayMs);
    // Alone again: what was trusted goes on at no more than twice the steady clock.
    agrees = undefined;
    time.wall += 1000;
    time.steady += 1000;
    expect(clock.now()).toBe(time.wall - dayMs + 1000);
    await clock.stop();
  });

  it('does not follow a jump by years, not after a restart either, until somebody says that it is right', async () => {
    const bench = await Bench.open();
    const time = { wall: 1_700_000_000_000, steady: 0 };
    const before = await clockOf(bench, time);
    const start = time.wall;
    await before.stop();
    time.wall += 10 * 365 * dayMs;
    const clock = await clockOf(bench, time);
    expect(clock.now()).toBe(start);
    time.steady += 24 * hour;
    time.wall += 24 * hour;
    expect(clock.now()).toBe(start + 48 * hour);
    expect(clock.leadMs).toBeGreaterThan(9 * 365 * dayMs);
    await clock.confirm();
    expect([clock.now(), clock.leadMs]).toEqual([time.wall, 0]);
    await clock.stop();
  });

  it('makes up by day for the nights that a machine is off', async () => {
    const bench = await Bench.open();
    const time = { wall: 1_700_000_000_000, steady: 0 };
    for (let day = 0; day < 5; day += 1) {
      const clock = await clockOf(bench, time);
      for (let worked = 0; worked < 13; worked += 1) {
        time.steady += hour;
        time.wall += hour;
        clock.now();
      }
      expect(clock.leadMs).toBe(0);
      await clock.stop();
      time.wall += 11 * hour;
      time.steady = 0;
    }
  });

  it('never runs ahead of a wall clock that was set back', async () => {
    const bench = await Bench.open();
    const time = { wall: 1_700_000_000_000, steady: 0 };
    const clock = await clockOf(bench, time);
    time.wall -= 30 * dayMs;
    expect(clock.now()).toBe(time.wall);
    time.wall += 30 * dayMs;
    expect(clock.now()).toBe(time.wall);
    await clock.stop();
  });

  it('keeps the trash and young files when the wall clock jumps', async () => {
    const bench = await Bench.open();
    const time = { wall: bench.clock.now(), steady: 0 };
    const clock = await clockOf(bench, time);
    await bench.upload('logs/a', 'young');
    await bench.upload('b', 'deleted');
    await bench.remover.removePath('b', 'me');
    time.wall += 1000 * dayMs;
    const rules = keeperOf(bench, () => clock.now());
    const { id } = await rules.add({ folder: 'logs', days: 7 }, 'me');
    await rules.run(id);
    expect(await bench.liveFiles()).toEqual(['logs/a']);
    const trash = trashOf(bench, 30, () => clock.now());
    expect(await trash.purge()).toBe(0);
    await clock.confirm();
    await rules.run(id);
    expect(await bench.liveFiles()).toEqual([]);
    // What was deleted long ago, and what the rule has just removed by the bench's own clock.
    expect(await trash.purge()).toBe(2);
    await clock.stop();
  });
});
