/**
 * What the catalogue keeps of the cluster. Replicated among members, each as its actor signed it: operations on the list of
 * members. Local: what this node goes by when it reads them, invites that it gave out, addresses where members were met.
 */
import { z } from 'zod';
import { table } from './table.ts';

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const id = hex(64);
const count = z.number().int().nonnegative();
const vector = z.record(z.string().max(200), count);
const name = z
  .string()
  .max(64)
  .regex(/^\P{Cc}*$/u);
/** `host:port`, an IPv6 host in brackets. */
const address = z.string().max(300);

/** Operations of a member's life. Unknown keys are kept: they are signed. */
const change = z.discriminatedUnion('kind', [
  /** The actor is there, in a cluster with this id; by a cluster key with this fingerprint, if any. */
  z.looseObject({ kind: z.literal('found'), cluster: id, name, keyPrint: id.exactOptional() }),
  z.looseObject({
    kind: z.literal('admit'),
    subject: id,
    name,
    addresses: z.array(address).max(16),
    /** How it came in. */
    way: z.enum(['pairing', 'invite', 'key', 'lan']),
    /** Fingerprint of the cluster key that it came in by. */
    keyPrint: id.exactOptional(),
  }),
  z.looseObject({ kind: z.literal('rename'), subject: id, name }),
  z.looseObject({
    kind: z.literal('remove'),
    subject: id,
    /** What the actor had seen of the removed member's commits: nothing beyond counts. */
    cut: vector,
    /** Fingerprint of the cluster key that the actor goes by: it opens nothing any more. */
    keyPrint: id.exactOptional(),
  }),
]);

const operation = z.looseObject({
  format: z.literal(1),
  actor: id,
  /** Public key of the actor: SPKI DER, base64. */
  key: z.string().max(400),
  /** Ids of the operations that the actor had seen and that no other one it had seen had seen. */
  parents: z.array(id).max(64),
  atMs: z.number(),
  by: z.string().max(200),
  change,
  /** ECDSA P-256 with SHA-256 over the canonical text of all above, DER in base64. */
  signature: z.string().max(200),
});

const trust = z.object({
  /** Members whose own word about themselves counts: this node, and those with whom it did a handshake. */
  anchors: z.array(id),
});

const invite = z.object({
  id: hex(16),
  /** The secret itself: it is shown again in the list, and needed to check a proof of it. */
  secret: z.string().min(16),
  createdMs: z.number(),
  expiresMs: z.number(),
  by: z.string(),
  /** Who used it. */
  used: z.object({ node: id, atMs: z.number() }).exactOptional(),
});

const metAt = z.object({
  node: id,
  /** The last one that worked first. */
  addresses: z.array(address).max(16),
});

/** An operation on the list of members. */
export type MemberOperation = z.infer<typeof operation>;
/** What it changes. */
export type MemberChange = MemberOperation['change'];
/** How a member came in. */
export type JoinWay = Extract<MemberChange, { kind: 'admit' }>['way'];
/** A one-time invite. */
export type Invite = z.infer<typeof invite>;

/** The shape of an operation, for those that come from other nodes. */
export const memberOperationSchema = operation;

/** The tables of the cluster. */
export const memberTables = {
  /** By operation id. */
  operations: table('M', operation),
  /** One row, `self`. */
  trust: table('Q', trust),
  invites: table('I', invite),
  /** By node id. */
  addresses: table('P', metAt),
} as const;
