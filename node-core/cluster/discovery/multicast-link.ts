/**
 * bonjour-service on one network, made harmless: it announces and answers, and hands out what it hears. Whatever comes in
 * and whatever fails, nothing is thrown and no event is without a handler. Why its browser is not used:
 * docs/decisions/030-discovery.md.
 */
import Bonjour from 'bonjour-service';
import { type HostNetwork, isOnNetwork } from '../../domain/host-networks.ts';
import { type Announcement, labelOf, serviceName, serviceType, writeText } from './announcement.ts';
import { asksForNodes, type Notice, readNotices } from './packet.ts';

/** Where multicast DNS is spoken; for tests, which must not meet the real network. */
export interface MulticastOptions {
  /** UDP port; 5353 when undefined. */
  readonly port?: number;
  /** Address of this host whose network alone is used, loopback and virtual cards included. */
  readonly interface?: string;
  /** Address to listen at; `0.0.0.0` when undefined: bound to its own address a socket hears no multicast. */
  readonly bind?: string;
}

/** Who hears what happens on a link. None of it is called after `close`. */
export interface LinkListener {
  /** The socket listens. */
  readonly ready: () => void;
  /** A packet from an address on this network spoke of a node. */
  readonly heard: (notice: Notice, from: string) => void;
  /** The socket could not be opened, and the link is of no use. */
  readonly failed: (error: unknown) => void;
  /** A packet could not be sent: there may be no route at the moment. */
  readonly unsent: (error: unknown) => void;
  /** Whether the sender of a packet may take more of this node's time. */
  readonly admits: (from: string) => boolean;
}

/** One open link. */
export interface MulticastLink {
  /** Asks who is there. */
  query(): void;
  /** Closes the socket; never rejects. @param goodbye whether neighbours are told that the node goes. */
  close(goodbye: boolean): Promise<void>;
}

type Sent = (error?: unknown) => void;

/** What we use of multicast-dns, which brings no types. */
interface Mdns {
  on(event: string, listener: (...args: never[]) => void): void;
  listeners(event: string): ((packet: unknown, sender: unknown) => void)[];
  removeAllListeners(event: string): void;
  query(query: object, sent: Sent): void;
  respond(response: unknown, receiver?: unknown, sent?: Sent): void;
}

/** Questions of one packet that are answered, each by a packet of its own. */
const maxQuestions = 4;

/** A goodbye that cannot be sent keeps nobody from going. */
const goodbyeMs = 500;

/** Opens a link. Never throws: what fails is told to the listener, after this call has returned. */
export function openLink(
  network: HostNetwork,
  announcement: Announcement,
  options: MulticastOptions,
  listener: LinkListener,
): MulticastLink {
  try {
    return new BonjourLink(network, announcement, options, listener);
  } catch (error) {
    // No more open files are allowed, for example.
    const failing = setImmediate(() => listener.failed(error));
    return { query: () => undefined, close: async () => clearImmediate(failing) };
  }
}

class BonjourLink implements MulticastLink {
  readonly #bonjour: Bonjour;
  readonly #mdns: Mdns;
  readonly #unsent: (error: unknown) => void;
  #closed = false;

