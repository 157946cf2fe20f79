import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { ShoalError } from '../domain/errors.ts';
import { AddressSet, callerOf, isLoopback } from './network.ts';
import type { RateLimiter } from './rate-limit.ts';
import type { Session } from './sessions.ts';

/** The part of the configuration that decides who may manage. */
export interface ManagementPolicy {
  readonly admin_ips: readonly string[];
  readonly trusted_proxies: readonly string[];
  readonly trusted_hosts: readonly string[];
}

/** Who manages, and what for. */
export interface Manager {
  /** `token`: the local token; `key`: the admin_key; `host`: a caller on this machine; `address`: one of admin_ips. */
  readonly kind: 'session' | 'token' | 'key' | 'host' | 'address';
  readonly address: string;
  readonly session?: Session;
}

/** What a caller can prove besides an address. All of it may be missing: then only addresses count. */
export interface ManagementProofs {
  /** What a bearer token is, if it is any of ours. */
  readonly bearer?: (token: string) => 'token' | 'key' | undefined;
  /** The session of a request's cookies. */
  readonly session?: (request: IncomingMessage) => Session | undefined;
  /** Slows down who tries bearer tokens. */
  readonly attempts?: RateLimiter;
  /** Told of each wrong one. */
  readonly onWrong?: () => void;
}

/**
 * Decides who may manage the node: who is signed in, who has a key, callers on the host itself, and scripts from
 * `admin_ips`. A request that a browser made for another page is never trusted for its address or its cookie (CSRF), nor
 * one that reached the node under a foreign name (DNS rebinding).
 */
export class ManagementGate {
  readonly #policy: () => ManagementPolicy;
  readonly #proofs: ManagementProofs;
  #rules: Rules;

  /** @param policy what counts now; another object when something changed. */
  constructor(policy: () => ManagementPolicy, proofs: ManagementProofs = {}) {
    this.#policy = policy;
    this.#proofs = proofs;
    this.#rules = new Rules(policy());
  }

  /** Address of the caller, as it is shown in logs and refusals. */
  addressOf(request: IncomingMessage): string {
    return callerOf(request, this.#current().proxies).address;
  }

  /** Whether the request came over https, as far as a trusted proxy or the own connection tell. */
  isSecure(request: IncomingMessage): boolean {
    if ('encrypted' in request.socket && request.socket.encrypted === true) return true;
    const direct = callerOf(request, noProxies).address;
    return this.#current().proxies.has(direct) && header(request, 'x-forwarded-proto')?.toLowerCase() === 'https';
  }

  /** @throws ShoalError MANAGEMENT_REFUSED, CROSS_SITE_REFUSED, HOST_REFUSED, TOO_MANY_REQUESTS. */
  check(request: IncomingMessage): Manager {
    return this.#check(request, this.#proofs.onWrong);
  }

  #check(request: IncomingMessage, onWrong: (() => void) | undefined): Manager {
    const { admins, proxies, hosts } = this.#current();
    const { address, proxied } = callerOf(request, proxies);
    const token = bearerOf(request);
    // No browser sends it by itself for another page's request, so nothing else needs to be looked at.
    if (token !== undefined) return { kind: this.#checkBearer(token, address, onWrong), address };
    const session = this.#proofs.session?.(request);
    if (session) {
      checkCookiePage(request, hosts);
      return { kind: 'session', address, session };
    }
    // Behind a proxy that nobody vouched for, the address is the proxy's, whoever calls.
    const trusted = !proxied && (isLoopback(address) || admins.has(address));
    if (!trusted) throw new ShoalError('MANAGEMENT_REFUSED', { details: { address } });
    if (isFromBrowser(request)) checkBrowser(request, hosts);
    return { kind: isLoopback(address) ? 'host' : 'address', address };
  }

  /**
   * Who manages, if the caller may, where others are let in too. A bearer token that is none of ours may be meant for
   * another service (`auth_url`): it counts as a try, so that it cannot be guessed here, but not as an attack.
   */
  managerOf(request: IncomingMessage): Manager | undefined {
    try {
      return this.#check(request, undefined);
    } catch (error) {
      if (error instanceof ShoalError) return undefined;
      throw error;
    }
  }

  /**
   * For what is open to everybody and changes what a browser is: nothing that another site's page sends is taken.
   * @throws ShoalError CROSS_SITE_REFUSED, HOST_REFUSED.
   */
  checkPage(request: IncomingMessage): void {
    if (isFromBrowser(request)) checkBrowser(request, this.#current().hosts);
  }

  /** A wrong key is never made good by an address: it was meant for another node. */
  #checkBearer(token: string, address: string, onWrong: (() => void) | undefined): 'token' | 'key' {
    const { bearer, attempts } = this.#proofs;
    const kind = bearer?.(token);
    // Nobody guesses the local token, and nobody's guesses may shut the host out.
    if (kind === 'token') return kind;
    // Before the answer: a caller that guesses learns nothing any more, not even of a right guess.
    attempts?.check(address);
    if (kind !== undefined) return kind;
    attempts?.take(address);
    onWrong?.();
    throw new ShoalError('MANAGEMENT_REFUSED', { details: { address } });
  }

  #current(): Rules {
    const policy = this.#policy();
    if (this.#rules.policy !== policy) this.#rules = new Rules(policy);
    return this.#rules;
  }
}

const noProxies = new AddressSet([]);

/** A policy, made ready for comparing. */
class Rules {
  readonly policy: ManagementPolicy;
  readonly admins: AddressSet;
  readonly proxies: AddressSet;
  readonly hosts: ReadonlySet<string>;

