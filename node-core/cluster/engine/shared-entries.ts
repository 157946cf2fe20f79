/**
 * Keeps the shared entries (catalog/shared-values.ts) in step. A heartbeat tells the digest of all of them; who has another one
 * asks with the digests of its buckets and gets the entries of those that differ.
 */
import { createHash } from 'node:crypto';
import type { Catalog } from '../../catalog/catalog.ts';
import { isLater, type SharedEntry, sharedTables } from '../../catalog/shared-values.ts';
import { encode } from '../../catalog/values.ts';
import { ShoalError } from '../../domain/errors.ts';
import type { Answer, PeerLinks, Question } from './ports.ts';

/** Entries taken in with one commit. */
const batchSize = 200;

interface Index {
  readonly revision: number;
  /** Two hex digits of the sha256 of table and id, to the digest of all entries in it. */
  readonly buckets: Readonly<Record<string, string>>;
  readonly digest: string;
}

/** The shared entries of one node. */
export class SharedEntries {
  readonly #catalog: Catalog;
  readonly #links: PeerLinks;
  #index: Promise<Index> | undefined;
  #revision = -1;
  #digest = '0'.repeat(64);
  readonly #pulling = new Set<string>();

  constructor(catalog: Catalog, links: PeerLinks) {
    this.#catalog = catalog;
    this.#links = links;
  }

  /** Digest of all entries, as far as it was counted: it follows a change within moments. */
  get digest(): string {
    if (this.#revision !== this.#catalog.sharedRevision) void this.#count().catch(() => undefined);
    return this.#digest;
  }

  /** Counts what is here. Comes after the catalogue. */
  async start(): Promise<void> {
    await this.#count();
  }

  /** What a member lacks, by its digests. */
  async answer({ buckets }: Question<'shared'>): Promise<Answer<'shared'>> {
    const own = await this.#count();
    const differing = new Set(Object.keys(own.buckets).filter((bucket) => buckets[bucket] !== own.buckets[bucket]));
    const entries: { table: string; value: unknown }[] = [];
    for await (const { name, value } of this.#all())
      if (differing.has(bucketOf(name, value.id))) entries.push({ table: name, value });
    return { entries };
  }

  /** Takes in what a member has that is missing or older here. One at a time a member. @returns how many were news. */
  async pull(member: string): Promise<number> {
    if (this.#pulling.has(member)) return 0;
    this.#pulling.add(member);
    try {
      const { buckets } = await this.#count();
      const { entries } = await this.#links.ask(member, 'shared', { buckets });
      let taken = 0;
      for (let start = 0; start < entries.length; start += batchSize)
        taken += await this.#takeIn(entries.slice(start, start + batchSize));
      return taken;
    } finally {
      this.#pulling.delete(member);
    }
  }

  #takeIn(entries: Answer<'shared'>['entries']): Promise<number> {
    const read = entries.flatMap(({ table: name, value }) => {
      const table = Object.hasOwn(sharedTables, name) ? sharedTables[name] : undefined;
      // A newer node knows more kinds than this one.
      return table ? [{ table, entry: readEntry(table, value) }] : [];
    });
    return this.#catalog.commit((transaction) => {
      let taken = 0;
      for (const { table, entry } of read) {
        const known = transaction.row(table, entry.id);
        if (known && !isLater(entry, known)) continue;
        transaction.putRow(table, entry.id, entry);
        transaction.observe(entry.clock);
        taken += 1;
      }
      return taken;
    });
  }

  /** Counted once for each state of the tables, whoever asks. */
  async #count(): Promise<Index> {
    const revision = this.#catalog.sharedRevision;
    const counted = await this.#index;
    if (counted?.revision === revision) return counted;
    const index = this.#read(revision);
    this.#index = index;
    const { digest } = await index;
    this.#revision = revision;
    this.#digest = digest;
    return index;
  }

  async #read(revision: number): Promise<Index> {
    const texts = new Map<string, string[]>();
    for await (const { name, value } of this.#all()) {
      const bucket = bucketOf(name, value.id);
      texts.set(bucket, [...(texts.get(bucket) ?? []), `${name} ${encode(value)}`]);
    }
    const buckets = Object.fromEntries([...texts].map(([bucket, list]) => [bucket, hash(list.sort().join('\n'))]));
    return { revision, buckets, digest: hash(encode(buckets)) };
  }

  async *#all(): AsyncGenerator<{ readonly name: string; readonly value: SharedEntry }> {
    for (const [name, table] of Object.entries(sharedTables))
      for await (const value of this.#catalog.rows(table)) yield { name, value };
  }
}

function readEntry(table: (typeof sharedTables)[string], value: unknown): SharedEntry {
  try {
    return table.decode('shared', JSON.stringify(value));
  } catch (error) {
    throw new ShoalError('PEER_DATA_INVALID', { details: { format: 1 }, cause: error });
  }
}

function bucketOf(table: string, id: string): string {
  return hash(`${table} ${id}`).slice(0, 2);
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
