import { type IncomingMessage, ServerResponse } from 'node:http';

/** What a request was, for the access log and the metrics. */
export type RequestKind = 'download' | 'upload' | 'action' | 'api' | 'page' | 'probe' | 'other';

/** The response of our server: knows what it answers. */
export class TrackedResponse extends ServerResponse<IncomingMessage> {
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
    this.end();
    return true;
  }
}
