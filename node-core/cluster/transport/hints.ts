/**
 * Where nodes may be. A hint is never authority: whoever answers at an address proves its id in the handshake, and what it is
 * allowed to do follows from that.
 */

/** Somebody may be there. */
export interface PeerHint {
  /** Id that it is said to have. */
  readonly id?: string;
  /** Name that it is said to have. */
  readonly name?: string;
  /** IP address or host name, without brackets. */
  readonly address: string;
  /** Peer port. */
  readonly port: number;
  /** Opaque tag of the cluster that it is said to belong to. */
  readonly cluster?: string;
}

/** A source of hints: the list of the configuration, multicast, what other members tell. */
export interface PeerHints {
  /** For messages: `manual`, `mdns`. */
  readonly name: string;
  /** Begins to look. @param onHint told of every hint, the same one again and again while it holds. Must not throw. */
  start(onHint: (hint: PeerHint) => void): Promise<void>;
  stop(): Promise<void>;
}

/** `host:port`, with brackets around IPv6: how addresses are kept and sent. */
export function addressText(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
