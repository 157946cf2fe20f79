/** News of the node for the app itself: tray, notifications. One stream, opened again as long as the node runs. */
import { EventEmitter } from 'node:events';
import { createParser } from 'eventsource-parser';
import type { NodeApi } from './node-api.ts';
import type { NodeHost } from './node-host.ts';

/** Pause before the stream is opened again, in milliseconds. */
const pauseMs = 1000;

/** Emits `news` with the event's type and what it says, unchecked. */
export class NodeEvents extends EventEmitter<{ news: [type: string, data: unknown] }> {
  readonly #host: NodeHost;
  readonly #api: NodeApi;
  #lastId: string | undefined;
  #stopping: AbortController | undefined;

  constructor(host: NodeHost, api: NodeApi) {
    super();
    this.#host = host;
    this.#api = api;
  }

  /** Follows every node that becomes ready. */
  follow(): void {
    this.#host.on('ready', () => {
      this.#stopping?.abort();
      this.#stopping = new AbortController();
      void this.#run(this.#stopping.signal);
    });
    this.#host.on('state', (state) => {
      if (state !== 'ready') this.#stopping?.abort();
    });
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // A stream that breaks is opened again: the node may have dropped a slow reader, or be on its way down.
      await this.#read(signal).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const since = this.#lastId === undefined ? '' : `?lastEventId=${encodeURIComponent(this.#lastId)}`;
    const response = await this.#api.open(`/events${since}`, { signal });
    const parser = createParser({
      onEvent: ({ event, data, id }) => {
        if (id !== undefined) this.#lastId = id;
        if (event !== undefined) this.emit('news', event, JSON.parse(data));
      },
    });
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
  }
}
