import { type IncomingMessage, OutgoingMessage, ServerResponse } from 'node:http';

/** What a request was, for the access log and the metrics. */
export type RequestKind = 'download' | 'upload' | 'action' | 'api' | 'page' | 'probe' | 'other';

/** The response of our server: knows what it answers. */
export class TrackedResponse extends ServerResponse<IncomingMessage> {
  #rendered = false;
  kind: RequestKind = 'other';
  /** Code of the error that was answered, if any. */
  errorCode: string | undefined;
  /** Node's own: the head as it was rendered, null before. Not in the type definitions (docs/decisions/006). */
  declare _header: string | null;
  /** Node's own: whether the head was handed to the socket. */
  declare _headerSent: boolean;

  /** The head as it went out, with the empty line at its end; undefined before. */
  get renderedHead(): string | undefined {
    return this._header ?? undefined;
  }

  /**
   * Sends an answer that was rendered before, head and body in one piece: one write to the socket instead of a gathered
   * one of three parts, and no second look at headers that are the same. Returns false, and has touched nothing, when this
   * connection needs another head: it closes after the answer, or answers to earlier requests are still under way.
   */
  sendRendered(head: string, answer: Buffer, request: IncomingMessage): boolean {
    const { socket } = this;
    if (!socket || !this.shouldKeepAlive || request.httpVersionMinor !== 1 || this._header) return false;
    this._header = head;
    this._headerSent = true;
    socket.write(answer);
    this.#rendered = true;
    this.end();
    return true;
  }

  /** Bytes that wait, as `end()` asks for them: it would add an empty write behind those of a rendered answer. */
  get pendingLength(): number {
    return this.#rendered ? 0 : Number(pendingOf?.call(this));
  }
}

const pendingOf = Object.getOwnPropertyDescriptor(OutgoingMessage.prototype, 'writableLength')?.get;

// An accessor of a base class whose type says that it is a field: it can be replaced on the prototype only.
Object.defineProperty(TrackedResponse.prototype, 'writableLength', {
  get(this: TrackedResponse) {
    return this.pendingLength;
  },
});
