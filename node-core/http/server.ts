import { createServer, type Server as HttpServerOf, IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import path from 'node:path';
import type { Express } from 'express';
import type { UploadDoor } from '../cluster/transport/upload-passage.ts';
import { parseListenAddress } from '../config/addresses.ts';
import { errnoOf, ShoalError } from '../domain/errors.ts';
import type { Service } from '../runtime/service.ts';
import { EventStream } from './api/event-stream.ts';
import { followedStates } from './api/followed-states.ts';
import { createApp } from './app.ts';
import { CertificateKeeper } from './certificate.ts';
import { DownloadPath } from './download/download-path.ts';
import { type ReportError, sendError } from './error-mapper.ts';
import { downloadDoor } from './protection/download-door.ts';
import type { HttpServices } from './services.ts';
import { TrackedResponse } from './tracked-response.ts';
import { tusService } from './tus/tus-handler.ts';
import { loadWebApp } from './web/web-app.ts';

type Server = HttpServerOf<typeof IncomingMessage, typeof TrackedResponse>;

/** How long running requests may take to end when the node stops, in milliseconds. */
const drainMs = 10_000;

/** A head that takes longer than this is an attack, in milliseconds. */
const headersMs = 30_000;

/** Most bytes of an address that a client is sent to. */
const maxRedirectBytes = 8000;

/** Most bytes of a request's head. */
const maxHeaderBytes = 16 * 1024;

/** The node's HTTP server: the download path first, everything else to Express. */
export class HttpServer implements Service {
  readonly name = 'http';
  readonly #services: HttpServices;
  readonly #sockets = new Set<Socket>();
  /** Connections with a request under way. */
  readonly #busy = new Map<Socket, IncomingMessage>();
  /** Connections whose TLS handshake is not complete, by address and port of the client. */
  readonly #handshakes = new Map<string, Socket>();
  /** Connections on which something unreadable followed a request: they end with its answer, which must not be overtaken. */
  readonly #broken = new WeakMap<Socket, Error>();
  #server: Server | undefined;
  #certificates: CertificateKeeper | undefined;
  #stream: EventStream | undefined;
  #uploadDoor: UploadDoor | undefined;
  #draining = false;
  #active = 0;

  constructor(services: HttpServices) {
    this.#services = services;
  }

  /** Listens. @throws ShoalError ADDRESS_IN_USE, ADDRESS_UNUSABLE, CERTIFICATE_UNUSABLE. */
  async start(): Promise<void> {
    const services = this.#services;
    const config = services.config();
    const report: ReportError = (error, request) => {
      if (error.code === 'INTERNAL') services.metrics.count('internalErrors');
      services.logger.error(
        { err: error, cause: error.cause, method: request.method, url: pathOnly(request.url) },
        error.message,
      );
    };
    const onError = (request: IncomingMessage, response: ServerResponse, error: unknown) =>
      sendError(request, response, error, report);
    const downloads = new DownloadPath({
      config: services.config,
      reader: services.reader,
      find: (path) => services.catalog.find(path),
      identify: services.identify,
      images: services.images,
      door: downloadDoor(services),
      onError,
    });
    this.#stream = new EventStream(services, followedStates(services), (error) =>
      services.logger.error({ err: error }, 'a state could not be told'),
    );
    const web = await loadWebApp(services.webFolder);
    if (!web) services.logger.warn({ folder: services.webFolder }, 'the web app has not been built');
    const tus = tusService(services, downloads, report);
    this.#uploadDoor = tus.door;
    const app = createApp(services, { downloads, stream: this.#stream, tus: tus.handler, web }, report);
    const server = await this.#create(config.enable_https, (request, response) =>
      this.#handle(request, response, downloads, app),
    );
    // A slow transfer is not a broken one: only silence ends a connection (go-fastdfs cuts everything after ten minutes).
    server.requestTimeout = 0;
    server.headersTimeout = secondsOr(config.read_header_timeout, headersMs);
    server.keepAliveTimeout = secondsOr(config.idle_timeout, 65_000);
    server.timeout = secondsOr(
      Math.max(config.read_timeout, config.write_timeout),
      config.upload_inactivity_timeout * 1000,
    );
    this.#followConnections(server, config.enable_https);
    server.on('clientError', (error, socket) => {
      // Nothing can be said to a client that does not speak TLS.
      if (this.#busy.get(socket as Socket)?.complete) this.#broken.set(socket as Socket, error);
      else if (this.#sockets.has(socket as Socket)) answerBrokenRequest(error, socket as Socket);
      else socket.destroy();
    });
    this.#server = server;
    await listen(server, config.addr);
  }

  /** Takes no new connections, lets running requests end, cuts what is left after ten seconds. */
  async stop(): Promise<void> {
    await this.#certificates?.stop();
    const server = this.#server;
    if (!server?.listening) return;
    this.#draining = true;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    this.#stream?.close();
    // Idle ones, and those that never sent a request (browsers open some in advance).
    // One whose answer is on its way out ends when it is out.
    for (const socket of this.#sockets) if (!this.#busy.has(socket)) endIdle(socket);
    for (const socket of this.#handshakes.values()) socket.destroy();
    const cut = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, drainMs);
    await closed;
    clearTimeout(cut);
  }

  async #create(
    secure: boolean,
    handle: (request: IncomingMessage, response: TrackedResponse) => void,
  ): Promise<Server> {
    const options = { IncomingMessage, ServerResponse: TrackedResponse, maxHeaderSize: maxHeaderBytes };
    if (!secure) return createServer(options, handle);
    const certificates = new CertificateKeeper(path.join(this.#services.dataFolder, 'conf'), this.#services.logger);
    const server = createSecureServer({ ...options, ...(await certificates.load()) }, handle);
    // Connections that are open keep what they were opened with.
    certificates.follow((certificate) => server.setSecureContext(certificate));
    this.#certificates = certificates;
    // What this class uses of a server, both kinds have.
    return server as unknown as Server;
  }

  /** Keeps track of connections, so that a stop can end the idle ones. Requests name the socket behind TLS. */
  #followConnections(server: Server, secure: boolean): void {
    const keep = (socket: Socket) => {
      this.#handshakes.delete(clientOf(socket));
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    };
    if (!secure) {
      server.on('connection', keep);
      return;
    }
    server.on('connection', (socket) => {
      const client = clientOf(socket);
      this.#handshakes.set(client, socket);
      socket.once('close', () => {
        if (this.#handshakes.get(client) === socket) this.#handshakes.delete(client);
      });
    });
    server.on('secureConnection', keep);
  }

  /** Resumable uploads of this node, for other members. @throws ShoalError NOT_READY before the server has started. */
  get uploadDoor(): UploadDoor {
    if (!this.#uploadDoor) throw new ShoalError('NOT_READY', { details: { reason: 'http' } });
    return this.#uploadDoor;
  }

  /** Where the server listens. */
  get address(): AddressInfo {
    const address = this.#server?.address();
    if (typeof address !== 'object' || address === null) throw new Error('the server does not listen');
    return address;
  }

  /** Requests being answered now. */
  get active(): number {
    return this.#active;
  }

  #handle(request: IncomingMessage, response: TrackedResponse, downloads: DownloadPath, app: Express): void {
    const began = this.#services.clock.monotonic();
    // Express changes it on its way through mounted routers.
    const url = pathOnly(request.url);
    // Node takes the socket away from a request whose client goes in the middle of an answer.
    const { socket } = request;
    const from = this.#services.access.addressOf(request);
    this.#active += 1;
    this.#busy.set(socket, request);
    if (this.#draining) response.shouldKeepAlive = false;
    // `close` comes once, whether the answer was completed or the client went away.
    response.once('close', () => {
      this.#active -= 1;
      this.#busy.delete(socket);
      const broken = this.#broken.get(socket);
      // Nothing follows an answer that said it was the last; and who was refused needs no second refusal.
      if (broken && response.shouldKeepAlive && response.statusCode < 400) answerBrokenRequest(broken, socket);
      else if (broken) socket.destroySoon();
      this.#record(request, response, url, from, this.#services.clock.monotonic() - began);
      if (this.#draining) this.#server?.closeIdleConnections();
    });
    if (!downloads.tryServe(request, response)) app(request, response as never);
  }

  #record(request: IncomingMessage, response: TrackedResponse, url: string, from: string, tookMs: number): void {
    const { metrics, accessLog } = this.#services;
    metrics.countRequest(response.kind, response.statusCode, tookMs / 1000);
    if (this.#services.config().access_log) accessLog(accessLine(request, response, url, from, tookMs));
  }
}

/** One JSON line a request, in the shape of the other lines of the log; built by hand because every download pays for it. */
function accessLine(
  request: IncomingMessage,
  response: TrackedResponse,
  path: string,
  from: string,
  tookMs: number,
): string {
  const url = quoted(path);
  const code = response.errorCode === undefined ? '' : `,"code":"${response.errorCode}"`;
  const cut = response.writableFinished ? '' : ',"cut":true';
  return `{"level":30,"time":${Date.now()},"from":"${from}","method":"${request.method}","url":${url},"status":${response.statusCode},"ms":${tookMs.toFixed(1)}${code}${cut}}\n`;
}

/** The path of the line before, and how it is written: most lines are about the same few. */
let lastPath = '';
let lastQuoted = '""';

function quoted(path: string): string {
  if (path !== lastPath) {
    lastPath = path;
    lastQuoted = JSON.stringify(path);
  }
  return lastQuoted;
}

/** Queries hold tokens and codes, and the address of a share link is its key: they stay out of the log. */
function pathOnly(url: string | undefined): string {
  if (url === undefined) return '';
  const mark = url.indexOf('?');
  const path = (mark < 0 ? url : url.slice(0, mark)).slice(0, 1000);
  // The first 16 characters of a token are the link's id (access/link-token.ts).
  return path.startsWith('/s/') ? path.replace(/^(\/s\/[\w-]{16})[\w-]+/, '$1***') : path;
}

function endIdle(socket: Socket): void {
  if (socket.writableLength > 0) socket.destroySoon();
  else socket.destroy();
}

function clientOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}

function secondsOr(seconds: number, otherwiseMs: number): number {
  return seconds > 0 ? seconds * 1000 : otherwiseMs;
}

function listen(server: Server, addr: string): Promise<void> {
  const { host, port } = parseListenAddress(addr);
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const code = errnoOf(error);
      if (code === 'EADDRINUSE') reject(new ShoalError('ADDRESS_IN_USE', { details: { address: addr }, cause: error }));
      else
        reject(new ShoalError('ADDRESS_UNUSABLE', { details: { address: addr, reason: error.message }, cause: error }));
    });
    server.listen({ port, ...(host !== undefined && host !== '' && { host }) }, () => resolve());
  });
}

/** What is not HTTP, or too large a head, gets a short coded answer on the bare socket. */
function answerBrokenRequest(error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket: Socket): void {
  if (socket.destroyed || !socket.writable) return;
  const encoded = error.code === 'HPE_INVALID_URL' ? encodedTarget(error.rawPacket) : undefined;
  if (encoded !== undefined) {
    socket.end(
      `HTTP/1.1 308 Permanent Redirect\r\nLocation: ${encoded}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    );
    return;
  }
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const slow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const status = tooLarge ? '431 Request Header Fields Too Large' : slow ? '408 Request Timeout' : '400 Bad Request';
  const code = tooLarge ? 'URI_TOO_LONG' : 'BAD_REQUEST';
  const body = JSON.stringify({ status: 'fail', message: status.slice(4), data: null, code });
  // The answer to a HEAD has no body, whatever was wrong with it (RFC 9110, 9.3.2).
  const isHead = error.rawPacket?.subarray(0, 5).toString('latin1') === 'HEAD ';
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${isHead ? '' : body}`,
  );
}

/**
 * Addresses of go-fastdfs hold raw UTF-8, and curl sends them as they are; Node's parser takes none of it. The client is
 * sent to the same address, percent-encoded. Only GET and HEAD: anything else has a body that would be lost.
 */
function encodedTarget(packet: Buffer | undefined): string | undefined {
  const line = packet?.subarray(0, maxHeaderBytes).toString('utf8').split('\r\n', 1)[0] ?? '';
  const target = /^(?:GET|HEAD) (\/\S*) HTTP\/1\.[01]$/.exec(line)?.[1];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: nothing but printable characters may reach a header.
  if (target === undefined || target.includes('\ufffd') || /[\u0000-\u0020\u007f]/.test(target)) return undefined;
  const encoded = target.replace(/[^\u0021-\u007e]+/gu, encodeURIComponent);
  // Longer ones would be more than clients read of a head.
  return encoded === target || encoded.length > maxRedirectBytes ? undefined : encoded;
}
