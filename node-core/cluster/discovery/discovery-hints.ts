/** Discovery as a source of hints for the cluster, and what this node says of itself by it. */
import { createHash } from 'node:crypto';
import type { Logger } from '../../runtime/logger.ts';
import type { PeerHint, PeerHints } from '../transport/hints.ts';
import { Discovery } from './discovery.ts';
import { type DiscoveryState, stopped } from './state.ts';

/** What is announced, as it stands when it is asked for. */
export interface Announced {
  readonly id: string;
  readonly name: () => string;
  /** Peer port, once there is one. */
  readonly port: () => number;
  /** Id of the cluster; undefined for a node that is in none. */
  readonly cluster: () => string | undefined;
}

/** Listens and announces on the networks of this host, for as long as the cluster wants hints. */
export class DiscoveryHints implements PeerHints {
  readonly name = 'mdns';
  readonly #announced: Announced;
  readonly #logger: Logger;
  #discovery: Discovery | undefined;

  constructor(announced: Announced, logger: Logger) {
    this.#announced = announced;
    this.#logger = logger;
  }

  /** What a status page shows. */
  get state(): DiscoveryState {
    return this.#discovery?.state() ?? stopped;
  }

  async start(onHint: (hint: PeerHint) => void): Promise<void> {
    const { id, name, port } = this.#announced;
    const discovery = new Discovery({
      announcement: { id, name: name(), port: port(), ...this.#tag() },
      onHandlerError: (error) => this.#logger.error({ err: error }, 'a handler of discovery failed'),
    });
    for (const type of ['found', 'changed', 'heard'] as const) {
      discovery.events.on(type, (hint) => {
        for (const { address, port: peerPort } of [hint, ...hint.others])
          onHint({ id: hint.id, name: hint.name, address, port: peerPort, ...(hint.tag && { cluster: hint.tag }) });
      });
    }
    discovery.events.on('state', ({ state, reason }) =>
      this.#logger.info({ state, reason }, 'discovery on the network'),
    );
    this.#discovery = discovery;
    await discovery.start();
  }

  async stop(): Promise<void> {
    await this.#discovery?.stop();
    this.#discovery = undefined;
  }

  /** The name or the cluster of this node has changed. */
  renew(): void {
    this.#discovery?.announce({ name: this.#announced.name(), tag: this.#tag().tag });
  }

  /** Tells members of one cluster from others, and nothing else: whoever listens learns no id of a cluster. */
  #tag(): { tag?: string } {
    const cluster = this.#announced.cluster();
    if (cluster === undefined) return {};
    return { tag: createHash('sha256').update(`shoal discovery tag 1 ${cluster}`).digest('hex').slice(0, 16) };
  }
}
