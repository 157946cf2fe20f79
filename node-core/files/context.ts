/**
 * What the use cases of this room share. Built once by create-node.
 *
 * Order of locks, outermost first: paths (sorted), then one content, then the committer. Nobody waits for a path while
 * holding a content.
 */
import type { Catalog } from '../catalog/catalog.ts';
import type { FolderJob } from '../catalog/values.ts';
import { foldPath } from '../domain/paths.ts';
import type { Clock } from '../runtime/clock.ts';
import type { EventBus } from '../runtime/events.ts';
import type { KeyedLock } from '../runtime/keyed-lock.ts';
import type { PackStore } from '../storage/pack-store.ts';
import type { FilePlaces, SpaceGuard, StagingArea } from '../storage/ports.ts';

/** News of this room, after the fact. */
export interface FileEvents {
  'file-committed': { readonly path: string; readonly size: number; readonly sha256: string };
  /** A file of another node shows here now; its bytes may still be on their way. */
  'file-arrived': { readonly path: string; readonly size: number; readonly sha256: string; readonly from: string };
  /** Bytes that had been elsewhere are here now, verified. */
  'content-kept': { readonly path: string; readonly sha256: string; readonly size: number };
  'file-removed': { readonly path: string; readonly by: string };
  'file-moved': { readonly from: string; readonly to: string };
  'folder-progress': {
    readonly job: FolderJob;
    readonly done: number;
    readonly failed: number;
    readonly finished: boolean;
  };
  'folder-made': { readonly path: string };
  /** Files found in the store's folder are being taken in. */
  'adopt-progress': {
    readonly taken: number;
    readonly known: number;
    readonly skipped: number;
    readonly finished: boolean;
  };
  /** Files of another store or folder are being taken in. */
  'import-progress': object;
  /** Too many files went from a watched store at once: somebody has to say whether they were deleted. */
  'removals-held': { readonly id: string; readonly files: number; readonly total: number };
  /** So many files would go by a rule or a scan that somebody must say yes first. */
  'deletion-waits': { readonly rule: string; readonly files: number; readonly bytes: number };
  /** Bytes that are not what was stored. */
  'bytes-damaged': { readonly path: string; readonly place: string };
  /** Damaged bytes were moved to where nothing reads them: these paths want their content from elsewhere now. */
  'bytes-set-aside': { readonly sha256: string; readonly paths: readonly string[]; readonly reason: string };
  /** A content whose bytes had been damaged here is whole again. */
  'bytes-repaired': { readonly sha256: string; readonly paths: readonly string[] };
  /** Versions that were written without knowing of each other show beside each other at a path; or do not any more. */
  'conflict-found': { readonly path: string };
  'conflict-gone': { readonly path: string };
  /** Nobody who is a member has the bytes of these files any more. */
  'files-lost': { readonly sha256: string; readonly paths: readonly string[] };
  /** A run of the scrub began, ended, was paused or goes on. */
  'scrub-changed': { readonly state: 'off' | 'waiting' | 'running' | 'paused' };
}

/** The packs, and what goes there. */
export interface Packing {
  readonly store: PackStore;
  /** Contents up to this many bytes are packed; 0: none are. */
  readonly limitBytes: () => number;
}

/** The parts that every use case of this room works with. */
export interface FilesContext {
  readonly catalog: Catalog;
  readonly store: FilePlaces;
  readonly staging: StagingArea;
  readonly guard: SpaceGuard;
  /** One lock per path (folded): uploads, moves, deletes and the replicator (replication.md, 9). */
  readonly pathLocks: KeyedLock;
  /** By folded path: finishes a commit whose bytes could not be placed. The caller holds the path. */
  readonly unfinished: Map<string, () => Promise<void>>;
  /** One lock per content: linking changes the identity of every name of it. */
  readonly contentLocks: KeyedLock;
  /** Where small contents are kept together. */
  readonly packs: Packing;
  readonly clock: Clock;
  readonly events: EventBus<FileEvents>;
  /** Whether other programs write the store's plain files (`enable_fsnotify`): then no two of them share an inode. */
  readonly othersWrite?: () => boolean;
}

/**
 * Runs work while holding the locks of some paths. What a disk error left unfinished at one of them is finished first, so
 * that nothing is built on a half-placed file.
 */
export async function withPaths<T>(
  context: FilesContext,
  paths: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  const folded = [...new Set(paths.map(foldPath))];
  const release = await context.pathLocks.acquireAll(folded);
  try {
    for (const path of folded) await context.unfinished.get(path)?.();
    return await work();
  } finally {
    release();
  }
}

/** Like {@link withPaths}, for one path. */
export function withPath<T>(context: FilesContext, path: string, work: () => Promise<T>): Promise<T> {
  return withPaths(context, [path], work);
}
