/**
 * The time that deletions by age go by (replication.md, 20). A wall clock that jumps ahead, by a dead battery or a typing
 * error, must not empty the trash or let rules remove what is young.
 *
 * A trusted time follows the wall clock as long as the two agree within five minutes. When the wall clock is further ahead,
 * whether by a jump or because the machine was off, trusted time runs towards it at twice the speed of the clock that never
 * jumps: nights are made up for by day, years are not. A person may say that the wall clock is right.
 */
import type { Catalog } from '../catalog/catalog.ts';
import { retentionTables } from '../catalog/retention-values.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Service } from '../runtime/service.ts';

/** Wall and trusted time that differ by less agree, in milliseconds. */
const agreementMs = 5 * 60 * 1000;

const catchUp = 2;

/** How often the trusted time is written down, in milliseconds. */
const keepMs = 15 * 60 * 1000;

const row = 'trusted';

/** Tells how old files are, for deletions. */
export class DeletionClock implements Service {
  readonly name = 'deletion clock';
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  #trusted = 0;
  #atMonotonic = 0;
  #timer: NodeJS.Timeout | undefined;
  #agrees: () => boolean | undefined = () => undefined;

  constructor(catalog: Catalog, clock: Clock, onError: (error: unknown) => void) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#onError = onError;
  }

  /** @param agrees whether a majority of members has the same time; undefined: this node is alone. */
  agreesIf(agrees: () => boolean | undefined): void {
    this.#agrees = agrees;
  }

  /** Comes after the catalogue. */
  async start(): Promise<void> {
    this.#trusted = this.#catalog.row(retentionTables.clock, row) ?? this.#clock.now();
    this.#atMonotonic = this.#clock.monotonic();
    this.#timer = setInterval(() => void this.#keep().catch(this.#onError), keepMs).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#keep().catch(this.#onError);
  }

  /** Milliseconds since 1970, never later than the wall clock. */
  now(): number {
    this.#advance();
    return Math.min(this.#trusted, this.#clock.now());
  }

  /** How far the wall clock is ahead of what is trusted, in milliseconds; 0 when the two agree. */
  get leadMs(): number {
    this.#advance();
    return Math.max(0, this.#clock.now() - this.#trusted);
  }

  /** A person says that the wall clock is right. */
  async confirm(): Promise<void> {
    this.#trusted = this.#clock.now();
    this.#atMonotonic = this.#clock.monotonic();
    await this.#keep();
  }

  #advance(): void {
    const wall = this.#clock.now();
    const monotonic = this.#clock.monotonic();
    const passed = Math.max(0, monotonic - this.#atMonotonic);
    this.#atMonotonic = monotonic;
    const agrees = this.#agrees();
    if (agrees !== undefined) {
      if (agrees) this.#trusted = Math.max(this.#trusted, wall);
      return;
    }
    // A clock that was set back does not take trusted time along: it may be the wrong one, and comes back.
    if (wall <= this.#trusted) return;
    const reached = this.#trusted + passed * catchUp;
    this.#trusted = wall - (this.#trusted + passed) <= agreementMs ? wall : Math.min(wall, reached);
  }

  async #keep(): Promise<void> {
    this.#advance();
    const trusted = this.#trusted;
    await this.#catalog.commit((transaction) => transaction.putRow(retentionTables.clock, row, trusted));
  }
}
