/** What the catalogue keeps of the scrub: how far it is. Local, and written seldom. */
import { z } from 'zod';
import { table } from './table.ts';

const count = z.number().int().nonnegative();

const scrubState = z.object({
  /** Somebody has stopped it until further notice. */
  paused: z.boolean(),
  /** The run that is under way. */
  run: z
    .object({
      startedMs: z.number(),
      /** Where it goes on: a content, one of its places, and a block there. Absent: at the beginning. */
      at: z.object({ sha256: z.string(), place: z.string(), block: count }).exactOptional(),
      files: count,
      bytes: count,
      damaged: count,
    })
    .exactOptional(),
  /** The last run that reached the end. */
  last: z
    .object({ startedMs: z.number(), finishedMs: z.number(), files: count, bytes: count, damaged: count })
    .exactOptional(),
});

/** How far the scrub is. */
export type ScrubState = z.infer<typeof scrubState>;
/** Where a run goes on. */
export type ScrubPosition = NonNullable<NonNullable<ScrubState['run']>['at']>;

/** One row, `state`. */
export const scrubTable = table('S', scrubState);
