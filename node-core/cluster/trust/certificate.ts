/**
 * The certificate that a node shows to other nodes. It says nothing but the node's public key: a new one is made at every
 * start, and nobody looks at its names and dates (replication.md, 22). Whose key it is, TLS proves; who that is, the id says.
 */
import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import type { NodeIdentity } from '../identity.ts';

/** A certificate with its key, PEM. */
export interface NodeCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Dates that no clock is outside of: some implementations refuse to show or to take anything else. */
const notBefore = new Date(Date.UTC(2000, 0, 1));
const notAfter = new Date(Date.UTC(2099, 0, 1));

/** Makes a self-signed certificate for a node's key. */
export async function makeCertificate(identity: NodeIdentity): Promise<NodeCertificate> {
  const key = identity.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const publicKey = identity.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const made = await generate([{ name: 'commonName', value: identity.id.slice(0, 32) }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    keyPair: { privateKey: key, publicKey },
    notBeforeDate: notBefore,
    notAfterDate: notAfter,
  });
  return { cert: made.cert, key };
}

/** A public key as SPKI DER in base64: how keys travel. */
export function keyText(publicKey: KeyObject): string {
  return publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
}

/** The id of whoever owns a public key, given as SPKI DER. 64 hex digits. */
export function idOfKey(spki: Uint8Array): string {
  return createHash('sha256').update(spki).digest('hex');
}

/** The id that a certificate stands for. */
export function idOfCertificate(certificate: X509Certificate): string {
  return idOfKey(certificate.publicKey.export({ type: 'spki', format: 'der' }));
}

/**
 * The id that the other side of a finished TLS handshake has proved; undefined when it proved none. A resumed session shows
 * an old certificate without a proof of its key (replication.md, 22): it proves nothing.
 */
export function provenId(socket: TLSSocket): string | undefined {
  if (socket.isSessionReused()) return undefined;
  const certificate = socket.getPeerX509Certificate();
  return certificate && idOfCertificate(certificate);
}
