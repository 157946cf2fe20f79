/**
 * States that clients follow: told while somebody listens, when they have changed, and at most every so often. Unlike news
 * they have no number and are never replayed: whoever comes back gets the state as it is.
 */

/** A state that is told by events. */
export interface FollowedState {
  /** Type of the event. */
  readonly type: string;
  /** @returns undefined when there is nothing to tell. */
  readonly read: () => unknown;
  /** Shortest pause between two looks, in milliseconds. @param idle looks in a row that found nothing new. */
  readonly everyMs: (idle: number) => number;
}

interface Followed extends FollowedState {
  dueMs: number;
  idle: number;
  told: string | undefined;
  reading: boolean;
}

/** What changes with every look says nothing. */
const withoutTimes = (key: string, value: unknown) => (key === 'atMs' ? undefined : value);

/** Looks at states and tells what has changed. */
export class StateNews {
  readonly #states: readonly Followed[];
  readonly #tell: (type: string, data: unknown) => void;
  readonly #onError: (error: unknown) => void;

  constructor(
    states: readonly FollowedState[],
    tell: (type: string, data: unknown) => void,
    onError: (error: unknown) => void,
  ) {
    this.#states = states.map((state) => ({ ...state, dueMs: 0, idle: 0, told: undefined, reading: false }));
    this.#tell = tell;
    this.#onError = onError;
  }

  /** Looks at what is due. Called every moment while somebody listens. @param now by a clock that nobody sets. */
  look(now: number): void {
    for (const state of this.#states) if (now >= state.dueMs && !state.reading) void this.#read(state, now);
  }

  /** Somebody new listens: everything is told anew at the next look. */
  renew(): void {
    for (const state of this.#states) Object.assign(state, { told: undefined, dueMs: 0, idle: 0 });
  }

  /** Something has happened that may change states. */
  stir(): void {
    for (const state of this.#states) {
      // Not sooner than it may be looked at while it changes.
      state.dueMs -= state.everyMs(state.idle) - state.everyMs(0);
      state.idle = 0;
    }
  }

  async #read(state: Followed, now: number): Promise<void> {
    state.reading = true;
    state.dueMs = now + state.everyMs(state.idle);
    try {
      const data = await state.read();
      const text = JSON.stringify(data, withoutTimes);
      state.idle = text === state.told ? state.idle + 1 : 0;
      if (data === undefined || text === state.told) return;
      state.told = text;
      this.#tell(state.type, data);
    } catch (error) {
      this.#onError(error);
    } finally {
      state.reading = false;
    }
  }
}
