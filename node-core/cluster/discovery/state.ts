/** What a status page shows of discovery. */
import type { NodeHint } from './sightings.ts';

/** One network that is worked on. */
export interface LinkView {
  /** Name of the card. */
  readonly name: string;
  /** This host's address there. */
  readonly address: string;
  /** `silent`: opened, but not even the node's own announcement is heard. `failed`: it could not be opened. */
  readonly health: 'opening' | 'working' | 'silent' | 'failed';
  /** Code of the last error, `EADDRINUSE` for example. */
  readonly error?: string;
}

/** Why nothing can be found. Each is tried again. */
export type UnavailableReason =
  /** Another program holds UDP port 5353 for itself. */
  | 'port-in-use'
  /** The system does not let this program use multicast. */
  | 'not-permitted'
  /** The host has no network at all. */
  | 'no-interface'
  /** The network, a firewall or the system lets no multicast through. */
  | 'no-multicast';

/** All of it. */
export interface DiscoveryState {
  readonly state: 'stopped' | 'starting' | 'running' | 'unavailable';
  /** Stands beside `unavailable`. */
  readonly reason?: UnavailableReason;
  readonly interfaces: readonly LinkView[];
  /** Nodes heard of, in order of first appearance. */
  readonly nodes: readonly NodeHint[];
}

export const stopped: DiscoveryState = { state: 'stopped', interfaces: [], nodes: [] };

/**
 * Sums the links up. One that works is enough. While some are being opened what was known before stays, so that a new
 * attempt does not look like a change.
 */
export function judge(links: readonly LinkView[], before: DiscoveryState): DiscoveryState {
  const none = { interfaces: [], nodes: [] };
  if (links.length === 0) return { state: 'unavailable', reason: 'no-interface', ...none };
  if (links.some(({ health }) => health === 'working')) return { state: 'running', ...none };
  if (links.some(({ health }) => health === 'opening')) return before;
  const failed = links.find(({ health }) => health === 'failed');
  return { state: 'unavailable', reason: failed ? reasonOf(failed.error) : 'no-multicast', ...none };
}

function reasonOf(code: string | undefined): UnavailableReason {
  if (code === 'EADDRINUSE') return 'port-in-use';
  return code === 'EACCES' || code === 'EPERM' ? 'not-permitted' : 'no-multicast';
}
