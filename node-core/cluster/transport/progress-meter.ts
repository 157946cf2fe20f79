/** How fast bytes come, over the last few seconds. */

/** Older bytes count less and less: after so many milliseconds a third is left of them. */
const memoryMs = 3000;

/** Measures one transfer. */
export class ProgressMeter {
  readonly #now: () => number;
  #atMs: number;
  #done: number;
  #rate: number | undefined;

  /** @param done bytes that were here before it began. @param now monotonic milliseconds. */
  constructor(done: number, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#atMs = now();
    this.#done = done;
  }

  /** Takes note of how many bytes are here now. @returns bytes a second. */
  note(done: number): number {
    const passedMs = this.#now() - this.#atMs;
    if (passedMs <= 0 || done < this.#done) return Math.round(this.#rate ?? 0);
    const rate = ((done - this.#done) * 1000) / passedMs;
    const kept = this.#rate === undefined ? 0 : Math.exp(-passedMs / memoryMs);
    this.#rate = (this.#rate ?? 0) * kept + rate * (1 - kept);
    this.#atMs += passedMs;
    this.#done = done;
    return Math.round(this.#rate);
  }
}
