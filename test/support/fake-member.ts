/** The peer port of a member as somebody with its key could write it: answers what a test wants, and knows who asked for what. */
import { randomBytes } from 'node:crypto';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import { loadIdentity } from '../../node-core/cluster/identity.ts';
import { bootHeader, protocolHeader, spokenText } from '../../node-core/cluster/transport/protocol.ts';
import { makeCertificate, type NodeCertificate } from '../../node-core/cluster/trust/certificate.ts';
import type { Answer } from './http-client.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Somebody with a key. */
export interface Somebody {
  readonly id: string;
  readonly certificate: NodeCertificate;
}

/** A stranger, or whoever's key stands in a data folder. */
export async function somebody(dataDir?: string): Promise<Somebody> {
  const identity = await loadIdentity(path.join(dataDir ?? (await temporaryFolder()), 'data'));
  return { id: identity.id, certificate: await makeCertificate(identity) };
}

/** Opens a connection to a peer port. @throws when the handshake fails or the other side closes at once. */
export function openPeer(port: number, who: Somebody | undefined, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      ...(who && { cert: who.certificate.cert, key: who.certificate.key }),
      ...options,
    });
    socket.once('secureConnect', () => resolve(socket));
    socket.on('error', reject);
    onTestFinished(() => {
      socket.destroy();
    });
  });
}

/** What is sent to a peer port. */
export interface PeerCall {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly boot?: string;
}

/** Sends one request over a connection that is open. */
export function callPeer(socket: TLSSocket, target: string, call: PeerCall = {}): Promise<Answer> {
  const { method = 'POST', headers, body = {}, boot = '00000000000000aa' } = call;
  const text = method === 'GET' ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        createConnection: () => socket,
        method,
        path: target,
        headers: {
          host: 'peer',
          connection: 'keep-alive',
          [protocolHeader]: spokenText,
          [bootHeader]: boot,
          ...(text !== undefined && { 'content-length': Buffer.byteLength(text) }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const whole = Buffer.concat(chunks);
          const { statusCode: status = 0, headers: received } = response;
          resolve({ status, headers: received, body: whole, text: whole.toString('utf8') });
        });
      },
    );
    sent.on('error', reject);
    sent.end(text);
  });
}

/** How a fake member answers for contents. */
export interface FakeContents {
  blocks(request: IncomingMessage, response: ServerResponse): void;
  /** @param from first byte. @param to first byte behind; undefined: to the end. */
  bytes(from: number, to: number | undefined, response: ServerResponse): void;
}

/** Answers at a port with the key of a member that is not running. */
export class FakeMember {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(dataDir: string, port: number, contents: FakeContents): Promise<FakeMember> {
    const { certificate } = await somebody(dataDir);
    const boot = randomBytes(8).toString('hex');
    const server = createServer(
      { ...certificate, requestCert: true, rejectUnauthorized: false },
      (incoming, response) => void answer(incoming, response, boot, port, contents),
    );
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const fake = new FakeMember(server);
    onTestFinished(() => fake.stop());
    return fake;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

async function answer(
  incoming: IncomingMessage,
  response: ServerResponse,
  boot: string,
  port: number,
  contents: FakeContents,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  const [target = ''] = (incoming.url ?? '').split('?');
  const step = target.replace('/peer/v1/', '');
  if (step === 'blocks') contents.blocks(incoming, response);
  else if (step === 'bytes') {
    const [, from = '0', to] = /bytes=(\d+)-(\d+)/.exec(incoming.headers.range ?? '') ?? [];
    contents.bytes(Number(from), to === undefined ? undefined : Number(to) + 1, response);
  } else {
    const asked = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}');
    // The list of members is said to be the same, so that nobody asks for it.
    const beat = { boot, addresses: [], port, members: asked.members };
    const answers: Record<string, unknown> = { heartbeat: beat, changes: { records: [], seen: {}, compare: false } };
    response.end(JSON.stringify(answers[step] ?? {}));
  }
}