  constructor(network: HostNetwork, announcement: Announcement, options: MulticastOptions, listener: LinkListener) {
    this.#unsent = (error) => {
      if (!this.#closed) listener.unsent(error);
    };
    const admits = (from: string) => !this.#closed && isOnNetwork(from, network) && listener.admits(from);
    const config = { port: options.port, interface: network.address, bind: options.bind ?? '0.0.0.0' };
    // The types of its options are those of a service, although they go to the socket.
    this.#bonjour = new Bonjour(config as object, this.#unsent);
    this.#mdns = mdnsOf(this.#bonjour);
    this.#mdns.on('error', (error: unknown) => {
      if (!this.#closed) listener.failed(error);
    });
    // A group that could not be joined: the missing answers will tell.
    this.#mdns.on('warning', () => undefined);
    this.#mdns.on('ready', () => {
      if (this.#closed) return;
      attempt(
        () => {
          this.#publish(announcement);
          listener.ready();
        },
        (error) => listener.failed(error),
      );
    });
    this.#mdns.on('response', (packet: unknown, sender: unknown) => {
      const from = addressOf(sender);
      if (from === undefined || !admits(from)) return;
      for (const notice of readNotices(packet)) listener.heard(notice, from);
    });
    guardQueries(this.#mdns, admits, this.#unsent);
    guardResponses(this.#mdns, network, this.#unsent);
  }

  query(): void {
    const sent: Sent = (error) => {
      if (error) this.#unsent(error);
    };
    attempt(() => this.#mdns.query({ questions: [{ name: serviceName, type: 'PTR' }] }, sent), this.#unsent);
  }

  async close(goodbye: boolean): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (goodbye) await within(goodbyeMs, (done) => this.#bonjour.unpublishAll(done));
    await within(goodbyeMs, (done) => this.#bonjour.destroy(done));
  }

  #publish(announcement: Announcement): void {
    this.#bonjour.publish({
      name: labelOf(announcement.id),
      type: serviceType,
      port: announcement.port,
      // The host's own name may be too long or not ASCII, and nobody needs to know it.
      host: `shoal-${announcement.id.slice(0, 16)}.local`,
      txt: writeText(announcement),
      probe: false,
      disableIPv6: true,
    });
  }
}

/** The socket that bonjour-service keeps to itself: its public interface tells neither errors nor raw responses. */
function mdnsOf(bonjour: object): Mdns {
  const mdns = (bonjour as { readonly server?: { readonly mdns?: unknown } }).server?.mdns;
  if (typeof mdns !== 'object' || mdns === null) throw new TypeError('bonjour-service is not the version that we know');
  return mdns as Mdns;
}

/** Lets only questions of neighbours about nodes through to bonjour-service, few of one packet. */
function guardQueries(mdns: Mdns, admits: (from: string) => boolean, failed: (error: unknown) => void): void {
  const answering = mdns.listeners('query');
  mdns.removeAllListeners('query');
  mdns.on('query', (packet: { readonly questions?: unknown }, sender: unknown) => {
    const questions = Array.isArray(packet.questions) ? packet.questions.filter(asksForNodes) : [];
    const from = addressOf(sender);
    if (questions.length === 0 || from === undefined || !admits(from)) return;
    const asked = { ...packet, questions: questions.slice(0, maxQuestions) };
    for (const answer of answering) attempt(() => answer(asked, sender), failed);
  });
}

/** Sends of the host's addresses only the one on this network: docker0's would be the same on every host. */
function guardResponses(mdns: Mdns, network: HostNetwork, failed: (error: unknown) => void): void {
  const respond = mdns.respond.bind(mdns);
  const own = (records: unknown) =>
    Array.isArray(records)
      ? records.filter((one: { type?: unknown; data?: unknown }) => one.type !== 'A' || one.data === network.address)
      : [];
  mdns.respond = (response, receiver, sent) => {
    // Both later arguments may be the callback.
    const done = typeof receiver === 'function' ? (receiver as Sent) : sent;
    const { answers, additionals } = Array.isArray(response)
      ? { answers: response, additionals: [] }
      : (response as { readonly answers?: unknown; readonly additionals?: unknown });
    const told: Sent = (error) => {
      if (error) failed(error);
      // Without the error: who announces has no use for it, and who answers would throw it.
      attempt(() => done?.(), failed);
    };
    attempt(() => respond({ answers: own(answers), additionals: own(additionals) }, told), told);
  };
}

function addressOf(sender: unknown): string | undefined {
  const address = (sender as { readonly address?: unknown } | undefined)?.address;
  return typeof address === 'string' ? address : undefined;
}

function attempt(action: () => void, failed: (error: unknown) => void): void {
  try {
    action();
  } catch (error) {
    failed(error);
  }
}

/** Waits until an action has called back, or failed, or for so long. */
function within(timeoutMs: number, action: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    attempt(() => action(done), done);
  });
}
