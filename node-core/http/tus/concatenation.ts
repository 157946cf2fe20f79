/** The parts of a concatenation (tus 1.0.0, "Concatenation"): each may be kept by this node or by another member. */
import type { ResumableUpload } from '../../catalog/values.ts';
import { ShoalError } from '../../domain/errors.ts';
import type { HttpServices } from '../services.ts';

/** Most parts of one concatenation. */
const maxParts = 1000;

/** A complete part. */
export interface Part {
  readonly id: string;
  readonly size: number;
  /** Read once. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** The member that keeps it; undefined: this node. */
  readonly owner?: string;
}

/** Whether an upload of this node is a part, with all its bytes. */
export function isCompletePart({ concatenation, safe, size }: ResumableUpload): boolean {
  return concatenation === 'partial' && safe === size;
}

/**
 * The parts that a header `Upload-Concat: final;<url> <url> ...` names, in order.
 * @throws ShoalError BAD_REQUEST when one is no complete part; UPLOAD_OWNER_AWAY.
 */
export async function partsNamed(services: HttpServices, concat: string): Promise<Part[]> {
  const urls = concat.slice('final;'.length).trim().split(/\s+/);
  if (urls.length > maxParts) throw notComplete();
  const parts: Part[] = [];
  for (const url of urls) {
    const part = await partOf(services, url.replace(/\/$/, '').split('/').at(-1) ?? '');
    if (!part) throw notComplete();
    parts.push(part);
  }
  return parts;
}

/** Has other members give up parts that have become a file. Nobody waits for it: they expire all the same. */
export function giveUpElsewhere({ cluster, logger }: HttpServices, parts: readonly Part[]): void {
  for (const { id, owner } of parts)
    if (owner !== undefined)
      cluster.uploads
        .giveUp(owner, id)
        .catch((error: unknown) => logger.debug({ err: error, upload: id }, 'a part was not given up'));
}

async function partOf({ cluster, resumable }: HttpServices, id: string): Promise<Part | undefined> {
  const own = resumable.find(id);
  if (own) return isCompletePart(own) ? { id, size: own.safe, bytes: resumable.bytesOf(id) } : undefined;
  if (!/^[0-9a-f]{32}$/.test(id) || cluster.uploads.isAlone) return undefined;
  const state = await cluster.uploads.stateOf(id);
  if (state?.part === undefined) return undefined;
  const { owner, part: size } = state;
  return { id, size, owner, bytes: cluster.uploads.bytesOf(owner, id, size) };
}

function notComplete(): ShoalError {
  const reason = 'Upload-Concat names uploads that are not complete parts';
  return new ShoalError('BAD_REQUEST', { details: { reason } });
}
