import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { RequestTally } from './request-tally.ts';

/** Every metric of the node, by name. Durations in seconds, sizes in bytes (Prometheus naming). */
export class Metrics {
  readonly registry = new Registry();
  readonly receivedBytes: Counter;
  readonly sentBytes: Counter;
  readonly uploadsActive: Gauge;
  readonly damaged: Counter;
  readonly internalErrors: Counter;
  readonly failedLogins: Counter;
  /** The same as counted here, for whoever watches them. */
  readonly counted = { damaged: 0, internalErrors: 0, failedLogins: 0 };
  readonly #requests = new RequestTally();

  constructor() {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.#requests.register(this.registry);
    this.receivedBytes = new Counter({
      name: 'shoal_stored_bytes_total',
      help: 'Bytes of stored contents.',
      registers,
    });
    this.sentBytes = new Counter({ name: 'shoal_sent_bytes_total', help: 'Bytes of served contents.', registers });
    this.uploadsActive = new Gauge({ name: 'shoal_uploads_active', help: 'Uploads under way.', registers });
    this.damaged = new Counter({
      name: 'shoal_damaged_files_total',
      help: 'Reads that met bytes which are not what was stored.',
      registers,
    });
    this.internalErrors = new Counter({
      name: 'shoal_internal_errors_total',
      help: 'Errors that are the fault of the node.',
      registers,
    });
    this.failedLogins = new Counter({
      name: 'shoal_failed_logins_total',
      help: 'Logins with a wrong name, password or code.',
      registers,
    });
  }

  /** Counts one of the things that are watched. */
  count(what: keyof Metrics['counted']): void {
    this[what].inc();
    this.counted[what] += 1;
  }

  /** Counts an answered request. */
  countRequest(kind: string, status: number, seconds: number): void {
    this.#requests.count(kind, status, seconds);
  }

  /** A counter that somebody else keeps: its value is asked for when the metrics are read, and never goes down. */
  counter(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  /** A gauge whose value is asked for when the metrics are read. */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }
}
