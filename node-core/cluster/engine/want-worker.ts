/** Fills what is wanted: from this disk, else from members; a few at a time, the failed ones again later. */
import type { Want } from '../../catalog/replication-values.ts';
import type { WantedContent } from '../../files/wanted-content.ts';
import type { ContentTransfers, ReportTrouble, Scheduler } from './ports.ts';

/** Contents fetched at the same time. */
const concurrency = 4;

/** Pause after a failed try, and the longest one, in milliseconds. */
const firstPauseMs = 500;
const longestPauseMs = 60_000;

/** What the worker is built with. */
export interface WantWorkerOptions {
  readonly wanted: WantedContent;
  readonly transfers: ContentTransfers;
  readonly scheduler: Scheduler;
  readonly report: ReportTrouble;
}

/** Works the list of wants off. */
export class WantWorker {
  readonly #options: WantWorkerOptions;
  readonly #underWay = new Set<string>();
  #looking = false;
  #lookAgain = false;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(options: WantWorkerOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Somebody waits for a content just now: it is brought at once, whatever else is under way. */
  prefer(sha256: string): void {
    const want = this.#options.wanted.find(sha256);
    if (want && !this.#stopped && !this.#underWay.has(sha256)) this.#begin(want);
  }

  /** Looks for something to do. @param all also what is not due yet: a member has come back. */
  wake(all = false): void {
    if (this.#stopped) return;
    if (this.#looking) {
      this.#lookAgain = true;
      return;
    }
    this.#looking = true;
    this.#look(all)
      .catch((error: unknown) => this.#options.report('the list of wanted contents cannot be read', undefined, error))
      .finally(() => {
        this.#looking = false;
        if (!this.#lookAgain) return;
        this.#lookAgain = false;
        this.wake();
      });
  }

  async #look(all: boolean): Promise<void> {
    const { scheduler, wanted } = this.#options;
    const now = scheduler.now();
    let nextMs = Number.POSITIVE_INFINITY;
    for await (const want of wanted.list()) {
      if (this.#underWay.has(want.sha256)) continue;
      // A clock that was set back must not put everything off.
      const waits = !all && want.nextMs > now && want.nextMs - now <= longestPauseMs * 2;
      if (waits) {
        nextMs = Math.min(nextMs, want.nextMs);
        continue;
      }
      if (this.#underWay.size >= concurrency) return;
      this.#begin(want);
    }
    if (nextMs === Number.POSITIVE_INFINITY) return;
    this.#cancel?.();
    this.#cancel = scheduler.after(Math.max(1, nextMs - now), () => this.wake());
  }

  #begin(want: Want): void {
    this.#underWay.add(want.sha256);
    void this.#work(want).finally(() => {
      this.#underWay.delete(want.sha256);
      this.wake();
    });
  }

  async #work(want: Want): Promise<void> {
    const { wanted, transfers, report } = this.#options;
    try {
      if (await wanted.fillFromHome(want.sha256)) return;
      const staged = await transfers.fetch(want);
      if (staged) await wanted.fill(staged);
      else await this.#postpone(want);
    } catch (error) {
      report('a content could not be brought', undefined, error);
      await this.#postpone(want).catch((cause: unknown) => report('a try cannot be noted', undefined, cause));
    }
  }

  #postpone({ sha256, attempts }: Want): Promise<void> {
    const { scheduler, wanted } = this.#options;
    const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(attempts, 10));
    return wanted.postpone(sha256, scheduler.now() + pause * (0.5 + scheduler.random() / 2), false);
  }
}
