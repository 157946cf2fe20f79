import { randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import type { AlarmEvents } from '../../alarms/alarm-board.ts';
import type { ClusterEvents } from '../../cluster/events.ts';
import type { LiveConfiguration } from '../../config/live.ts';
import type { FileEvents } from '../../files/context.ts';
import type { UploadRegistry } from '../../files/uploads.ts';
import type { EventBus } from '../../runtime/events.ts';
import { type FollowedState, StateNews } from './state-news.ts';

/** Events kept for clients that come back. */
const keptEvents = 1000;

/** How often progress is told, and how often an idle stream gets a comment, in milliseconds. */
const progressMs = 500;
const heartbeatMs = 15_000;

/** A client that lets this much pile up is cut: it comes back and resumes. In bytes. */
const maxBacklogBytes = 1024 * 1024;

/** Where the news come from. */
export interface EventSources {
  readonly events: EventBus<FileEvents>;
  readonly alarmEvents: EventBus<AlarmEvents>;
  readonly cluster: { readonly events: EventBus<ClusterEvents> };
  readonly configuration: LiveConfiguration;
  readonly uploads: UploadRegistry;
}

interface SentEvent {
  readonly number: number;
  readonly text: string;
}

/**
 * Server-sent events (WHATWG HTML, 9.2): commits, removals, moves, progress, changes of the configuration. An id is
 * `<boot>-<number>`. A client that comes back with an id of this boot gets what it missed; any other gets `reset`, which
 * means: read again what you show.
 */
export class EventStream {
  readonly #boot = randomBytes(4).toString('hex');
  readonly #kept: SentEvent[] = [];
  readonly #clients = new Set<Response>();
  readonly #uploads: UploadRegistry;
  readonly #states: StateNews;
  #number = 0;
  #timer: NodeJS.Timeout | undefined;
  #lastProgress = '[]';
  #lastBeat = 0;

  /** @param states what is told while it changes, and never replayed. */
  constructor(sources: EventSources, states: readonly FollowedState[], onError: (error: unknown) => void) {
    const { events, alarmEvents, cluster, configuration, uploads } = sources;
    this.#uploads = uploads;
    this.#states = new StateNews(
      states,
      (type, data) => this.#tellState(type, data),
      (error) => {
        // What fails because the node is being stopped is no trouble.
        if (this.#clients.size > 0) onError(error);
      },
    );
    for (const type of ['file-committed', 'file-arrived', 'file-removed'] as const)
      events.on(type, () => this.#states.stir());
    for (const type of ['alarm-opened', 'alarm-closed'] as const)
      alarmEvents.on(type, (event) => this.#send(type, event));
    for (const type of [
      'file-committed',
      'file-arrived',
      'file-removed',
      'file-moved',
      'folder-made',
      'folder-progress',
      'adopt-progress',
      'import-progress',
      'removals-held',
      'bytes-damaged',
      'bytes-set-aside',
      'bytes-repaired',
      'files-lost',
      'conflict-found',
      'conflict-gone',
      'scrub-changed',
      'deletion-waits',
    ] as const) {
      events.on(type, (event) => this.#send(type, event));
    }
    for (const type of [
      'member-joined',
      'member-removed',
      'member-renamed',
      'member-online',
      'member-offline',
      'pairing-changed',
      'near-changed',
      'trust-changed',
      'twin-seen',
      'reach-changed',
      'repair-changed',
      'fetching-changed',
    ] as const) {
      cluster.events.on(type, (event) => this.#send(type, event));
    }
    // A state, as the progress of uploads is: never replayed.
    cluster.events.on('transfer-progress', (event) => this.#tellState('transfer-progress', event));
    configuration.onChange((change) => this.#send('configuration-changed', change));
  }

  /** Connects a client until it leaves. */
  connect(request: Request, response: Response): void {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      // nginx would hold events back otherwise.
      'X-Accel-Buffering': 'no',
    });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    // The client knows now that it is connected, although there may be no news for a while.
    response.flushHeaders();
    const given = request.headers['last-event-id'] ?? request.query.lastEventId;
    const missed = this.#missedSince(typeof given === 'string' ? given : undefined);
    if (missed === undefined) response.write(`id: ${this.#boot}-${this.#number}\nevent: reset\ndata: {}\n\n`);
    else for (const { text } of missed) response.write(text);
    this.#clients.add(response);
    this.#states.renew();
    this.#timer ??= setInterval(() => this.#tick(), progressMs).unref();
    response.once('close', () => {
      this.#clients.delete(response);
      if (this.#clients.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    });
  }

  /** Ends all streams, so that the server can stop. */
  close(): void {
    for (const client of this.#clients) client.end();
  }

  #missedSince(id: string | undefined): SentEvent[] | undefined {
    const match = /^([0-9a-f]{8})-(\d+)$/.exec(id ?? '');
    if (!match || match[1] !== this.#boot) return undefined;
    const last = Number(match[2]);
    const oldest = this.#kept[0]?.number ?? this.#number + 1;
    if (last + 1 < oldest || last > this.#number) return undefined;
    return this.#kept.filter(({ number }) => number > last);
  }

  #send(type: string, data: unknown): void {
    this.#number += 1;
    const text = `id: ${this.#boot}-${this.#number}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
    this.#kept.push({ number: this.#number, text });
    if (this.#kept.length > keptEvents) this.#kept.shift();
    this.#write(text);
  }

  /** Progress is a state, not news: it has no id and is never replayed. */
  #tick(): void {
    const progress = JSON.stringify(this.#uploads.list());
    const now = performance.now();
    this.#states.look(now);
    if (progress !== this.#lastProgress) this.#write(`event: uploads\ndata: ${progress}\n\n`);
    else if (now - this.#lastBeat > heartbeatMs) {
      this.#write(':\n\n');
      this.#lastBeat = now;
    }
    this.#lastProgress = progress;
  }

  #tellState(type: string, data: unknown): void {
    this.#write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  #write(text: string): void {
    for (const client of this.#clients) {
      if (client.writableLength > maxBacklogBytes) client.destroy();
      else client.write(text);
    }
  }
}
