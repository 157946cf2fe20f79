/**
 * Tokens of share links: `base64url(id 12 bytes | key id 4 bytes | tag 20 bytes)`, 48 characters. The tag is HMAC-SHA256,
 * cut to 160 bits (RFC 2104, 5), over everything that a link promises: nobody can make a token, and a record that was
 * changed behind the node's back fits no token.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { ShareLink } from '../catalog/access-values.ts';

const idBytes = 12;
const keyBytes = 4;
const tagBytes = 20;
const tokenPattern = /^[\w-]{48}$/;

/** The parts of a token. */
export interface LinkToken {
  readonly id: string;
  readonly key: string;
  readonly tag: Buffer;
}

/** What a token vouches for. */
export type SignedPart = Pick<ShareLink, 'id' | 'key' | 'kind' | 'path' | 'expiresMs'>;

/** The token of a link. @param secret of its key, raw bytes in base64. */
export function writeToken(link: SignedPart, secret: string): string {
  return Buffer.concat([Buffer.from(link.id, 'hex'), Buffer.from(link.key, 'hex'), tagOf(link, secret)]).toString(
    'base64url',
  );
}

/** Takes a token apart; undefined for text that is none. It says nothing about whether it is true. */
export function readToken(text: string): LinkToken | undefined {
  if (!tokenPattern.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return {
    id: bytes.subarray(0, idBytes).toString('hex'),
    key: bytes.subarray(idBytes, idBytes + keyBytes).toString('hex'),
    tag: bytes.subarray(idBytes + keyBytes),
  };
}

/** Whether a token is that of a link. */
export function isTokenOf({ key, tag }: LinkToken, link: SignedPart, secret: string): boolean {
  return timingSafeEqual(tag, tagOf(link, secret)) && key === link.key;
}

function tagOf({ id, key, kind, path, expiresMs }: SignedPart, secret: string): Buffer {
  const text = canonicalize({ use: 'share link', id, key, kind, path, ...(expiresMs !== undefined && { expiresMs }) });
  return createHmac('sha256', Buffer.from(secret, 'base64'))
    .update(text ?? '')
    .digest()
    .subarray(0, tagBytes);
}
