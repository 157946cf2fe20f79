/** Comparing and making secrets. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A new secret of 256 bits, as text for URLs and headers. */
export function newSecretText(): string {
  return randomBytes(32).toString('base64url');
}

/** sha256 in hex: what is kept of a secret that only has to be recognised. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Compared by digest, so that neither content nor length shows in the time it takes. An empty secret matches nothing. */
export function isSameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected)) && expected !== '';
}
