import { ShoalError } from '../domain/errors.ts';
import { callerKey } from './rate-limit.ts';

/** How many uploads there may be at once. */
export interface SlotLimits {
  readonly max_concurrent_uploads: number;
  readonly max_uploads_per_address: number;
}

/** Bounds the uploads under way, of all callers and of each; every one may hold buffers and a file handle. */
export class UploadSlots {
  readonly #limits: () => SlotLimits;
  readonly #byCaller = new Map<string, number>();
  #active = 0;

  constructor(limits: () => SlotLimits) {
    this.#limits = limits;
  }

  /**
   * Takes a slot; the returned function gives it back, once.
   * @param address undefined: only all together are bounded. @throws ShoalError TOO_MANY_UPLOADS, TOO_MANY_REQUESTS.
   */
  take(address: string | undefined): () => void {
    const { max_concurrent_uploads: most, max_uploads_per_address: mostOfOne } = this.#limits();
    if (this.#active >= most) throw new ShoalError('TOO_MANY_UPLOADS');
    const caller = address === undefined ? undefined : callerKey(address);
    const own = caller === undefined ? 0 : (this.#byCaller.get(caller) ?? 0);
    if (own >= mostOfOne) throw new ShoalError('TOO_MANY_REQUESTS');
    this.#active += 1;
    if (caller !== undefined) this.#byCaller.set(caller, own + 1);
    let taken = true;
    return () => {
      if (!taken) return;
      taken = false;
      this.#active -= 1;
      if (caller === undefined) return;
      const left = (this.#byCaller.get(caller) ?? 1) - 1;
      if (left > 0) this.#byCaller.set(caller, left);
      else this.#byCaller.delete(caller);
    };
  }
}
