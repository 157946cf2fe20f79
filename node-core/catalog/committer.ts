import type { Level } from 'level';

/** The part of the database that the committer needs. Keys and values are strings. */
export type Database = Level<string, string>;

/**
 * Reads one value, synchronously. The key goes as bytes: classic-level 3.0.0 writes text keys into a reused buffer and cuts
 * off what does not fit when the last character takes more than one byte, so that long Chinese paths were looked up under
 * half their name.
 */
export function readText(db: Database, key: string): string | undefined {
  return db.getSync<Buffer, string>(Buffer.from(key, 'utf8'), { keyEncoding: 'buffer', valueEncoding: 'utf8' });
}

/**
 * Reads through to the database and keeps what was written, until the committer writes it.
 * Synchronous: nothing else can run between a read and the write that rests on it.
 */
export class Overlay {
  readonly #read: (key: string) => string | undefined;
  readonly #written = new Map<string, string | undefined>();

  constructor(read: (key: string) => string | undefined) {
    this.#read = read;
  }

  get(key: string): string | undefined {
    if (this.#written.has(key)) return this.#written.get(key);
    return this.#read(key);
  }

  put(key: string, value: string): void {
    this.#written.set(key, value);
  }

  del(key: string): void {
    this.#written.set(key, undefined);
  }

  /** What was written, in order of first writing; undefined means deleted. */
  entries(): IterableIterator<[string, string | undefined]> {
    return this.#written.entries();
  }

  get size(): number {
    return this.#written.size;
  }
}

interface Job {
  readonly work: (overlay: Overlay) => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** What the committer is built with. */
export interface CommitterOptions {
  readonly db: Database;
  /** Whether a batch is on disk before its callers are told. */
  readonly sync: boolean;
  /** Called after a batch was written, before its callers are told. */
  readonly onCommitted: (keys: Iterable<string>) => void;
  /** Called when a batch failed: whether it reached the disk is unknown, so no number of it may be used again. */
  readonly onFailed: (error: unknown) => void;
}

/**
 * The one writer of the catalogue (replication.md, 8). Work is queued; all that is queued runs in order on one overlay and
 * is written as one atomic batch, so one fsync serves everybody who waited (group commit). Two batches are never under
 * way at once: LevelDB applies concurrent synced batches out of order now and then.
 */
export class Committer {
  readonly #options: CommitterOptions;
  #queue: Job[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /**
   * Runs work that reads and writes through the overlay, and resolves with its result once the batch is written.
   * Work that throws writes nothing and leaves the others of its group alone. It must not be asynchronous.
   */
  commit<T>(work: (overlay: Overlay) => T): Promise<T> {
    if (this.#closed) return Promise.reject(new Error('the catalogue is closed'));
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve: resolve as (value: never) => void, reject });
      this.#running ??= this.#run();
    });
  }

  /** Takes nothing more and waits for what was queued. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    // One turn later, so that everything asked for in this turn goes into the first group.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const group = this.#queue;
      this.#queue = [];
      await this.#writeGroup(group);
    }
    this.#running = undefined;
  }

  async #writeGroup(group: readonly Job[]): Promise<void> {
    const overlay = new Overlay((key) => readText(this.#options.db, key));
    const done: { readonly job: Job; readonly value: unknown }[] = [];
    for (const job of group) {
      const own = new Overlay((key) => overlay.get(key));
      try {
        const value = job.work(own);
        for (const [key, written] of own.entries()) {
          if (written === undefined) overlay.del(key);
          else overlay.put(key, written);
        }
        done.push({ job, value });
      } catch (error) {
        job.reject(error);
      }
    }
    try {
      if (overlay.size > 0) await this.#write(overlay);
    } catch (error) {
      this.#options.onFailed(error);
      for (const { job } of done) job.reject(error);
      return;
    }
    for (const { job, value } of done) job.resolve(value as never);
  }

  async #write(overlay: Overlay): Promise<void> {
    const batch = this.#options.db.batch();
    for (const [key, value] of overlay.entries()) {
      if (value === undefined) batch.del(key);
      else batch.put(key, value);
    }
    await batch.write({ sync: this.#options.sync });
    this.#options.onCommitted([...overlay.entries()].map(([key]) => key));
  }
}
