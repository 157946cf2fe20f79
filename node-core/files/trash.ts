import type { LinkSource, TrashEntry } from '../catalog/values.ts';
import type { Service } from '../runtime/service.ts';
import { untouched } from '../storage/identity.ts';
import type { FilesContext } from './context.ts';

const dayMs = 24 * 60 * 60 * 1000;

/** How often the trash is looked through, in milliseconds. */
const intervalMs = 60 * 60 * 1000;

/** Frees trashed bytes when their term is over. Bytes that another path shares stay on disk until their last name goes. */
export class TrashKeeper implements Service {
  readonly name = 'trash';
  readonly #context: FilesContext;
  readonly #termDays: () => number;
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #stopped = false;

  /** @param termDays days that deleted bytes are kept; 0 frees them at once. */
  constructor(context: FilesContext, termDays: () => number, onError: (error: unknown) => void) {
    this.#context = context;
    this.#termDays = termDays;
    this.#onError = onError;
  }

  async start(): Promise<void> {
    this.#timer = setInterval(() => this.#purgeBehind(), intervalMs);
    this.#timer.unref();
    this.#context.events.on('file-removed', () => {
      if (this.#termDays() === 0) this.#purgeBehind();
    });
    this.#purgeBehind();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Frees everything whose term is over. @returns the number of entries freed. */
  async purge(): Promise<number> {
    const before = this.#context.clock.now() - this.#termDays() * dayMs;
    let freed = 0;
    for await (const entry of this.#context.catalog.trash()) {
      if (this.#stopped || entry.trashedMs > before) break;
      // Bytes still at their old place belong to an intent that is being finished.
      if (!entry.place.startsWith('_trash/')) continue;
      await this.#free(entry);
      freed += 1;
    }
    return freed;
  }

  /** Another name of the same bytes, which equal uploads can be linked to from now on. */
  async #heir(entry: TrashEntry): Promise<LinkSource | undefined> {
    const { catalog, store } = this.#context;
    for (const place of await catalog.placesOf(entry.sha256)) {
      const identity = place === entry.place ? undefined : store.identify(place);
      if (identity?.ino === entry.identity.ino) return { place, identity };
    }
    return undefined;
  }

  #purgeBehind(): void {
    this.#running = this.#running.then(() => this.purge()).catch(this.#onError);
  }

  #free(entry: TrashEntry): Promise<void> {
    const { catalog, store, contentLocks } = this.#context;
    return contentLocks.run(entry.sha256, async () => {
      const source = catalog.linkSource(entry.sha256);
      const shared = source?.place === entry.place ? await this.#heir(entry) : source;
      const before = shared && store.identify(shared.place);
      // The entry goes first: bytes without an entry are swept at start, an entry without bytes would lie.
      await catalog.commit((transaction) => transaction.removeTrash(entry.id));
      await store.remove(entry.place);
      if (!shared || !before || !untouched(before, shared.identity)) return;
      const after = store.identify(shared.place);
      if (after) {
        await catalog.commit((transaction) =>
          transaction.setLinkSource(entry.sha256, { place: shared.place, identity: after }),
        );
      }
    });
  }
}
