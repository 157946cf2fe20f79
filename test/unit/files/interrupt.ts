/** Operations, and how to run them until the n-th of their steps fails. */
import { expect } from 'vitest';
import { FilePacker } from '../../../node-core/files/pack-keeper.ts';
import { digestsOf } from '../domain/versions.ts';
import { Bench, Fuse, type PackingOptions, StepFailure, trashOf } from './fixture.ts';

/** Something that a user does, and what may come of it. */
export interface Operation {
  readonly title: string;
  /** Whether crashes of the recovery are tried as well: every step of it for every step of the operation. */
  readonly recoveryToo?: true;
  /** How small contents are packed meanwhile; not at all when absent. */
  readonly packing?: PackingOptions;
  /** What stands there before. */
  readonly prepare: (bench: Bench) => Promise<unknown>;
  readonly run: (bench: Bench) => Promise<unknown>;
  /** Path -> contents that may show afterwards: before and after; undefined for none. */
  readonly outcomes: Readonly<Record<string, readonly [before: string | undefined, after: string | undefined]>>;
}

const plainOperations: readonly Operation[] = [
  {
    title: 'an upload to a new folder',
    prepare: (bench) => bench.upload('other.txt', 'other'),
    run: (bench) => bench.upload('deep/er/a.txt', 'new'),
    outcomes: { 'deep/er/a.txt': [undefined, 'new'], 'other.txt': ['other', 'other'] },
  },
  {
    title: 'an overwrite',
    prepare: (bench) => bench.upload('d/a.txt', 'the old one'),
    run: (bench) => bench.upload('d/a.txt', 'the new one'),
    outcomes: { 'd/a.txt': ['the old one', 'the new one'] },
  },
  {
    title: 'an upload of known content, by hard link',
    prepare: (bench) => bench.upload('d/a.txt', 'shared'),
    run: (bench) => bench.upload('e/b.txt', 'shared'),
    outcomes: { 'd/a.txt': ['shared', 'shared'], 'e/b.txt': [undefined, 'shared'] },
  },
  {
    title: 'an overwrite by known content, by hard link',
    recoveryToo: true,
    prepare: async (bench) => {
      await bench.upload('a.txt', 'shared');
      await bench.upload('b.txt', 'the old one');
    },
    run: (bench) => bench.upload('b.txt', 'shared'),
    outcomes: { 'a.txt': ['shared', 'shared'], 'b.txt': ['the old one', 'shared'] },
  },
  {
    title: 'an overwrite of one of two hard-linked files',
    prepare: async (bench) => {
      await bench.upload('a.txt', 'shared');
      await bench.upload('b.txt', 'shared');
    },
    run: (bench) => bench.upload('a.txt', 'the new one'),
    outcomes: { 'a.txt': ['shared', 'the new one'], 'b.txt': ['shared', 'shared'] },
  },
  {
    title: 'a delete',
    prepare: async (bench) => {
      await bench.upload('d/e/a.txt', 'gone');
      await bench.upload('d/b.txt', 'stays');
    },
    run: (bench) => bench.remover.removePath('d/e/a.txt', 'test'),
    outcomes: { 'd/e/a.txt': ['gone', undefined], 'd/b.txt': ['stays', 'stays'] },
  },
  {
    title: 'a delete of one of two hard-linked files',
    recoveryToo: true,
    prepare: async (bench) => {
      await bench.upload('a.txt', 'shared');
      await bench.upload('b.txt', 'shared');
    },
    run: (bench) => bench.remover.removePath('a.txt', 'test'),
    outcomes: { 'a.txt': ['shared', undefined], 'b.txt': ['shared', 'shared'] },
  },
  {
    title: 'a delete by digest of two hard-linked files',
    prepare: async (bench) => {
      await bench.upload('a.txt', 'shared');
      await bench.upload('d/b.txt', 'shared');
    },
    run: (bench) => bench.remover.removeContent('sha256', digestsOf('shared').sha256, 'test'),
    outcomes: { 'a.txt': ['shared', undefined], 'd/b.txt': ['shared', undefined] },
  },
  {
    title: 'an upload where a folder is in the way',
    prepare: (bench) => bench.upload('a/b.txt', 'below'),
    run: (bench) => bench.upload('a', 'beside'),
    outcomes: { a: [undefined, 'beside'], 'a/b.txt': ['below', 'below'] },
  },
];

