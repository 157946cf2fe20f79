import type { Service } from './service.ts';

/** What the work of a run sees of its run. */
export interface RunControl {
  /** True once the node stops: the work ends at the next good moment. */
  readonly stopping: boolean;
}

/** A run under way, or just ended. */
export interface Run<P> {
  /** How far it is; changes while it runs. */
  readonly progress: P;
  /** Resolves when it has ended, rejects when it failed. */
  readonly ended: Promise<void>;
  /** Whether the work was done to its end. */
  readonly finished: boolean;
}

/** Long work that runs once at a time: who asks while it runs joins that run. Ends before the node does. */
export class SharedRun<P> implements Service {
  readonly name: string;
  readonly #begin: () => P;
  readonly #work: (progress: P, control: RunControl) => Promise<void>;
  #current: Run<P> | undefined;
  #stopping = false;

  /** @param begin the progress that a run begins with. */
  constructor(name: string, begin: () => P, work: (progress: P, control: RunControl) => Promise<void>) {
    this.name = name;
    this.#begin = begin;
    this.#work = work;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#current?.ended.catch(() => undefined);
  }

  /** The run under way, or a new one. */
  join(): { readonly run: Run<P>; readonly joined: boolean } {
    if (this.#current) return { run: this.#current, joined: true };
    const progress = this.#begin();
    let finished = false;
    const stopping = () => this.#stopping;
    const control: RunControl = {
      get stopping() {
        return stopping();
      },
    };
    const ended = this.#work(progress, control)
      .then(() => {
        finished = !this.#stopping;
      })
      .finally(() => {
        this.#current = undefined;
      });
    const run: Run<P> = {
      progress,
      ended,
      get finished() {
        return finished;
      },
    };
    this.#current = run;
    return { run, joined: false };
  }
}
