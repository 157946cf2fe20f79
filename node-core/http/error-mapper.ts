import type { IncomingMessage, ServerResponse } from 'node:http';
import { describeError, type ErrorDescription, type ShoalError, toShoalError } from '../domain/errors.ts';
import { languageOf } from './language.ts';
import { securityHeaders } from './security-headers.ts';
import { TrackedResponse } from './tracked-response.ts';

/** Told of errors that are the node's fault. */
export type ReportError = (error: ShoalError, request: IncomingMessage) => void;

/** How long a client that is still sending has to read a refusal, in milliseconds. */
const graceMs = 1500;

/** Seconds after which a caller may try again, where that makes sense (RFC 9110, 10.2.3). */
const retryAfterSeconds = { 429: 10, 503: 5 } as Readonly<Record<number, number>>;

/**
 * Answers with an error: the one place where codes become HTTP. Body as go-fastdfs shapes it, with `code` and `hint`.
 * When the answer has already begun the connection is cut, so that nobody takes a part for the whole.
 */
export function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  thrown: unknown,
  report: ReportError,
): void {
  const error = toShoalError(thrown);
  if (error.status >= 500 && error.code !== 'SHUTTING_DOWN') report(error, request);
  if (response instanceof TrackedResponse) response.errorCode = error.code;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const description = describeError(error, languageOf(request));
  const body = Buffer.from(JSON.stringify(envelopeOf(description)));
  response.statusCode = description.status;
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', body.byteLength);
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Vary', 'Accept-Language');
  for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
  // RFC 9110, 11.6.1: a 401 says how to do better. Browsers ask nobody for a bearer token.
  if (description.status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="shoal"');
  const retryAfter = error.details.retryAfterSeconds ?? retryAfterSeconds[description.status];
  if (retryAfter !== undefined) response.setHeader('Retry-After', String(retryAfter));
  endWithUnreadBody(request, response, body);
}

/**
 * Ends an answer although the request's body is still coming: the connection is closed after the answer was sent, with a
 * moment for the client to read it, instead of swallowing gigabytes that nobody wants.
 */
function endWithUnreadBody(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  const sending =
    !request.complete &&
    (request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0);
  if (!sending || request.method === 'HEAD') {
    response.end(request.method === 'HEAD' ? undefined : body);
    return;
  }
  response.setHeader('Connection', 'close');
  // Ending the answer would close the connection at once, and unread bytes would reset it before the client has read.
  response.write(body);
  const end = () => response.end();
  const grace = setTimeout(end, graceMs);
  for (const event of ['end', 'close'] as const) {
    request.once(event, () => {
      clearTimeout(grace);
      end();
    });
  }
  request.resume();
}

function envelopeOf({ message, code, hint }: ErrorDescription): object {
  return {
    status: 'fail',
    message: hint === undefined ? message : `${message} (${hint})`,
    data: null,
    code,
    ...(hint !== undefined && { hint }),
  };
}
