/**
 * Dots and version vectors: who wrote what, and who has seen it (replication.md, 1 and 2).
 *
 * A dot names one commit of one node. Numbers grow by one within an epoch; each start of a node that commits opens a
 * new random epoch, so a restored or cloned data folder never gives a number out twice.
 */

/** One commit of one node. */
export interface Dot {
  /** Node id: 64 hex digits, sha256 of the public key. */
  readonly node: string;
  /** 12 random hex digits, new with the first own commit after each start. */
  readonly epoch: string;
  /** 1, 2, 3 ... within the epoch. */
  readonly number: number;
}

/** `<node>.<epoch>`: where a dot's number counts. */
export type DotSource = string;

/** Highest number seen of each source. An absent source means nothing seen. */
export type VersionVector = Readonly<Record<DotSource, number>>;

/** The source of a dot. */
export function sourceOf(dot: Dot): DotSource {
  return `${dot.node}.${dot.epoch}`;
}

/** A dot as one string: `<node>.<epoch>.<number>`. */
export function formatDot(dot: Dot): string {
  return `${dot.node}.${dot.epoch}.${dot.number}`;
}

/** Reads {@link formatDot}'s form; undefined when malformed. */
export function parseDot(text: string): Dot | undefined {
  const match = /^([0-9a-f]{64})\.([0-9a-f]{12})\.([1-9][0-9]{0,15})$/.exec(text);
  if (!match) return undefined;
  const number = Number(match[3]);
  return Number.isSafeInteger(number) ? { node: match[1] as string, epoch: match[2] as string, number } : undefined;
}

/** Whether two dots name the same commit. */
export function sameDot(a: Dot, b: Dot): boolean {
  return a.number === b.number && a.epoch === b.epoch && a.node === b.node;
}

/** Whether a vector has seen a dot. */
export function covers(vector: VersionVector, dot: Dot): boolean {
  return (vector[sourceOf(dot)] ?? 0) >= dot.number;
}

/** The least vector that has seen all that either has seen. */
export function joinVectors(a: VersionVector, b: VersionVector): VersionVector {
  const joined: Record<DotSource, number> = { ...a };
  for (const [source, number] of Object.entries(b)) {
    if (number > (joined[source] ?? 0)) joined[source] = number;
  }
  return joined;
}

/** A vector that has also seen one dot. */
export function withDot(vector: VersionVector, dot: Dot): VersionVector {
  return covers(vector, dot) ? vector : { ...vector, [sourceOf(dot)]: dot.number };
}

/** Whether a vector has seen everything that another has. */
export function coversAll(vector: VersionVector, other: VersionVector): boolean {
  return Object.entries(other).every(([source, number]) => (vector[source] ?? 0) >= number);
}
