/**
 * Reads the whole store again and again, slowly, so that bytes that rot are found while other members still have them. A run
 * goes content by content in the order of their digests, trash included, and goes on after a restart where it was. How far it is
 * is written seldom: an idle node writes nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type ScrubPosition, type ScrubState, scrubTable } from '../catalog/scrub-values.ts';
import { ShoalError } from '../domain/errors.ts';
import type { Service } from '../runtime/service.ts';
import type { FilesContext } from './context.ts';
import { checkContent, type ScrubPace, setAside } from './scrub-content.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** How often is looked whether a run is due; how often its progress is written; how long a fresh store is left alone. */
const lookMs = minuteMs;
const saveMs = 10 * minuteMs;
const firstRunMs = 60 * minuteMs;

/** Most contents that wait to be looked at because somebody met damaged bytes of them. */
const maxSuspects = 1000;

/** Settings of the scrub. */
export interface ScrubOptions {
  /** 0: it is off. */
  readonly kibPerSecond: () => number;
  readonly intervalDays: () => number;
  /** Whether somebody else may have what is damaged here: only then is damage that others met looked after at once. */
  readonly hasMembers: () => boolean;
  readonly onError: (error: unknown) => void;
}

/** How the scrub is. */
export interface ScrubReport {
  readonly state: 'off' | 'waiting' | 'running' | 'paused';
  /** The run under way, or the one that is paused. */
  readonly run?: {
    readonly startedMs: number;
    readonly files: number;
    readonly bytes: number;
    readonly damaged: number;
  };
  readonly last?: ScrubState['last'];
  /** When the next run begins, milliseconds since 1970. */
  readonly nextMs?: number;
}

type Run = NonNullable<ScrubState['run']>;

/** Scrubs the store. */
export class Scrubber implements Service {
  readonly name = 'scrub';
  /** Since this start, for the metrics. */
  readonly counted = { files: 0, bytes: 0, damaged: 0, repaired: 0 };
  readonly #context: FilesContext;
  readonly #options: ScrubOptions;
  readonly #suspects = new Set<string>();
  readonly #stopping = new AbortController();
  #state: ScrubState = { paused: false };
  #running: Promise<void> | undefined;
  #mending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #unsubscribe: (() => void)[] = [];
  #startedMs = 0;
  #savedMs = 0;
  #allowedAtMs = 0;
  /** Bytes read of the content that is being looked at. */
  #partialBytes = 0;
  #wake: () => void = () => undefined;

  constructor(context: FilesContext, options: ScrubOptions) {
    this.#context = context;
    this.#options = options;
  }

