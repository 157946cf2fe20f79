import type { IncomingMessage } from 'node:http';
import { LRUCache } from 'lru-cache';
import { callerKey } from '../../access/rate-limit.ts';
import type { OpenedLink, ShareLinks } from '../../access/share-links.ts';
import type { CataloguedFile } from '../../catalog/catalog.ts';
import { ShoalError } from '../../domain/errors.ts';
import { validatorsOf } from '../download/answer.ts';
import { evaluateConditions, rangeApplies } from '../download/conditions.ts';
import { rangesOf } from '../download/ranges.ts';

/** How long a download that was begun may go on without counting again, in milliseconds. */
const grantMs = 24 * 3_600_000;

/** Downloads remembered at once. Who is forgotten counts again. */
const maxGrants = 10_000;

/** A file may be sent this often, as to its bytes, for one use: broken downloads are resumed, and overlap. */
const sendFactor = 2;

/** A download that was counted. */
interface Grant {
  /** A request for its first byte has been served. */
  begun: boolean;
  bytesLeft: number;
}

/**
 * Counts downloads by links. A use is taken before the first byte is sent, so that of many at once none is one too many.
 * It pays for one request that begins at byte 0, and for ranges of the same file for the same address behind it: a
 * download that broke is resumed, a player jumps, without being counted again; but what is sent for it is bounded
 * (docs/decisions/013).
 */
export class LinkDownloads {
  readonly #links: ShareLinks;
  readonly #grants = new LRUCache<string, Grant>({ max: maxGrants, ttl: grantMs });

  constructor(links: ShareLinks) {
    this.#links = links;
  }

  /** Returns when the file may be sent. @throws ShoalError LINK_USED_UP, LINK_REVOKED. */
  async admitFile(link: OpenedLink, address: string, request: IncomingMessage, file: CataloguedFile): Promise<void> {
    const { size, sha256 } = file.version;
    const key = `${link.id} ${callerKey(address)} ${sha256} ${file.path}`;
    const grant = this.#grants.get(key);
    const asked = askedBytes(request, file);
    if (asked === undefined) {
      if (link.usedUp && !grant) throw new ShoalError('LINK_USED_UP');
      return;
    }
    const { begins, bytes } = asked;
    if (grant && grant.bytesLeft >= bytes && !(begins && grant.begun)) {
      grant.begun ||= begins;
      grant.bytesLeft -= bytes;
      return;
    }
    await this.#links.use(link);
    this.#grants.set(key, { begun: begins, bytesLeft: Math.max(1, size) * sendFactor - bytes });
  }

  /** A zip of a folder is one use. @throws ShoalError LINK_USED_UP, LINK_REVOKED. */
  async admitZip(link: OpenedLink): Promise<void> {
    await this.#links.use(link);
  }
}

/** What a request wants sent; undefined when its answer has no bytes of the file. */
function askedBytes(
  request: IncomingMessage,
  file: CataloguedFile,
): { readonly begins: boolean; readonly bytes: number } | undefined {
  if (request.method !== 'GET') return undefined;
  const { headers } = request;
  const validators = validatorsOf(file);
  if (evaluateConditions(headers, validators) !== 'send') return undefined;
  const { size } = file.version;
  const ranges = rangeApplies(headers, validators) ? rangesOf(headers.range, size) : 'whole';
  if (ranges === 'unsatisfiable') return undefined;
  if (ranges === 'whole') return { begins: true, bytes: size };
  return {
    begins: ranges.some(({ start }) => start === 0),
    bytes: ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0),
  };
}
