/**
 * Operations on the list of members: made, signed, and checked where they come in. The id of an operation is the digest of
 * what was signed, so what its actor had seen (`parents`, and theirs) cannot be changed by anybody.
 */
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { type MemberChange, type MemberOperation, memberOperationSchema } from '../../catalog/member-values.ts';
import { encode } from '../../catalog/values.ts';
import { ShoalError } from '../../domain/errors.ts';
import type { NodeIdentity } from '../identity.ts';
import { idOfKey, keyText } from '../trust/certificate.ts';

/** An operation with its id. */
export interface KnownOperation {
  readonly id: string;
  readonly operation: MemberOperation;
}

/** Keeps a signature of something else from being taken for one of an operation. */
const purpose = 'shoal member operation 1\n';

/** What an operation is made of. */
export interface NewOperation {
  readonly change: MemberChange;
  /** Ids of the newest operations that the actor has seen. */
  readonly parents: readonly string[];
  readonly atMs: number;
  /** Who asked for it, in words. */
  readonly by: string;
}

/** Makes an operation of this node. */
export function makeOperation(identity: NodeIdentity, { change, parents, atMs, by }: NewOperation): KnownOperation {
  const unsigned = {
    format: 1 as const,
    actor: identity.id,
    key: keyText(identity.publicKey),
    parents: [...parents].sort(),
    atMs,
    by: by.slice(0, 200),
    change,
  };
  const text = purpose + encode(unsigned);
  const signature = sign('sha256', Buffer.from(text), identity.privateKey).toString('base64');
  return { id: digest(text), operation: { ...unsigned, signature } };
}

/**
 * Checks an operation of unknown origin: its shape, that the key is the actor's and that the actor signed it. Whether the
 * actor may do that is for the evaluation to say.
 * @throws ShoalError PEER_DATA_INVALID.
 */
export function checkOperation(value: unknown): KnownOperation {
  const parsed = memberOperationSchema.safeParse(value);
  if (!parsed.success) throw refused(parsed.error);
  const { signature, ...unsigned } = parsed.data;
  const spki = Buffer.from(unsigned.key, 'base64');
  if (spki.toString('base64') !== unsigned.key || idOfKey(spki) !== unsigned.actor)
    throw refused(new Error('the key is not the one of the actor'));
  const text = purpose + encode(unsigned);
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey({ key: spki, type: 'spki', format: 'der' });
  } catch (cause) {
    throw refused(cause);
  }
  if (publicKey.asymmetricKeyType !== 'ec') throw refused(new Error('the key is of another kind'));
  if (!verify('sha256', Buffer.from(text), publicKey, Buffer.from(signature, 'base64')))
    throw refused(new Error('the actor did not sign it'));
  return { id: digest(text), operation: parsed.data };
}

/** The id of an operation that was checked before. */
export function operationId(operation: MemberOperation): string {
  const { signature: _signature, ...unsigned } = operation;
  return digest(purpose + encode(unsigned));
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function refused(cause: unknown): ShoalError {
  return new ShoalError('PEER_DATA_INVALID', { details: { format: 1 }, cause });
}
