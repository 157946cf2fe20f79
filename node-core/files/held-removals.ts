/** Files that went from a watched store and wait for a person (replication.md, 20). */
import { randomBytes } from 'node:crypto';
import { isMassDeletion } from '../domain/mass-deletion.ts';

/**
 * Whether so many files that went at once are asked about: by the rule for all deletions, and when they were all of several.
 * @param total files that there were. @param recent files that went just before and are no more among them.
 */
export function needsConfirmation(gone: number, total: number, recent = 0): boolean {
  return isMassDeletion(gone + recent, total + recent) || (gone > 1 && gone >= total);
}

/** Files that went and wait for a word. */
export interface HeldRemovals {
  readonly id: string;
  readonly sinceMs: number;
  readonly paths: readonly string[];
  /** Files that there were. */
  readonly total: number;
}

/** Keeps what is held, and what somebody said is to be kept although it is gone. */
export class RemovalHold {
  #held: HeldRemovals | undefined;
  readonly #kept = new Set<string>();

  get held(): HeldRemovals | undefined {
    return this.#held;
  }

  /** Paths without those that somebody wants to keep in the catalogue. */
  unanswered(paths: Iterable<string>): string[] {
    return [...paths].filter((path) => !this.#kept.has(path));
  }

  /** Holds files, together with what is held already. @returns undefined when they were all held before. */
  hold(paths: readonly string[], total: number, nowMs: number): HeldRemovals | undefined {
    const before = new Set(this.#held?.paths);
    const all = new Set([...before, ...paths]);
    if (all.size === before.size) return undefined;
    this.#held = { id: randomBytes(8).toString('hex'), sinceMs: this.#held?.sinceMs ?? nowMs, paths: [...all], total };
    return this.#held;
  }

  /** Ends what is held, if it is what somebody speaks of. @param keep remembers its files as kept. */
  answer(id: string, keep: boolean): readonly string[] | undefined {
    const held = this.#held;
    if (held?.id !== id) return undefined;
    this.#held = undefined;
    if (keep) for (const path of held.paths) this.#kept.add(path);
    return held.paths;
  }

  /** A file is there (again). */
  seen(path: string): void {
    this.#kept.delete(path);
    if (!this.#held?.paths.includes(path)) return;
    const paths = this.#held.paths.filter((other) => other !== path);
    this.#held = paths.length === 0 ? undefined : { ...this.#held, paths };
  }
}
