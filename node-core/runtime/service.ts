/**
 * The life cycle of everything long-lived, and the supervisor that runs it.
 *
 * A service opens in `start`, and `stop` closes what it opened. Constructors start nothing.
 */
export interface Service {
  /** For messages and logs. */
  readonly name: string;
  start(): Promise<void>;
  /** Closes what `start` opened. Called at most once, also after a `start` that failed half-way. */
  stop(): Promise<void>;
}

/** Starts services in order and stops them in reverse. */
export class Supervisor {
  readonly #services: readonly Service[];
  readonly #onStopError: (service: string, error: unknown) => void;
  #started: Service[] = [];
  #stopping: Promise<void> | undefined;

  constructor(services: readonly Service[], onStopError: (service: string, error: unknown) => void) {
    this.#services = services;
    this.#onStopError = onStopError;
  }

  /** Starts all. When one fails, those that had started (and the failed one) are stopped, and its error is thrown. */
  async start(): Promise<void> {
    for (const service of this.#services) {
      if (this.#stopping) throw new Error('stopped while it was starting');
      this.#started.push(service);
      try {
        await service.start();
      } catch (error) {
        await this.stop();
        throw error;
      }
    }
  }

  /** Stops what was started, last first. One that fails to stop does not keep the others from stopping. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    const started = this.#started.reverse();
    this.#started = [];
    for (const service of started) {
      try {
        await service.stop();
      } catch (error) {
        this.#onStopError(service.name, error);
      }
    }
  }
}
