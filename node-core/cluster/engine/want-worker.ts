/** Fills what is wanted: from this disk, else from members; a few at a time, the failed ones again later. */
import type { Want } from '../../catalog/replication-values.ts';
import { errnoOf, ShoalError } from '../../domain/errors.ts';
import type { WantedContent } from '../../files/wanted-content.ts';
import type { ContentTransfers, ReportTrouble, Scheduler } from './ports.ts';

/** Contents fetched at the same time. */
const concurrency = 4;

/** Pause after a failed try, and the longest one, in milliseconds. */
const firstPauseMs = 500;
const longestPauseMs = 60_000;

/** Between two tries for what nobody has, in milliseconds. A member that comes back is asked at once. */
const lostPauseMs = 10 * 60_000;

/** While the disk is full, room is looked for this often, in milliseconds. */
const roomMs = 5000;

/** What the worker is built with. */
export interface WantWorkerOptions {
  readonly wanted: WantedContent;
  readonly transfers: ContentTransfers;
  readonly scheduler: Scheduler;
  readonly report: ReportTrouble;
  /** Whether every member can be reached: what none of them has then is lost. Undefined: nothing ever counts as lost. */
  readonly isComplete?: () => boolean;
  /** Throws when the disk is full whatever is to be written. Undefined: it never is. */
  readonly checkRoom?: () => Promise<void>;
  /** Told when nothing is fetched any more because of that, and when it goes on. */
  readonly onStalled?: (stalled: boolean) => void;
}

/** Works the list of wants off. */
export class WantWorker {
  readonly #options: WantWorkerOptions;
  /** By sha256. */
  readonly #underWay = new Map<string, Promise<void>>();
  #looking = false;
  #looked: Promise<void> = Promise.resolve();
  #lookAgain = false;
  #cancel: (() => void) | undefined;
  #stalled = false;
  #cancelRoom: (() => void) | undefined;
  #stopped = false;

  constructor(options: WantWorkerOptions) {
    this.#options = options;
  }

  /** Begins nothing more. @returns when what is under way has ended; the transfers fail it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancelRoom?.();
    await this.#looked;
    await Promise.all(this.#underWay.values());
  }

  /** The disk is full: nothing is fetched until there is room. */
  get isStalled(): boolean {
    return this.#stalled;
  }

  /** Somebody waits for a content just now: it is brought at once, whatever else is under way. */
  prefer(sha256: string): void {
    const want = this.#options.wanted.find(sha256);
    if (want && !this.#stopped && !this.#stalled && !this.#underWay.has(sha256)) this.#begin(want);
  }

  /** Looks for something to do. @param all also what is not due yet: a member has come back. */
  wake(all = false): void {
    if (this.#stopped || this.#stalled) return;
    if (this.#looking) {
      this.#lookAgain = true;
      return;
    }
    this.#looking = true;
    this.#looked = this.#look(all)
      .catch((error: unknown) => this.#report('the list of wanted contents cannot be read', error))
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
    for await (const { sha256 } of wanted.list()) {
      // The list is as it was when the look began: a try may have ended since.
      const want = wanted.find(sha256);
      if (!want) continue;
      if (this.#stopped || this.#stalled) return;
      if (this.#underWay.has(want.sha256)) continue;
      // A clock that was set back must not put everything off.
      const waits = !all && want.nextMs > now && want.nextMs - now <= lostPauseMs * 2;
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
    const work = this.#work(want).finally(() => {
      this.#underWay.delete(want.sha256);
      this.wake();
    });
    this.#underWay.set(want.sha256, work);
  }

  async #work(want: Want): Promise<void> {
    const { wanted, transfers } = this.#options;
    try {
      if (await wanted.fillFromHome(want.sha256)) return;
      const isComplete = this.#options.isComplete?.() === true;
      const staged = await transfers.fetch(want);
      if (staged) await wanted.fill(staged);
      else await this.#postpone(want, isComplete && this.#options.isComplete?.() === true);
    } catch (error) {
      if (isAboutSpace(error) && (await this.#stall())) return;
      this.#report('a content could not be brought', error);
      await this.#postpone(want).catch((cause: unknown) => this.#report('a try cannot be noted', cause));
    }
  }

  /**
   * Stops fetching when the disk is full; a content that is merely too large for it waits alone. Nothing is written meanwhile: what
   * is wanted is on the list, and no try has failed.
   */
  async #stall(): Promise<boolean> {
    if (this.#stalled || this.#stopped) return true;
    // What cannot be said counts as room: the content is tried again later, as after any other failure.
    if (await this.#hasRoom().catch(() => true)) return false;
    this.#stalled = true;
    this.#options.onStalled?.(true);
    this.#awaitRoom();
    return true;
  }

  #awaitRoom(): void {
    this.#cancelRoom = this.#options.scheduler.after(roomMs, () => {
      this.#hasRoom().then(
        (room) => {
          if (this.#stopped) return;
          if (!room) {
            this.#awaitRoom();
            return;
          }
          this.#stalled = false;
          this.#options.onStalled?.(false);
          this.wake(true);
        },
        (error: unknown) => {
          this.#report('whether there is room cannot be said', error);
          if (!this.#stopped) this.#awaitRoom();
        },
      );
    });
  }

  async #hasRoom(): Promise<boolean> {
    try {
      await this.#options.checkRoom?.();
      return true;
    } catch (error) {
      if (isAboutSpace(error)) return false;
      throw error;
    }
  }

  /** What fails because it is being stopped is no trouble. */
  #report(what: string, error: unknown): void {
    if (!this.#stopped) this.#options.report(what, undefined, error);
  }

  /** @param lost nobody has it; what was lost stays so until somebody brings it. */
  #postpone({ sha256, attempts }: Want, lost = false): Promise<void> {
    const { scheduler, wanted } = this.#options;
    const longest = lost ? lostPauseMs : longestPauseMs;
    const pause = Math.min(longest, firstPauseMs * 2 ** Math.min(attempts, 12));
    return wanted.postpone(sha256, scheduler.now() + pause * (0.5 + scheduler.random() / 2), lost || undefined);
  }
}

function isAboutSpace(error: unknown): boolean {
  return errnoOf(error) === 'ENOSPC' || (error instanceof ShoalError && error.code === 'DISK_FULL');
}
