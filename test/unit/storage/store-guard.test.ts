import { mkdir, readFile, rename, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { markerName, type SpaceFloor, StoreGuard } from '../../../node-core/storage/store-guard.ts';
import { errorOf, makeFolder } from '../temp-folder.ts';

async function open(floor: SpaceFloor = { percent: 0, megabytes: 0 }) {
  const folder = path.join(await makeFolder(), 'files');
  const clock = { ms: 0, now: () => clock.ms, monotonic: () => clock.ms };
  const settings = { floor };
  return { folder, clock, settings, guard: new StoreGuard(folder, () => settings.floor, clock) };
}

describe('StoreGuard, the folder', () => {
  it('gives a new store an id of its own, and knows it again', async () => {
    const { folder, guard, clock } = await open();
    const id = await guard.bind(undefined);
    expect((await readFile(path.join(folder, markerName), 'utf8')).trim()).toBe(id);
    const again = new StoreGuard(folder, () => ({ percent: 0, megabytes: 0 }), clock);
    expect(await again.bind(undefined), 'a new catalogue takes the folder as it is').toBe(id);
    expect(await again.bind(id)).toBe(id);
    again.open();
    await again.checkStore();
  });

  it('refuses everything before it was opened', async () => {
    const { guard } = await open();
    await guard.bind(undefined);
    expect((await errorOf(() => guard.checkStore())).code).toBe('STORE_MISSING');
    expect((await errorOf(() => guard.checkWrite(0))).code).toBe('STORE_MISSING');
    await guard.checkFolder();
  });

  it('makes nothing where a known store is missing: an empty mount point stays empty', async () => {
    const { folder, guard } = await open();
    await guard.bind('the known one');
    const error = await errorOf(() => guard.checkFolder());
    expect([error.code, error.status, error.details]).toEqual(['STORE_MISSING', 503, { folder }]);
    await mkdir(folder);
    expect((await errorOf(() => guard.checkFolder())).code).toBe('STORE_MISSING');
  });

  it('refuses a foreign store in its place', async () => {
    const { folder, guard } = await open();
    await guard.bind('mine');
    await mkdir(folder);
    await writeFile(path.join(folder, markerName), 'another\n');
    expect((await errorOf(() => guard.checkFolder())).code).toBe('STORE_MISSING');
    await writeFile(path.join(folder, markerName), 'mine\n');
    await guard.checkFolder();
  });

  it('notices within a second that the disk is gone, and at once that it is back', async () => {
    const { folder, guard, clock } = await open();
    await guard.bind(undefined);
    guard.open();
    await guard.checkWrite(0);
    await rename(folder, `${folder}-away`);
    clock.ms += 1001;
    for (const check of [() => guard.checkWrite(0), () => guard.checkStore(), () => guard.checkFolder()]) {
      expect((await errorOf(check)).code).toBe('STORE_MISSING');
    }
    await rename(`${folder}-away`, folder);
    await guard.checkStore();
    await guard.checkWrite(0);
  });
});

describe('StoreGuard, the room', () => {
  it('keeps the larger of the two reserves free', async () => {
    const { folder, guard, settings } = await open();
    await guard.bind(undefined);
    const { blocks, bsize } = await statfs(folder);
    const total = blocks * bsize;
    expect((await guard.space()).total).toBe(total);
    settings.floor = { percent: 10, megabytes: 1 };
    expect((await guard.space()).floor).toBeCloseTo(total / 10);
    settings.floor = { percent: 0, megabytes: 5 };
    expect((await guard.space()).floor).toBe(5 * 1024 * 1024);
  });

  it.each([
    ['percent', { percent: 100, megabytes: 0 }],
    ['MiB', { percent: 0, megabytes: 2 ** 40 }],
  ])('refuses a write that would touch a reserve in %s', async (_unit, floor) => {
    const { guard, settings, clock } = await open(floor);
    await guard.bind(undefined);
    guard.open();
    const error = await errorOf(() => guard.checkWrite(1));
    expect([error.code, error.status]).toEqual(['DISK_FULL', 507]);
    settings.floor = { percent: 0, megabytes: 0 };
    clock.ms += 1001;
    await guard.checkWrite(1);
  });

  it('counts announced bytes at once, so that many at a time cannot overrun the reserve', async () => {
    const { guard, clock } = await open();
    await guard.bind(undefined);
    guard.open();
    const { free } = await guard.space();
    const part = Math.floor(free * 0.4);
    const answers = [];
    for (let i = 0; i < 4; i += 1) {
      answers.push(
        await guard.checkWrite(part).then(
          () => 'taken',
          (error: { code: string }) => error.code,
        ),
      );
    }
    expect(answers).toEqual(['taken', 'taken', 'DISK_FULL', 'DISK_FULL']);
    // What was announced and never came is forgotten at the next look at the disk.
    clock.ms += 1001;
    await guard.checkWrite(part);
  });

  it('counts announced bytes also when many ask in the same turn', async () => {
    const { guard } = await open();
    await guard.bind(undefined);
    guard.open();
    const part = Math.floor((await guard.space()).free * 0.4);
    const answers = await Promise.allSettled(Array.from({ length: 4 }, () => guard.checkWrite(part)));
    expect(answers.filter((answer) => answer.status === 'fulfilled')).toHaveLength(2);
  });
});

describe('StoreGuard, short of space', () => {
  it('asks once for room, lets the write through when there is enough then, and refuses otherwise', async () => {
    const { folder, guard, settings, clock } = await open();
    await guard.bind(undefined);
    guard.open();
    const { bavail, bsize } = await statfs(folder);
    const freeMegabytes = Math.floor((bavail * bsize) / 1024 / 1024);
    const tooHigh = { percent: 0, megabytes: freeMegabytes + 10_000 };
    settings.floor = tooHigh;
    const asked: number[] = [];
    guard.onShortage(async (bytes) => {
      asked.push(bytes);
      // What the trash would do: afterwards there is room.
      settings.floor = { percent: 0, megabytes: 0 };
      return bytes;
    });
    await Promise.all([guard.checkWrite(100), guard.checkWrite(100)]);
    expect(asked.length).toBe(1);
    expect(asked[0]).toBeGreaterThan(9_000 * 1024 * 1024);
    settings.floor = tooHigh;
    clock.ms += 10_000;
    guard.onShortage(async () => 0);
    expect((await errorOf(() => guard.checkWrite(1))).code).toBe('DISK_FULL');
    guard.onShortage(async () => {
      throw new Error('the trash cannot be read');
    });
    await expect(guard.checkWrite(1)).rejects.toThrow('the trash cannot be read');
    guard.onShortage(async () => 0);
    expect((await errorOf(() => guard.checkWrite(1))).code, 'a failure blocks nobody after it').toBe('DISK_FULL');
  });
});
