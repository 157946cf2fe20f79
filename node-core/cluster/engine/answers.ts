/** What this node answers to members that ask. Membership was checked before. */
import type { Catalog } from '../../catalog/catalog.ts';
import { replicationTables } from '../../catalog/replication-values.ts';
import { bucketOf, emptyBucket } from '../../catalog/tree.ts';
import { coversAll, type VersionVector } from '../../domain/version.ts';
import type { Holdings } from './holdings.ts';
import type { Answer, Question, QuestionKind, ReportTrouble, Scheduler } from './ports.ts';
import type { SharedEntries } from './shared-entries.ts';

/** Most records of a page, and most paths of a question. */
export const maxPageRecords = 500;

/** Who answers which question of a member. */
export type Answering = {
  [K in QuestionKind]: (member: string, question: Question<K>) => Promise<Answer<K>> | Answer<K>;
};

/** Puts the answers together. @param onNews told that a member has news, and what it has seen. */
export function answering(
  answers: PeerAnswers,
  shared: SharedEntries,
  holdings: Holdings,
  onNews: (member: string, seen: VersionVector | undefined) => void,
): Answering {
  return {
    changes: (member, question) => answers.changes(member, question),
    head: () => answers.head(),
    buckets: () => answers.buckets(),
    leaves: (_member, question) => answers.leaves(question),
    records: (_member, question) => answers.records(question),
    shared: (_member, question) => shared.answer(question),
    holding: (_member, question) => holdings.answer(question),
    news: (member, { seen }) => {
      onNews(member, seen);
      return {};
    },
  };
}

/** What answers are made with. */
export interface PeerAnswersOptions {
  readonly catalog: Catalog;
  readonly scheduler: Scheduler;
  readonly report: ReportTrouble;
}

/** Answers from the catalogue. */
export class PeerAnswers {
  readonly #catalog: Catalog;
  readonly #options: PeerAnswersOptions;
  /** What members said last that they have seen, as far as it is not noted yet. */
  readonly #unnoted = new Map<string, VersionVector>();
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(options: PeerAnswersOptions) {
    this.#options = options;
    this.#catalog = options.catalog;
  }

  /** Notes nothing more: what was not noted is said again. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** A page of the feed. What the reader has seen is noted: removals that everybody has seen can be forgotten. */
  async changes(member: string, { cursor, seen, limit }: Question<'changes'>): Promise<Answer<'changes'>> {
    await this.#heardOf(member, seen);
    const page = await this.#catalog.readFeed(cursor, Math.min(limit, maxPageRecords));
    // Only now: what was forgotten while the page was read is not on it.
    if (!coversAll(seen, this.#catalog.forgotten())) return { records: [], compare: true };
    return {
      records: page.records,
      ...(page.cursor && { cursor: page.cursor }),
      ...(page.seen && { seen: page.seen }),
      compare: false,
    };
  }

  async head(): Promise<Answer<'head'>> {
    const { cursor, seen = {} } = await this.#catalog.feedHead();
    return { ...(cursor && { cursor }), seen };
  }

  buckets(): Promise<Answer<'buckets'>> {
    return this.#catalog.buckets();
  }

  /** Paths where a change was taken back are told too, whatever is there: that nothing is does not mean it was removed. */
  async leaves({ bucket }: Question<'leaves'>): Promise<Answer<'leaves'>> {
    const leaves = await this.#catalog.leaves(bucket);
    const open: Record<string, string> = {};
    for await (const path of this.#catalog.rowIds(replicationTables.reopened))
      if (bucketOf(path) === bucket) open[path] = emptyBucket;
    return { ...open, ...leaves };
  }

  records({ paths }: Question<'records'>): Answer<'records'> {
    const texts = paths.slice(0, maxPageRecords).map((path) => this.#catalog.recordText(path));
    return { records: texts.filter((text) => text !== undefined) };
  }

  /**
   * What a member says that it has seen replaces what it said before: a folder that came from a backup has seen less. That is
   * noted before it is answered; that it has seen more may be noted late, since removals are only remembered for longer then.
   */
  async #heardOf(member: string, seen: VersionVector): Promise<void> {
    const row = this.#catalog.row(replicationTables.neighbours, member);
    const before = this.#unnoted.get(member) ?? row?.seen;
    this.#unnoted.set(member, seen);
    const nowMs = this.#options.scheduler.now();
    if (!row || !before || !coversAll(seen, before) || !isFresh(row, nowMs)) await this.#note();
    else if (!this.#stopped) this.#cancel ??= this.#options.scheduler.after(noteSeenMs, () => this.#noteLater());
  }

  #noteLater(): void {
    this.#cancel = undefined;
    this.#note().catch((error: unknown) => {
      if (!this.#stopped) this.#options.report('what members have seen cannot be noted', undefined, error);
    });
  }

  async #note(): Promise<void> {
    const nowMs = this.#options.scheduler.now();
    const saying = [...this.#unnoted].filter(([member, seen]) => this.#isNew(member, seen, nowMs));
    this.#unnoted.clear();
    if (saying.length === 0) return;
    await this.#catalog.commit((transaction) => {
      for (const [member, seen] of saying) {
        const row = transaction.row(replicationTables.neighbours, member);
        transaction.putRow(replicationTables.neighbours, member, { ...row, seen, heardMs: nowMs });
      }
    });
  }

  /** An idle cluster writes nothing: that a member was heard of is noted now and then only. */
  #isNew(member: string, seen: VersionVector, nowMs: number): boolean {
    const row = this.#catalog.row(replicationTables.neighbours, member);
    const same = row && coversAll(row.seen, seen) && coversAll(seen, row.seen);
    return !same || !isFresh(row, nowMs);
  }
}

/** Whether a member was heard of lately. A clock that was set back says no. */
function isFresh({ heardMs }: { readonly heardMs: number }, nowMs: number): boolean {
  return nowMs - heardMs < noteHeardMs && nowMs >= heardMs;
}

/** What members have seen more is noted so long after they said so, all together, in milliseconds. */
const noteSeenMs = 1000;

/** How exact it is noted when a member was heard of last, in milliseconds. */
const noteHeardMs = 60 * 60 * 1000;
