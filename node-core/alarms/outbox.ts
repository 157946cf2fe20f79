/** Messages on their way: written down in the commit that records the alarm, tried until they are through or too old. */

import { type Alarm, alarmTables, type Delivery } from '../catalog/alarm-values.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogTransaction } from '../catalog/transaction.ts';
import { nodeNameOf } from '../config/node-name.ts';
import { ShoalError } from '../domain/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import { newId } from './alarm-board.ts';
import { type AlarmConfig, type ChannelName, configuredChannels, deliver } from './channels.ts';

/** Milliseconds until a message is tried again, by the number of tries; the last one counts for all further ones. */
const pausesMs = [15_000, 60_000, 5 * 60_000, 15 * 60_000, 60 * 60_000] as const;

/** A message that could not be delivered for so long is given up, in milliseconds. */
const giveUpMs = 3 * 24 * 60 * 60_000;

/** Most messages that wait. Alarms are few; this bounds what a flapping one can pile up. */
const maxWaiting = 500;

/** What the outbox is built with. */
export interface OutboxOptions {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: () => AlarmConfig & { readonly node_name: string };
}

/** How a test went on one channel. */
export interface TestResult {
  readonly channel: ChannelName;
  readonly delivered: boolean;
  /** Why not. */
  readonly error?: ShoalError;
}

/** Delivers messages about alarms. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #waiting = new Map<string, Delivery>();
  #sending: Promise<void> | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Reads what was still to be delivered. */
  async load(): Promise<void> {
    for await (const delivery of this.#options.catalog.rows(alarmTables.deliveries))
      this.#waiting.set(delivery.id, delivery);
  }

  /** Messages that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Writes down a message for each channel, in the caller's commit. Sent by the next {@link send}. */
  readonly tell = (transaction: CatalogTransaction, event: Delivery['event'], alarm: Alarm): void => {
    const now = this.#options.clock.now();
    for (const channel of configuredChannels(this.#options.config())) {
      if (this.#waiting.size >= maxWaiting) return;
      const id = newId(now);
      const delivery: Delivery = { id, channel, event, alarm, attempts: 0, createdMs: now, nextMs: now };
      transaction.putRow(alarmTables.deliveries, id, delivery);
      this.#waiting.set(id, delivery);
    }
  };

  /** Sends what is due, one after the other in order of its making. Joins a sending that is under way. */
  send(): Promise<void> {
    this.#sending ??= this.#sendDue().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  /**
   * Sends a test over every configured channel, at once and once.
   * @throws ShoalError ALARM_WITHOUT_RECEIVER.
   */
  async test(): Promise<TestResult[]> {
    const config = this.#options.config();
    const channels = configuredChannels(config);
    if (channels.length === 0) throw new ShoalError('ALARM_WITHOUT_RECEIVER');
    const now = this.#options.clock.now();
    const alarm: Alarm = { id: newId(now), kind: 'test', subject: '', details: {}, openedMs: now, toldMs: now };
    return Promise.all(
      channels.map(async (channel): Promise<TestResult> => {
        try {
          await deliver(channel, 'test', alarm, this.#node(), config);
          return { channel, delivered: true };
        } catch (error) {
          if (!(error instanceof ShoalError)) throw error;
          return { channel, delivered: false, error };
        }
      }),
    );
  }

  async #sendDue(): Promise<void> {
    const due = [...this.#waiting.values()].filter(({ nextMs }) => nextMs <= this.#options.clock.now());
    for (const delivery of due.sort((a, b) => (a.id < b.id ? -1 : 1))) await this.#sendOne(delivery);
  }

  async #sendOne(delivery: Delivery): Promise<void> {
    const { clock, logger, config } = this.#options;
    const { channel, event, alarm } = delivery;
    // Whoever took a channel out of the configuration does not want what waits for it.
    if (!configuredChannels(config()).includes(channel)) return this.#drop(delivery);
    try {
      await deliver(channel, event, alarm, this.#node(), config());
      return await this.#drop(delivery);
    } catch (error) {
      const attempts = delivery.attempts + 1;
      const now = clock.now();
      logger.warn({ err: error, channel, alarm: alarm.kind, attempts }, 'an alarm could not be delivered');
      if (now - delivery.createdMs > giveUpMs) return this.#drop(delivery);
      const pause = pausesMs[Math.min(delivery.attempts, pausesMs.length - 1)] ?? giveUpMs;
      await this.#keep({ ...delivery, attempts, nextMs: now + pause });
    }
  }

  async #keep(delivery: Delivery): Promise<void> {
    this.#waiting.set(delivery.id, delivery);
    await this.#options.catalog.commit((transaction) =>
      transaction.putRow(alarmTables.deliveries, delivery.id, delivery),
    );
  }

  async #drop({ id }: Delivery): Promise<void> {
    this.#waiting.delete(id);
    await this.#options.catalog.commit((transaction) => transaction.removeRow(alarmTables.deliveries, id));
  }

  #node(): string {
    return nodeNameOf(this.#options.config());
  }
}