  async start(): Promise<void> {
    const { catalog, clock, events } = this.#context;
    this.#startedMs = clock.now();
    this.#state = catalog.row(scrubTable, 'state') ?? { paused: false };
    this.#unsubscribe = [
      events.on('bytes-damaged', ({ path }) => this.#suspect(path)),
      events.on('bytes-repaired', () => {
        this.counted.repaired += 1;
      }),
    ];
    this.#timer = setInterval(() => this.#look(), lookMs).unref();
    if (this.#state.run) this.#look();
  }

  async stop(): Promise<void> {
    for (const end of this.#unsubscribe) end();
    clearInterval(this.#timer);
    this.#stopping.abort();
    await Promise.all([this.#running, this.#mending]);
  }

  /** How it is now. */
  get report(): ScrubReport {
    const { paused, run, last } = this.#state;
    const off = this.#options.kibPerSecond() === 0;
    const state = off ? 'off' : paused ? 'paused' : this.#running ? 'running' : 'waiting';
    return {
      state,
      ...(run && {
        run: {
          startedMs: run.startedMs,
          files: run.files,
          bytes: run.bytes + this.#partialBytes,
          damaged: run.damaged,
        },
      }),
      ...(last && { last }),
      ...(state === 'waiting' && { nextMs: this.#dueMs() }),
    };
  }

  /** Begins a run now, or goes on with the one that was paused. @throws ShoalError SCRUB_OFF. */
  async begin(): Promise<ScrubReport> {
    if (this.#options.kibPerSecond() === 0) throw new ShoalError('SCRUB_OFF');
    if (this.#state.paused) await this.#write({ ...this.#state, paused: false });
    this.#begin();
    return this.report;
  }

  /** Stops until further notice, also over restarts; or lets it go on. */
  async pause(paused: boolean): Promise<ScrubReport> {
    if (paused !== this.#state.paused) {
      await this.#write({ ...this.#state, paused });
      this.#wake();
      if (paused) await this.#running;
      else if (this.#state.run) this.#look();
      this.#tell();
    }
    return this.report;
  }

  /** The configuration has changed. */
  follow(): void {
    this.#wake();
    this.#look();
  }

  #dueMs(): number {
    const { run, last } = this.#state;
    if (run) return this.#context.clock.now();
    return last ? last.finishedMs + this.#options.intervalDays() * dayMs : this.#startedMs + firstRunMs;
  }

  #look(): void {
    if (this.#options.kibPerSecond() === 0 || this.#state.paused || this.#stopping.signal.aborted) return;
    const now = this.#context.clock.now();
    // A clock that was set back must not put it off for ever.
    const finishedMs = this.#state.last?.finishedMs ?? 0;
    if (now >= this.#dueMs() || now < finishedMs - dayMs) this.#begin();
  }

  #begin(): void {
    if (this.#running || this.#stopping.signal.aborted) return;
    this.#allowedAtMs = 0;
    this.#savedMs = this.#context.clock.monotonic();
    this.#running = this.#run()
      .catch(this.#options.onError)
      .finally(() => {
        this.#running = undefined;
        this.#tell();
      });
    this.#tell();
  }

  #isHalted(): boolean {
    return this.#stopping.signal.aborted || this.#state.paused || this.#options.kibPerSecond() === 0;
  }

  async #run(): Promise<void> {
    const { catalog, clock, guard } = this.#context;
    await guard.checkStore();
    let run: Run = this.#state.run ?? { startedMs: clock.now(), files: 0, bytes: 0, damaged: 0 };
    const keep = (next: Run) => {
      run = next;
      this.#state = { ...this.#state, run };
    };
    keep(run);
    try {
      let { at } = run;
      // Where it was stopped in the middle of a content it goes on there, if that is still here.
      if (at) keep(await this.#scrub(run, at.sha256, at));
      while (!this.#isHalted()) {
        const sha256 = await catalog.nextContent(run.at?.sha256 ?? '');
        if (sha256 === undefined) {
          await this.#finish(run);
          return;
        }
        at = { sha256, place: '', block: 0 };
        keep(await this.#scrub({ ...run, at }, sha256));
        if (clock.monotonic() - this.#savedMs > saveMs) await this.#save();
      }
    } finally {
      if (this.#state.run) await this.#save();
    }
  }

  /** @returns the run with what was found; where it was stopped, it stands there. */
  async #scrub(run: Run, sha256: string, from?: ScrubPosition): Promise<Run> {
    let at: ScrubPosition = from ?? { sha256, place: '', block: 0 };
    const pace: ScrubPace = {
      before: async (bytes) => {
        await this.#throttle(bytes);
        if (!this.#isHalted()) this.#partialBytes += bytes;
      },
      stopping: () => this.#isHalted(),
      at: (position) => {
        at = position;
        this.#state = { ...this.#state, run: { ...run, at } };
      },
    };
    const checked = await checkContent(this.#context, sha256, pace, from).finally(() => {
      this.#partialBytes = 0;
    });
    this.counted.files += checked.files;
    this.counted.bytes += checked.bytes;
    const aside = checked.suspects.length > 0 && (await setAside(this.#context, sha256, checked.suspects));
    const damaged = aside ? aside.places : 0;
    this.counted.damaged += damaged;
    return {
      startedMs: run.startedMs,
      files: run.files + checked.files,
      bytes: run.bytes + checked.bytes,
      damaged: run.damaged + damaged,
      // Behind the last of its places.
      at: checked.stopped ? at : { sha256, place: '\uffff', block: 0 },
    };
  }

  async #finish({ startedMs, files, bytes, damaged }: Run): Promise<void> {
    const last = { startedMs, finishedMs: this.#context.clock.now(), files, bytes, damaged };
    await this.#write({ paused: this.#state.paused, last });
  }

  #save(): Promise<void> {
    this.#savedMs = this.#context.clock.monotonic();
    return this.#write(this.#state);
  }

  async #write(state: ScrubState): Promise<void> {
    this.#state = state;
    await this.#context.catalog.commit((transaction) => transaction.putRow(scrubTable, 'state', state));
  }

  /** Waits as long as the limit asks for, or until something has changed. */
  async #throttle(bytes: number): Promise<void> {
    const limit = this.#options.kibPerSecond() * 1024;
    if (this.#isHalted() || limit === 0) return;
    const now = performance.now();
    // What is read at once is waited for first: the rate holds from the first block on.
    this.#allowedAtMs = Math.max(now, this.#allowedAtMs) + (bytes * 1000) / limit;
    const wait = this.#allowedAtMs - now;
    if (wait < 5) return;
    const woken = new AbortController();
    this.#wake = () => {
      this.#allowedAtMs = 0;
      woken.abort();
    };
    const signal = AbortSignal.any([woken.signal, this.#stopping.signal]);
    await sleep(wait, undefined, { signal, ref: false }).catch(() => undefined);
  }

  /** Somebody met damaged bytes: they are looked after now, if they can be fetched from elsewhere. */
  #suspect(path: string): void {
    if (!this.#options.hasMembers() || this.#options.kibPerSecond() === 0 || this.#suspects.size >= maxSuspects) return;
    const sha256 = this.#context.catalog.find(path)?.version.sha256;
    if (sha256 === undefined || this.#stopping.signal.aborted) return;
    this.#suspects.add(sha256);
    this.#mending ??= this.#mend()
      .catch(this.#options.onError)
      .finally(() => {
        this.#mending = undefined;
      });
  }

  async #mend(): Promise<void> {
    const pace: ScrubPace = {
      before: async () => undefined,
      stopping: () => this.#stopping.signal.aborted,
      at: () => undefined,
    };
    for (const sha256 of this.#suspects) {
      if (this.#stopping.signal.aborted) return;
      const { suspects } = await checkContent(this.#context, sha256, pace);
      const aside = suspects.length > 0 && (await setAside(this.#context, sha256, suspects));
      if (aside) this.counted.damaged += aside.places;
      this.#suspects.delete(sha256);
    }
  }

  #tell(): void {
    this.#context.events.emit('scrub-changed', { state: this.report.state });
  }
}
