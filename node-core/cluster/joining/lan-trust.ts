/**
 * Trust of the network: whoever is on the same private subnet may come in. It is switched on by hand at every start, holds for
 * the subnet of its first use, and never lets anybody in who was removed (replication.md, 25).
 */
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import type { MemberList } from '../members/member-list.ts';

type Subnet = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** The trust, while it is on. */
export class LanTrust {
  readonly #members: MemberList;
  readonly #enabled: boolean;
  readonly #subnets: () => readonly string[];
  #used: string | undefined;

  /** @param subnets of the interfaces of this host now, in CIDR notation. */
  constructor(members: MemberList, enabled: boolean, subnets: () => readonly string[] = ownSubnets) {
    this.#members = members;
    this.#enabled = enabled;
    this.#subnets = subnets;
  }

  get isOn(): boolean {
    return this.#enabled;
  }

  /** Whether a node that is connected from or at an address may come in now. */
  allows(node: string, address: string): boolean {
    return (
      this.#enabled &&
      !this.#members.current.removed.has(node) &&
      !this.#members.isRemoved &&
      this.#subnetOf(address) !== undefined
    );
  }

  /** Somebody came in from there: from now on it is that subnet and no other. */
  used(address: string): void {
    this.#used ??= this.#subnetOf(address);
  }

  #subnetOf(address: string): string | undefined {
    if (!ipaddr.isValid(address)) return undefined;
    const parsed = ipaddr.process(address);
    if (!['private', 'loopback', 'linkLocal', 'uniqueLocal'].includes(parsed.range())) return undefined;
    return this.#subnets().find((text) => {
      if (this.#used !== undefined && text !== this.#used) return false;
      const subnet = networkOf(text);
      return subnet !== undefined && subnet[0].kind() === parsed.kind() && parsed.match(subnet[0] as never, subnet[1]);
    });
  }
}

function networkOf(text: string): Subnet | undefined {
  try {
    return ipaddr.parseCIDR(text);
  } catch {
    return undefined;
  }
}

/** The network of every interface, once each: `192.168.1.0/24`. */
function ownSubnets(): string[] {
  const found = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return [
    ...new Set(
      found.flatMap(({ cidr, family }) => {
        if (!cidr) return [];
        const network =
          family === 'IPv4'
            ? ipaddr.IPv4.networkAddressFromCIDR(cidr)
            : ipaddr.IPv6.networkAddressFromCIDR(cidr.replace(/%[^/]*/, ''));
        return [`${network.toString()}/${cidr.split('/')[1]}`];
      }),
    ),
  ];
}
