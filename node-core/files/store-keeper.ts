import { ShoalError } from '../domain/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Service } from '../runtime/service.ts';
import type { FilesContext } from './context.ts';
import type { PackKeeper } from './pack-keeper.ts';
import { recoverFiles } from './recovery.ts';
import type { FileStorer } from './store-file.ts';

/** How often a store that is not there is looked for, in milliseconds. */
const retryMs = 5000;

/** How long a stop waits for uploads to clear up, in milliseconds. */
const drainMs = 3000;

/**
 * Binds the store's folder to the catalogue and mends what a crash left, before anything is written. When the folder is
 * missing (a disk that is not mounted) the node starts all the same, refuses writes, and mends as soon as it is back.
 */
export class StoreKeeper implements Service {
  readonly name = 'store';
  readonly #context: FilesContext;
  readonly #storer: FileStorer;
  readonly #packs: PackKeeper;
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | undefined;

  constructor(context: FilesContext, storer: FileStorer, packs: PackKeeper, logger: Logger) {
    this.#context = context;
    this.#storer = storer;
    this.#packs = packs;
    this.#logger = logger;
  }

  async start(): Promise<void> {
    const { catalog, guard } = this.#context;
    const known = catalog.storeId();
    const id = await guard.bind(known);
    if (known === undefined) await catalog.setStoreId(id);
    await this.#openStore();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#storer.drain();
    // Uploads that were cut remove what they had staged.
    await this.#context.staging.drain(drainMs);
  }

  async #openStore(): Promise<void> {
    const { guard, store } = this.#context;
    try {
      await guard.checkFolder();
      await store.prepare();
      await this.#packs.open();
      const report = await recoverFiles(this.#context);
      if (report.redone > 0 || report.swept > 0) this.#logger.info(report, 'finished what was interrupted');
      if (report.lost.length > 0) this.#logger.error({ lost: report.lost }, 'bytes of acknowledged files are missing');
      guard.open();
    } catch (error) {
      if (!(error instanceof ShoalError) || error.code !== 'STORE_MISSING') throw error;
      this.#logger.error({ err: error }, error.message);
      this.#timer = setTimeout(
        () =>
          void this.#openStore().catch((cause: unknown) =>
            this.#logger.error({ err: cause }, 'the store cannot be opened'),
          ),
        retryMs,
      );
      this.#timer.unref();
    }
  }
}
