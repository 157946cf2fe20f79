/**
 * What is computed when nodes meet. Nothing secret is ever sent: who knows a key or token proves it by an HMAC over the ids
 * that both sides have proved in TLS and a fresh number of each, so that a proof is worth nothing anywhere else.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { JoinWay } from '../../catalog/member-values.ts';
import { encode } from '../../catalog/values.ts';
import { ShoalError } from '../../domain/errors.ts';

/** What both sides of one attempt agree on. */
export interface Transcript {
  readonly way: JoinWay;
  /** Id of the node that wants to join. */
  readonly joiner: string;
  /** Id of the node that is asked. */
  readonly acceptor: string;
  /** Fresh numbers, 64 hex digits. */
  readonly joinerNonce: string;
  readonly acceptorNonce: string;
}

/** The two sides. */
export type JoinRole = 'joiner' | 'acceptor';

/** Fewest and most characters of a cluster key: whoever sees a proof could try short ones. */
const keyLength = { min: 20, max: 1024 } as const;

/** A cluster key with what follows from it. */
export interface ClusterKey {
  readonly secret: string;
  /** Id of the cluster that nodes with this key found, however they start (replication.md, 24). */
  readonly cluster: string;
  /** Names the key without giving it away. */
  readonly print: string;
}

/** A new key of 256 bits. */
export function newClusterKey(): string {
  return randomBytes(32).toString('base64url');
}

/** Reads a cluster key. @throws ShoalError CLUSTER_KEY_UNFIT, which does not repeat it. */
export function readClusterKey(text: string): ClusterKey {
  const secret = text.trim();
  const reason =
    secret.length < keyLength.min
      ? `it has less than ${keyLength.min} characters`
      : secret.length > keyLength.max
        ? `it has more than ${keyLength.max} characters`
        : undefined;
  if (reason !== undefined) throw new ShoalError('CLUSTER_KEY_UNFIT', { details: { reason } });
  const derive = (what: string) => createHmac('sha256', secret).update(`shoal ${what} 1`).digest('hex');
  return { secret, cluster: derive('cluster id'), print: derive('cluster key fingerprint') };
}

/** A fresh number. */
export function newNonce(): string {
  return randomBytes(32).toString('hex');
}

/** Proof of a secret by one side. 64 hex digits. */
export function proofOf(secret: string, role: JoinRole, transcript: Transcript): string {
  return createHmac('sha256', secret)
    .update(`shoal join proof 1\n${role}\n${encode(transcript)}`)
    .digest('hex');
}

/** Compared in a time that tells nothing. */
export function isSameProof(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given, 'utf8'), Buffer.from(expected, 'utf8')];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

/**
 * What a side is bound to before it sees the other's number: without it somebody in between could try numbers until the
 * digits on both screens are the same.
 */
export function commitmentOf(role: JoinRole, id: string, nonce: string): string {
  return createHash('sha256').update(`shoal pairing commitment 1\n${role}\n${id}\n${nonce}`).digest('hex');
}

/** The six digits that both screens show. */
export function digitsOf(transcript: Transcript): string {
  const digest = createHash('sha256')
    .update(`shoal pairing digits 1\n${encode(transcript)}`)
    .digest();
  return String(digest.readUIntBE(0, 6) % 1_000_000).padStart(6, '0');
}
