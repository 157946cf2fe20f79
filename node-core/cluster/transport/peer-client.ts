/**
 * Asks members. Each has a few connections of its own that are kept; nobody is asked who is known to be away, so that nothing
 * waits for time-outs, except by the heartbeat, which finds out when it is back.
 */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { z } from 'zod';
import { errnoOf, ShoalError } from '../../domain/errors.ts';
import type { Answer, PeerLinks, Question, QuestionKind } from '../engine/ports.ts';
import type { MemberList } from '../members/member-list.ts';
import type { NodeCertificate } from '../trust/certificate.ts';
import type { AddressBook } from './address-book.ts';
import { connectToAny, PinnedAgent } from './pinned-connection.ts';
import { bootHeader, prefix, protocolHeader, questionShapes, refusalShape, spokenText } from './protocol.ts';

/** Connections to one member: questions, bytes, and one for the heartbeat, which must not wait behind them. */
const maxSockets = 8;

/** Uploads that go on at a member, which last as long as their clients take. */
const maxUploads = 64;

/** How long an answer may be silent, in milliseconds. */
const answerMs = 20_000;

/** Most bytes of an answer that is not a content. */
const maxAnswerBytes = 64 * 1024 * 1024;

/** Most bytes of a refusal that are read. */
const maxRefusalBytes = 16 * 1024;

/** What the client is built with. */
export interface PeerClientOptions {
  readonly members: MemberList;
  readonly certificate: NodeCertificate;
  readonly boot: string;
  readonly addresses: AddressBook;
  /** Whether a member is known to be there; told when it turns out that it is not. */
  readonly isOnline: (member: string) => boolean;
  readonly onUnreachable: (member: string) => void;
}

/** One request to a member. */
export interface PeerRequest {
  readonly method: 'GET' | 'POST' | 'HEAD' | 'PATCH' | 'DELETE';
  /** Below `/peer/v1/`. */
  readonly path: string;
  readonly body?: unknown;
  /** A body that is passed on while it comes. */
  readonly incoming?: IncomingMessage;
  /** Answers that are handed on as they are, whatever their status. */
  readonly accepts?: (response: IncomingMessage) => boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** Longest silence, in milliseconds. */
  readonly timeoutMs?: number;
  /** Connections of their own, apart from all others. Those of `uploads` are closed after one request. */
  readonly lane?: 'heartbeat' | 'uploads';
  readonly signal?: AbortSignal;
}

/** Speaks with members. */
export class PeerClient implements PeerLinks {
  readonly #options: PeerClientOptions;
  readonly #agents = new Map<string, PinnedAgent>();
  readonly #sockets = new Map<string, Set<TLSSocket>>();
  #closed = false;

  constructor(options: PeerClientOptions) {
    this.#options = options;
  }

  members(): readonly string[] {
    return this.#options.members.others();
  }

