/**
 * The peer port: TLS 1.3 with certificates on both sides. Whoever connects has proved an id; whether it is a member is looked
 * up for every request, and a removal closes what is open. Strangers get an answer from the doors of joining only.
 */
import { constants } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { z } from 'zod';
import { parseListenAddress } from '../../config/addresses.ts';
import { describeError, errnoOf, ShoalError, toShoalError } from '../../domain/errors.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { Service } from '../../runtime/service.ts';
import type { MemberList } from '../members/member-list.ts';
import { type NodeCertificate, provenId } from '../trust/certificate.ts';
import { bootHeader, negotiate, prefix, protocolHeader } from './protocol.ts';

/** Most bytes of a request: of members, and of strangers who have proved nothing yet. */
const maxBodyBytes = { member: 16 * 1024 * 1024, stranger: 1024 * 1024 } as const;

/** Most connections: in all, of nodes that are no members, and of one address among those. */
const maxConnections = { all: 2000, strangers: 64, strangerAddress: 16 } as const;

const handshakeMs = 10_000;
const headersMs = 10_000;

/** A body that comes slower than this is cut, in milliseconds. */
const requestMs = 60_000;

/** A connection on which nothing moves for so long is cut, such as that of a member that does not read what it asked for. */
const silenceMs = 60_000;

/** Longer than between two heartbeats. */
const keepAliveMs = 30_000;

const drainMs = 3000;

/** Who asks. */
export interface PeerCaller {
  /** Proved in the handshake. */
  readonly id: string;
  /** Where it comes from. */
  readonly address: string;
  readonly socket: TLSSocket;
}

/** One thing that can be asked for, by its path below `/peer/v1/`. */
export type PeerRoute =
  | {
      readonly kind: 'json';
      /** Whether nodes that are no members get an answer. */
      readonly open?: true;
      readonly shape: z.ZodType;
      readonly handle: (caller: PeerCaller, body: never) => unknown;
    }
  | {
      readonly kind: 'stream';
      /** GET when undefined. */
      readonly methods?: readonly string[];
      /** Ends the answer itself. */
      readonly handle: (caller: PeerCaller, request: IncomingMessage, response: ServerResponse) => Promise<void>;
    };

/** What the server is built with. */
export interface PeerServerOptions {
  /** `host:port` to listen on. */
  readonly listen: string;
  readonly certificate: NodeCertificate;
  readonly members: MemberList;
  /** Takes note of the boot number of a member; false: it is two machines. */
  readonly heardBoot: (member: string, boot: string) => boolean;
  readonly routes: Readonly<Record<string, PeerRoute>>;
  readonly logger: Logger;
}

/** A route whose body has the type of its shape. */
export function jsonRoute<T>(
  shape: z.ZodType<T>,
  handle: (caller: PeerCaller, body: T) => unknown,
  open?: true,
): PeerRoute {
  return { kind: 'json', shape, handle: handle as (caller: PeerCaller, body: never) => unknown, ...(open && { open }) };
}

/** Answers other nodes. */
export class PeerServer implements Service {
  readonly name = 'peer server';
  readonly #options: PeerServerOptions;
  readonly #sockets = new Map<TLSSocket, PeerCaller>();
  #server: Server | undefined;
  #stopping = false;

  constructor(options: PeerServerOptions) {
    this.#options = options;
  }

