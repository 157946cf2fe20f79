import { type IncomingMessage, ServerResponse } from 'node:http';

/** What a request was, for the access log and the metrics. */
export type RequestKind = 'download' | 'upload' | 'action' | 'api' | 'page' | 'probe' | 'other';

/** The response of our server: knows what it answers. */
export class TrackedResponse extends ServerResponse<IncomingMessage> {
  kind: RequestKind = 'other';
  /** Code of the error that was answered, if any. */
  errorCode: string | undefined;
}
