/** Mutual exclusion by key, first come first served. A key costs memory only while somebody holds or awaits it. */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<void>>();

  /** Number of keys held or awaited. */
  get size(): number {
    return this.#tails.size;
  }

  /** Waits for the key, and returns the function that releases it. Releasing twice is harmless. */
  async acquire(key: string): Promise<() => void> {
    const before = this.#tails.get(key);
    let release!: () => void;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const tail = before ? before.then(() => held) : held;
    this.#tails.set(key, tail);
    if (before) await before;
    return () => {
      release();
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    };
  }

  /** Acquires several keys in one fixed order, so that two callers never wait for each other. */
  async acquireAll(keys: Iterable<string>): Promise<() => void> {
    const releases: (() => void)[] = [];
    for (const key of [...new Set(keys)].sort()) releases.push(await this.acquire(key));
    return () => {
      for (const release of releases.reverse()) release();
    };
  }

  /** Runs a function while holding a key. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const release = await this.acquire(key);
    try {
      return await work();
    } finally {
      release();
    }
  }
}
