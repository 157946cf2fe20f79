/**
 * node-core/alarms: tells people when something is wrong.
 *
 * Belongs here: what is watched and how long, which alarms are open, their words, the channels they take. Does not belong
 * here: the state that is looked at; whoever builds the monitor hands in watches that know it.
 */
import type { Clock } from '../runtime/clock.ts';
import type { EventBus } from '../runtime/events.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Service } from '../runtime/service.ts';
import { AlarmBoard, type AlarmEvents } from './alarm-board.ts';
import { Outbox, type OutboxOptions } from './outbox.ts';
import type { Watch } from './watch.ts';

/** What the monitor is built with. */
export interface MonitorOptions extends OutboxOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventBus<AlarmEvents>;
  readonly reminderHours: () => number;
  readonly watches: readonly Watch[];
  /** Milliseconds between two looks. */
  readonly intervalMs?: number;
}

const defaultIntervalMs = 10_000;

/** Looks at everything that is watched, again and again, and keeps board and outbox going. */
export class Monitor implements Service {
  readonly name = 'monitor';
  readonly board: AlarmBoard;
  readonly outbox: Outbox;
  readonly #options: MonitorOptions;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.outbox = new Outbox(options);
    this.board = new AlarmBoard({ ...options, tell: this.outbox.tell });
  }

  async start(): Promise<void> {
    await this.board.load();
    await this.outbox.load();
    this.#timer = setInterval(() => void this.look(), this.#options.intervalMs ?? defaultIntervalMs).unref();
  }

  /** Messages that wait are kept; one that is being sent ends first, or with its time limit. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** Looks once and sends what is due. Joins a look that is under way. Never fails: troubles are logged. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    for (const watch of this.#options.watches) {
      await this.#try(async () => this.board.update(watch, await watch.look()));
    }
    await this.#try(() => this.board.remind());
    await this.#try(() => this.outbox.send());
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.logger.error({ err: error }, 'the monitor could not do its work');
    }
  }
}
