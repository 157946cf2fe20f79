/**
 * Calls that the node makes to other services over HTTP: the one place that knows the client library.
 *
 * Every call has a time limit as a whole, a limit on the size of the answer, no proxy from the environment and no
 * redirects: a service that moves is configured anew, and no answer can send a call to a place that nobody checked.
 */
import { lookup } from 'node:dns/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP } from 'node:net';
import axios, { isAxiosError } from 'axios';
import ipaddr from 'ipaddr.js';
import { ShoalError } from '../domain/errors.ts';

/** What is sent. */
export interface OutgoingPost {
  readonly url: string;
  /** Sent urlencoded, or as JSON when it is a plain object. */
  readonly body: URLSearchParams | Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** For the whole call: looking the name up, connecting, sending, reading. Milliseconds. */
  readonly timeoutMs: number;
  /** Most bytes of the answer's body. Default 64 KiB. */
  readonly maxAnswerBytes?: number;
  /**
   * Whose word the URL is. `operator`: the configuration names it, and it may be anywhere. `stranger`: somebody sent it;
   * the address that is connected to must be a public one, or private too when that is allowed for its host.
   */
  readonly trust: 'operator' | 'stranger';
  /** For `stranger`: the host may stand at a private address. */
  readonly privateAllowed?: boolean;
}

/** An answer with a status of 200 to 299. */
export interface OutgoingAnswer {
  readonly status: number;
  readonly body: string;
}

const defaultAnswerBytes = 64 * 1024;

/** Connections of calls to strangers' URLs are never kept: a kept one would be used again without a look at its address. */
const strangerAgents = {
  httpAgent: new HttpAgent({ keepAlive: false }),
  httpsAgent: new HttpsAgent({ keepAlive: false }),
};
const operatorAgents = {
  httpAgent: new HttpAgent({ keepAlive: true }),
  httpsAgent: new HttpsAgent({ keepAlive: true }),
};

/**
 * Sends a POST and reads the answer.
 * @throws ShoalError CALL_FAILED, for an answer outside of 200 to 299 (redirects too), a time-out, an answer that is too
 * large, a connection that fails, an address that may not be called. Neither URL nor headers are in it: they hold secrets.
 */
export async function post(call: OutgoingPost): Promise<OutgoingAnswer> {
  const { url, body, headers, timeoutMs, maxAnswerBytes = defaultAnswerBytes, trust } = call;
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
  const checked = trust === 'stranger' && call.privateAllowed !== true;
  if (checked && isIP(host) !== 0 && !isPublicAddress(host)) throw failed(host, 'its address is not a public one');
  try {
    const answer = await axios.post<string>(url, body, {
      ...(headers && { headers }),
      ...(trust === 'stranger' ? strangerAgents : operatorAgents),
      // The addresses that were checked are those that are connected to: a second look-up could tell others.
      ...(checked && { lookup: lookUpPublic }),
      timeout: timeoutMs,
      signal: AbortSignal.timeout(timeoutMs),
      maxRedirects: 0,
      maxContentLength: maxAnswerBytes,
      proxy: false,
      responseType: 'text',
      // Axios parses JSON by itself otherwise, whatever the type of the answer.
      transformResponse: (text: string) => text,
    });
    return { status: answer.status, body: answer.data };
  } catch (error) {
    if (error instanceof ShoalError) throw error;
    throw failed(host, reasonOf(error));
  }
}

/** Whether an address is of the public internet: no private, loopback, link-local, shared, mapped or reserved one. */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  // Mapped addresses are judged as what they lead to; other disguises of IPv4 in IPv6 have ranges of their own.
  return ipaddr.process(text).range() === 'unicast';
}

type Family = 0 | 4 | 6 | 'IPv4' | 'IPv6' | undefined;

/** Looks a name up and keeps the addresses that are public. */
async function lookUpPublic(hostname: string, options: object): Promise<[{ address: string; family?: 4 | 6 }[]]> {
  const family = 'family' in options ? (options.family as Family) : 0;
  const found = await lookup(hostname, { all: true, ...(family !== undefined && { family }) });
  const allowed = found
    .filter(({ address }) => isPublicAddress(address))
    .map(({ address, family: kind }) => ({ address, family: kind === 6 ? (6 as const) : (4 as const) }));
  if (allowed.length === 0) throw failed(hostname, 'its address is not a public one');
  return [allowed];
}

function failed(host: string, reason: string): ShoalError {
  return new ShoalError('CALL_FAILED', { details: { host, reason } });
}

/** In words, without what was sent. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof ShoalError) return String(cause.details.reason ?? cause.message);
  if (!isAxiosError(error)) return 'the call could not be made';
  if (error.response) return `it answered with status ${error.response.status}`;
  if (error.code === 'ERR_CANCELED' || error.code === 'ECONNABORTED' || error.code === 'ETIMEDOUT')
    return 'it took too long';
  return error.code ?? 'the connection failed';
}
