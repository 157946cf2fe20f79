/** One-time invites: made by one member, good for one node and a limited time; the token says whom to ask and where. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import { type Invite, memberTables } from '../../catalog/member-values.ts';
import { ShoalError } from '../../domain/errors.ts';
import type { Clock } from '../../runtime/clock.ts';

/** Begin of every token, with the number of its format. */
const mark = 'shoal1.';

const tokenShape = z.object({
  /** Id of the invite. */
  i: z.string().regex(/^[0-9a-f]{16}$/),
  /** Secret. */
  s: z.string().min(16).max(100),
  /** Id of the member that gave it out: nobody else will do. */
  n: z.string().regex(/^[0-9a-f]{64}$/),
  /** Where that member is. */
  a: z.array(z.string().max(300)).max(16),
});

/** What a token says. */
export interface InviteToken {
  readonly invite: string;
  readonly secret: string;
  readonly inviter: string;
  readonly addresses: readonly string[];
}

/** Writes a token. */
export function writeToken({ invite, secret, inviter, addresses }: InviteToken): string {
  return mark + Buffer.from(JSON.stringify({ i: invite, s: secret, n: inviter, a: addresses })).toString('base64url');
}

/** What stands before a token in a link: the desktop app opens it, and shows what the invite leads to. */
const linkMark = 'shoal://devices/';

/** Reads a token, or a link with one. @throws ShoalError INVITE_INVALID, which does not repeat it. */
export function readToken(text: string): InviteToken {
  const trimmed = text.trim().replace(linkMark, '');
  if (!trimmed.startsWith(mark))
    throw new ShoalError('INVITE_INVALID', { details: { reason: `it begins with ${mark}` } });
  try {
    const { i, s, n, a } = tokenShape.parse(
      JSON.parse(Buffer.from(trimmed.slice(mark.length), 'base64url').toString()),
    );
    return { invite: i, secret: s, inviter: n, addresses: a };
  } catch (cause) {
    throw new ShoalError('INVITE_INVALID', { details: { reason: 'it is not complete' }, cause });
  }
}

/** Longest life of an invite, in hours. */
export const maxInviteHours = 30 * 24;

/** Used and expired invites are listed for so long, in milliseconds. */
const keptMs = 7 * 24 * 3_600_000;

/** Keeps the invites that this node gave out. */
export class InviteKeeper {
  readonly #catalog: Catalog;
  readonly #clock: Clock;

  constructor(catalog: Catalog, clock: Clock) {
    this.#catalog = catalog;
    this.#clock = clock;
  }

  async create(hours: number, by: string): Promise<Invite> {
    const createdMs = this.#clock.now();
    const invite: Invite = {
      id: randomBytes(8).toString('hex'),
      secret: randomBytes(24).toString('base64url'),
      createdMs,
      expiresMs: createdMs + hours * 3_600_000,
      by,
    };
    const old = (await this.list()).filter(({ expiresMs }) => expiresMs + keptMs < createdMs);
    await this.#catalog.commit((transaction) => {
      for (const { id } of old) transaction.removeRow(memberTables.invites, id);
      transaction.putRow(memberTables.invites, invite.id, invite);
    });
    return invite;
  }

  /** All that are kept, in order of their ids. */
  async list(): Promise<Invite[]> {
    const invites: Invite[] = [];
    for await (const invite of this.#catalog.rows(memberTables.invites)) invites.push(invite);
    return invites;
  }

  /** @throws ShoalError INVITE_NOT_FOUND. */
  async revoke(id: string): Promise<void> {
    await this.#catalog.commit((transaction) => {
      if (!transaction.row(memberTables.invites, id)) throw new ShoalError('INVITE_NOT_FOUND');
      transaction.removeRow(memberTables.invites, id);
    });
  }

  /** An invite that a node may still use. A node whose attempt broke off may use its own again. */
  usable(id: string, node: string): Invite | undefined {
    const invite = this.#catalog.row(memberTables.invites, id);
    return invite && this.#isUsable(invite, node) ? invite : undefined;
  }

  /** Takes an invite for a node, before it is admitted. @throws ShoalError JOIN_PROOF_WRONG when somebody else was faster. */
  async use(id: string, node: string): Promise<void> {
    await this.#catalog.commit((transaction) => {
      const invite = transaction.row(memberTables.invites, id);
      if (!invite || !this.#isUsable(invite, node)) throw new ShoalError('JOIN_PROOF_WRONG');
      transaction.putRow(memberTables.invites, id, { ...invite, used: { node, atMs: this.#clock.now() } });
    });
  }

  #isUsable({ expiresMs, used }: Invite, node: string): boolean {
    return expiresMs > this.#clock.now() && (used === undefined || used.node === node);
  }
}
