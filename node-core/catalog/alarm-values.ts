/** What the catalogue keeps of alarms: those that are open or were, and the messages that are still to be delivered. Local. */
import { z } from 'zod';
import { table } from './table.ts';

/** Everything that an alarm can be about. */
export const alarmKinds = [
  'disk-floor',
  'store-missing',
  'catalogue-unwritable',
  'bytes-damaged',
  'error-rate',
  'login-attack',
  'deletion-waits',
  'clock-jumped',
  'peer-unreachable',
  'replication-lag',
  'files-lost',
  'twin-seen',
  'fetching-stopped',
  'test',
] as const;

const alarm = z.object({
  /** Sorts by time of opening. */
  id: z.string().min(1),
  kind: z.enum(alarmKinds),
  /** What it is about, where there can be several of a kind: a member, a disk. */
  subject: z.string(),
  /** Fills the words of its kind. */
  details: z.record(z.string(), z.union([z.string(), z.number()])),
  openedMs: z.number(),
  closedMs: z.number().exactOptional(),
  /** Somebody has taken note: no more reminders. */
  acknowledgedMs: z.number().exactOptional(),
  acknowledgedBy: z.string().exactOptional(),
  /** When somebody was told of it last. */
  toldMs: z.number(),
});

const delivery = z.object({
  id: z.string().min(1),
  channel: z.enum(['mail', 'url']),
  event: z.enum(['opened', 'closed', 'reminder', 'test']),
  /** The alarm as it was then. */
  alarm,
  attempts: z.number().int().nonnegative(),
  createdMs: z.number(),
  nextMs: z.number(),
});

/** An alarm. */
export type Alarm = z.infer<typeof alarm>;
/** What an alarm can be about. */
export type AlarmKind = Alarm['kind'];
/** A message about an alarm on its way through a channel. */
export type Delivery = z.infer<typeof delivery>;

/** The tables of alarms. */
export const alarmTables = { alarms: table('A', alarm), deliveries: table('B', delivery) } as const;
