/** A network that loses, doubles, delays and reorders messages, and is cut now and then. */
import type { Want } from '../../../node-core/catalog/replication-values.ts';
import type { Answer, Question, QuestionKind } from '../../../node-core/cluster/engine/ports.ts';
import { coversAll, joinVectors, type VersionVector } from '../../../node-core/domain/version.ts';
import type { StagedFile } from '../../../node-core/storage/staging.ts';
import type { SeededRandom } from '../../support/seeded-random.ts';
import type { Life } from './node.ts';
import type { Timeline } from './timeline.ts';

/** How long an asker waits for an answer, in milliseconds. */
const timeoutMs = 5_000;

/** Carries messages between lives. */
export class Network {
  readonly #timeline: Timeline;
  readonly #random: SeededRandom;
  readonly #lives = new Map<string, Life>();
  /** Second lives of one id: clones. A message reaches either. */
  readonly #twins = new Map<string, Life>();
  /** `from>to`, for every direction that is cut. */
  readonly cut = new Set<string>();
  /** Ids that two machines run with: nobody speaks with either. */
  readonly refused = new Set<string>();
  /** Ids of all members. */
  members: readonly string[] = [];
  /** What each member knows of removals: who was removed, and how far its commits count. Kept through crashes. */
  readonly #removals = new Map<string, Map<string, VersionVector>>();
  lossRate = 0;
  slowMs = 20;

  constructor(timeline: Timeline, random: SeededRandom) {
    this.#timeline = timeline;
    this.#random = random;
  }

  /** From now on messages for a node reach this life. */
  connect(life: Life): void {
    this.#lives.set(life.id, life);
  }

  /** A clone of a member's machine is switched on, or undefined: it is off again. */
  connectTwin(id: string, life: Life | undefined): void {
    if (life) this.#twins.set(id, life);
    else this.#twins.delete(id);
  }

  /** Who is a member besides, as far as one knows. */
  others(id: string): readonly string[] {
    const removed = this.removals(id);
    return this.members.filter((member) => member !== id && !removed.has(member));
  }

  /** What a member knows of removals. */
  removals(id: string): Map<string, VersionVector> {
    const known = this.#removals.get(id) ?? new Map<string, VersionVector>();
    this.#removals.set(id, known);
    return known;
  }

  /** Everybody's removals together: what all will know in the end. */
  allRemovals(): Map<string, VersionVector> {
    const all = new Map<string, VersionVector>();
    for (const known of this.#removals.values()) for (const [id, cut] of known) learn(all, id, cut);
    return all;
  }

  /** Whoever hears a member hears of its removals; whoever knows that the speaker was removed hears nothing. */
  #hear(from: string, to: Life): boolean {
    const known = this.removals(to.id);
    if (known.has(from)) return false;
    let news = false;
    for (const [id, cut] of this.removals(from)) if (id !== to.id && learn(known, id, cut)) news = true;
    if (news) void to.followRemovals();
    return true;
  }

  ask<K extends QuestionKind>(from: Life, to: string, kind: K, question: Question<K>): Promise<Answer<K>> {
    return this.#call(from, to, (life) => life.answer(from.id, kind, copy(question)));
  }

  /** Asks one member after the other for a content, and stages the first one that comes. */
  async fetch(life: Life, { sha256, size }: Want): Promise<StagedFile | undefined> {
    let broken: unknown;
    for (const member of shuffled(this.others(life.id), this.#random)) {
      try {
        const bytes = await this.#call(life, member, (other) => other.content(sha256));
        if (!bytes) continue;
        const writer = await life.context.staging.begin({ expectedBytes: size });
        await writer.write(bytes);
        const staged = await writer.finish();
        if (staged.digests.sha256 === sha256) return staged;
        await life.context.staging.discard(staged);
      } catch (error) {
        broken = error;
      }
    }
    if (broken !== undefined) throw broken;
    return undefined;
  }

  #call<T>(from: Life, to: string, work: (life: Life) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const cancel = this.#timeline.after(timeoutMs, () => reject(new Error('no answer in time')));
      const heard = (life: Life) => life.alive && from.alive && this.#hear(life.id, from);
      const arrive = () => {
        const twin = this.#twins.get(to);
        const life = twin && this.#random.next() < 0.5 ? twin : this.#lives.get(to);
        // A life that is over hears nothing, and says nothing any more.
        if (!life?.alive || !from.alive || !this.#hear(from.id, life)) return;
        work(life).then(
          (value) => this.#deliver(to, from.id, () => heard(life) && done(() => resolve(copy(value)))),
          (error: unknown) => this.#deliver(to, from.id, () => heard(life) && done(() => reject(error))),
        );
      };
      const done = (end: () => void) => {
        cancel();
        end();
      };
      this.#deliver(from.id, to, arrive);
      // Doubled: the same question arrives twice, maybe much later.
      if (this.#random.next() < this.lossRate) this.#deliver(from.id, to, arrive);
    });
  }

  #deliver(from: string, to: string, arrive: () => void): void {
    if (this.#random.next() < this.lossRate) return;
    const late = this.#random.next() < this.lossRate ? this.#random.integer(0, 60_000) : 0;
    this.#timeline.after(1 + this.#random.integer(0, this.slowMs) + late, () => {
      if (!this.cut.has(`${from}>${to}`) && !this.refused.has(from) && !this.refused.has(to)) arrive();
    });
  }
}

/** @returns whether it was news. */
function learn(known: Map<string, VersionVector>, id: string, cut: VersionVector): boolean {
  const before = known.get(id);
  if (before && coversAll(before, cut)) return false;
  known.set(id, joinVectors(before ?? {}, cut));
  return true;
}

function copy<T>(value: T): T {
  return structuredClone(value);
}

/** The same in an order of its own. */
export function shuffled<T>(values: readonly T[], random: SeededRandom): T[] {
  const left = [...values];
  const result: T[] = [];
  while (left.length > 0) result.push(...left.splice(random.integer(0, left.length - 1), 1));
  return result;
}
