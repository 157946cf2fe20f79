/**
 * Takes one file into the catalogue that stands in the store's folder already: in place, without copying. Such a file may be
 * written by others, so it never becomes a source of hard links (replication.md, 10).
 */
import type { NewVersion } from '../catalog/transaction.ts';
import { type CompatibleAlgorithm, type DigestAlgorithm, digestOf } from '../domain/digests.ts';
import { ShoalError } from '../domain/errors.ts';
import { baseName, normalizePath, parentOf } from '../domain/paths.ts';
import type { RunControl } from '../runtime/shared-run.ts';
import { ContentHasher, type HashedContent } from '../storage/content-hasher.ts';
import { type FileIdentity, identityOf, untouched } from '../storage/identity.ts';
import { type FilesContext, withPath } from './context.ts';

/** Bytes hashed before others get their turn. */
const chunkBytes = 256 * 1024;

/** Why a file was left where it is, unknown. Codes of paths are those of domain/errors.ts. */
export type SkipReason =
  | 'PATH_INVALID'
  | 'PATH_TOO_LONG'
  | 'PATH_RESERVED'
  /** Another file shows at its path. */
  | 'TARGET_EXISTS'
  /** A symbolic link. */
  | 'LINK'
  /** Neither file nor folder. */
  | 'SPECIAL'
  /** Somebody was writing it; the next run takes it. */
  | 'CHANGING'
  | 'UNREADABLE'
  /** Its content is not the one that was announced. */
  | 'DAMAGED';

/** What became of a file. */
export type AdoptOutcome = 'taken' | 'known' | SkipReason;

/** A digest that a content must have. */
export interface ExpectedDigest {
  readonly algorithm: DigestAlgorithm;
  /** Lower case. */
  readonly hex: string;
}

/** A file to take in. */
export interface AdoptRequest {
  /** Where it stands, below `files/`, as the disk spells it. */
  readonly place: string;
  /** Which compatible digest is computed. */
  readonly algorithm: CompatibleAlgorithm;
  /** What its content must be, if somebody said so. */
  readonly expected?: ExpectedDigest;
  /** Name that the uploader gave; the path's own when undefined. */
  readonly name?: string;
  /** The first folder of the path when undefined, as uploads have it. */
  readonly scene?: string;
  /** When it was stored, in milliseconds since 1970; when it was last written when undefined, as go-fastdfs counts. */
  readonly storedMs?: number;
}

/** @returns undefined when the file has gone meanwhile, or the node stops. */
export async function adoptPlace(
  context: FilesContext,
  request: AdoptRequest,
  control: RunControl,
): Promise<AdoptOutcome | undefined> {
  const { place, algorithm, expected } = request;
  let logicalPath: string;
  try {
    logicalPath = normalizePath(place);
  } catch (error) {
    if (error instanceof ShoalError) return error.code as SkipReason;
    throw error;
  }
  const shown = context.catalog.find(logicalPath);
  if (shown?.local?.place === place) return 'known';
  let hashed: HashedPlace | 'CHANGING' | undefined;
  try {
    hashed = await hashPlace(context, algorithm, place, control);
  } catch {
    return 'UNREADABLE';
  }
  if (hashed === undefined || hashed === 'CHANGING') return hashed;
  if (expected && digestOf(hashed.digests, expected.algorithm) !== expected.hex) return 'DAMAGED';
  return commit(context, logicalPath, request, hashed);
}

/** The digests of a file in the store's folder, and which file it was. */
export interface HashedPlace extends HashedContent {
  readonly identity: FileIdentity;
}

/**
 * Hashes a file where it stands.
 * @returns undefined when there is none or the node stops, `CHANGING` when it was written meanwhile.
 * @throws system errors of the disk.
 */
export async function hashPlace(
  context: FilesContext,
  algorithm: CompatibleAlgorithm,
  place: string,
  control: RunControl,
): Promise<HashedPlace | 'CHANGING' | undefined> {
  const opened = await context.store.openPlain(place);
  // A name that is not UTF-8 is listed, but cannot be opened by what it is listed as.
  if (!opened && place.includes('\ufffd')) return Promise.reject(new Error('its name is not UTF-8'));
  if (!opened) return undefined;
  const { handle, identity } = opened;
  try {
    const hasher = new ContentHasher(algorithm);
    const buffer = Buffer.allocUnsafe(chunkBytes);
    for (;;) {
      if (control.stopping) return undefined;
      const { bytesRead } = await handle.read(buffer, 0, chunkBytes, hasher.size);
      if (bytesRead === 0) break;
      hasher.update(buffer.subarray(0, bytesRead));
    }
    const now = identityOf(await handle.stat({ bigint: true }));
    return untouched(now, identity) && hasher.size === identity.size ? { identity, ...hasher.finish() } : 'CHANGING';
  } finally {
    await handle.close();
  }
}

/** The record and where its bytes stand, in one commit. No link source: the file is not ours. */
function commit(
  context: FilesContext,
  logicalPath: string,
  request: AdoptRequest,
  { digests, blocks, identity }: HashedPlace,
): Promise<AdoptOutcome | undefined> {
  const { place } = request;
  return withPath(context, logicalPath, async () => {
    await context.guard.checkStore();
    const found = context.store.identify(place);
    if (!found) return undefined;
    if (!untouched(found, identity)) return 'CHANGING';
    const nowMs = context.clock.now();
    const mtimeMs = Math.min(nowMs, Math.max(0, Number(BigInt(identity.mtimeNs) / 1_000_000n)));
    const next: NewVersion = {
      kind: 'file',
      digests,
      name: request.name ?? baseName(logicalPath),
      scene: request.scene ?? parentOf(logicalPath).split('/')[0] ?? '',
      mtimeMs,
      storedMs: request.storedMs ?? mtimeMs,
    };
    const shown = context.catalog.find(logicalPath);
    const outcome = await context.catalog.commit((transaction): AdoptOutcome => {
      const { versions } = transaction.record(logicalPath);
      if (versions.some(({ dot }) => transaction.local(logicalPath, dot)?.place === place)) return 'known';
      if (versions.length > 0 || shown) return 'TARGET_EXISTS';
      const version = transaction.write(logicalPath, next);
      transaction.setLocal(logicalPath, version, { place, identity, verifiedMs: nowMs });
      transaction.putBlocks(digests.sha256, blocks);
      return 'taken';
    });
    if (outcome === 'taken') {
      const { size, sha256 } = digests;
      context.events.emit('file-committed', { path: logicalPath, size, sha256 });
    }
    return outcome;
  });
}
