/**
 * Reads what members know, and tells them when there is news (design.md, Replication). One reading per member at a time; a
 * message that comes during it makes it go round once more. Lost messages are covered by a timer.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import { replicationTables } from '../../catalog/replication-values.ts';
import { coversAll, type VersionVector } from '../../domain/version.ts';
import type { RemoteRecords } from '../../files/remote-records.ts';
import { compareWith } from './compare.ts';
import type { PeerLinks, ReportTrouble, Scheduler } from './ports.ts';
import { readRecords } from './records.ts';

/** Records of a page, unless told otherwise. */
const usualPageRecords = 200;

/** Every member is read again after about this time, whatever was or was not heard, in milliseconds. */
export const rereadMs = 60_000;

/** The first news go out at once; those of the milliseconds behind them travel together. */
const newsGapMs = 4;

/**
 * News of what came from another member wait so long, in milliseconds: usually everybody has it from there by then. They are for
 * members that cannot reach each other.
 */
const echoMs = 200;

/** What the replicator is built with. */
export interface ReplicatorOptions {
  readonly catalog: Catalog;
  readonly remote: RemoteRecords;
  readonly links: PeerLinks;
  readonly scheduler: Scheduler;
  readonly report: ReportTrouble;
  /** Records of a page. */
  readonly pageRecords?: number;
  /** Told after records came in: there may be bytes to fetch. */
  readonly onTakenIn: () => void;
}

/** Whether what is new shows in what this node has seen, as every commit does, or not, as changes that were taken back. */
export type News = 'seen' | 'anew';

interface Reading {
  running: boolean;
  again: boolean;
  ended: Promise<void>;
}

/** Keeps this node's records in step with those of all members. */
export class Replicator {
  readonly #options: ReplicatorOptions;
  readonly #readings = new Map<string, Reading>();
  #cancelTimer: (() => void) | undefined;
  #cancelNews: (() => void) | undefined;
  #cancelEcho: (() => void) | undefined;
  #news: News | undefined;
  #stopped = false;

  constructor(options: ReplicatorOptions) {
    this.#options = options;
  }

  /** Begins: everybody is read once, and from then on now and then. */
  start(): void {
    this.readAll();
    this.#armTimer();
  }

  /** Begins nothing more. @returns when what is under way has ended; the links fail it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#cancelNews?.();
    this.#cancelEcho?.();
    await Promise.all([...this.#readings.values()].map(({ ended }) => ended));
  }

  /**
   * Something was committed here: members are told.
   * @param news `anew`: what changed does not show in what was seen, so everybody reads, whatever has been seen there.
   */
  announce(news: News = 'seen'): void {
    if (this.#stopped) return;
    if (this.#news !== 'anew') this.#news = news;
    if (!this.#cancelNews) this.#sendNews();
  }

  /**
   * A member has news. They are read unless all that it has seen was seen here too.
   * @param seen what the member has seen; undefined: it does not matter.
   */
  async hear(member: string, seen: VersionVector | undefined): Promise<void> {
    const { catalog, remote, report } = this.#options;
    try {
      const mayBeKnown = seen !== undefined && !remote.isWaitingFor(member);
      if (mayBeKnown && coversAll(await catalog.seen(), remote.counted(seen))) return;
    } catch (error) {
      if (!this.#stopped) report('news of a member cannot be weighed', member, error);
    }
    await this.read(member);
  }

  /** Reads all members. */
  readAll(): void {
    for (const member of this.#options.links.members()) void this.read(member);
  }

  /**
   * Reads what a member knows, until there is nothing more. Joins a reading that is under way, and makes it look again.
   * @returns when it has ended, well or not.
   */
  async read(member: string): Promise<void> {
    let reading = this.#readings.get(member);
    if (!reading) {
      reading = { running: false, again: false, ended: Promise.resolve() };
      this.#readings.set(member, reading);
    }
    if (reading.running) {
      reading.again = true;
      await reading.ended;
      return;
    }
    if (this.#stopped) return;
    reading.running = true;
    reading.ended = this.#readAgain(member, reading);
    await reading.ended;
  }

  async #readAgain(member: string, reading: Reading): Promise<void> {
    try {
      do {
        reading.again = false;
        await this.#readToEnd(member);
      } while (reading.again && !this.#stopped);
    } catch (error) {
      if (!this.#stopped) this.#options.report('reading a member failed', member, error);
    } finally {
      reading.running = false;
    }
  }

  async #readToEnd(member: string): Promise<void> {
    const { catalog, links, remote, pageRecords = usualPageRecords } = this.#options;
    for (;;) {
      if (this.#stopped) return;
      const { generation } = remote;
      const cursor = catalog.row(replicationTables.neighbours, member)?.cursor;
      const seen = await catalog.seen();
      const page = await links.ask(member, 'changes', { ...(cursor && { cursor }), seen, limit: pageRecords });
      if (page.compare) {
        const { changed } = await compareWith(this.#options, member);
        this.#tookIn(changed);
        return;
      }
      const learnt = page.seen !== undefined && !coversAll(seen, remote.counted(page.seen));
      const needed = learnt || remote.isWaitingFor(member);
      const idle = page.records.length === 0 && !needed && sameCursor(cursor, page.cursor);
      const progress = {
        node: member,
        generation,
        ...(page.cursor && { cursor: page.cursor }),
        ...(page.seen && { seen: page.seen }),
      };
      // Nothing new: an idle cluster writes nothing.
      if (!idle) this.#tookIn(await remote.takeIn(readRecords(page.records), progress));
      if (page.seen || idle) return;
    }
  }

  #tookIn(changed: number): void {
    if (changed === 0) return;
    this.#options.onTakenIn();
    if (this.#stopped) return;
    this.#cancelEcho ??= this.#options.scheduler.after(echoMs, () => {
      this.#cancelEcho = undefined;
      this.announce();
    });
  }

  #sendNews(): void {
    const { scheduler } = this.#options;
    const news = this.#news;
    this.#news = undefined;
    this.#cancelNews = scheduler.after(newsGapMs, () => {
      this.#cancelNews = undefined;
      if (this.#news) this.#sendNews();
    });
    this.#tell(news === 'seen').catch((error: unknown) => {
      if (!this.#stopped) this.#options.report('members could not be told of news', undefined, error);
    });
  }

  async #tell(withSeen: boolean): Promise<void> {
    const { catalog, links } = this.#options;
    const seen = withSeen ? { seen: await catalog.seen() } : {};
    // Who does not hear it reads when it comes back, or when its timer says so.
    for (const member of links.members()) links.ask(member, 'news', seen).catch(() => undefined);
  }

  #armTimer(): void {
    const { scheduler } = this.#options;
    const ms = rereadMs * (0.75 + scheduler.random() / 2);
    this.#cancelTimer = scheduler.after(ms, () => {
      this.readAll();
      if (!this.#stopped) this.#armTimer();
    });
  }
}

function sameCursor(a: { epoch: string; arrival: number } | undefined, b: typeof a): boolean {
  return a?.epoch === b?.epoch && a?.arrival === b?.arrival;
}