  constructor(policy: ManagementPolicy) {
    this.policy = policy;
    this.admins = new AddressSet(policy.admin_ips, { zeroIsPrivate: true });
    this.proxies = new AddressSet(policy.trusted_proxies);
    const own = hostname().toLowerCase();
    this.hosts = new Set(['localhost', own, `${own}.local`, ...policy.trusted_hosts.map((host) => host.toLowerCase())]);
  }
}

/**
 * A cookie comes along by itself, so what changes something needs a proof that a page of this node sent it: scripts that
 * sign in send the header Origin. Reading is judged like any other browser's request.
 */
function checkCookiePage(request: IncomingMessage, hosts: ReadonlySet<string>): void {
  const reads = request.method === 'GET' || request.method === 'HEAD';
  if (!reads || isFromBrowser(request)) checkBrowser(request, hosts);
}

function checkBrowser(request: IncomingMessage, hosts: ReadonlySet<string>): void {
  const site = header(request, 'sec-fetch-site');
  const origin = header(request, 'origin') ?? header(request, 'referer');
  const host = header(request, 'host')?.toLowerCase() ?? '';
  // `none` is the address bar. Without the header (plain http) only a page of this very host proves itself.
  const fromHere = site === undefined ? isPageOf(origin, host) : site === 'same-origin' || site === 'none';
  const contradicts = origin !== undefined && !isPageOf(origin, host);
  if (!fromHere || contradicts)
    throw new ShoalError('CROSS_SITE_REFUSED', { details: { origin: origin ?? 'unknown' } });
  const name = hostNameOf(host);
  if (isIP(name) === 0 && !hosts.has(name)) throw new ShoalError('HOST_REFUSED', { details: { host } });
}

/** Whether a request was made by a browser. Scripts send none of these, unless they pose as one. */
function isFromBrowser(request: IncomingMessage): boolean {
  if (['sec-fetch-site', 'origin', 'referer'].some((name) => request.headers[name] !== undefined)) return true;
  return /^mozilla\//i.test(header(request, 'user-agent') ?? '');
}

/** Whether an Origin or Referer belongs to the host that the request names. */
function isPageOf(origin: string | undefined, host: string): boolean {
  if (origin === undefined || !URL.canParse(origin)) return false;
  return new URL(origin).host.toLowerCase() === host;
}

/** `Host` without its port, IPv6 without brackets. */
function hostNameOf(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

/** The token of `Authorization: Bearer <token>` (RFC 6750, 2.1). */
function bearerOf(request: IncomingMessage): string | undefined {
  return /^bearer +([\w.~+/-]+=*)$/i.exec(header(request, 'authorization') ?? '')?.[1];
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
