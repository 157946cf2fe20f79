/** Where a node can be opened. */
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Config } from '../config/schema.ts';

/** Where the HTTP interface is, as another machine most likely reaches it: `host` when set, else an address of the host. */
export function reachableUrl(config: Config, listening: AddressInfo): string {
  if (config.host !== '') return `${config.host}/`;
  const { address, port } = listening;
  if (address !== '::' && address !== '0.0.0.0') return urlOf(config.enable_https, listening);
  const found = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const own = found.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1';
  return urlOf(config.enable_https, { address: own, family: 'IPv4', port });
}

/** Where an interface is, as it can be opened on this host. */
export function urlOf(secure: boolean, { address, family, port }: AddressInfo): string {
  const anywhere = address === '::' || address === '0.0.0.0';
  const host = anywhere ? '127.0.0.1' : family === 'IPv6' ? `[${address}]` : address;
  return `${secure ? 'https' : 'http'}://${host}:${port}/`;
}
