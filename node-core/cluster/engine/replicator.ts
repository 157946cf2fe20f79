/**
 * Reads what members know, and tells them when there is news (design.md, Replication). One reading per member at a time; a
 * message that comes during it makes it go round once more. Lost messages are covered by a timer.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import { replicationTables } from '../../catalog/replication-values.ts';
import { coversAll } from '../../domain/version.ts';
import type { RemoteRecords } from '../../files/remote-records.ts';
import { compareWith } from './compare.ts';
import type { PeerLinks, ReportTrouble, Scheduler } from './ports.ts';
import { readRecords } from './records.ts';

/** Records of a page, unless told otherwise. */
const usualPageRecords = 200;

/** Every member is read again after about this time, whatever was or was not heard, in milliseconds. */
export const rereadMs = 60_000;

/** News of several commits in a row travel together: milliseconds that the first one waits. */
const newsDelayMs = 2;

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
    await Promise.all([...this.#readings.values()].map(({ ended }) => ended));
  }

  /** Something was committed here: members are told soon. */
  announce(): void {
    if (this.#stopped || this.#cancelNews) return;
    this.#cancelNews = this.#options.scheduler.after(newsDelayMs, () => {
      this.#cancelNews = undefined;
      for (const member of this.#options.links.members())
        this.#options.links.ask(member, 'news', {}).catch(() => undefined);
    });
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
    // Others may not hear of it from where it came.
    this.announce();
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
