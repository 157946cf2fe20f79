import { describe, expect, it } from 'vitest';
import { FolderKeeper } from '../../../node-core/files/folders.ts';
import { FileMover } from '../../../node-core/files/move-file.ts';
import { errorOf } from '../temp-folder.ts';
import { Bench, Fuse, StepFailure } from './fixture.ts';
import { forEveryStep, told } from './interrupt.ts';

function keeperOf(bench: Bench): FolderKeeper {
  const mover = new FileMover(bench.context);
  return new FolderKeeper(bench.context, mover, bench.remover, (error) => {
    throw error;
  });
}

const files = ['f/a', 'f/g/b'];

async function filled(): Promise<Bench> {
  const bench = await Bench.open();
  for (const file of files) await bench.upload(file, file);
  await keeperOf(bench).make('f/made');
  return bench;
}

/** Starts the keeper as a node does and waits until every interrupted change is complete. */
async function finishJobs(bench: Bench): Promise<void> {
  const jobs = await bench.context.catalog.folderJobs();
  const done = jobs.map(
    ({ id }) =>
      new Promise<void>((resolve) =>
        bench.context.events.on('folder-progress', ({ job, finished }) => {
          if (job.id === id && finished) resolve();
        }),
      ),
  );
  await keeperOf(bench).start();
  await Promise.all(done);
  expect(await bench.context.catalog.folderJobs()).toEqual([]);
}

const moved = files.map((file) => file.replace('f/', 'to/here/')).sort();

describe('FolderKeeper', () => {
  it('moves everything, made folders too', async () => {
    const bench = await filled();
    const progress = await keeperOf(bench).move('f', 'to/here', 'test');
    expect(progress).toMatchObject({ failed: 0, finished: true });
    expect(await bench.liveFiles()).toEqual(moved);
    expect(bench.context.catalog.hasFolder('f')).toBe(false);
    expect(bench.context.catalog.madeFolder('to/here/made')).toBeDefined();
    await bench.expectConsistent();
  });

  it('removes everything, made folders too, into the trash', async () => {
    const bench = await filled();
    await keeperOf(bench).remove('f', 'test', { recursive: true });
    expect(await bench.liveFiles()).toEqual([]);
    expect(bench.context.catalog.hasFolder('f')).toBe(false);
    expect((await bench.trash()).map(({ path }) => path).sort()).toEqual(files);
    await bench.expectConsistent();
  });

  it('stops between two files and goes on after the next start', async () => {
    const bench = await filled();
    const keeper = keeperOf(bench);
    let stopping: Promise<void> | undefined;
    bench.context.events.on('file-moved', () => {
      stopping ??= keeper.stop();
    });
    expect(await keeper.move('f', 'to/here', 'test')).toMatchObject({ finished: false });
    await stopping;
    expect((await bench.liveFiles()).length).toBe(files.length);
    await bench.expectConsistent();
    const after = await bench.reopen();
    await finishJobs(after);
    expect(await after.liveFiles()).toEqual(moved);
  });

  it('refuses folders that are not there, files in the way and moves into itself', async () => {
    const bench = await filled();
    const keeper = keeperOf(bench);
    await bench.upload('file', 'x');
    const codes = await Promise.all(
      [
        () => keeper.move('none', 'x', 'test'),
        () => keeper.move('f', 'f', 'test'),
        () => keeper.move('f', 'f/g/x', 'test'),
        () => keeper.move('f', 'file', 'test'),
        () => keeper.make('file'),
        () => keeper.remove('f', 'test', { recursive: false }),
      ].map(async (work) => (await errorOf(work)).code),
    );
    expect(codes).toEqual([
      'FOLDER_NOT_FOUND',
      'PATH_INVALID',
      'PATH_INVALID',
      'TARGET_EXISTS',
      'TARGET_EXISTS',
      'FOLDER_NOT_EMPTY',
    ]);
    expect(await bench.context.catalog.folderJobs()).toEqual([]);
  });
});

const changes = [
  ['a move', (bench: Bench) => keeperOf(bench).move('f', 'to/here', 'test'), moved],
  ['a removal', (bench: Bench) => keeperOf(bench).remove('f', 'test', { recursive: true }), []],
] as const;

describe.each(changes)('a crash during %s of a folder', (_what, change, after) => {
  it('is finished by the next start, or never began', async () => {
    await forEveryStep(async (n) => {
      const bench = await filled();
      const fuse = new Fuse(n);
      bench.arm(fuse);
      const failure: unknown = await change(bench).catch((error: unknown) => error);
      const failed = failure instanceof StepFailure;
      if (failure instanceof Error && !failed) throw failure;
      await told(fuse, n, async () => {
        const again = await bench.reopen();
        const began = (await again.context.catalog.folderJobs()).length > 0;
        expect(again.recovery?.lost).toEqual([]);
        await again.expectConsistent();
        await finishJobs(again);
        const isDone = began || !failed || (await again.liveFiles()).join() === after.join();
        expect(await again.liveFiles()).toEqual(isDone ? after : files.toSorted());
        expect(again.context.catalog.hasFolder('f')).toBe(!isDone);
        await again.expectConsistent();
      });
      return fuse;
    });
  }, 120_000);
});