/** Segments of a few contents each, so that the operations begin new ones. */
const packing: PackingOptions = { limitBytes: 1024, segmentBytes: 600 };

const packOperations: readonly Operation[] = [
  {
    title: 'a compaction',
    packing,
    recoveryToo: true,
    prepare: async (bench) => {
      for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) await bench.upload(name, `the content of ${name}`);
      for (const name of ['a', 'c', 'd', 'f', 'g']) await bench.remover.removePath(name, 'test');
      await trashOf(bench, 30).empty();
    },
    run: (bench) => bench.packKeeper.compact(),
    outcomes: Object.fromEntries(
      ['b', 'e', 'h'].map((name) => [name, [`the content of ${name}`, `the content of ${name}`]]),
    ),
  },
  {
    title: 'the packing of files that stand by themselves',
    packing,
    prepare: async (bench) => {
      bench.packing.limitBytes = 0;
      await bench.upload('d/a.txt', 'shared');
      await bench.upload('b.txt', 'shared');
      await bench.upload('d/e/c.txt', 'alone');
      bench.packing.limitBytes = 1024;
    },
    run: (bench) => new FilePacker(bench.context, () => 1024).join().run.ended,
    outcomes: { 'd/a.txt': ['shared', 'shared'], 'b.txt': ['shared', 'shared'], 'd/e/c.txt': ['alone', 'alone'] },
  },
];

/** What is interrupted: everything on plain files, the same in packs, and what only packs know. */
export const operations: readonly Operation[] = [
  ...plainOperations,
  ...plainOperations.map((operation) => ({ ...operation, title: `${operation.title}, in packs`, packing })),
  ...packOperations,
];

/** Runs the operation with a fuse at step n. */
export async function runUntil(operation: Operation, n: number, mode: 'crash' | 'error') {
  const bench = await Bench.open(operation.packing && { packing: { ...operation.packing } });
  await operation.prepare(bench);
  const fuse = new Fuse(n, mode);
  bench.arm(fuse);
  const failure = await operation.run(bench).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (failure !== undefined && !(failure instanceof StepFailure)) throw failure;
  return { bench, fuse, acknowledged: failure === undefined };
}

/** Every path is as before or as after, all of them alike, and after when the caller was told so. */
export async function expectOutcome(
  bench: Bench,
  operation: Operation,
  acknowledged: boolean,
): Promise<'before' | 'after'> {
  const found: Record<string, string | undefined> = {};
  for (const path of Object.keys(operation.outcomes)) found[path] = await bench.read(path);
  const pick = (side: 0 | 1) =>
    Object.fromEntries(Object.entries(operation.outcomes).map(([path, sides]) => [path, sides[side]]));
  if (acknowledged) expect(found).toEqual(pick(1));
  else expect([pick(0), pick(1)]).toContainEqual(found);
  return JSON.stringify(found) === JSON.stringify(pick(1)) ? 'after' : 'before';
}

/** Calls the check for n = 1, 2, ... until the operation runs to its end; a failing n and its steps are told. */
export async function forEveryStep(check: (n: number) => Promise<Fuse>) {
  for (let n = 1; ; n += 1) {
    const fuse = await check(n);
    if (!fuse.blown) {
      expect(n, 'an operation has steps that can fail').toBeGreaterThan(2);
      return;
    }
    if (n > 200) throw new Error('the operation never ends');
  }
}

/** Adds to an error where the fuse blew, so that the case can be replayed. */
export async function told<T>(fuse: Fuse, n: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error) error.message = `at step ${n} (${fuse.steps.slice(0, n).join(', ')}): ${error.message}`;
    throw error;
  }
}
