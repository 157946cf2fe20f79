/** What came from members, and what did not: the latest, since the start of this node. Contents are named by their digest. */
import type { Want } from '../../catalog/replication-values.ts';
import { ShoalError, toShoalError } from '../../domain/errors.ts';
import type { StagedFile } from '../../storage/staging.ts';
import type { ContentTransfers } from '../engine/ports.ts';
import type { TransferProgress } from './transfers.ts';

/** Contents that are remembered; of each the latest outcome. */
const maxEntries = 1000;

/** How the transfer of a content ended. */
export interface EndedTransfer {
  /** Higher for whatever ended later. */
  readonly number: number;
  readonly sha256: string;
  readonly size: number;
  /** Members that bytes came from. */
  readonly from: readonly string[];
  readonly state: 'done' | 'failed';
  /** Milliseconds since 1970. */
  readonly endedMs: number;
  /** How long the last try took, in milliseconds. */
  readonly tookMs: number;
  /** Tries so far, the last one included. */
  readonly tries: number;
  /** Why the last try failed. */
  readonly failure?: ShoalError;
}

/** Remembers how transfers ended. */
export class TransferHistory {
  readonly #now: () => number;
  /** In the order in which they ended. */
  readonly #ended = new Map<string, EndedTransfer>();
  /** What has been heard of the tries that run. */
  readonly #running = new Map<string, { readonly startedMs: number; from: readonly string[] }>();
  #number = 0;

  /** @param now milliseconds since 1970. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Number of the latest entry; 0: there was none. */
  get latest(): number {
    return this.#number;
  }

  /** The latest first. @param before number of the entry behind which the list goes on. */
  list(limit: number, before = Number.POSITIVE_INFINITY): EndedTransfer[] {
    const found: EndedTransfer[] = [];
    for (const entry of [...this.#ended.values()].reverse()) {
      if (entry.number >= before) continue;
      found.push(entry);
      if (found.length === limit) break;
    }
    return found;
  }

  /** Forgets all of it. */
  clear(): void {
    this.#ended.clear();
    this.#number += 1;
  }

  /** A transfer has told how far it is. */
  progressed({ sha256, from, state }: TransferProgress): void {
    if (state !== 'running') return;
    const known = this.#running.get(sha256);
    if (!known) this.#running.set(sha256, { startedMs: this.#now(), from });
    else if (from.length > 0) known.from = from;
  }

  /** Transfers whose ends are remembered. Tries that found nobody to ask are none. */
  remembering(transfers: ContentTransfers): ContentTransfers {
    return {
      fetch: async (want) => {
        let staged: StagedFile | undefined;
        let failure: ShoalError | undefined;
        try {
          staged = await transfers.fetch(want);
          if (!staged) failure = new ShoalError('PEER_HAS_NOT');
          return staged;
        } catch (error) {
          failure = reasonOf(error);
          throw error;
        } finally {
          this.#end(want, failure);
        }
      },
    };
  }

  #end({ sha256, size }: Want, failure: ShoalError | undefined): void {
    const running = this.#running.get(sha256);
    if (!running) return;
    this.#running.delete(sha256);
    const before = this.#ended.get(sha256);
    const endedMs = this.#now();
    this.#number += 1;
    this.#ended.delete(sha256);
    this.#ended.set(sha256, {
      number: this.#number,
      ...{ sha256, size, from: running.from, state: failure ? 'failed' : 'done', endedMs },
      tookMs: Math.max(0, endedMs - running.startedMs),
      tries: (before?.state === 'failed' ? before.tries : 0) + 1,
      ...(failure && { failure }),
    });
    const [oldest] = this.#ended.keys();
    if (oldest !== undefined && this.#ended.size > maxEntries) this.#ended.delete(oldest);
  }
}

/** A connection that breaks off throws whatever the system says. */
function reasonOf(thrown: unknown): ShoalError {
  const error = toShoalError(thrown);
  return error.code === 'INTERNAL' ? new ShoalError('TRANSFER_BROKE_OFF', { cause: thrown }) : error;
}
