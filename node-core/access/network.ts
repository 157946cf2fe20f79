/** Addresses: who is calling, and which ranges a caller belongs to. Matching is by number, never by text prefix. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** A set of addresses and CIDR ranges. */
export class AddressSet {
  readonly #ranges: readonly [Address, number][];
  readonly #anyPrivate: boolean;

  /** @param entries addresses or CIDR ranges; `0.0.0.0` means every private address when `zeroIsPrivate`. */
  constructor(entries: readonly string[], options: { readonly zeroIsPrivate?: boolean } = {}) {
    const zero = options.zeroIsPrivate === true;
    this.#anyPrivate = zero && entries.includes('0.0.0.0');
    this.#ranges = entries
      .filter((entry) => !(zero && entry === '0.0.0.0'))
      .map((entry): [Address, number] => {
        if (entry.includes('/')) {
          const [address, bits] = ipaddr.parseCIDR(entry);
          return [address, bits];
        }
        const address = ipaddr.process(entry);
        return [address, address.kind() === 'ipv4' ? 32 : 128];
      });
  }

  /** Whether an address is in the set. Text that is no address never is. */
  has(text: string): boolean {
    if (this.#ranges.length === 0 && !this.#anyPrivate) return false;
    if (!ipaddr.isValid(text)) return false;
    const address = ipaddr.process(text);
    if (this.#anyPrivate && isPrivate(address)) return true;
    return this.#ranges.some(
      ([range, bits]) => range.kind() === address.kind() && (address as ipaddr.IPv4).match(range as ipaddr.IPv4, bits),
    );
  }
}

/** Whether an address is the host itself. */
export function isLoopback(text: string): boolean {
  return ipaddr.isValid(text) && ipaddr.process(text).range() === 'loopback';
}

/** Where a request comes from. */
export interface Caller {
  /** The client's address, without an IPv4-mapped prefix; `unknown` when the socket is gone. */
  readonly address: string;
  /** True when a proxy that is not trusted, or any header of a proxy, stands between: such a caller is never loopback. */
  readonly proxied: boolean;
}

/** Text forms of the addresses of open connections: a connection brings many requests. */
const directAddresses = new WeakMap<Socket, string>();

function directAddress(socket: Socket): string {
  let address = directAddresses.get(socket);
  if (address === undefined) {
    address = plain(socket.remoteAddress ?? 'unknown');
    directAddresses.set(socket, address);
  }
  return address;
}

/** Whether a proxy that is trusted says that its client came by https. */
export function isForwardedHttps(request: IncomingMessage, trustedProxies: AddressSet): boolean {
  const proto = request.headers['x-forwarded-proto'];
  if (typeof proto !== 'string' || !trustedProxies.has(directAddress(request.socket))) return false;
  // Of several proxies the last one appended: what the first one saw stands first.
  return proto.split(',')[0]?.trim().toLowerCase() === 'https';
}

const proxyHeaders = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'] as const;

/**
 * Tells the caller's address. `X-Forwarded-For` counts only as far as the hops are in `trustedProxies`, read from the
 * right: what stands left of the first untrusted hop was written by a stranger.
 */
export function callerOf(request: IncomingMessage, trustedProxies: AddressSet): Caller {
  const direct = directAddress(request.socket);
  const mentionsProxy = proxyHeaders.some((name) => request.headers[name] !== undefined);
  if (!trustedProxies.has(direct)) return { address: direct, proxied: mentionsProxy };
  const header = request.headers['x-forwarded-for'];
  const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map((hop) => hop.trim());
  for (const hop of hops.reverse()) {
    if (!ipaddr.isValid(hop)) break;
    if (!trustedProxies.has(hop)) return { address: plain(hop), proxied: false };
  }
  return { address: direct, proxied: true };
}

/** Private, loopback and link-local addresses of both families. */
function isPrivate(address: Address): boolean {
  return ['private', 'loopback', 'linkLocal', 'uniqueLocal'].includes(address.range());
}

function plain(text: string): string {
  const withoutZone = text.replace(/%.*$/, '');
  return ipaddr.isValid(withoutZone) ? ipaddr.process(withoutZone).toString() : text;
}
