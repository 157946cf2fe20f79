/** Simulated time: what is due happens in order, one thing after the other, and everything that follows from it at once. */

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly work: () => void;
  cancelled: boolean;
}

/** Begins in 2025; nobody's clock is this one, they are set off it. */
const beginMs = 1_750_000_000_000;

/** A queue of what is to happen. */
export class Timeline {
  #nowMs = beginMs;
  #order = 0;
  #due: Due[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Milliseconds since the beginning. */
  get passedMs(): number {
    return this.#nowMs - beginMs;
  }

  /** @returns cancels it. */
  after(ms: number, work: () => void): () => void {
    const due: Due = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order, work, cancelled: false };
    this.#order += 1;
    this.#push(due);
    return () => {
      due.cancelled = true;
    };
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    await settled();
    for (let next = this.#due[0]; next && next.atMs <= end; next = this.#due[0]) {
      this.#pop();
      if (next.cancelled) continue;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.work();
      await settled();
    }
    this.#nowMs = end;
  }

  /** Months pass while everything sleeps: what was due meanwhile is done once, afterwards. */
  async leap(ms: number): Promise<void> {
    await settled();
    this.#nowMs += ms;
  }

  /** A binary heap by time, then by order of asking. */
  #push(due: Due): void {
    const heap = this.#due;
    heap.push(due);
    for (let index = heap.length - 1; index > 0; ) {
      const parent = (index - 1) >> 1;
      if (!before(heap[index], heap[parent])) break;
      swap(heap, index, parent);
      index = parent;
    }
  }

  #pop(): void {
    const heap = this.#due;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    heap[0] = last;
    for (let index = 0; ; ) {
      const left = 2 * index + 1;
      const least = before(heap[left + 1], heap[left]) ? left + 1 : left;
      if (!before(heap[least], heap[index])) return;
      swap(heap, index, least);
      index = least;
    }
  }
}

function before(a: Due | undefined, b: Due | undefined): boolean {
  if (!a || !b) return a !== undefined;
  return a.atMs !== b.atMs ? a.atMs < b.atMs : a.order < b.order;
}

function swap(heap: Due[], a: number, b: number): void {
  const [first, second] = [heap[a], heap[b]];
  if (!first || !second) return;
  heap[a] = second;
  heap[b] = first;
}

/** Everything that follows from what has just happened: nothing in the simulation waits for the world outside. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
