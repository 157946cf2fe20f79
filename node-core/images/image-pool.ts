/** A few processes that make images, one image each at a time, with a bounded queue before them. */
import { type ChildProcess, fork } from 'node:child_process';
import { ShoalError } from '../domain/errors.ts';
import type { Service } from '../runtime/service.ts';
import type { ImageJob, ImageOutcome } from './image-job.ts';

/** What a pool is built with. */
export interface ImagePoolOptions {
  /** The built image-process. */
  readonly program: string;
  readonly processes: number;
  /** Seconds that one image may take before its process is killed. */
  readonly timeoutSeconds: () => number;
}

/** Images that may wait; more are asked to come back later. */
const maxWaiting = 64;

/** Milliseconds after which an idle process ends: an idle node needs no memory for images. */
const idleMs = 30_000;

/** Images after which a process is replaced: what a decoder leaks goes with it. */
const maxJobs = 200;

/** The result of a job that went well. */
export type MadeImage = Exclude<ImageOutcome, { readonly fault: unknown }>;

/** The process of a job was gone before it answered. */
const processGone = Symbol('process gone');

interface Waiting {
  readonly job: ImageJob;
  /** Processes that ended over it. */
  readonly deaths: number;
  readonly resolve: (made: MadeImage) => void;
  readonly reject: (error: ShoalError) => void;
}

/** Runs jobs in processes. A job that crashes, hangs or runs out of memory takes its process down and nothing else. */
export class ImagePool implements Service {
  readonly name = 'image processes';
  readonly #options: ImagePoolOptions;
  readonly #workers = new Set<Worker>();
  readonly #waiting: Waiting[] = [];
  #stopped = false;

  constructor(options: ImagePoolOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {}

  /** Jobs that wait or run are given up. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new ShoalError('SHUTTING_DOWN'));
    await Promise.all([...this.#workers].map((worker) => worker.end()));
  }

  /** @throws ShoalError IMAGE_UNSUPPORTED, IMAGE_DAMAGED, IMAGE_TOO_LARGE, IMAGE_TIMEOUT, TOO_MANY_IMAGES, SHUTTING_DOWN. */
  run(job: ImageJob): Promise<MadeImage> {
    return new Promise((resolve, reject) => {
      if (this.#stopped) reject(new ShoalError('SHUTTING_DOWN'));
      else if (this.#waiting.length >= maxWaiting) reject(new ShoalError('TOO_MANY_IMAGES'));
      else {
        this.#waiting.push({ job, deaths: 0, resolve, reject });
        this.#next();
      }
    });
  }

  /** A process may be killed for reasons that are not the image's: only a second death is held against it. */
  #ended(waiting: Waiting, made: MadeImage | typeof processGone): void {
    if (made !== processGone) waiting.resolve(made);
    else if (waiting.deaths > 0)
      waiting.reject(new ShoalError('IMAGE_DAMAGED', { details: { reason: 'decoding it ends its process' } }));
    else if (this.#stopped) waiting.reject(new ShoalError('SHUTTING_DOWN'));
    else this.#waiting.unshift({ ...waiting, deaths: waiting.deaths + 1 });
  }

  #next(): void {
    if (this.#waiting.length === 0) return;
    let worker = [...this.#workers].find(({ idle }) => idle);
    if (!worker) {
      if (this.#workers.size >= this.#options.processes) return;
      worker = new Worker(this.#options.program, this.#options.timeoutSeconds, (gone) => {
        this.#workers.delete(gone);
        this.#next();
      });
      this.#workers.add(worker);
    }
    const next = this.#waiting.shift();
    if (!next) return;
    worker
      .run(next.job)
      .then((made) => this.#ended(next, made), next.reject)
      .finally(() => this.#next());
  }
}

type Outcome = ImageOutcome | ShoalError | typeof processGone;

/** One process. */
class Worker {
  readonly #child: ChildProcess;
  readonly #timeoutSeconds: () => number;
  readonly #gone: Promise<void>;
  #jobs = 0;
  #settle: ((outcome: Outcome) => void) | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #alive = true;

  constructor(program: string, timeoutSeconds: () => number, onGone: (worker: Worker) => void) {
    this.#timeoutSeconds = timeoutSeconds;
    this.#child = fork(program, [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], env: environment() });
    // An idle process must not keep the node alive; the `disconnect` of the node's end ends it.
    this.#child.unref();
    this.#child.channel?.unref();
    this.#child.on('message', (outcome: ImageOutcome) => this.#settle?.(outcome));
    this.#gone = new Promise((resolve) => {
      const gone = () => {
        if (!this.#alive) return;
        this.#alive = false;
        clearTimeout(this.#idleTimer);
        this.#settle?.(processGone);
        onGone(this);
        resolve();
      };
      this.#child.once('exit', gone);
      this.#child.once('error', gone);
    });
  }

  /** Whether a job may be given. */
  get idle(): boolean {
    return this.#alive && this.#settle === undefined && this.#jobs < maxJobs;
  }

  async run(job: ImageJob): Promise<MadeImage | typeof processGone> {
    clearTimeout(this.#idleTimer);
    this.#jobs += 1;
    const seconds = this.#timeoutSeconds();
    const timer = setTimeout(() => {
      this.#settle?.(new ShoalError('IMAGE_TIMEOUT', { details: { seconds } }));
      this.#child.kill('SIGKILL');
    }, seconds * 1000);
    this.#child.channel?.ref();
    try {
      const outcome = await new Promise<Outcome>((settle) => {
        this.#settle = settle;
        this.#child.send(job, (error) => {
          if (error) settle(processGone);
        });
      });
      return outcome === processGone ? outcome : madeOrThrow(outcome);
    } finally {
      clearTimeout(timer);
      this.#settle = undefined;
      this.#child.channel?.unref();
      if (this.#jobs >= maxJobs) void this.end();
      else this.#idleTimer = setTimeout(() => this.end(), idleMs).unref();
    }
  }

  async end(): Promise<void> {
    this.#settle?.(new ShoalError('SHUTTING_DOWN'));
    if (this.#alive) this.#child.kill('SIGKILL');
    await this.#gone;
  }
}

function madeOrThrow(outcome: ImageOutcome | ShoalError): MadeImage {
  if (outcome instanceof ShoalError) throw outcome;
  if (!('fault' in outcome)) return outcome;
  const details = { reason: outcome.reason.replace(/\s+/g, ' ').slice(0, 200) };
  throw new ShoalError(`IMAGE_${outcome.fault}`, { details });
}

/** Nothing of the node's environment but what a process needs: secrets may be in it. */
function environment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'TMPDIR', 'TEMP', 'SystemRoot', 'LD_LIBRARY_PATH', 'FONTCONFIG_PATH', 'HOME'];
  const passed = kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return { ...Object.fromEntries(passed), UV_THREADPOOL_SIZE: '4', MALLOC_ARENA_MAX: '2' };
}
