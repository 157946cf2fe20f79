/**
 * Small things that all members have alike (replication.md, 21): links with their keys and ends, rules of retention, the policy
 * of the cluster. Each entry is written whole, by one node at a time; of two the later one by hybrid time stays. Nothing is
 * removed: an end is an entry of its own, or says so in the entry.
 */
import { z } from 'zod';
import { sceneSecret } from '../domain/scene-secret.ts';
import { accessTables } from './access-values.ts';
import { retentionTables } from './retention-values.ts';
import { type Table, table } from './table.ts';

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));

const door = z.enum(['open', 'token', 'session', 'off']);

const policy = z.looseObject({
  id: z.literal('cluster'),
  format: z.number().int().positive(),
  node: hex(64),
  clock: hex(16),
  /** Who may upload and download, at least: a node may ask for more. */
  upload: door,
  download: door,
  /** On so many members, this one included, a file is before it is acknowledged. */
  minReplicas: z.number().int().min(1).max(64),
  /** Secrets of scenes, as in the configuration: `scene:secret`. */
  scenes: z.array(z.string().regex(sceneSecret)).max(1000),
  by: z.string(),
});

/** What holds on every member. */
export type PolicyEntry = z.infer<typeof policy>;
/** How wide a door is open. */
export type Door = z.infer<typeof door>;

/** What every shared entry has. */
export interface SharedEntry {
  readonly id: string;
  readonly node: string;
  readonly clock: string;
}

/** Id of the only row of the policy. */
export const policyRow = 'cluster';

/** One row, {@link policyRow}. */
export const policyTable = table('F', policy);

/**
 * The tables whose rows all members have alike, by the name that they travel under and in the order in which they come in: a link
 * never without its key, nor before its end.
 */
export const sharedTables: Readonly<Record<string, Table<SharedEntry>>> = {
  linkKeys: accessTables.linkKeys,
  revocations: accessTables.revocations,
  links: accessTables.links,
  rules: retentionTables.rules,
  policy: policyTable,
};

/** Letters of the shared tables, to see a change by its key. */
export const sharedLetters: ReadonlySet<string> = new Set(Object.values(sharedTables).map(({ letter }) => letter));

/** Whether an entry is later than another: by clock, then by node. */
export function isLater(entry: SharedEntry, than: SharedEntry): boolean {
  return entry.clock === than.clock ? entry.node > than.node : entry.clock > than.clock;
}
