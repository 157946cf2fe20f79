/**
 * Which alarms are open. An alarm opens once and closes once, however often its trouble is seen between, and is told again
 * only as a reminder; what is open survives a restart, so that a restart tells nothing twice.
 */
import { randomBytes } from 'node:crypto';
import { type Alarm, type AlarmKind, alarmTables, type Delivery } from '../catalog/alarm-values.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogTransaction } from '../catalog/transaction.ts';
import { ShoalError } from '../domain/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { EventBus } from '../runtime/events.ts';
import type { Finding, Watch } from './watch.ts';

/** News of this room. */
export interface AlarmEvents {
  'alarm-opened': { readonly id: string; readonly kind: AlarmKind; readonly subject: string };
  'alarm-closed': { readonly id: string; readonly kind: AlarmKind; readonly subject: string };
}

/** Told of everything that people should hear of, inside the very commit that records it. */
export type Tell = (transaction: CatalogTransaction, event: Delivery['event'], alarm: Alarm) => void;

/** What the board is built with. */
export interface AlarmBoardOptions {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly events: EventBus<AlarmEvents>;
  readonly reminderHours: () => number;
  readonly tell: Tell;
}

/** Closed alarms that are kept for the list. */
const keptClosed = 200;

/** Since when something has been seen, or not seen any more; by the clock that never runs backwards. */
interface Sighting {
  readonly finding: Finding;
  readonly seenSince: number;
  missedSince: number | undefined;
}

/** The alarms of a node. */
export class AlarmBoard {
  readonly #options: AlarmBoardOptions;
  readonly #open = new Map<string, Alarm>();
  readonly #sightings = new Map<string, Sighting>();

  constructor(options: AlarmBoardOptions) {
    this.#options = options;
  }

  /** Reads what was open. The catalogue is open by now. */
  async load(): Promise<void> {
    for await (const alarm of this.#options.catalog.rows(alarmTables.alarms))
      if (alarm.closedMs === undefined) this.#open.set(keyOf(alarm.kind, alarm.subject), alarm);
  }

  /** Open ones first, then those that are over; newest first. */
  async list(limit: number): Promise<Alarm[]> {
    const open = [...this.#open.values()].sort((a, b) => b.openedMs - a.openedMs);
    const closed: Alarm[] = [];
    for await (const alarm of this.#options.catalog.rows(alarmTables.alarms, { newestFirst: true })) {
      if (open.length + closed.length >= limit) break;
      if (alarm.closedMs !== undefined) closed.push(alarm);
    }
    return [...open, ...closed].slice(0, limit);
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Stops the reminders of an open alarm. @throws ShoalError ALARM_NOT_FOUND. */
  async acknowledge(id: string, by: string): Promise<Alarm> {
    const alarm = [...this.#open.values()].find((one) => one.id === id);
    if (!alarm) throw new ShoalError('ALARM_NOT_FOUND');
    const changed = { ...alarm, acknowledgedMs: this.#options.clock.now(), acknowledgedBy: by };
    await this.#options.catalog.commit((transaction) => transaction.putRow(alarmTables.alarms, id, changed));
    this.#open.set(keyOf(alarm.kind, alarm.subject), changed);
    return changed;
  }

  /** Takes in what a watch has just seen: all of its kind that is wrong now. */
  async update(watch: Watch, findings: readonly Finding[]): Promise<void> {
    const now = this.#options.clock.monotonic();
    const seen = new Map(findings.map((finding) => [keyOf(watch.kind, finding.subject), finding]));
    for (const [key, finding] of seen) {
      const before = this.#sightings.get(key);
      const seenSince = before?.seenSince ?? now;
      this.#sightings.set(key, { finding, seenSince, missedSince: undefined });
      if (!this.#open.has(key) && now - seenSince >= watch.openAfterMs) await this.#raise(watch.kind, finding);
    }
    for (const [key, alarm] of this.#open) {
      if (alarm.kind !== watch.kind || seen.has(key)) continue;
      // After a restart nothing was sighted yet: the time that it must be gone begins now.
      const missedSince = this.#sightings.get(key)?.missedSince ?? now;
      const finding = { subject: alarm.subject, details: alarm.details };
      this.#sightings.set(key, { finding, seenSince: now, missedSince });
      if (now - missedSince >= watch.closeAfterMs) await this.#clear(key, alarm);
    }
    for (const [key, { finding }] of this.#sightings) {
      if (!this.#open.has(key) && key === keyOf(watch.kind, finding.subject) && !seen.has(key))
        this.#sightings.delete(key);
    }
  }

  /** Tells again what has been open for long and nobody has acknowledged. */
  async remind(): Promise<void> {
    const hours = this.#options.reminderHours();
    if (hours === 0) return;
    const now = this.#options.clock.now();
    for (const [key, alarm] of this.#open) {
      if (alarm.acknowledgedMs !== undefined || now - alarm.toldMs < hours * 3_600_000) continue;
      const told = { ...alarm, toldMs: now };
      await this.#options.catalog.commit((transaction) => {
        transaction.putRow(alarmTables.alarms, alarm.id, told);
        this.#options.tell(transaction, 'reminder', told);
      });
      this.#open.set(key, told);
    }
  }

  async #raise(kind: AlarmKind, { subject, details }: Finding): Promise<void> {
    const { catalog, clock, events, tell } = this.#options;
    const now = clock.now();
    const alarm: Alarm = { id: newId(now), kind, subject, details, openedMs: now, toldMs: now };
    // Known before it is written: a catalogue that cannot be written is an alarm too, and opens once.
    this.#open.set(keyOf(kind, subject), alarm);
    events.emit('alarm-opened', { id: alarm.id, kind, subject });
    await catalog.commit((transaction) => {
      transaction.putRow(alarmTables.alarms, alarm.id, alarm);
      tell(transaction, 'opened', alarm);
    });
  }

  async #clear(key: string, alarm: Alarm): Promise<void> {
    const { catalog, clock, events, tell } = this.#options;
    const closed = { ...alarm, closedMs: clock.now() };
    this.#open.delete(key);
    this.#sightings.delete(key);
    events.emit('alarm-closed', { id: alarm.id, kind: alarm.kind, subject: alarm.subject });
    const old = await this.#tooOld();
    await catalog.commit((transaction) => {
      transaction.putRow(alarmTables.alarms, alarm.id, closed);
      for (const id of old) transaction.removeRow(alarmTables.alarms, id);
      tell(transaction, 'closed', closed);
    });
  }

  /** Closed alarms beyond those that are kept. */
  async #tooOld(): Promise<string[]> {
    const ids: string[] = [];
    let closed = 0;
    for await (const alarm of this.#options.catalog.rows(alarmTables.alarms, { newestFirst: true })) {
      if (alarm.closedMs === undefined) continue;
      closed += 1;
      if (closed >= keptClosed) ids.push(alarm.id);
    }
    return ids;
  }
}

/** Tells ids of one millisecond apart, in order. */
let sequence = 0;

/** An id that sorts by time, and within a millisecond by order of making. */
export function newId(nowMs: number): string {
  sequence = (sequence + 1) % 0x10000;
  const time = Math.max(0, Math.floor(nowMs)).toString(16).padStart(12, '0');
  return `${time}${sequence.toString(16).padStart(4, '0')}${randomBytes(4).toString('hex')}`;
}

function keyOf(kind: AlarmKind, subject: string): string {
  return `${kind}\0${subject}`;
}
