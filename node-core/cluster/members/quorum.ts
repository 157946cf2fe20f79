/** What only one member does, and only when it sees enough of the others (replication.md, 19 and 20). */

/** Wall clocks that differ by less agree, in milliseconds. */
const agreementMs = 5 * 60 * 1000;

/** Who is a member besides this node. */
export interface QuorumMembers {
  readonly self: string;
  others(): string[];
}

/** Who of them is there, and what time it is there. */
export interface QuorumSight {
  isOnline(member: string): boolean;
  leadOf(member: string): number | undefined;
}

/** Answers for this node. */
export class Quorum {
  readonly #members: QuorumMembers;
  readonly #sight: QuorumSight;

  constructor(members: QuorumMembers, sight: QuorumSight) {
    this.#members = members;
    this.#sight = sight;
  }

  /** Whether this node runs the rules of retention: the lowest id among those that are there, when they are a majority. */
  runsRules(): boolean {
    const { others, live } = this.#live();
    return isMajority(live.length + 1, others.length + 1) && live.every((id) => this.#members.self < id);
  }

  /** Whether the wall clock agrees with those of a majority. Undefined: there is no other member to agree with. */
  clockAgrees(): boolean | undefined {
    const { others, live } = this.#live();
    if (others.length === 0) return undefined;
    const agreeing = live.filter((id) => {
      const leadMs = this.#sight.leadOf(id);
      return leadMs !== undefined && Math.abs(leadMs) < agreementMs;
    });
    return isMajority(agreeing.length + 1, others.length + 1);
  }

  #live(): { readonly others: readonly string[]; readonly live: readonly string[] } {
    const others = this.#members.others();
    return { others, live: others.filter((id) => this.#sight.isOnline(id)) };
  }
}

function isMajority(some: number, all: number): boolean {
  return some * 2 > all;
}
