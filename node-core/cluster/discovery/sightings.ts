/**
 * Which nodes have been heard of, where, and how long ago: hints, kept in bounded memory whatever strangers send. No
 * sockets and no timers; times come in as monotonic milliseconds.
 */
import type { AnnouncedText } from './announcement.ts';

/** Where a node may be reached. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A node that somebody announced. A hint only: who answers there proves its identity in the handshake. */
export interface NodeHint extends Endpoint {
  /** 64 hex digits. */
  readonly id: string;
  /** Name of the device; empty when none was announced. */
  readonly name: string;
  readonly httpPort?: number;
  readonly tag?: string;
  /** Other places where the same id was heard, the newest first: other networks, old addresses, or forgeries. */
  readonly others: readonly Endpoint[];
}

/** What hearing of a node has changed. `heard`: nothing, but it is there. `ignored`: there is no room for it. */
export type Hearing = 'found' | 'changed' | 'heard' | 'ignored';

interface Sighting {
  readonly address: string;
  port: number;
  text: AnnouncedText;
  heardMs: number;
  /** Queries sent since it was heard. */
  unanswered: number;
  /** It said goodbye and has not been heard since. */
  leaving: boolean;
}

/** Nodes held at once, and of them at one address: several nodes on one host are possible, hundreds are a forgery. */
const maxNodes = 512;
const maxNodesAtAddress = 16;
/** Addresses held for one node. */
const maxAddresses = 4;
/** A node is forgotten after so many unanswered queries and so much silence: a packet may be lost, three in a row hardly. */
const forgottenAfterQueries = 4;
const forgottenAfterMs = 150_000;
/** The same for one address of a node that is heard elsewhere. */
const movedAfterQueries = 3;

/** The nodes heard of. */
export class Sightings {
  /** By node id; the address that came up last stands first. */
  readonly #nodes = new Map<string, Sighting[]>();

  /** All hints, in order of first appearance. */
  hints(): NodeHint[] {
    return [...this.#nodes].map(([id, sightings]) => hintOf(id, sightings)).filter((hint) => hint !== undefined);
  }

  /** The hint about one node. */
  hint(id: string): NodeHint | undefined {
    return hintOf(id, this.#nodes.get(id) ?? []);
  }

  /**
   * A node was heard.
   * @param text what it said of itself; undefined keeps what it said before, because a packet may hold the port alone.
   */
  hear(id: string, place: Endpoint, text: AnnouncedText | undefined, nowMs: number): Hearing {
    const sightings = this.#nodes.get(id);
    if (!sightings) {
      if (!this.#hasRoom(place.address)) return 'ignored';
      this.#nodes.set(id, [newSighting(place, text ?? { name: '' }, nowMs)]);
      return 'found';
    }
    const known = sightings.find(({ address }) => address === place.address);
    if (!known) {
      sightings.unshift(newSighting(place, text ?? sightings[0]?.text ?? { name: '' }, nowMs));
      sightings.length = Math.min(sightings.length, maxAddresses);
      return 'changed';
    }
    const said = text ?? known.text;
    const changed = known.port !== place.port || !sameText(known.text, said);
    Object.assign(known, { port: place.port, text: said, heardMs: nowMs, unanswered: 0, leaving: false });
    if (!changed) return 'heard';
    sightings.splice(sightings.indexOf(known), 1);
    sightings.unshift(known);
    return 'changed';
  }

  /**
   * A goodbye came from an address. It counts for that address only, and only when the node does not answer the next
   * query: see {@link removeLeaving}. @returns whether anything is known there.
   */
  goodbye(id: string, address: string): boolean {
    const sighting = this.#nodes.get(id)?.find((one) => one.address === address);
    // Said again and again it must not put the end off.
    if (sighting && !sighting.leaving) Object.assign(sighting, { leaving: true, unanswered: 0 });
    return sighting !== undefined;
  }

  /** A query has gone out on the networks that `reaches` knows. */
  asked(reaches: (address: string) => boolean): void {
    for (const sightings of this.#nodes.values()) {
      for (const sighting of sightings) if (reaches(sighting.address)) sighting.unanswered += 1;
    }
  }

  /** Whether a goodbye waits for a query that would disprove it. */
  hasUnaskedGoodbyes(): boolean {
    return [...this.#nodes.values()].some((all) => all.some((one) => one.leaving && one.unanswered === 0));
  }

  /** Removes what said goodbye and has not answered the query after it. */
  removeLeaving(): Removal {
    return this.#remove(({ leaving, unanswered }) => leaving && unanswered > 0);
  }

  /** Removes what cannot be reached any more, because this host has left its network. */
  removeUnreachable(reaches: (address: string) => boolean): Removal {
    return this.#remove(({ address }) => !reaches(address));
  }

  /** Removes what has been silent for long. */
  removeSilent(nowMs: number): Removal {
    return this.#remove((one, all) =>
      all.some((other) => other !== one && other.unanswered === 0)
        ? one.unanswered >= movedAfterQueries
        : one.unanswered >= forgottenAfterQueries && nowMs - one.heardMs >= forgottenAfterMs,
    );
  }

  /** Forgets everything. */
  clear(): void {
    this.#nodes.clear();
  }

  #remove(unwanted: (sighting: Sighting, all: readonly Sighting[]) => boolean): Removal {
    const removal = { gone: [] as NodeHint[], changed: [] as NodeHint[] };
    for (const [id, sightings] of this.#nodes) {
      const kept = sightings.filter((sighting) => !unwanted(sighting, sightings));
      if (kept.length === sightings.length) continue;
      const before = hintOf(id, sightings);
      const after = hintOf(id, kept);
      if (after) {
        this.#nodes.set(id, kept);
        removal.changed.push(after);
      } else {
        this.#nodes.delete(id);
        if (before) removal.gone.push(before);
      }
    }
    return removal;
  }

  /** Whether a new node may be taken in. What is silent makes room in the end: see {@link removeSilent}. */
  #hasRoom(address: string): boolean {
    if (this.#nodes.size >= maxNodes) return false;
    const atAddress = [...this.#nodes.values()].filter((all) => all.some((one) => one.address === address));
    return atAddress.length < maxNodesAtAddress;
  }
}

/** What a removal did: hints that are gone as they last were, and hints that have lost an address as they are now. */
export interface Removal {
  readonly gone: readonly NodeHint[];
  readonly changed: readonly NodeHint[];
}

function newSighting(place: Endpoint, text: AnnouncedText, nowMs: number): Sighting {
  return { ...place, text, heardMs: nowMs, unanswered: 0, leaving: false };
}

function sameText(a: AnnouncedText, b: AnnouncedText): boolean {
  return a.name === b.name && a.httpPort === b.httpPort && a.tag === b.tag;
}

function hintOf(id: string, sightings: readonly Sighting[]): NodeHint | undefined {
  const [newest, ...others] = sightings;
  if (!newest) return undefined;
  return {
    id,
    ...newest.text,
    address: newest.address,
    port: newest.port,
    others: others.map(({ address, port }) => ({ address, port })),
  };
}
