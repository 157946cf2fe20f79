/** Native notifications of what happens while nobody looks: files of others, a device that wants to join, alarms. */
import { EventEmitter } from 'node:events';
import { Notification } from 'electron';
import { z } from 'zod';
import type { NodeApi } from './node/node-api.ts';
import type { NodeEvents } from './node/node-events.ts';
import { iconFile } from './place.ts';
import type { Say } from './words.ts';

/** Files that come together are told together, in milliseconds. */
const gatherMs = 1000;

const arrival = z.object({ path: z.string(), from: z.string() });
const members = z.object({ members: z.array(z.object({ id: z.string(), name: z.string() })) });
const pairings = z.object({
  pairings: z.array(
    z.object({ id: z.string(), name: z.string(), direction: z.string(), digits: z.string(), state: z.string() }),
  ),
});
const alarms = z.object({ alarms: z.array(z.object({ id: z.string(), text: z.string() })) });
const opened = z.object({ id: z.string() });

/** What is told, and where a click leads. */
export interface Told {
  readonly title: string;
  readonly body: string;
  /** Address in the page behind `#`. */
  readonly hash?: string;
}

/** Tells what the node's news amount to. Emits `told` for each, whether the system shows notifications or not. */
export class Notifier extends EventEmitter<{ told: [Told] }> {
  readonly #api: NodeApi;
  readonly #say: Say;
  readonly #go: (hash: string) => void;
  readonly #asked = new Set<string>();
  #arrived: z.infer<typeof arrival>[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(api: NodeApi, events: NodeEvents, say: Say, go: (hash: string) => void) {
    super();
    this.#api = api;
    this.#say = say;
    this.#go = go;
    events.on('news', (type, data) => {
      // A node that is on its way down answers nothing more; there is nothing to tell then.
      this.#hear(type, data).catch(() => undefined);
    });
  }

  /** Shows one. */
  tell(told: Told): void {
    this.emit('told', told);
    if (!Notification.isSupported()) return;
    const { title, body, hash } = told;
    const notification = new Notification({ title, body, icon: iconFile('icon.png') });
    if (hash !== undefined) notification.on('click', () => this.#go(hash));
    notification.show();
  }

  async #hear(type: string, data: unknown): Promise<void> {
    if (type === 'file-arrived') {
      this.#arrived.push(arrival.parse(data));
      this.#timer ??= setTimeout(() => void this.#tellArrived().catch(() => undefined), gatherMs);
    } else if (type === 'pairing-changed') await this.#tellPairings();
    else if (type === 'alarm-opened') await this.#tellAlarm(opened.parse(data).id);
  }

  async #tellArrived(): Promise<void> {
    this.#timer = undefined;
    const arrived = this.#arrived;
    this.#arrived = [];
    const [first] = arrived;
    if (!first) return;
    const known = members.parse(await this.#api.json('/members')).members;
    const from = new Set(arrived.map((one) => known.find(({ id }) => id === one.from)?.name ?? '?'));
    const body = this.#say('from', { name: [...from].join(', ') });
    const name = first.path.slice(first.path.lastIndexOf('/') + 1);
    const folder = first.path.split('/').slice(0, -1).map(encodeURIComponent).join('/');
    const title =
      arrived.length === 1 ? this.#say('arrived', { name }) : this.#say('arrivedMany', { count: arrived.length });
    this.tell({ title, body, hash: folder === '' ? '#/files' : `#/files/${folder}` });
  }

  async #tellPairings(): Promise<void> {
    for (const one of pairings.parse(await this.#api.json('/pairings')).pairings) {
      if (one.direction !== 'in' || one.state !== 'waiting' || this.#asked.has(one.id)) continue;
      this.#asked.add(one.id);
      const digits = one.digits.replace(/^(\d{3})(\d{3})$/, '$1 $2');
      this.tell({
        title: this.#say('pairing', { name: one.name }),
        body: this.#say('pairingText', { digits }),
        hash: '#/devices',
      });
    }
  }

  async #tellAlarm(id: string): Promise<void> {
    const found = alarms.parse(await this.#api.json('/alarms')).alarms.find((one) => one.id === id);
    if (found) this.tell({ title: this.#say('problem'), body: found.text, hash: '#/health' });
  }
}
