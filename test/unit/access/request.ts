/** Requests as the access rules see them: a socket's address and headers. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** A request from an address; header names in lower case, as node gives them. */
export function requestFrom(remoteAddress: string | undefined, headers: IncomingHttpHeaders = {}): IncomingMessage {
  return { socket: { remoteAddress }, headers } as IncomingMessage;
}
