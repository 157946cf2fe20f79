/** What each member holds and lacks. Members are asked when somebody wants to know, so that an idle cluster says nothing. */
import { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import type { VersionVector } from '../../domain/version.ts';
import type { WantedContent } from '../../files/wanted-content.ts';
import type { PeerClient } from '../transport/peer-client.ts';

const count = z.number().int().nonnegative();
const amount = z.object({ files: count, bytes: count });

/** A kind of device: a node without a window, or a desktop by its system. */
export type DeviceKind = 'server' | 'linux' | 'windows' | 'mac';

/** What a member tells of itself. */
export const figuresShapes = {
  question: z.object({}),
  answer: z.object({
    /** Live files of its catalogue. */
    total: amount,
    /** Those of which it lacks the bytes. All others were verified when they came, and are read again by its scrub. */
    missing: amount,
    /** Contents that nobody has any more. */
    lost: count,
    /** Its disk is full: it fetches nothing. */
    stalled: z.boolean(),
    /** Of its disk, in bytes, the free ones rounded; absent from nodes of before, and where the disk is gone. */
    disk: z.object({ free: z.number(), total: z.number() }).exactOptional(),
    /** What kind of device it is, a {@link DeviceKind} or a later one; absent from nodes of before. */
    device: z.string().max(20).exactOptional(),
    seen: z.record(z.string(), count),
  }),
} as const;

/** What a member tells of itself. */
export type OwnFigures = z.infer<typeof figuresShapes.answer>;

/** What is known of a member. */
export interface MemberFigures extends Omit<OwnFigures, 'seen'> {
  /** Changes that this node has seen and the member has not. */
  readonly behind: number;
  /** Changes that the member has seen and this node has not. */
  readonly ahead: number;
  /** When it said so, milliseconds since 1970. */
  readonly atMs: number;
}

/** How long an answer is taken for true at least, and how long one may take, in milliseconds. */
const trustMs = 1000;
const questionMs = 2500;

/** What took long to count is taken for true so many times as long: whoever looks on must not hold up what is looked at. */
const patience = 20;

/** Free space is told this exactly, in bytes: it changes all the time, and that is no news. */
const roundBytes = 100_000_000;

/** What figures are built with. */
export interface FiguresOptions {
  readonly catalog: Catalog;
  readonly wanted: WantedContent;
  readonly client: Pick<PeerClient, 'members' | 'call'>;
  readonly isOnline: (member: string) => boolean;
  readonly isStalled: () => boolean;
  readonly device: DeviceKind;
  /** Of the disk now. @throws system errors when it is gone. */
  readonly space: () => Promise<{ readonly free: number; readonly total: number }>;
  readonly now: () => number;
  readonly monotonic: () => number;
}

/** Asks for figures. */
export class Figures {
  readonly #options: FiguresOptions;
  readonly #known = new Map<string, { readonly figures: OwnFigures; readonly atMs: number }>();
  #own: { readonly figures: Promise<OwnFigures>; until: number } | undefined;
  #asked: { readonly all: Promise<void>; readonly at: number } | undefined;

  constructor(options: FiguresOptions) {
    this.#options = options;
  }

  /** Those of this node. */
  own(): Promise<OwnFigures> {
    const { monotonic } = this.#options;
    const began = monotonic();
    if (this.#own && began < this.#own.until) return this.#own.figures;
    const own = { figures: this.#count(), until: Number.POSITIVE_INFINITY };
    this.#own = own;
    const settle = () => {
      own.until = monotonic() + Math.max(trustMs, patience * (monotonic() - began));
    };
    own.figures.then(settle, settle);
    return own.figures;
  }

  /** Those of all members that ever said so since the start, by id; of those that are away as they said last. */
  async members(): Promise<ReadonlyMap<string, MemberFigures>> {
    const at = this.#options.monotonic();
    if (!this.#asked || at - this.#asked.at > trustMs) this.#asked = { all: this.#askAll(), at };
    await this.#asked.all;
    const ours = await this.#options.catalog.seen();
    const found = new Map<string, MemberFigures>();
    for (const member of this.#options.client.members()) {
      const known = this.#known.get(member);
      if (!known) continue;
      const { seen, ...figures } = known.figures;
      found.set(member, { ...figures, behind: lead(ours, seen), ahead: lead(seen, ours), atMs: known.atMs });
    }
    return found;
  }

  async #askAll(): Promise<void> {
    const { client, isOnline, now } = this.#options;
    const request = { method: 'POST', path: 'figures', body: {}, timeoutMs: questionMs } as const;
    await Promise.all(
      client
        .members()
        .filter((member) => isOnline(member))
        .map(async (member) => {
          // One that does not answer is known as it was; that it is away is told elsewhere.
          const figures = await client.call(member, request, figuresShapes.answer).catch(() => undefined);
          if (figures) this.#known.set(member, { figures, atMs: now() });
        }),
    );
  }

  async #count(): Promise<OwnFigures> {
    const { catalog, device, isStalled, space, wanted } = this.#options;
    const missing = { files: 0, bytes: 0 };
    let lost = 0;
    for await (const want of wanted.list()) {
      const needing = await wanted.needing(want.sha256);
      missing.files += needing.length;
      missing.bytes += needing.length * want.size;
      if (want.lost && needing.length > 0) lost += 1;
    }
    const disk = await space().catch(() => undefined);
    return {
      ...{ total: catalog.totals(), missing, lost, stalled: isStalled(), device, seen: await catalog.seen() },
      ...(disk && { disk: { free: Math.round(disk.free / roundBytes) * roundBytes, total: disk.total } }),
    };
  }
}

/** How many changes one has seen that another one has not. */
function lead(one: VersionVector, other: VersionVector): number {
  return Object.entries(one).reduce((sum, [source, number]) => sum + Math.max(0, number - (other[source] ?? 0)), 0);
}
