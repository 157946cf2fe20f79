/**
 * What a crash leaves between any two steps of an operation. No process is killed: from the n-th step on every call of
 * store and catalogue throws, then the folder is opened anew as a start does.
 */
import { describe, expect, it } from 'vitest';
import { Bench, Fuse, StepFailure } from './fixture.ts';
import { expectOutcome, forEveryStep, operations, runUntil, told } from './interrupt.ts';

/** Long enough for every n: each runs on a folder of its own. */
const timeout = 60_000;

describe.each(operations)('a crash during $title', (operation) => {
  it(
    'leaves everything or nothing, whole, and nothing behind',
    async () => {
      await forEveryStep(async (n) => {
        const { bench, fuse, acknowledged } = await runUntil(operation, n, 'crash');
        await told(fuse, n, async () => {
          const after = await bench.reopen();
          expect(after.recovery?.lost).toEqual([]);
          await expectOutcome(after, operation, acknowledged);
          await after.expectConsistent();
          const again = await after.reopen();
          expect(again.recovery, 'a second start has nothing to mend').toEqual({ redone: 0, lost: [], swept: 0 });
          await again.close();
        });
        return fuse;
      });
    },
    timeout,
  );
});

describe.each(operations.filter((one) => one.recoveryToo === true))('a crash during $title', (operation) => {
  it(
    'may be followed by crashes of the recovery',
    async () => {
      await forEveryStep(async (n) => {
        for (let m = 1; ; m += 1) {
          const { bench, fuse, acknowledged } = await runUntil(operation, n, 'crash');
          if (!fuse.blown) return fuse;
          const recoveryFuse = new Fuse(m);
          const failure = await bench.reopen({ recoveryFuse }).then(
            () => undefined,
            (error: unknown) => error,
          );
          if (failure !== undefined && !(failure instanceof StepFailure)) throw failure;
          await told(recoveryFuse, m, () =>
            told(fuse, n, async () => {
              await Bench.closeAll();
              const after = await Bench.open({ folder: bench.folder, clock: bench.clock, packing: bench.packing });
              expect(after.recovery?.lost).toEqual([]);
              await expectOutcome(after, operation, acknowledged);
              await after.expectConsistent();
              await after.close();
            }),
          );
          if (!recoveryFuse.blown) return fuse;
        }
      });
    },
    timeout,
  );
});
