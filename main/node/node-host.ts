/**
 * The storage node beside the app: a process of its own on a real Node, never on Electron's (native image work leaks and
 * crashes there). Started, watched, started anew when it dies, and stopped before the app ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import type { MessageToNode, MessageToParent } from '../../node-core/index.ts';

/** What a node that is ready has told. */
export type ReadyNode = Extract<MessageToParent, { kind: 'ready' }>;

/** Why a node does not run. */
export type NodeFailure =
  | Extract<MessageToParent, { kind: 'failed' }>
  | {
      readonly kind: 'died';
      readonly code: number | null;
      readonly signal: NodeJS.Signals | null;
      /** Why it did not even begin. */
      readonly reason?: string;
    };

/** Where the host stands. */
export type HostState = 'starting' | 'ready' | 'waiting' | 'failed' | 'stopped';

/** How a node is started. */
export interface NodeStart {
  /** A real Node. */
  readonly executable: string;
  /** The bundled command. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

interface HostEvents {
  ready: [ReadyNode];
  state: [HostState];
  /** It will not be started again by itself. */
  failed: [NodeFailure];
}

/** Pauses before a node that died is started again, in milliseconds. After the last try somebody has to decide. */
const pausesMs = [500, 2000, 5000];

/** A node that ran so long has started well: the next death counts as the first one. Milliseconds. */
const steadyMs = 60_000;

/** The node drains for up to ten seconds before it cuts connections; what takes longer is killed. Milliseconds. */
const graceMs = 20_000;

/** Lines of its output that are kept to be shown. */
const keptLines = 200;

/** Runs one node. */
export class NodeHost extends EventEmitter<HostEvents> {
  readonly #start: () => NodeStart;
  readonly #lines: string[] = [];
  #child: ChildProcess | undefined;
  #state: HostState = 'stopped';
  #ready: ReadyNode | undefined;
  #tries = 0;
  #readyAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #ending: Promise<void> | undefined;

  /** @param start asked before every start. */
  constructor(start: () => NodeStart) {
    super();
    this.#start = start;
  }

  get state(): HostState {
    return this.#state;
  }

  /** What the running node has told; undefined while none is ready. */
  get ready(): ReadyNode | undefined {
    return this.#ready;
  }

  /** Process id of the node. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The last lines that the node printed. */
  get output(): readonly string[] {
    return this.#lines;
  }

  /** Starts it, after a failure too. */
  start(): void {
    if (this.#child || this.#ending) return;
    clearTimeout(this.#timer);
    this.#tries = 0;
    this.#launch();
  }

  /** Ends the node gracefully; after the time for that, in any case. Resolves when no process is left. */
  stop(): Promise<void> {
    this.#ending ??= this.#stop();
    return this.#ending;
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child) {
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      const message: MessageToNode = { kind: 'stop' };
      if (child.connected) child.send(message, () => undefined);
      const cut = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(cut);
    }
    this.#set('stopped');
    this.#ending = undefined;
  }

  #launch(): void {
    const { executable, program, args, env } = this.#start();
    this.#set('starting');
    const child = spawn(executable, [program, ...args], {
      env: { ...env, SHOAL_PARENT: '1' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Windows would open a console for it.
      windowsHide: true,
    });
    this.#child = child;
    let failure: NodeFailure | undefined;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
    }
    child.on('message', (message) => {
      const told = message as MessageToParent;
      if (told.kind === 'ready') this.#becomeReady(told);
      else failure = told;
    });
    let ended = false;
    const onEnd = (code: number | null, signal: NodeJS.Signals | null, reason?: string) => {
      if (ended) return;
      ended = true;
      this.#child = undefined;
      this.#ready = undefined;
      if (this.#ending) return;
      this.#afterDeath(failure ?? { kind: 'died', code, signal, ...(reason !== undefined && { reason }) });
    };
    child.once('exit', (code, signal) => onEnd(code, signal));
    child.once('error', (error) => {
      this.#keep(`${error.message}\n`);
      onEnd(null, null, error.message);
    });
  }

  #becomeReady(told: ReadyNode): void {
    if (this.#ending) return;
    this.#ready = told;
    this.#readyAt = performance.now();
    this.#set('ready');
    this.emit('ready', told);
  }

  #afterDeath(failure: NodeFailure): void {
    if (this.#readyAt > 0 && performance.now() - this.#readyAt > steadyMs) this.#tries = 0;
    this.#readyAt = 0;
    const pauseMs = pausesMs[this.#tries];
    // What it said itself (a port that is taken, a folder in use) does not go away by trying.
    if (failure.kind === 'failed' || pauseMs === undefined) {
      this.#set('failed');
      this.emit('failed', failure);
      return;
    }
    this.#tries += 1;
    this.#set('waiting');
    this.#timer = setTimeout(() => this.#launch(), pauseMs);
  }

  #set(state: HostState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.emit('state', state);
  }

  #keep(text: string): void {
    this.#lines.push(...text.split('\n').filter((line) => line !== ''));
    this.#lines.splice(0, this.#lines.length - keptLines);
  }
}
