/** Where this node can be reached by others, as far as it knows itself. */
import { networkInterfaces } from 'node:os';
import { parseListenAddress } from '../config/addresses.ts';
import type { Config } from '../config/schema.ts';
import { addressText } from './transport/hints.ts';

/** Interfaces are looked at again after so long, in milliseconds. */
const lookMs = 5000;

const maxAddresses = 8;

/** Tells the addresses of the peer port, best first. */
export class OwnAddresses {
  readonly #config: () => Pick<Config, 'advertise' | 'peer_addr'>;
  readonly #port: () => number;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #found: string[] = [];

  /** @param port on which the node listens. */
  constructor(config: () => Pick<Config, 'advertise' | 'peer_addr'>, port: () => number) {
    this.#config = config;
    this.#port = port;
  }

  list(): string[] {
    const now = performance.now();
    if (now - this.#lookedMs > lookMs) {
      this.#found = this.#look();
      this.#lookedMs = now;
    }
    return this.#found;
  }

  #look(): string[] {
    const { advertise, peer_addr } = this.#config();
    if (advertise !== '') return [advertise];
    const { host } = parseListenAddress(peer_addr);
    const anywhere = host === undefined || host === '' || host === '::' || host === '0.0.0.0';
    if (!anywhere) return [addressText(host, this.#port())];
    const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    // An address of the link needs the name of the other side's interface: it is of no use to others.
    const usable = all.filter(({ internal, address }) => !internal && !/^fe80:/i.test(address));
    const sorted = [...usable].sort((a, b) => Number(a.family === 'IPv6') - Number(b.family === 'IPv6'));
    return sorted.map(({ address }) => addressText(address, this.#port())).slice(0, maxAddresses);
  }
}
