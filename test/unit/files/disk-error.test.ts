/** What is left when one call of the disk or of the catalogue fails and the node goes on. */
import { describe, expect, it } from 'vitest';
import { expectOutcome, forEveryStep, operations, runUntil, told } from './interrupt.ts';

/** Long enough for every n: each runs on a folder of its own. */
const timeout = 60_000;

describe.each(operations)('a disk that fails once during $title', (operation) => {
  it(
    'leaves everything or nothing, whole, once the node has been started again',
    async () => {
      await forEveryStep(async (n) => {
        const { bench, fuse, acknowledged } = await runUntil(operation, n, 'error');
        await told(fuse, n, async () => {
          const after = await bench.reopen();
          expect(after.recovery?.lost).toEqual([]);
          await expectOutcome(after, operation, acknowledged);
          await after.expectConsistent();
          await after.close();
        });
        return fuse;
      });
    },
    timeout,
  );

  it(
    'leaves a node that goes on to show the old or the new, without a start',
    async () => {
      await forEveryStep(async (n) => {
        const { bench, fuse, acknowledged } = await runUntil(operation, n, 'error');
        await told(fuse, n, () => expectOutcome(bench, operation, acknowledged));
        await bench.close();
        return fuse;
      });
    },
    timeout,
  );

  it(
    'leaves a node that can do the same again, and is right after the next start',
    async () => {
      await forEveryStep(async (n) => {
        const { bench, fuse } = await runUntil(operation, n, 'error');
        await told(fuse, n, async () => {
          // A delete that was committed has nothing left to delete.
          await operation.run(bench).catch((error: unknown) => {
            if ((error as { code?: unknown }).code !== 'FILE_NOT_FOUND') throw error;
          });
          await expectOutcome(bench, operation, true);
          const after = await bench.reopen();
          await expectOutcome(after, operation, true);
          await after.expectConsistent();
          await after.close();
        });
        return fuse;
      });
    },
    timeout,
  );
});
