/** A reader of server-sent events (WHATWG HTML, 9.2) that keeps everything it was told. */
import { get, type IncomingMessage } from 'node:http';
import { onTestFinished } from 'vitest';
import type { TestNode } from './node-in-process.ts';

/** One event. */
export interface ReceivedEvent {
  /** Undefined for events that are states, not news. */
  readonly id: string | undefined;
  readonly type: string;
  readonly data: unknown;
}

/** An open stream of events; closed when the test is over. */
export class EventClient {
  readonly events: ReceivedEvent[] = [];
  /** Resolves when the stream is over, whoever ended it. */
  readonly ended: Promise<void>;
  readonly response: IncomingMessage;
  readonly #waiting = new Set<() => void>();
  #over = false;
  #text = '';

  private constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    response.on('error', () => undefined);
    this.ended = new Promise((resolve) =>
      response.once('close', () => {
        this.#over = true;
        resolve();
        for (const look of this.#waiting) look();
      }),
    );
  }

  /** Connects. @param lastEventId where to go on. */
  static async connect(node: Pick<TestNode, 'origin'>, lastEventId?: string): Promise<EventClient> {
    const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(`${node.origin}/api/v1/events`, { headers, agent: false }, resolve).on('error', reject);
    });
    if (response.statusCode !== 200) throw new Error(`the stream was refused: ${response.statusCode}`);
    const client = new EventClient(response);
    onTestFinished(() => client.close());
    return client;
  }

  /** The first event that fits, from what was received and what is coming. */
  until(fits: (event: ReceivedEvent) => boolean): Promise<ReceivedEvent> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.events.find(fits);
        if (!found && !this.#over) return;
        this.#waiting.delete(look);
        if (found) resolve(found);
        else reject(new Error(`the stream ended after ${JSON.stringify(this.events.slice(-3))}`));
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** The first event of a type. */
  untilType(type: string): Promise<ReceivedEvent> {
    return this.until((event) => event.type === type);
  }

  /** News only: what has an id and is replayed. */
  get news(): ReceivedEvent[] {
    return this.events.filter(({ id, type }) => id !== undefined && type !== 'reset');
  }

  /** Id of the last event that had one. */
  get lastId(): string | undefined {
    return this.events.findLast(({ id }) => id !== undefined)?.id;
  }

  close(): void {
    this.response.destroy();
  }

  #take(text: string): void {
    this.#text += text;
    const blocks = this.#text.split('\n\n');
    this.#text = blocks.pop() ?? '';
    for (const block of blocks) this.#read(block);
    for (const look of [...this.#waiting]) look();
  }

  #read(block: string): void {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      const colon = line.indexOf(':');
      if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trimStart());
    }
    const data = fields.get('data');
    // A comment keeps the connection alive and says nothing.
    if (data === undefined) return;
    this.events.push({ id: fields.get('id'), type: fields.get('event') ?? 'message', data: JSON.parse(data) });
  }
}
