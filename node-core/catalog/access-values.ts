/**
 * What the catalogue keeps of access: values, and the tables they stand in (keys.ts: row).
 *
 * Local, never sent to another node: the administrator, sessions, used one-time codes, how often a link was used.
 * The same on all members (shared-values.ts), and so with creator and hybrid time: links, revocations, keys. Links and keys are
 * sets that only grow, one writer an entry; a revocation, whoever made it, wins over its link for ever.
 */
import { z } from 'zod';
import { table } from './table.ts';

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const count = z.number().int().nonnegative();

/** Who wrote a replicated entry, and when. */
const stamp = { node: hex(64), clock: hex(16) };

const administrator = z.object({
  name: z.string().min(1),
  /** access/passwords.ts: parameters, salt and hash. */
  password: z.string().min(1),
  createdMs: z.number(),
  changedMs: z.number(),
  /** Base32 secret, and the last step whose code was used: no earlier one is good any more (RFC 6238, 5.2). */
  secondFactor: z.object({ secret: z.string().min(1), lastStep: count }).exactOptional(),
  /** A secret that was shown and not yet confirmed with a code. */
  offered: z.object({ secret: z.string().min(1), atMs: z.number() }).exactOptional(),
});

const session = z.object({
  /** sha256 of what the cookie holds. */
  hash: hex(64),
  /** Name of who signed in. */
  name: z.string(),
  by: z.enum(['password', 'key', 'setup']),
  address: z.string(),
  /** User-Agent, shortened. */
  agent: z.string(),
  createdMs: z.number(),
  seenMs: z.number(),
});

const usedCode = z.object({
  id: z.string(),
  /** Address whose code it is, for as long as the code is good. */
  caller: z.string(),
  expiresMs: z.number(),
});

const shareLink = z.looseObject({
  format: z.number().int().positive(),
  id: hex(24),
  ...stamp,
  /** `upload`: files may be put into the folder, and nothing is shown of it. */
  kind: z.enum(['file', 'folder', 'upload']),
  /** Logical path; the root is empty and possible for folders only. */
  path: z.string(),
  /** Key that its token is signed with. */
  key: hex(8),
  createdMs: z.number(),
  by: z.string(),
  label: z.string(),
  expiresMs: z.number().exactOptional(),
  password: z.string().min(1).exactOptional(),
  /** Downloads, or uploads, that it is good for. */
  maxUses: count.exactOptional(),
});

const linkRevocation = z.looseObject({ id: hex(24), ...stamp, by: z.string(), revokedMs: z.number() });

const linkUses = z.object({ uses: count });

const linkKey = z.looseObject({ id: hex(8), ...stamp, secret: z.string().min(1), createdMs: z.number() });

/** The one who may manage. */
export type Administrator = z.infer<typeof administrator>;
/** A login. */
export type Session = z.infer<typeof session>;
/** A one-time code of a scene that was accepted. */
export type UsedCode = z.infer<typeof usedCode>;
/** A signed link to a file or folder. */
export type ShareLink = z.infer<typeof shareLink>;
/** The end of a link. */
export type LinkRevocation = z.infer<typeof linkRevocation>;
/** How often a link was used here. */
export type LinkUses = z.infer<typeof linkUses>;
/** A key that tokens of links are signed with. */
export type LinkKey = z.infer<typeof linkKey>;

/** The tables of access. */
export const accessTables = {
  /** One row, `admin`. */
  administrator: table('w', administrator),
  /** By hash. */
  sessions: table('h', session),
  /** By digest of the scene and step. */
  usedCodes: table('o', usedCode),
  /** By id, which sorts by time. */
  links: table('q', shareLink),
  revocations: table('z', linkRevocation),
  linkUses: table('e', linkUses),
  linkKeys: table('y', linkKey),
} as const;
