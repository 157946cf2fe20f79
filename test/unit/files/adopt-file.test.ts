/** Taking in files that stand in the store: progress is told, a stop ends the run, links are never made. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileAdopter } from '../../../node-core/files/adopt-file.ts';
import type { FileEvents } from '../../../node-core/files/context.ts';
import { Bench } from './fixture.ts';

type Progress = FileEvents['adopt-progress'];

async function withFiles(count: number): Promise<{ bench: Bench; adopter: FileAdopter; told: Progress[] }> {
  const bench = await Bench.open();
  await mkdir(path.join(bench.root, 'found'));
  for (let number = 0; number < count; number += 1) {
    await writeFile(path.join(bench.root, 'found', `${number}.txt`), `content ${number}`);
  }
  const told: Progress[] = [];
  bench.context.events.on('adopt-progress', (progress) => told.push(progress));
  return { bench, adopter: new FileAdopter(bench.context, () => 'md5'), told };
}

describe('FileAdopter', () => {
  it('tells its progress while it runs, and its end', async () => {
    const { adopter, told } = await withFiles(250);
    await adopter.join().run.ended;
    expect(told).toEqual([
      { taken: 100, known: 0, skipped: 0, finished: false },
      { taken: 200, known: 0, skipped: 0, finished: false },
      { taken: 250, known: 0, skipped: 0, finished: true },
    ]);
  });

  it('lets callers join the run under way, and begins another afterwards', async () => {
    const { adopter } = await withFiles(3);
    const first = adopter.join();
    const second = adopter.join();
    expect([first.joined, second.joined]).toEqual([false, true]);
    expect(second.run).toBe(first.run);
    await first.run.ended;
    expect(first.run).toMatchObject({ finished: true, progress: { taken: 3 } });
    const third = adopter.join();
    expect(third.joined).toBe(false);
    await third.run.ended;
    expect(third.run.progress).toMatchObject({ taken: 0, known: 3 });
  });

  it('ends soon when the node stops; what was taken stays taken', async () => {
    const { bench, adopter } = await withFiles(250);
    const { run } = adopter.join();
    let stopped: Promise<void> | undefined;
    bench.context.events.on('adopt-progress', () => {
      stopped ??= adopter.stop();
    });
    await run.ended;
    await stopped;
    expect(run.finished).toBe(false);
    // Those in work end well.
    expect(run.progress.taken).toBeGreaterThanOrEqual(100);
    expect(run.progress.taken).toBeLessThan(120);
    expect(bench.context.catalog.totals().files).toBe(run.progress.taken);
  });

  it('records no source of links', async () => {
    const { bench, adopter } = await withFiles(1);
    await adopter.join().run.ended;
    const file = bench.context.catalog.find('found/0.txt');
    expect(file?.local?.place).toBe('found/0.txt');
    expect(bench.context.catalog.linkSource(file?.version.sha256 ?? '')).toBeUndefined();
    expect(await bench.context.catalog.placesOf(file?.version.sha256 ?? '')).toEqual(['found/0.txt']);
  });

  it('begins again after a run that failed', async () => {
    const { bench, adopter } = await withFiles(1);
    const { guard } = bench.context;
    const check = guard.checkStore.bind(guard);
    guard.checkStore = () => Promise.reject(new Error('the disk is away'));
    await expect(adopter.join().run.ended).rejects.toThrow('the disk is away');
    guard.checkStore = check;
    const { run } = adopter.join();
    await run.ended;
    expect(run.progress).toMatchObject({ taken: 1 });
  });
});
