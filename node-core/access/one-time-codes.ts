/** One-time codes by time (TOTP, RFC 6238) as authenticator apps show them: six digits, thirty seconds, SHA-1. */
import { createGuardrails, generate, generateSecret } from 'otplib';
import { ShoalError } from '../domain/errors.ts';

/** Secrets of go-fastdfs have ten bytes; the library would refuse them as too short. */
const guardrails = createGuardrails({ MIN_SECRET_BYTES: 1, MAX_SECRET_BYTES: 1024 });

/** A new random secret of 160 bits, in base32. */
export function newSecret(): string {
  return generateSecret();
}

/**
 * The code of a secret at a moment.
 * @param secret base32 as people copy it: letter case, blanks and padding do not matter. @param nowMs since 1970.
 * @throws ShoalError PARAMETER_INVALID when the secret is not base32.
 */
export async function codeOf(secret: string, nowMs: number): Promise<string> {
  const plain = secret.replace(/[\s-]/g, '').replace(/=+$/, '').toUpperCase();
  try {
    return await generate({ secret: plain, epoch: Math.floor(nowMs / 1000), guardrails });
  } catch (cause) {
    throw new ShoalError('PARAMETER_INVALID', { details: { name: 'secret', reason: 'it is not base32' }, cause });
  }
}
