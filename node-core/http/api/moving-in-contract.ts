/** The shapes of /api/v1 for moving in and out: imports. Conventions as in contract.ts. */
import { z } from 'zod';

const count = z.number().int().nonnegative();
const totals = z.object({ files: count, bytes: count });
const hostPath = z.string().min(1).max(4096);

const plan = {
  kind: z.enum(['go-fastdfs', 'folder']).describe('a stopped go-fastdfs store, or any folder'),
  source: hostPath.describe('absolute path on the host of the node'),
  mode: z
    .enum(['in-place', 'link', 'copy'])
    .describe('in-place: the files stay; link: hard links where possible, else copies'),
};

export const importBody = z
  .object({
    ...plan,
    into: z.string().max(4096).default('').describe('folder of the store; in place always the root'),
    dryRun: z.boolean().default(false).describe('reads and checks everything, and changes nothing'),
  })
  .meta({ id: 'NewImport' });

export const importReport = z
  .object({
    ...plan,
    into: z.string(),
    dryRun: z.boolean(),
    state: z.enum(['counting', 'running', 'finished', 'stopped', 'failed']),
    startedMs: z.number(),
    endedMs: z.number().optional(),
    error: z.string().optional().describe('code of the error that ended a failed import'),
    total: totals.optional().describe('what there is to do; absent while it is counted'),
    done: totals.describe('what was looked at so far'),
    taken: totals.describe('what came in; in a dry run, what would'),
    known: count.describe('files that were in before'),
    skipped: count,
    damaged: count.describe("files whose size or digest is not the one that the source's records name"),
    reasons: z.record(z.string(), count).describe('files left, by reason'),
    uploadIds: count.describe('ids of tus uploads that lead to their file'),
    left: z
      .array(z.object({ path: z.string(), reason: z.string() }))
      .describe('files skipped or damaged; at most 10 000'),
    setAside: z.array(z.string()).describe('what was moved to data/go-fastdfs/ in an import in place'),
  })
  .meta({ id: 'ImportReport' });

export const importState = z
  .object({ import: importReport.optional().describe('the import under way, or the last one since the node started') })
  .meta({ id: 'ImportState' });

export const verifyReport = z
  .object({
    state: z.enum(['running', 'finished', 'stopped', 'failed']),
    startedMs: z.number(),
    total: totals.describe('live files when it began'),
    done: totals.describe('read so far'),
    sound: count,
    missing: count.describe('there is nothing where their bytes should be'),
    damaged: count.describe('their bytes are not those that were stored'),
    elsewhere: count.describe('their bytes were never on this node'),
    bad: z.array(z.object({ path: z.string(), state: z.enum(['missing', 'damaged']) })).describe('at most 10 000'),
  })
  .meta({ id: 'VerifyReport' });

export const verifyState = z
  .object({
    verification: verifyReport.optional().describe('the run under way, or the last one since the node started'),
  })
  .meta({ id: 'VerifyState' });

export const backupQuery = z.object({
  bytes: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .default(false)
    .describe('with the contents of all live files'),
});

export const restoredContentQuery = z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) });

export const contentRestored = z
  .object({ files: count.describe('files whose bytes were not here and now are') })
  .meta({ id: 'ContentRestored' });

export const watchState = z
  .object({
    enabled: z.boolean().describe('enable_fsnotify'),
    waiting: count.describe('changes that wait until they are quiet'),
    scannedMs: z.number().optional().describe('when the last scan ended'),
    held: z
      .object({
        id: z.string(),
        sinceMs: z.number(),
        files: count,
        total: count.describe('files that there were'),
        paths: z.array(z.string()).describe('at most 100 of them'),
      })
      .optional()
      .describe('files that went at once and wait for a word'),
  })
  .meta({ id: 'WatchState' });

export const removalsAnswer = z
  .object({ id: z.string(), decision: z.enum(['delete', 'keep']) })
  .meta({ id: 'RemovalsAnswer' });

export const removalsAnswered = z.object({ removed: count }).meta({ id: 'RemovalsAnswered' });
