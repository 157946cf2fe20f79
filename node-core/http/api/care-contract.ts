/** The shapes of /api/v1 that concern how the node looks after what it holds: the scrub, lost files. */
import { z } from 'zod';

const path = z.string().max(4096);
const time = z.number();
const count = z.number().int().nonnegative();
const bytes = z.number().nonnegative();

export const scrub = z
  .object({
    state: z.enum(['off', 'waiting', 'running', 'paused']),
    kibPerSecond: count.describe('0: off'),
    total: z.object({ files: count, bytes }).describe('live files of this node, to compare with'),
    run: z
      .object({ startedMs: time, files: count, bytes, damaged: count })
      .optional()
      .describe('the run under way or paused: places and bytes read, places set aside'),
    last: z
      .object({ startedMs: time, finishedMs: time, files: count, bytes, damaged: count })
      .optional()
      .describe('the last run that reached the end'),
    nextMs: time.optional().describe('when the next run begins'),
    damaged: count.describe('places set aside since the start of the node'),
    repaired: count.describe('contents that are whole again, since the start of the node'),
  })
  .meta({ id: 'Scrub' });

export const scrubPause = z.object({ paused: z.boolean() }).meta({ id: 'ScrubPause' });

export const repair = z
  .object({
    running: z.boolean(),
    current: z.string().optional().describe('id of the member that is compared with now'),
    nextMs: time.optional().describe('when all members are compared with by itself'),
    members: z
      .array(
        z.object({
          member: z.string(),
          startedMs: time,
          endedMs: time.optional(),
          buckets: count.optional().describe('parts of the tree that differed'),
          changed: count.optional().describe('records that changed here'),
          error: z.string().optional().describe('code of why it did not come to an end'),
        }),
      )
      .describe('the last comparison with each member since the start of the node'),
  })
  .meta({ id: 'Repair' });

export const lostFile = z
  .object({
    path,
    size: bytes,
    sha256: z.string(),
    sinceMs: time.describe('when its bytes were first missed'),
    damaged: z.boolean().describe('they were here, and were set aside'),
    previous: z
      .object({ size: bytes, sha256: z.string(), mtimeMs: time })
      .optional()
      .describe('what the file was before, where that can be restored'),
  })
  .meta({ id: 'LostFile' });

export const lostFiles = z
  .object({
    contents: count.describe('contents that nobody has any more'),
    files: z.array(lostFile).describe('at most 1000 of them'),
  })
  .meta({ id: 'LostFiles' });

export const conflictVersion = z
  .object({
    id: z.string().describe('names this very version'),
    path: path.describe('where it shows'),
    name: z.string().describe('as its uploader named it'),
    size: bytes,
    sha256: z.string(),
    mtimeMs: time,
    storedMs: time,
    node: z.string().describe('id of the node where it was written'),
    nodeName: z.string(),
    here: z.boolean().describe('its bytes are on this node'),
  })
  .meta({ id: 'ConflictVersion' });

export const conflict = z
  .object({ path, versions: z.array(conflictVersion).describe('the one that shows at the path first') })
  .meta({ id: 'Conflict' });

export const conflicts = z
  .object({ conflicts: z.array(conflict), cursor: z.string().optional().describe('the next page begins here') })
  .meta({ id: 'Conflicts' });

export const conflictsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(8192).optional(),
});

const versionId = z.string().max(200);

export const resolution = z
  .object({
    path,
    seen: z.array(versionId).max(1000).describe('ids of all versions that were looked at'),
    keep: versionId.describe('the version that stays at the path'),
    others: z.enum(['delete', 'rename']).describe('the others go to the trash, or get names of their own'),
    names: z.record(versionId, path).optional().describe('paths of their own, by id of the version'),
  })
  .meta({ id: 'ConflictResolution' });

export const lostBody = z.object({ path }).meta({ id: 'RestorePrevious' });
