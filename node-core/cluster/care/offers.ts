/**
 * Asks members which of some contents they lack, and has them fetch those. What a member answers is what its own catalogue and
 * disk say; that it was told of a file never counts as having it.
 */
import { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.ts';
import type { PeerClient } from '../transport/peer-client.ts';

/** Most contents of one question. */
export const offeredAtOnce = 1000;

/** Contents that the asking node holds, and those of them that the asked one lacks. */
export const offerShapes = {
  question: z.object({ contents: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(offeredAtOnce) }),
  answer: z.object({ lacking: z.array(z.string()) }),
} as const;

/** What a member said. */
export interface OfferOutcome {
  readonly member: string;
  /** Contents that it lacks and fetches now; undefined: it could not be asked. */
  readonly lacking: number | undefined;
}

/** What offers are built with. */
export interface OffersOptions {
  readonly catalog: Catalog;
  readonly client: Pick<PeerClient, 'members' | 'call'>;
  readonly isOnline: (member: string) => boolean;
}

/** Offers contents. */
export class Offers {
  readonly #options: OffersOptions;

  constructor(options: OffersOptions) {
    this.#options = options;
  }

  /** Asks all members. Contents of which this node has no bytes are not offered. */
  async offer(contents: readonly string[]): Promise<OfferOutcome[]> {
    const { catalog, client } = this.#options;
    const here: string[] = [];
    for (const sha256 of contents) if ((await catalog.placesOf(sha256)).length > 0) here.push(sha256);
    return Promise.all(client.members().map((member) => this.#offerTo(member, here)));
  }

  /** Which of some contents this node lacks: no file shows them, or a file that does has no bytes. */
  async lacking(contents: readonly string[]): Promise<string[]> {
    const found: string[] = [];
    for (const sha256 of contents) {
      const files = await this.#options.catalog.findByDigest('sha256', sha256);
      if (files.length === 0 || files.some(({ local }) => local === undefined)) found.push(sha256);
    }
    return found;
  }

  async #offerTo(member: string, contents: readonly string[]): Promise<OfferOutcome> {
    const { client, isOnline } = this.#options;
    if (!isOnline(member)) return { member, lacking: undefined };
    let lacking = 0;
    for (let start = 0; start < contents.length; start += offeredAtOnce) {
      const body = { contents: contents.slice(start, start + offeredAtOnce) };
      const answer = await client
        .call(member, { method: 'POST', path: 'offer', body }, offerShapes.answer)
        .catch(() => undefined);
      if (!answer) return { member, lacking: undefined };
      lacking += answer.lacking.length;
    }
    return { member, lacking };
  }
}
