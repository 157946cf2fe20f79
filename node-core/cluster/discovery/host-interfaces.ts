/** The host's network cards, as the operating system tells them. */
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { type HostAddress, type HostNetwork, networksWith, usefulNetworks } from '../../domain/host-networks.ts';

/** Tells the network cards, by name; may throw. */
export type HostInterfaces = () => NodeJS.Dict<NetworkInterfaceInfo[]>;

export const hostInterfaces: HostInterfaces = networkInterfaces;

/**
 * The networks to work on now.
 * @param only address of this host that is used alone, whatever its card is. A system that tells nothing has no network.
 */
export function networksOf(interfaces: HostInterfaces, only: string | undefined): readonly HostNetwork[] {
  const addresses = addressesOf(interfaces);
  return only === undefined ? usefulNetworks(addresses) : networksWith(addresses, only);
}

function addressesOf(interfaces: HostInterfaces): HostAddress[] {
  let cards: NodeJS.Dict<NetworkInterfaceInfo[]>;
  try {
    cards = interfaces();
  } catch {
    // Refused by some sandboxes.
    return [];
  }
  return Object.entries(cards).flatMap(([card, infos = []]) => {
    const cardId = cardIdOf(infos);
    return infos.map(({ address, family, cidr, internal }) => ({ card, address, family, cidr, internal, cardId }));
  });
}

/** A card taken out and put in again keeps name, address and hardware address, but not its number, which is the scope. */
function cardIdOf(infos: readonly NetworkInterfaceInfo[]): string {
  const scope = infos.find((info) => info.family === 'IPv6' && info.scopeid !== 0)?.scopeid ?? '';
  return `${infos[0]?.mac ?? ''} ${scope}`;
}
