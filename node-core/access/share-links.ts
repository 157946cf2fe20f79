import { createHmac, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { accessTables, type LinkKey, type ShareLink } from '../catalog/access-values.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogTransaction } from '../catalog/transaction.ts';
import { ShoalError } from '../domain/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { cookieOf } from './cookies.ts';
import { isTokenOf, readToken, writeToken } from './link-token.ts';
import type { PasswordHasher } from './passwords.ts';
import type { RateLimiter } from './rate-limit.ts';
import { isSameSecret } from './secrets.ts';

/** How long a password that was typed counts, in milliseconds. */
const unlockMs = 12 * 3_600_000;

const format = 1;

/** A link that may be used now, with the token that it was opened by. */
export interface OpenedLink extends ShareLink {
  readonly token: string;
  /** Its uses have been counted to the end: only a download that was begun goes on. */
  readonly usedUp: boolean;
}

/** What a new link promises. */
export interface NewLink {
  readonly kind: ShareLink['kind'];
  /** Logical path. Empty for the whole store, which only a folder link may open. */
  readonly path: string;
  readonly by: string;
  readonly label?: string | undefined;
  readonly expiresMs?: number | undefined;
  readonly password?: string | undefined;
  readonly maxUses?: number | undefined;
}

/** A link, and how it stands. */
export interface LinkState {
  readonly link: ShareLink;
  readonly token: string;
  readonly uses: number;
  readonly state: 'good' | 'expired' | 'revoked' | 'used-up';
}

/** What links are kept with. */
export interface ShareLinkOptions {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly hasher: PasswordHasher;
  /** Address of a caller. */
  readonly addressOf: (request: IncomingMessage) => string;
  /** Counts wrong passwords, of one caller and of all. */
  readonly attempts: RateLimiter;
  readonly onError: (error: unknown) => void;
  readonly nodeId: string;
  /** Counts a use of a link at the member that made it. @throws ShoalError LINK_CREATOR_AWAY, LINK_USED_UP, LINK_REVOKED. */
  readonly redeem: (creator: string, link: string) => Promise<void>;
}

const { links, revocations, linkUses, linkKeys } = accessTables;

/** Signed links to files and folders. A link follows its path: what is moved away or deleted is not found by it. */
export class ShareLinks {
  readonly #options: ShareLinkOptions;

  constructor(options: ShareLinkOptions) {
    this.#options = options;
  }

  /** Makes a link. @throws ShoalError PASSWORD_UNFIT. */
  async create(wanted: NewLink): Promise<LinkState> {
    const { catalog, hasher, clock } = this.#options;
    const { kind, path, by, label = '', expiresMs, maxUses } = wanted;
    const password = wanted.password === undefined ? undefined : await hasher.hash(wanted.password);
    const createdMs = clock.now();
    const known = await this.#newestKey();
    const link = await catalog.commit((transaction) => {
      const key = known ?? newKey(transaction, createdMs);
      const made: ShareLink = {
        format,
        id: createdMs.toString(16).padStart(12, '0') + randomBytes(6).toString('hex'),
        ...transaction.stamp(),
        kind,
        path,
        key: key.id,
        createdMs,
        by,
        label,
        ...(expiresMs !== undefined && { expiresMs }),
        ...(password !== undefined && { password }),
        ...(maxUses !== undefined && { maxUses }),
      };
      transaction.putRow(links, made.id, made);
      return made;
    });
    return this.#stateOf(link);
  }

  /** The link of a token, whether or not it may still be used. @throws ShoalError LINK_UNKNOWN. */
  verify(token: string): ShareLink {
    const parts = readToken(token);
    const link = parts && this.#options.catalog.row(links, parts.id);
    const key = link && this.#options.catalog.row(linkKeys, link.key);
    if (!parts || !link || !key || !isTokenOf(parts, link, key.secret)) throw new ShoalError('LINK_UNKNOWN');
    return link;
  }

  /** The link of a token, neither ended nor expired. @throws ShoalError LINK_UNKNOWN, LINK_REVOKED, LINK_EXPIRED. */
  open(token: string): OpenedLink {
    const link = this.verify(token);
    const { state } = this.#stateOf(link);
    if (state === 'revoked') throw new ShoalError('LINK_REVOKED');
    if (state === 'expired') throw new ShoalError('LINK_EXPIRED');
    return { ...link, token, usedUp: state === 'used-up' };
  }

  /**
   * Counts one use, before anything is sent: of many at once, none is one too many. Uses of a link that has an end are counted
   * by the node that made it, wherever it is opened (replication.md, 21).
   * @throws ShoalError LINK_USED_UP, LINK_REVOKED, LINK_CREATOR_AWAY.
   */
  async use(link: ShareLink): Promise<void> {
    if (link.maxUses !== undefined && link.node !== this.#options.nodeId)
      await this.#options.redeem(link.node, link.id);
    else await this.#count(link);
  }

  /** Counts a use of a link of this node's that was opened at another. @throws ShoalError LINK_UNKNOWN, as {@link use}. */
  async redeem(id: string): Promise<void> {
    const link = this.#options.catalog.row(links, id);
    if (link?.node !== this.#options.nodeId) throw new ShoalError('LINK_UNKNOWN');
    if (link.expiresMs !== undefined && link.expiresMs <= this.#options.clock.now())
      throw new ShoalError('LINK_EXPIRED');
    await this.#count(link);
  }

  async #count({ id, maxUses }: ShareLink): Promise<void> {
    const counted = this.#options.catalog.commit((transaction) => {
      if (transaction.row(revocations, id)) throw new ShoalError('LINK_REVOKED');
      const uses = transaction.row(linkUses, id)?.uses ?? 0;
      if (maxUses !== undefined && uses >= maxUses) throw new ShoalError('LINK_USED_UP');
      transaction.putRow(linkUses, id, { uses: uses + 1 });
    });
    // Nobody waits for the count of a link that has no end.
    if (maxUses !== undefined) await counted;
    else counted.catch(this.#options.onError);
  }

  /** Ends a link for ever. Twice is once. @throws ShoalError LINK_UNKNOWN. */
  async revoke(id: string, by: string): Promise<void> {
    const revokedMs = this.#options.clock.now();
    await this.#options.catalog.commit((transaction) => {
      if (!transaction.row(links, id)) throw new ShoalError('LINK_UNKNOWN');
      if (!transaction.row(revocations, id))
        transaction.putRow(revocations, id, { id, ...transaction.stamp(), by, revokedMs });
    });
  }

  /** @throws ShoalError LINK_UNKNOWN. */
  details(id: string): LinkState {
    const link = this.#options.catalog.row(links, id);
    if (!link) throw new ShoalError('LINK_UNKNOWN');
    return this.#stateOf(link);
  }

  /** One page of links, newest first. @param before id of the last link of the page before. @param path only of this path. */
  async list(limit: number, before: string | undefined, path: string | undefined): Promise<LinkState[]> {
    const found: LinkState[] = [];
    const page = { newestFirst: true, ...(before !== undefined && { before }) };
    for await (const link of this.#options.catalog.rows(links, page)) {
      if (path === undefined || link.path === path) found.push(this.#stateOf(link));
      if (found.length === limit) break;
    }
    return found;
  }

  /**
   * Checks a password that was typed or sent. @returns what the cookie of the link holds from now on.
   * @throws ShoalError LINK_PASSWORD_REFUSED, TOO_MANY_REQUESTS.
   */
  async unlock(link: OpenedLink, password: string, request: IncomingMessage): Promise<string> {
    const { attempts, hasher, addressOf, clock } = this.#options;
    const address = addressOf(request);
    attempts.take(address);
    if (!(await hasher.verify(password, link.password))) throw new ShoalError('LINK_PASSWORD_REFUSED');
    attempts.giveBack(address);
    const untilMs = clock.now() + unlockMs;
    return `${untilMs}.${this.#unlockTag(link, untilMs)}`;
  }

  /** Whether a link needs no password, or its password was typed in this browser. */
  isUnlocked(link: OpenedLink, request: IncomingMessage): boolean {
    if (link.password === undefined) return true;
    const [until = '', tag = ''] = (cookieOf(request, unlockCookieName(link)) ?? '').split('.');
    const untilMs = /^\d{1,16}$/.test(until) ? Number(until) : 0;
    return untilMs > this.#options.clock.now() && isSameSecret(tag, this.#unlockTag(link, untilMs));
  }

  /**
   * Returns when no password is needed, or it was typed before, or stands in the header Shoal-Link-Password.
   * @throws ShoalError LINK_PASSWORD_NEEDED, LINK_PASSWORD_REFUSED, TOO_MANY_REQUESTS.
   */
  async admit(link: OpenedLink, request: IncomingMessage): Promise<void> {
    if (this.isUnlocked(link, request)) return;
    const sent = request.headers['shoal-link-password'];
    if (typeof sent !== 'string') throw new ShoalError('LINK_PASSWORD_NEEDED');
    // Node hands the bytes of a header on as one character each.
    await this.unlock(link, Buffer.from(sent, 'latin1').toString('utf8'), request);
  }

  #unlockTag(link: ShareLink, untilMs: number): string {
    const key = this.#options.catalog.row(linkKeys, link.key);
    if (!key || link.password === undefined) throw new ShoalError('LINK_UNKNOWN');
    return createHmac('sha256', Buffer.from(key.secret, 'base64'))
      .update(`unlocked|${link.id}|${untilMs}|${link.password}`)
      .digest('base64url');
  }

  #stateOf(link: ShareLink): LinkState {
    const { catalog, clock } = this.#options;
    const key = catalog.row(linkKeys, link.key);
    // A link without its key came in half: it is none.
    if (!key) throw new ShoalError('LINK_UNKNOWN');
    const uses = catalog.row(linkUses, link.id)?.uses ?? 0;
    const expired = link.expiresMs !== undefined && link.expiresMs <= clock.now();
    const usedUp = link.maxUses !== undefined && uses >= link.maxUses;
    const revoked = catalog.row(revocations, link.id) !== undefined;
    const state = revoked ? 'revoked' : expired ? 'expired' : usedUp ? 'used-up' : 'good';
    return { link, token: writeToken(link, key.secret), uses, state };
  }

  async #newestKey(): Promise<LinkKey | undefined> {
    let newest: LinkKey | undefined;
    for await (const key of this.#options.catalog.rows(linkKeys)) {
      if (!newest || key.clock > newest.clock) newest = key;
    }
    return newest;
  }
}

/** Name of the cookie that says that a link's password was typed. */
export function unlockCookieName({ id }: Pick<ShareLink, 'id'>): string {
  return `shoal_link_${id}`;
}

/** How long the cookie stays in the browser, in seconds. */
export const unlockSeconds = unlockMs / 1000;

function newKey(transaction: CatalogTransaction, createdMs: number): LinkKey {
  const key: LinkKey = {
    id: randomBytes(4).toString('hex'),
    ...transaction.stamp(),
    secret: randomBytes(32).toString('base64'),
    createdMs,
  };
  transaction.putRow(linkKeys, key.id, key);
  return key;
}