  async ask<K extends QuestionKind>(member: string, kind: K, question: Question<K>): Promise<Answer<K>> {
    if (!this.#options.isOnline(member)) throw unreachable(member, new Error('it has not been heard of'));
    const shape: z.ZodType = questionShapes[kind].answer;
    return (await this.call(member, { method: 'POST', path: kind, body: question }, shape)) as Answer<K>;
  }

  /** Sends a request and reads its JSON answer. @throws ShoalError PEER_UNREACHABLE, PEER_REFUSED, PEER_DATA_INVALID. */
  async call<T>(member: string, request: PeerRequest, shape: z.ZodType<T>): Promise<T> {
    const response = await this.open(member, request);
    const body = await readAll(response, maxAnswerBytes).catch((error: unknown) => {
      throw unreachable(member, error);
    });
    return parseAnswer(body, shape);
  }

  /**
   * Sends a request; resolves with the answer when its head is there and its status is one of success. Whoever gets it reads
   * it to the end or destroys it. @throws ShoalError PEER_UNREACHABLE, PEER_REFUSED.
   */
  async open(member: string, request: PeerRequest): Promise<IncomingMessage> {
    if (this.#closed || !this.#options.members.isMember(member))
      throw unreachable(member, new Error('it is no member'));
    let response: IncomingMessage;
    try {
      response = await sendRequest(this.#agentOf(member, request.lane), this.#options.boot, request);
    } catch (error) {
      if (request.signal?.aborted !== true) this.#options.onUnreachable(member);
      throw error instanceof ShoalError ? error : unreachable(member, error);
    }
    if (isSuccess(response) || request.accepts?.(response)) return response;
    throw await readRefusal(response, member);
  }

  /** Cuts all connections to a node: it is no member any more, or is gone. */
  cut(member: string): void {
    for (const lane of ['', 'heartbeat', 'uploads']) {
      this.#agents.get(member + lane)?.destroy();
      this.#agents.delete(member + lane);
    }
    for (const socket of this.#sockets.get(member) ?? []) socket.destroy();
  }

  close(): void {
    this.#closed = true;
    for (const member of new Set([...this.#sockets.keys(), ...this.members()])) this.cut(member);
  }

  #agentOf(member: string, lane = ''): PinnedAgent {
    let agent = this.#agents.get(member + lane);
    if (!agent) {
      agent = new PinnedAgent(() => this.#connect(member), lane === 'uploads' ? maxUploads : maxSockets);
      this.#agents.set(member + lane, agent);
    }
    return agent;
  }

  async #connect(member: string): Promise<TLSSocket> {
    const { addresses, certificate, members } = this.#options;
    const { socket, by } = await connectToAny(addresses.of(member), certificate, member);
    // It may have been removed, or this node stopped, while the connection was being made.
    if (this.#closed || !members.isMember(member)) {
      socket.destroy();
      throw unreachable(member, new Error('it is no member'));
    }
    addresses.reached(member, by.text);
    const open = this.#sockets.get(member) ?? new Set();
    this.#sockets.set(member, open.add(socket));
    socket.once('close', () => open.delete(socket));
    return socket;
  }
}

/** Sends a request over an agent whose connections are proven. @throws errors of the connection and of silence. */
export async function sendRequest(agent: PinnedAgent, boot: string, request: PeerRequest): Promise<IncomingMessage> {
  try {
    return await sendOnce(agent, boot, request);
  } catch (error) {
    // The other side closed a kept connection at the very moment in which it was used again: nothing was answered.
    if (!(error instanceof StaleConnection)) throw error;
    return sendOnce(agent, boot, request);
  }
}

class StaleConnection extends Error {}

function sendOnce(agent: PinnedAgent, boot: string, request: PeerRequest): Promise<IncomingMessage> {
  const { method, path, headers = {}, timeoutMs = answerMs, signal } = request;
  const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
  return new Promise((resolve, reject) => {
    const sent = httpRequest({
      agent,
      method,
      path: prefix + path,
      host: 'peer',
      ...(signal && { signal }),
      headers: {
        ...headers,
        [protocolHeader]: spokenText,
        [bootHeader]: boot,
        ...(request.lane === 'uploads' && { connection: 'close' }),
        ...(body && { 'content-type': 'application/json', 'content-length': body.byteLength }),
      },
    });
    // Covers waiting for a connection too, and every silence of the answer.
    const silence = () => sent.destroy(new Error(`silent for ${timeoutMs} ms`));
    let timer = setTimeout(silence, timeoutMs);
    const again = () => {
      clearTimeout(timer);
      timer = setTimeout(silence, timeoutMs);
    };
    sent.once('close', () => clearTimeout(timer));
    sent.once('error', (error) => {
      const stale = sent.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(errnoOf(error) ?? '');
      reject(stale ? new StaleConnection(error.message, { cause: error }) : error);
    });
    sent.once('response', (response) => {
      again();
      response.on('data', again);
      response.pause();
      resolve(response);
    });
    if (request.incoming) passOn(request.incoming, sent, again);
    else sent.end(body);
  });
}

/** Passes a body on as it comes, as fast as the other side takes it. One that breaks off breaks off there as well. */
function passOn(incoming: IncomingMessage, sent: ClientRequest, onProgress: () => void): void {
  const broken = () => {
    if (!incoming.complete) sent.destroy(new Error('the client has gone'));
  };
  incoming.once('close', broken);
  incoming.on('data', onProgress);
  incoming.pipe(sent);
  sent.once('close', () => {
    incoming.off('close', broken);
    incoming.off('data', onProgress);
    // Whoever answers the client reads on or closes.
    incoming.unpipe(sent);
  });
}

/** Whether an answer is one of success. */
export function isSuccess({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

/** Reads a refusal. The other side's code is in the details, under `code`. */
export async function readRefusal(response: IncomingMessage, member: string): Promise<ShoalError> {
  const body = await readAll(response, maxRefusalBytes).catch(() => Buffer.alloc(0));
  const refusal = refusalShape.safeParse(tryJson(body));
  const details = refusal.success
    ? { code: refusal.data.code, reason: refusal.data.message }
    : { code: '', reason: `status ${response.statusCode ?? 0}` };
  return new ShoalError('PEER_REFUSED', { details: { member: member.slice(0, 8), ...details } });
}

/** Reads an answer to its end. @throws when it is too long or breaks off. */
export async function readAll(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) {
      response.destroy();
      throw new Error('the answer is too long');
    }
    chunks.push(chunk);
  }
  if (!response.complete) throw new Error('the answer broke off');
  return Buffer.concat(chunks);
}

/** @throws ShoalError PEER_DATA_INVALID. */
export function parseAnswer<T>(body: Buffer, shape: z.ZodType<T>): T {
  const parsed = shape.safeParse(tryJson(body));
  if (!parsed.success) throw new ShoalError('PEER_DATA_INVALID', { details: { format: 1 }, cause: parsed.error });
  return parsed.data;
}

function tryJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function unreachable(member: string, cause: unknown): ShoalError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ShoalError('PEER_UNREACHABLE', { details: { member: member.slice(0, 8), reason }, cause });
}
