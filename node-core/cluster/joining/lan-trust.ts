/**
 * Trust of the network: whoever is on the same private subnet may come in. It is switched on by hand, for a whole start
 * (`--trust-lan`) or for some minutes (the window of a desktop), holds for the subnet of its first use, and never lets anybody in
 * who was removed (replication.md, 25).
 *
 * A window is the narrower of the two: only a node that is alone comes in, and where there are members or files already
 * somebody there has to say yes. It closes when the network changes.
 */
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import { ShoalError } from '../../domain/errors.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { MemberList } from '../members/member-list.ts';
import type { Summary } from './merge-rule.ts';

/** What is told of two nodes that meet. */
type Side = Pick<Summary, 'name' | 'alone' | 'members' | 'files'>;

/** Somebody who would come in by a window, and waits for a yes. */
export interface WaitingNode {
  readonly node: string;
  readonly name: string;
  readonly address: string;
  /** Files that it brings along. */
  readonly files: number;
}

/** Most nodes that wait for a yes: everybody on the network can ask. */
const maxWaiting = 32;

type Subnet = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** The trust, while it is on. */
export class LanTrust {
  readonly #members: MemberList;
  readonly #enabled: boolean;
  readonly #subnets: () => readonly string[];
  readonly #clock: Clock;
  readonly #onChange: () => void;
  #used: string | undefined;
  #window: { readonly untilMs: number; readonly networks: string; readonly timer: NodeJS.Timeout } | undefined;
  readonly #waiting = new Map<string, WaitingNode>();
  readonly #admitted = new Set<string>();

  /** @param subnets of the interfaces of this host now, in CIDR notation. */
  constructor(
    members: MemberList,
    enabled: boolean,
    clock: Clock,
    onChange: () => void,
    subnets: () => readonly string[] = ownSubnets,
  ) {
    this.#members = members;
    this.#enabled = enabled;
    this.#clock = clock;
    this.#onChange = onChange;
    this.#subnets = subnets;
  }

  get isOn(): boolean {
    return this.#enabled || this.leftMs > 0;
  }

  /** Whether it is on until the next start. */
  get isPermanent(): boolean {
    return this.#enabled;
  }

  /** How long the window stays open, in milliseconds; 0: there is none. Another network closes it. */
  get leftMs(): number {
    if (!this.#window) return 0;
    if (this.#window.networks !== this.#networks()) this.close();
    return Math.max(0, (this.#window?.untilMs ?? 0) - this.#clock.monotonic());
  }

  /** Nodes that would come in by the window and wait for a yes. */
  get waiting(): readonly WaitingNode[] {
    return this.leftMs > 0 ? [...this.#waiting.values()] : [];
  }

  /** Opens the window, or keeps it open for longer. */
  open(ms: number): void {
    this.close();
    const timer = setTimeout(() => this.close(), ms).unref();
    this.#window = { untilMs: this.#clock.monotonic() + ms, networks: this.#networks(), timer };
    this.#onChange();
  }

  /** Closes the window. */
  close(): void {
    if (!this.#window) return;
    clearTimeout(this.#window.timer);
    this.#window = undefined;
    this.#waiting.clear();
    this.#admitted.clear();
    if (!this.#enabled) this.#used = undefined;
    this.#onChange();
  }

  /** Somebody says yes, or no. @throws ShoalError PAIRING_NOT_FOUND. */
  decide(node: string, admit: boolean): void {
    if (!this.#waiting.delete(node)) throw new ShoalError('PAIRING_NOT_FOUND');
    if (admit) this.#admitted.add(node);
    this.#onChange();
  }

  /**
   * Checks what the two tell of themselves: is this somebody who may come in without anybody's doing?
   * @throws ShoalError JOIN_NOT_POSSIBLE; JOIN_WAITS: somebody has to say yes first.
   */
  judge(node: string, address: string, joiner: Side, acceptor: Side): void {
    if (this.#enabled) return;
    const isEmpty = acceptor.alone && acceptor.files === 0;
    // Who brings files is asked by those who have none, not the other way round.
    if (!joiner.alone || (isEmpty && joiner.files > 0)) throw new ShoalError('JOIN_NOT_POSSIBLE');
    if (isEmpty || this.#admitted.has(node)) return;
    if (this.#waiting.size < maxWaiting || this.#waiting.has(node)) {
      const isNew = !this.#waiting.has(node);
      this.#waiting.set(node, { node, name: joiner.name, address, files: joiner.files });
      if (isNew) this.#onChange();
    }
    throw new ShoalError('JOIN_WAITS');
  }

  /** Whether a node that is connected from or at an address may come in now. */
  allows(node: string, address: string): boolean {
    return (
      this.isOn &&
      !this.#members.current.removed.has(node) &&
      !this.#members.isRemoved &&
      this.#subnetOf(address) !== undefined
    );
  }

  /** Somebody came in from there: from now on it is that subnet and no other. */
  used(address: string): void {
    this.#used ??= this.#subnetOf(address);
  }

  #networks(): string {
    return [...this.#subnets()].sort().join(' ');
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
