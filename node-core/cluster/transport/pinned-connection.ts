/**
 * Connections to other nodes: TLS 1.3, both sides with certificates, the other side's id proved by its key before a byte of a
 * request is sent. No session is kept or resumed (replication.md, 22).
 */
import { Agent, type ClientRequestArgs } from 'node:http';
import type { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import { ShoalError } from '../../domain/errors.ts';
import { type NodeCertificate, provenId } from '../trust/certificate.ts';

/** Where a node may be. */
export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

/** How long a connection may take until the other side has proved who it is, in milliseconds. */
export const connectMs = 2500;

/** The next address is tried while the one before is still connecting, after so many milliseconds (RFC 8305, 5). */
const staggerMs = 250;

/** A connection that nobody has used for so long is closed: sooner than the other side does it, in milliseconds. */
const idleMs = 25_000;

/** A connection whose other side has proved its id. */
export interface ProvenConnection {
  readonly socket: TLSSocket;
  readonly id: string;
}

/**
 * Connects, and lets the other side prove who it is.
 * @param expected nobody else will do. @throws ShoalError PEER_UNPROVEN; system and TLS errors.
 */
export function connectTo(
  address: PeerAddress,
  certificate: NodeCertificate,
  expected: string | undefined,
  signal?: AbortSignal,
): Promise<ProvenConnection> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: address.host,
      port: address.port,
      cert: certificate.cert,
      key: certificate.key,
      minVersion: 'TLSv1.3',
      maxVersion: 'TLSv1.3',
      // No authority signs these certificates: the key is looked at below.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    });
    const fail = (error: unknown) => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => fail(new Error(`no answer within ${connectMs} ms`)), connectMs);
    const onAbort = () => fail(new Error('another address was faster'));
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', fail);
    const onClose = () => fail(new Error('the other side closed the connection'));
    socket.once('close', onClose);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('close', onClose);
      const id = provenId(socket);
      if (id === undefined || (expected !== undefined && id !== expected)) {
        fail(new ShoalError('PEER_UNPROVEN'));
        return;
      }
      socket.off('error', fail);
      socket.setNoDelay(true);
      resolve({ socket, id });
    });
  });
}

/**
 * Connects to whichever address of a member answers first; they are tried in order, a moment apart.
 * @throws ShoalError PEER_UNREACHABLE when none does.
 */
export async function connectToAny<A extends { readonly address: PeerAddress }>(
  addresses: readonly A[],
  certificate: NodeCertificate,
  expected: string,
): Promise<ProvenConnection & { readonly by: A }> {
  const unreachable = (cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new ShoalError('PEER_UNREACHABLE', { details: { member: expected.slice(0, 8), reason }, cause });
  };
  if (addresses.length === 0) throw unreachable(new Error('no address of it is known'));
  const won = new AbortController();
  const timers: NodeJS.Timeout[] = [];
  const attempts = addresses.map(async (by, index) => {
    if (index > 0) await new Promise<void>((resolve) => timers.push(setTimeout(resolve, index * staggerMs)));
    if (won.signal.aborted) throw new Error('another address was faster');
    return { ...(await connectTo(by.address, certificate, expected, won.signal)), by };
  });
  let first: (ProvenConnection & { readonly by: A }) | undefined;
  try {
    first = await Promise.any(attempts);
    return first;
  } catch (error) {
    throw unreachable(error instanceof AggregateError ? error.errors[0] : error);
  } finally {
    won.abort();
    for (const timer of timers) clearTimeout(timer);
    // Two may have been connected at the same moment.
    for (const attempt of attempts)
      attempt.then(
        ({ socket }) => socket !== first?.socket && socket.destroy(),
        () => undefined,
      );
  }
}

/** Keeps connections to one member, and makes new ones as they are needed. */
export class PinnedAgent extends Agent {
  readonly #open: () => Promise<TLSSocket>;

  /** @param open makes a connection whose other side is the member. */
  constructor(open: () => Promise<TLSSocket>, maxSockets: number) {
    super({ keepAlive: true, maxSockets, maxFreeSockets: 4, scheduling: 'lifo', timeout: idleMs });
    this.#open = open;
  }

  override createConnection(
    _options: ClientRequestArgs,
    callback?: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    this.#open().then(
      (socket) => callback?.(null, socket),
      (error: unknown) => callback?.(error as Error, undefined as unknown as Duplex),
    );
    return undefined;
  }
}
