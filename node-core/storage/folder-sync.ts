import { closeSync, fsync, openSync } from 'node:fs';
import { promisify } from 'node:util';

const fsyncAsync = promisify(fsync);

/**
 * Makes names durable by fsync of their folder. Callers that ask while a sync of the same folder runs share the next one:
 * under load one fsync serves many uploads.
 */
export class FolderSync {
  readonly #enabled: boolean;
  readonly #running = new Map<string, { readonly current: Promise<void>; next?: Promise<void> }>();

  /** @param enabled false for `durability: "os"` and where folders cannot be synced (Windows). */
  constructor(enabled: boolean) {
    this.#enabled = enabled && process.platform !== 'win32';
  }

  /** Resolves when every name that stood in the folder at the time of the call is durable. */
  sync(folder: string): Promise<void> {
    if (!this.#enabled) return Promise.resolve();
    const running = this.#running.get(folder);
    if (!running) return this.#start(folder);
    running.next ??= running.current.then(
      () => this.#start(folder),
      () => this.#start(folder),
    );
    return running.next;
  }

  #start(folder: string): Promise<void> {
    const current = syncOnce(folder).finally(() => {
      if (this.#running.get(folder)?.current === current) this.#running.delete(folder);
    });
    this.#running.set(folder, { current });
    return current;
  }
}

/** Opening and closing a folder costs less than handing it to another thread; only the sync itself may wait for the disk. */
async function syncOnce(folder: string): Promise<void> {
  const descriptor = openSync(folder, 'r');
  try {
    await fsyncAsync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
