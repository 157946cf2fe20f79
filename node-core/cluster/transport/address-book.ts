/**
 * Where members can be reached, in the order in which to try: what somebody configured, where they were reached last, what
 * was heard of them, and where they were when they came in.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import { memberTables } from '../../catalog/member-values.ts';
import { type ListenAddress, tryParseListenAddress } from '../../config/addresses.ts';

/** Most addresses that are kept of a member from one source. */
const maxAddresses = 8;

/** What the book is built with. */
export interface AddressBookOptions {
  readonly catalog: Catalog;
  /** Where a member was when it came in. */
  readonly admittedAt: (member: string) => readonly string[];
  readonly onError: (error: unknown) => void;
}

/** Keeps addresses. Only where a member was reached outlives the process. */
export class AddressBook {
  readonly #options: AddressBookOptions;
  readonly #manual = new Map<string, string[]>();
  readonly #heard = new Map<string, string[]>();

  constructor(options: AddressBookOptions) {
    this.#options = options;
  }

  /** Somebody configured that a member is there. */
  configured(member: string, address: string): void {
    this.#put(this.#manual, member, address);
  }

  /** A member is said to be there: by itself, by multicast, by others. */
  heard(member: string, address: string): void {
    if (!tryParseListenAddress(address)?.host) return;
    this.#put(this.#heard, member, address);
  }

  /** A member was reached there: the next start tries that first. */
  reached(member: string, address: string): void {
    const { catalog, onError } = this.#options;
    const known = this.#remembered(member);
    // Nothing is written while nothing changes.
    if (known[0] === address) return;
    const addresses = [address, ...known.filter((other) => other !== address)].slice(0, maxAddresses);
    catalog
      .commit((transaction) => transaction.putRow(memberTables.addresses, member, { node: member, addresses }))
      .catch(onError);
  }

  /** All addresses of a member, each once, in the order in which to try. */
  of(member: string): { readonly text: string; readonly address: Required<ListenAddress> }[] {
    const all = [
      ...(this.#manual.get(member) ?? []),
      ...this.#remembered(member),
      ...(this.#heard.get(member) ?? []),
      ...this.#options.admittedAt(member),
    ];
    return [...new Set(all)].flatMap((text) => {
      const address = tryParseListenAddress(text);
      return address?.host !== undefined && address.port > 0
        ? [{ text, address: { host: address.host, port: address.port } }]
        : [];
    });
  }

  #remembered(member: string): readonly string[] {
    return this.#options.catalog.row(memberTables.addresses, member)?.addresses ?? [];
  }

  /** The latest first. */
  #put(book: Map<string, string[]>, member: string, address: string): void {
    const others = (book.get(member) ?? []).filter((other) => other !== address);
    book.set(member, [address, ...others].slice(0, maxAddresses));
  }
}
