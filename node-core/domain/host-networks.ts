/** Which of this host's networks are of use to find neighbours on, and which addresses lie on them. IPv4 only. */
import ipaddr from 'ipaddr.js';

/** One address of a network card, as the operating system tells it. */
export interface HostAddress {
  /** Name of the card: `eth0`, `en0`, `Wi-Fi`. */
  readonly card: string;
  readonly address: string;
  readonly family: 'IPv4' | 'IPv6';
  /** Address and length of the prefix, `192.168.1.5/24`; null when the system's mask is none. */
  readonly cidr: string | null;
  readonly internal: boolean;
  /** Changes when the card is another one, although its name and address are the same. */
  readonly cardId: string;
}

/** An IPv4 network that this host is on. */
export interface HostNetwork {
  readonly card: string;
  /** This host's address there. */
  readonly address: string;
  /** Length of the prefix in bits, 0 to 32. */
  readonly prefix: number;
  readonly internal: boolean;
  readonly cardId: string;
}

/** More networks than this are not worked on: each costs a socket. */
const maxNetworks = 16;

/**
 * Bridges and cards that container engines and virtual machines make: they lead to no neighbour, and their addresses are
 * the same on many hosts (docker0 is 172.17.0.1 everywhere).
 */
const virtualCards =
  /^(docker|br-[0-9a-f]{12}$|veth(?!ernet)|virbr|vnet|lxcbr|lxdbr|incusbr|podman|cni|cali|flannel|cilium|kube|vmnet|vboxnet|bridge\d{3}$|vEthernet \((WSL|Default Switch|nat|Hyper-V))/i;

/** Whether a card's name is one of a bridge of containers or virtual machines on this host. */
export function isVirtualCard(card: string): boolean {
  return virtualCards.test(card);
}

/**
 * The networks to announce on and to listen on: every IPv4 network of a real card, private ones first, at most 16; one of
 * them alone when several addresses lie in the same network of the same card. A self-assigned address (169.254.0.0/16)
 * counts only where its card has no other. Without any, loopback: there may be a second node on this host.
 */
export function usefulNetworks(addresses: readonly HostAddress[]): readonly HostNetwork[] {
  const networks = addresses.map(asNetwork).filter((network) => network !== undefined);
  const outside = networks.filter(
    (network) => !network.internal && !isVirtualCard(network.card) && network.prefix > 0 && network.prefix < 32,
  );
  const assigned = outside.filter(
    (network) =>
      rangeOf(network.address) !== 'linkLocal' ||
      !outside.some((other) => other.card === network.card && rangeOf(other.address) !== 'linkLocal'),
  );
  const distinct = assigned.filter(
    (network, index) =>
      !assigned.slice(0, index).some((other) => other.card === network.card && isOnNetwork(network.address, other)),
  );
  if (distinct.length === 0) return networks.filter((network) => network.internal).slice(0, 1);
  const ranked = [...distinct].sort((a, b) => Number(isPrivate(b.address)) - Number(isPrivate(a.address)));
  return ranked.slice(0, maxNetworks);
}

/** The networks that hold this very address of the host, virtual cards and loopback included. */
export function networksWith(addresses: readonly HostAddress[], address: string): readonly HostNetwork[] {
  return addresses
    .map(asNetwork)
    .filter((network) => network !== undefined)
    .filter((network) => network.address === address);
}

/** Whether an address lies on a network. Text that is no IPv4 address never does. */
export function isOnNetwork(address: string, network: HostNetwork): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(address)
    ? ipaddr.IPv4.parse(address).match(ipaddr.IPv4.parse(network.address), network.prefix)
    : false;
}

/**
 * Whether an address lies on one of these networks and both are private: what "the same private subnet" means where a
 * network is trusted. Loopback counts: it is the host itself.
 */
export function isOnPrivateNetwork(address: string, networks: readonly HostNetwork[]): boolean {
  return networks.some((network) => isPrivate(network.address) && isPrivate(address) && isOnNetwork(address, network));
}

/** Whether an IPv4 address is one of a private network, self-assigned or loopback (RFC 1918, RFC 3927, RFC 1122). */
function isPrivate(address: string): boolean {
  return ['private', 'linkLocal', 'loopback'].includes(rangeOf(address));
}

function rangeOf(address: string): string {
  return ipaddr.IPv4.isValidFourPartDecimal(address) ? ipaddr.IPv4.parse(address).range() : 'none';
}

function asNetwork(address: HostAddress): HostNetwork | undefined {
  if (address.family !== 'IPv4' || address.cidr === null || !ipaddr.IPv4.isValidCIDR(address.cidr)) return undefined;
  const [parsed, prefix] = ipaddr.IPv4.parseCIDR(address.cidr);
  return {
    card: address.card,
    address: parsed.toString(),
    prefix,
    internal: address.internal,
    cardId: address.cardId,
  };
}
