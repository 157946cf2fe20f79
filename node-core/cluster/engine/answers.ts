/** What this node answers to members that ask. Membership was checked before. */
import type { Catalog } from '../../catalog/catalog.ts';
import { replicationTables } from '../../catalog/replication-values.ts';
import { bucketOf, emptyBucket } from '../../catalog/tree.ts';
import { coversAll } from '../../domain/version.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Holdings } from './holdings.ts';
import type { Answer, Question, QuestionKind } from './ports.ts';
import type { SharedEntries } from './shared-entries.ts';

/** Most records of a page, and most paths of a question. */
export const maxPageRecords = 500;

/** Who answers which question of a member. */
export type Answering = {
  [K in QuestionKind]: (member: string, question: Question<K>) => Promise<Answer<K>> | Answer<K>;
};

/** Puts the answers together. @param onNews told that a member has news. */
export function answering(
  answers: PeerAnswers,
  shared: SharedEntries,
  holdings: Holdings,
  onNews: (member: string) => void,
): Answering {
  return {
    changes: (member, question) => answers.changes(member, question),
    head: () => answers.head(),
    buckets: () => answers.buckets(),
    leaves: (_member, question) => answers.leaves(question),
    records: (_member, question) => answers.records(question),
    shared: (_member, question) => shared.answer(question),
    holding: (_member, question) => holdings.answer(question),
    news: (member) => {
      onNews(member);
      return {};
    },
  };
}

/** Answers from the catalogue. */
export class PeerAnswers {
  readonly #catalog: Catalog;
  readonly #clock: Clock;

  constructor(catalog: Catalog, clock: Clock) {
    this.#catalog = catalog;
    this.#clock = clock;
  }

  /** A page of the feed. What the reader has seen is noted: removals that everybody has seen can be forgotten. */
  async changes(member: string, { cursor, seen, limit }: Question<'changes'>): Promise<Answer<'changes'>> {
    await this.#heardOf(member, seen);
    if (!coversAll(seen, this.#catalog.forgotten())) return { records: [], compare: true };
    const page = await this.#catalog.readFeed(cursor, Math.min(limit, maxPageRecords));
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

  /** What a member says that it has seen replaces what it said before: a folder that came from a backup has seen less. */
  async #heardOf(member: string, seen: Question<'changes'>['seen']): Promise<void> {
    const before = this.#catalog.row(replicationTables.neighbours, member);
    const now = this.#clock.now();
    const same = before && coversAll(before.seen, seen) && coversAll(seen, before.seen);
    // An idle cluster writes nothing: that it was heard of is noted now and then only.
    if (same && now - before.heardMs < noteHeardMs && now >= before.heardMs) return;
    await this.#catalog.commit((transaction) => {
      const row = transaction.row(replicationTables.neighbours, member);
      transaction.putRow(replicationTables.neighbours, member, { ...row, seen, heardMs: now });
    });
  }
}

/** How exact it is noted when a member was heard of last, in milliseconds. */
const noteHeardMs = 60 * 60 * 1000;
