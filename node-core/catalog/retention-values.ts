/** What the catalogue keeps of retention: the rules, and the time that deletions by age go by. */
import { z } from 'zod';
import { table } from './table.ts';

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));

const rule = z.looseObject({
  id: z.string().min(1),
  format: z.number().int().positive(),
  /** Who wrote it, and when: all members have the same rules. */
  node: hex(64),
  clock: hex(16),
  /** Exactly one of both: files below a folder (the root is empty), or files of a scene. */
  folder: z.string().exactOptional(),
  scene: z.string().min(1).exactOptional(),
  days: z.number().int().positive(),
  createdMs: z.number(),
  by: z.string(),
  /** It was ended then: it rules nothing any more, and no member brings it back. */
  endedMs: z.number().exactOptional(),
});

/** Local: how a rule fares on this node. */
const ruleState = z.object({
  /** The last run that was made to its end. */
  ranMs: z.number().exactOptional(),
  removed: z.number().int().nonnegative(),
  /** So many files would go: somebody must say yes first. */
  waiting: z.object({ files: z.number().int(), bytes: z.number(), sinceMs: z.number() }).exactOptional(),
});

/** Files that are older than so many days go to the trash. */
export type RetentionRule = z.infer<typeof rule>;
/** How a rule fares. */
export type RetentionState = z.infer<typeof ruleState>;

/** The tables of retention. */
export const retentionTables = {
  rules: table('C', rule),
  states: table('D', ruleState),
  /** One row, `trusted`: milliseconds since 1970. */
  clock: table('E', z.number()),
} as const;
