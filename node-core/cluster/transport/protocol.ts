/**
 * What nodes say to each other on the peer port: HTTP/1.1 over TLS 1.3, both sides with certificates, JSON but for bytes.
 *
 *     POST /peer/v1/<question>          questions of engine/ports.ts
 *     POST /peer/v1/heartbeat           Heartbeat, answered with one
 *     POST /peer/v1/redeem              counts a use of a link that the asked node made
 *     POST /peer/v1/members             all operations on the list of members, answered with all
 *     GET  /peer/v1/blocks?sha256=      raw sha256 of every 4 MiB block
 *     GET  /peer/v1/bytes?sha256=       a content or, with Range, a part of it
 *     POST /peer/v1/upload-state        what a resumable upload of the asked node is
 *     GET  /peer/v1/upload-bytes?id=    the bytes of one that is a complete part of a concatenation
 *     HEAD, PATCH, DELETE /peer/v1/upload?id=   tus 1.0.0 on one: its headers and its body as a client sends them
 *     POST /peer/v1/join/<step>         the only thing that is open to strangers (joining/)
 *
 * Headers of every request: `Shoal-Protocol: <oldest>-<newest>` that the sender speaks, `Shoal-Boot`: a number that is new
 * with every start. A refusal is `{ code, message }` with the status of its code.
 */
import { z } from 'zod';
import { ShoalError } from '../../domain/errors.ts';
import type { QuestionKind } from '../engine/ports.ts';

/** Versions of this protocol that this node speaks. */
export const spoken = { oldest: 1, newest: 1 } as const;

/** Names of the headers. */
export const protocolHeader = 'shoal-protocol';
export const bootHeader = 'shoal-boot';

/** What is sent as `Shoal-Protocol`. */
export const spokenText = `${spoken.oldest}-${spoken.newest}`;

/** Begin of every path. */
export const prefix = '/peer/v1/';

/** Picks the version that both speak. @throws ShoalError PEER_PROTOCOL. */
export function negotiate(header: string | undefined): number {
  const [, oldest, newest] = /^(\d{1,6})-(\d{1,6})$/.exec(header ?? '') ?? [];
  const version = Math.min(spoken.newest, Number(newest));
  if (newest === undefined || version < Math.max(spoken.oldest, Number(oldest)))
    throw new ShoalError('PEER_PROTOCOL', { details: { own: spokenText, other: (header ?? '-').slice(0, 40) } });
  return version;
}

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const count = z.number().int().nonnegative();
const vector = z.record(z.string(), count);
const cursor = z.object({ epoch: hex(12), arrival: count });
const empty = z.object({});
const path = z.string().max(4096);
const digests = z.record(z.string(), hex(64));
const records = z.object({ records: z.array(z.string()) });

/** Shapes of questions and answers: both sides check what comes from the other. */
export const questionShapes = {
  changes: {
    question: z.object({ cursor: cursor.exactOptional(), seen: vector, limit: z.number().int().min(1).max(100_000) }),
    answer: z.object({
      records: z.array(z.string()),
      cursor: cursor.exactOptional(),
      seen: vector.exactOptional(),
      compare: z.boolean(),
    }),
  },
  head: { question: empty, answer: z.object({ cursor: cursor.exactOptional(), seen: vector }) },
  buckets: { question: empty, answer: digests },
  leaves: { question: z.object({ bucket: hex(3) }), answer: digests },
  records: { question: z.object({ paths: z.array(path).max(10_000) }), answer: records },
  shared: {
    question: z.object({ buckets: digests }),
    answer: z.object({ entries: z.array(z.object({ table: z.string().max(40), value: z.unknown() })) }),
  },
  holding: {
    question: z.object({ contents: z.array(hex(64)).max(1000), waitMs: z.number().int().min(0).max(60_000) }),
    answer: z.object({ held: z.array(hex(64)) }),
  },
  news: { question: z.object({ seen: vector.exactOptional() }), answer: empty },
} as const satisfies Record<QuestionKind, { readonly question: z.ZodType; readonly answer: z.ZodType }>;

/** What members tell each other every two seconds. */
export const heartbeatShape = z.object({
  boot: hex(16),
  /** Where the sender can be reached, best first: `host:port`. */
  addresses: z.array(z.string().max(300)).max(16),
  /** Port on which the sender listens, for whoever sees where it comes from. */
  port: z.number().int().min(1).max(65_535),
  /** Digest of the sender's list of members. */
  members: hex(64),
  /** Digest of what members share; nodes of before have none. */
  shared: hex(64).exactOptional(),
  /** What stands for the sender in the paths of its uploads. */
  peerId: z.string().max(64).exactOptional(),
  /** The sender's wall clock, milliseconds since 1970. */
  nowMs: z.number().exactOptional(),
  /** In a question: members that the sender cannot reach. */
  lacking: z.array(hex(64)).max(64).default([]),
  /** In an answer: where those of them are that the sender can reach. */
  known: z
    .array(z.object({ id: hex(64), addresses: z.array(z.string().max(300)).max(16) }))
    .max(64)
    .default([]),
  /** In an answer: the one that answers cannot open connections to the one that asks. */
  unreached: z.object({ forMs: count, tried: z.array(z.string().max(300)).max(16) }).exactOptional(),
});

/** What members tell each other every two seconds. */
export type Heartbeat = z.infer<typeof heartbeatShape>;

/** All operations on the list of members. */
export const memberExchangeShape = z.object({ operations: z.array(z.unknown()).max(10_000) });

/** A resumable upload of the asked node: whether it knows it, and what it is. */
export const uploadStateShapes = {
  question: z.object({ id: hex(32) }),
  answer: z.object({
    known: z.boolean(),
    done: z.object({ path, sha256: hex(64) }).exactOptional(),
    /** It is a complete part of a concatenation, of so many bytes. */
    part: count.exactOptional(),
  }),
} as const;

/** Header of an answer that is the upload's own, to be handed to the client, and no refusal between nodes. */
export const uploadAnswerHeader = 'shoal-upload';

/** Header that tells what the client calls the node that it speaks with. */
export const clientHostHeader = 'shoal-client-host';

/** A link of the asked node's that is used at the asker's. */
export const redeemShape = z.object({ link: z.string().max(64) });

/** A refusal. */
export const refusalShape = z.object({ code: z.string().max(100), message: z.string().max(2000) });
