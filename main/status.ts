/** How the node is, for the tray: read again when news say that something may have changed. */
import { EventEmitter } from 'node:events';
import { z } from 'zod';
import type { NodeApi } from './node/node-api.ts';
import type { NodeEvents } from './node/node-events.ts';
import type { NodeHost } from './node/node-host.ts';

/** What the tray shows. */
export type Status = 'ready' | 'working' | 'paused' | 'offline' | 'problem';

const transfers = z.object({ paused: z.boolean(), waiting: z.object({ files: z.number() }) });
const alarms = z.object({ alarms: z.array(z.object({ closedMs: z.number().optional() })) });
const file = z.object({ path: z.string() });

const telling = new Set([
  'reset',
  'file-arrived',
  'file-committed',
  'fetching-changed',
  'transfer-progress',
  'alarm-opened',
  'alarm-closed',
]);

/** News that come together are looked at together, in milliseconds. */
const gatherMs = 500;

const mostRecent = 8;

/** Follows the node. */
export class StatusWatch extends EventEmitter<{ change: [] }> {
  readonly #host: NodeHost;
  readonly #api: NodeApi;
  #timer: NodeJS.Timeout | undefined;
  #paused = false;
  #waiting = 0;
  #hasAlarm = false;
  #recent: readonly string[] = [];

  constructor(host: NodeHost, api: NodeApi, events: NodeEvents) {
    super();
    this.#host = host;
    this.#api = api;
    host.on('state', () => this.emit('change'));
    events.on('news', (type, data) => {
      if (type === 'file-arrived' || type === 'file-committed') this.#remember(data);
      if (telling.has(type)) this.#timer ??= setTimeout(() => void this.#look(), gatherMs);
    });
  }

  get status(): Status {
    if (this.#host.state === 'failed') return 'problem';
    if (this.#host.state !== 'ready') return 'offline';
    if (this.#hasAlarm) return 'problem';
    if (this.#paused) return 'paused';
    return this.#waiting > 0 ? 'working' : 'ready';
  }

  /** Files whose bytes are on their way. */
  get waiting(): number {
    return this.#waiting;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Paths that were stored or came last, newest first. */
  get recent(): readonly string[] {
    return this.#recent;
  }

  /** Pauses the transfers between members, or lets them go on. */
  async pause(paused: boolean): Promise<void> {
    await this.#api.json('/transfers', { method: 'PUT', json: { paused } });
    await this.#look();
  }

  #remember(data: unknown): void {
    const { path } = file.parse(data);
    this.#recent = [path, ...this.#recent.filter((one) => one !== path)].slice(0, mostRecent);
  }

  async #look(): Promise<void> {
    this.#timer = undefined;
    try {
      const moving = transfers.parse(await this.#api.json('/transfers'));
      const open = alarms.parse(await this.#api.json('/alarms?limit=1'));
      this.#paused = moving.paused;
      this.#waiting = moving.waiting.files;
      this.#hasAlarm = open.alarms.some(({ closedMs }) => closedMs === undefined);
    } catch {
      // The node is going; its next start tells everything again.
    }
    this.emit('change');
  }
}
