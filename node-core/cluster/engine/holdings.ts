/**
 * Who holds a content with verified bytes (replication.md, 18): whoever needs to know asks, and the answer waits until the
 * bytes are there. What was set aside as damaged does not count, and nothing is told of what was not asked for.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import { isPacked } from '../../storage/file-store.ts';
import { type FileIdentity, untouched } from '../../storage/identity.ts';
import type { Answer, PeerLinks, Question, Scheduler } from './ports.ts';

/** Longest wait for one answer: connections that are silent for longer count as dead. In milliseconds. */
const stretchMs = 8_000;

/** Pause after a member could not be asked, in milliseconds. */
const retryMs = 300;

/** What it works with. */
export interface HoldingsOptions {
  readonly catalog: Catalog;
  readonly links: PeerLinks;
  readonly scheduler: Scheduler;
  /** The file at a place of this disk as it is now. */
  readonly identify: (place: string) => FileIdentity | undefined;
}

/** How far a content has spread. */
export interface Spread {
  /** Ids of members, this one first, that hold it. */
  readonly holders: readonly string[];
  /** Whether it is on as many as were asked for. */
  readonly reached: boolean;
}

/** Knows what is held here, and asks members. */
export class Holdings {
  readonly #options: HoldingsOptions;
  readonly #self: string;
  readonly #waiting = new Set<() => void>();

  constructor(self: string, options: HoldingsOptions) {
    this.#self = self;
    this.#options = options;
  }

  /** Bytes came in, or became those of another file: whoever waits looks again. */
  changed(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** Whether verified bytes of a content are here. */
  async holds(sha256: string): Promise<boolean> {
    const { catalog, identify } = this.#options;
    for (const { local } of await catalog.findByDigest('sha256', sha256)) {
      if (!local) continue;
      if (isPacked(local.place)) return true;
      const found = identify(local.place);
      if (found && untouched(found, local.identity)) return true;
    }
    return false;
  }

  /** Answers a member: at once when all is here, else when it is or the wait is over. */
  async answer({ contents, waitMs }: Question<'holding'>): Promise<Answer<'holding'>> {
    const endMs = this.#options.scheduler.now() + Math.min(waitMs, stretchMs);
    for (;;) {
      const changed = this.#next(endMs);
      const held: string[] = [];
      for (const sha256 of contents) if (await this.holds(sha256)) held.push(sha256);
      if (held.length === contents.length || this.#options.scheduler.now() >= endMs) return { held };
      await changed;
    }
  }

  /** Which members hold each of some contents now. Who cannot be asked is left out. @returns ids by sha256. */
  async holders(contents: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const found = new Map<string, string[]>(contents.map((sha256) => [sha256, []]));
    const own = await this.answer({ contents, waitMs: 0 });
    for (const sha256 of own.held) found.get(sha256)?.push(this.#self);
    const asked = this.#options.links.members().map(async (member) => {
      const answer = await this.#options.links.ask(member, 'holding', { contents, waitMs: 0 }).catch(() => undefined);
      for (const sha256 of answer?.held ?? []) found.get(sha256)?.push(member);
    });
    await Promise.all(asked);
    return found;
  }

  /**
   * Waits until a content is on so many members, this one included, or the time is over. Whoever has not got it when there are
   * no more members to ask is not waited for.
   */
  async spread(sha256: string, wanted: number, timeoutMs: number): Promise<Spread> {
    const { links, scheduler } = this.#options;
    const holders = [this.#self];
    if (wanted <= 1) return { holders, reached: true };
    const endMs = scheduler.now() + timeoutMs;
    return new Promise<Spread>((resolve) => {
      const done = () => resolve({ holders: [...holders], reached: holders.length >= wanted });
      const asked = links.members().map(async (member) => {
        if (!(await this.#heldBy(member, sha256, endMs, () => holders.length >= wanted))) return;
        holders.push(member);
        if (holders.length >= wanted) done();
      });
      void Promise.all(asked).then(done);
    });
  }

  async #heldBy(member: string, sha256: string, endMs: number, isOver: () => boolean): Promise<boolean> {
    const { links, scheduler } = this.#options;
    for (;;) {
      const leftMs = endMs - scheduler.now();
      if (leftMs <= 0 || isOver()) return false;
      try {
        const waitMs = Math.ceil(Math.min(leftMs, stretchMs));
        const { held } = await links.ask(member, 'holding', { contents: [sha256], waitMs });
        if (held.includes(sha256)) return true;
      } catch {
        // It may come back while there is time.
        await new Promise<void>((resolve) => void scheduler.after(Math.min(retryMs, leftMs), resolve));
      }
    }
  }

  /** The next change, or the end. */
  #next(endMs: number): Promise<void> {
    const { scheduler } = this.#options;
    return new Promise((resolve) => {
      const look = () => {
        this.#waiting.delete(look);
        cancel();
        resolve();
      };
      const cancel = scheduler.after(Math.max(0, endMs - scheduler.now()), look);
      this.#waiting.add(look);
    });
  }
}
