/** One-time codes by time (TOTP, RFC 6238) as authenticator apps show them: six digits, thirty seconds, SHA-1. */
import { createGuardrails, generate, generateSecret, generateURI, verify } from 'otplib';
import { ShoalError } from '../domain/errors.ts';

/** Secrets of go-fastdfs have ten bytes; the library would refuse them as too short. */
const guardrails = createGuardrails({ MIN_SECRET_BYTES: 1, MAX_SECRET_BYTES: 1024 });

/** Length of a step in seconds. */
export const stepSeconds = 30;

/** A new random secret of 160 bits, in base32. */
export function newSecret(): string {
  return generateSecret();
}

/** The address that authenticator apps read from a QR code. */
export function enrolmentUri(secret: string, issuer: string, label: string): string {
  return generateURI({ secret, issuer, label });
}

/**
 * The code of a secret at a moment.
 * @param secret base32 as people copy it: letter case, blanks and padding do not matter. @param nowMs since 1970.
 * @throws ShoalError PARAMETER_INVALID when the secret is not base32.
 */
export async function codeOf(secret: string, nowMs: number): Promise<string> {
  try {
    return await generate({ secret: plain(secret), epoch: Math.floor(nowMs / 1000), guardrails });
  } catch (cause) {
    throw new ShoalError('PARAMETER_INVALID', { details: { name: 'secret', reason: 'it is not base32' }, cause });
  }
}

/**
 * The step that a code belongs to: the present one, the one before or the one after it (clocks differ, people are slow).
 * Undefined for any other code, and for text that is none.
 */
export async function stepOfCode(secret: string, code: string, nowMs: number): Promise<number | undefined> {
  const token = code.replace(/\s/g, '');
  if (!/^\d{6}$/.test(token)) return undefined;
  const epoch = Math.floor(nowMs / 1000);
  const result = await verify({ secret: plain(secret), token, epoch, epochTolerance: stepSeconds, guardrails });
  return result.valid ? Math.floor(epoch / stepSeconds) + result.delta : undefined;
}

function plain(secret: string): string {
  return secret.replace(/[\s-]/g, '').replace(/=+$/, '').toUpperCase();
}
