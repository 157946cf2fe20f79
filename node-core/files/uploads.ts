import { randomBytes } from 'node:crypto';

/** An upload whose bytes are still coming. */
export interface UploadProgress {
  readonly id: string;
  readonly kind: 'form' | 'tus' | 'put';
  /** Name that the uploader gave; empty while it is unknown. */
  readonly name: string;
  /** Bytes received so far. */
  readonly received: number;
  /** Bytes announced; undefined when they were not. */
  readonly total: number | undefined;
  readonly startedMs: number;
}

/** One upload's entry: tell what arrives, and end it whatever the outcome. */
export interface UploadEntry {
  readonly id: string;
  advance(bytes: number): void;
  end(): void;
}

/** Knows the uploads under way. */
export class UploadRegistry {
  readonly #active = new Map<string, UploadProgress>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  begin(
    what: Pick<UploadProgress, 'kind' | 'name' | 'total'> & { readonly id?: string; readonly received?: number },
  ): UploadEntry {
    const id = what.id ?? randomBytes(8).toString('hex');
    const { kind, name, total, received = 0 } = what;
    this.#active.set(id, { id, kind, name, total, received, startedMs: this.#now() });
    return {
      id,
      advance: (bytes) => {
        const now = this.#active.get(id);
        if (now) this.#active.set(id, { ...now, received: now.received + bytes });
      },
      end: () => this.#active.delete(id),
    };
  }

  /** Oldest first. */
  list(): UploadProgress[] {
    return [...this.#active.values()];
  }
}