  /** Listens. @throws ShoalError ADDRESS_IN_USE, ADDRESS_UNUSABLE. */
  async start(): Promise<void> {
    const { certificate, listen } = this.#options;
    const server = createServer(
      {
        cert: certificate.cert,
        key: certificate.key,
        minVersion: 'TLSv1.3',
        maxVersion: 'TLSv1.3',
        requestCert: true,
        // No authority signs these certificates: TLS proves the key, its id is looked up.
        rejectUnauthorized: false,
        secureOptions: constants.SSL_OP_NO_TICKET,
        handshakeTimeout: handshakeMs,
        maxHeaderSize: 16 * 1024,
        connectionsCheckingInterval: headersMs / 2,
      },
      (request, response) => void this.#answer(request, response),
    );
    server.headersTimeout = headersMs;
    // Bodies that are read here have their time; an upload that is passed on takes as long as its client.
    server.requestTimeout = 0;
    server.keepAliveTimeout = keepAliveMs;
    server.timeout = silenceMs;
    server.maxConnections = maxConnections.all;
    server.on('secureConnection', (socket) => this.#admit(socket));
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    server.on('clientError', (_error, socket) => socket.destroy());
    this.#server = server;
    await listenOn(server, listen);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const server = this.#server;
    if (!server?.listening) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    const cut = setTimeout(() => {
      for (const socket of this.#sockets.keys()) socket.destroy();
      server.closeAllConnections();
    }, drainMs);
    await closed;
    clearTimeout(cut);
  }

  /** Where it listens. */
  get address(): AddressInfo {
    const address = this.#server?.address();
    if (typeof address !== 'object' || address === null) throw new Error('the peer server does not listen');
    return address;
  }

  /** Cuts all connections of a node. */
  cut(node: string): void {
    for (const [socket, { id }] of this.#sockets) if (id === node) socket.destroy();
  }

  #admit(socket: TLSSocket): void {
    const id = provenId(socket);
    const address = plainAddress(socket.remoteAddress);
    if (id === undefined || !this.#hasRoom(id, address)) {
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    this.#sockets.set(socket, { id, address, socket });
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #hasRoom(id: string, address: string): boolean {
    const { members } = this.#options;
    if (members.isMember(id)) return true;
    const strangers = [...this.#sockets.values()].filter((one) => !members.isMember(one.id));
    return (
      strangers.length < maxConnections.strangers &&
      strangers.filter((one) => one.address === address).length < maxConnections.strangerAddress
    );
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const caller = this.#sockets.get(request.socket as TLSSocket);
      if (!caller) {
        request.socket.destroy();
        return;
      }
      await this.#route(caller, request, response);
    } catch (error) {
      this.#refuse(request, response, error);
    }
  }

  async #route(caller: PeerCaller, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { routes, members } = this.#options;
    const [path = ''] = (request.url ?? '').split('?', 1);
    const route =
      path.startsWith(prefix) && Object.hasOwn(routes, path.slice(prefix.length))
        ? routes[path.slice(prefix.length)]
        : undefined;
    // Strangers are not told what there is either.
    if (!(route?.kind === 'json' && route.open)) this.#checkMember(caller, request);
    if (!route) throw new ShoalError('ROUTE_NOT_FOUND', { details: { path: path.slice(0, 200) } });
    if (this.#stopping) throw new ShoalError('SHUTTING_DOWN');
    negotiate(headerOf(request, protocolHeader));
    const methods = route.kind === 'json' ? ['POST'] : (route.methods ?? ['GET']);
    if (!methods.includes(request.method ?? ''))
      throw new ShoalError('METHOD_NOT_ALLOWED', { details: { method: String(request.method).slice(0, 20) } });
    if (route.kind === 'stream') {
      await route.handle(caller, request, response);
      return;
    }
    const body = await readBody(request, maxBodyBytes[members.isMember(caller.id) ? 'member' : 'stranger']);
    const parsed = route.shape.safeParse(body);
    if (!parsed.success)
      throw new ShoalError('BAD_REQUEST', { details: { reason: parsed.error.issues[0]?.message ?? 'its shape' } });
    const answer = await route.handle(caller, parsed.data as never);
    // It may have been removed while the answer was being made.
    if (!route.open) this.#checkMember(caller, request);
    sendJson(response, 200, answer);
  }

  #checkMember({ id }: PeerCaller, request: IncomingMessage): void {
    const { members, heardBoot } = this.#options;
    if (members.current.removed.has(id)) throw new ShoalError('PEER_REMOVED');
    if (!members.isMember(id) || id === members.self) throw new ShoalError('PEER_UNKNOWN');
    const boot = headerOf(request, bootHeader) ?? '';
    if (!/^[0-9a-f]{16}$/.test(boot))
      throw new ShoalError('BAD_REQUEST', { details: { reason: 'the boot number is missing' } });
    if (!heardBoot(id, boot)) throw new ShoalError('PEER_TWIN', { details: { member: id.slice(0, 8) } });
  }

  #refuse(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
    const error = toShoalError(thrown);
    if (error.code === 'INTERNAL')
      this.#options.logger.error({ err: error, cause: error.cause }, 'a peer got no answer');
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    // What is still coming of a body is not read.
    if (!request.complete) response.setHeader('Connection', 'close');
    const { code, message } = describeError(error, 'en');
    sendJson(response, error.status, { code, message });
    if (!request.complete) request.resume();
  }
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.byteLength });
  response.end(body);
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const slow = setTimeout(() => request.destroy(), requestMs);
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw new ShoalError('BODY_TOO_LARGE');
      chunks.push(chunk);
    }
  } finally {
    clearTimeout(slow);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw new ShoalError('BAD_REQUEST', { details: { reason: 'it is not JSON' }, cause });
  }
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Without the prefix of IPv4 in IPv6. */
function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '');
}

function listenOn(server: Server, address: string): Promise<void> {
  const { host, port } = parseListenAddress(address);
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const taken = errnoOf(cause) === 'EADDRINUSE';
      const details = { address, reason: cause.message };
      reject(new ShoalError(taken ? 'ADDRESS_IN_USE' : 'ADDRESS_UNUSABLE', { details, cause }));
    });
    server.listen({ port, ...(host !== undefined && host !== '' && { host }) }, () => resolve());
  });
}
