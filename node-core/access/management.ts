import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { ShoalError } from '../domain/errors.ts';
import { AddressSet, callerOf, isLoopback } from './network.ts';

/** The part of the configuration that decides who may manage. */
export interface ManagementPolicy {
  readonly admin_ips: readonly string[];
  readonly trusted_proxies: readonly string[];
  readonly trusted_hosts: readonly string[];
}

/**
 * Decides who may manage the node: callers on the host itself, and scripts from `admin_ips`. A request that a browser
 * made for another page is never trusted for its address (CSRF), nor one that reached the node under a foreign name
 * (DNS rebinding).
 */
export class ManagementGate {
  readonly #policy: () => ManagementPolicy;
  readonly #isKey: (token: string) => boolean;
  #rules: Rules;

  /**
   * @param policy what counts now; another object when something changed.
   * @param isKey whether a bearer token lets its holder manage, from wherever it comes (the local token).
   */
  constructor(policy: () => ManagementPolicy, isKey: (token: string) => boolean = () => false) {
    this.#policy = policy;
    this.#isKey = isKey;
    this.#rules = new Rules(policy());
  }

  /** Address of the caller, as it is shown in logs and refusals. */
  addressOf(request: IncomingMessage): string {
    return callerOf(request, this.#current().proxies).address;
  }

  /** @throws ShoalError MANAGEMENT_REFUSED, CROSS_SITE_REFUSED, HOST_REFUSED. */
  check(request: IncomingMessage): void {
    const { admins, proxies, hosts } = this.#current();
    // No browser sends it by itself for another page's request, so nothing else needs to be looked at.
    const token = bearerOf(request);
    const { address, proxied } = callerOf(request, proxies);
    if (token !== undefined) {
      // A wrong key is never made good by an address: it was meant for another node.
      if (!this.#isKey(token)) throw new ShoalError('MANAGEMENT_REFUSED', { details: { address } });
      return;
    }
    // Behind a proxy that nobody vouched for, the address is the proxy's, whoever calls.
    const trusted = !proxied && (isLoopback(address) || admins.has(address));
    if (!trusted) throw new ShoalError('MANAGEMENT_REFUSED', { details: { address } });
    if (isFromBrowser(request)) checkBrowser(request, hosts);
  }

  #current(): Rules {
    const policy = this.#policy();
    if (this.#rules.policy !== policy) this.#rules = new Rules(policy);
    return this.#rules;
  }
}

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
