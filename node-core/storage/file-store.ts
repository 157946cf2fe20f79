import { constants, lstatSync, realpathSync, rmdirSync, type Stats } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { canStandOnDisk, type DiskFamily } from '../domain/disk-names.ts';
import { errnoOf } from '../domain/errors.ts';
import { parentOf } from '../domain/paths.ts';
import { BufferSource, type ByteSource } from './byte-source.ts';
import type { FolderSync } from './folder-sync.ts';
import { type FileIdentity, identify, identityOf, isAbsent } from './identity.ts';

/** Where bytes stand: a path below `files/`, with `/`. `_tmp/<id>`, `_alt/<id>`, `_trash/<id>` or a logical path. */
export type Place = string;

/** Folders of the store's own, below `files/`. */
export const storeFolders = {
  staging: '_tmp',
  alternative: '_alt',
  trash: '_trash',
  resumable: '_big',
  pack: '_pack',
  part: '_part',
  /** What a scrub has set aside: nothing in it is ever removed by the node. */
  damaged: '_damaged',
} as const;

/**
 * Place of one use of a packed content: `_pack/<sha256>.<id>`. Nothing on disk has that name. The frame is found by the
 * digest, so a packed content never moves; each use has an id of its own, which makes uses countable.
 */
export function packedPlace(sha256: string, id: string): Place {
  return `${storeFolders.pack}/${sha256}.${id}`;
}

/** Whether a place is a use of a packed content. */
export function isPacked(place: Place): boolean {
  return place.startsWith(`${storeFolders.pack}/`);
}

/** sha256 of the content that a packed place uses. */
export function packedDigest(place: Place): string {
  return place.slice(storeFolders.pack.length + 1, storeFolders.pack.length + 1 + 64);
}

/** Identity of packed bytes: they stand in no file of their own, and their digest is checked at every read. */
export function packedIdentity(size: number): FileIdentity {
  return { size, ino: '0', mtimeNs: '0', ctimeNs: '0' };
}

/** Reads packed contents. */
export interface PackReader {
  /** Bytes of a content; undefined when no pack is known to hold it. */
  sizeOf(sha256: string): number | undefined;
  /** The content, verified; undefined when no sound frame holds it. */
  read(sha256: string): Promise<Uint8Array | undefined>;
}

/** Bytes opened for reading. The reader closes the handle. */
export interface OpenedBytes {
  readonly handle: ByteSource;
  readonly identity: FileIdentity;
}

/** A plain file opened for reading. */
export interface OpenedFile extends OpenedBytes {
  readonly handle: FileHandle;
}

/**
 * The plain files of a store: moves bytes between staging, their place and the trash, and makes every name durable.
 * It knows places, not records. Callers hold the lock of the path they work on.
 */
export class FileStore {
  readonly #root: string;
  readonly #sync: FolderSync;
  readonly #family: DiskFamily;
  /** New folders whose names are being made durable; whoever files something below them waits as well. */
  readonly #unsynced = new Map<string, Promise<unknown>>();
  readonly #packs: PackReader | undefined;

  /** @param root absolute path of `files/`. */
  constructor(
    root: string,
    sync: FolderSync,
    packs?: PackReader,
    family: DiskFamily = process.platform === 'win32' ? 'windows' : 'posix',
  ) {
    this.#root = root;
    this.#sync = sync;
    this.#packs = packs;
    this.#family = family;
  }

  /** Makes the store's own folders. */
  async prepare(): Promise<void> {
    for (const folder of Object.values(storeFolders)) await mkdir(path.join(this.#root, folder), { recursive: true });
    await this.#sync.sync(this.#root);
  }

  /** Absolute path of a place. */
  pathOf(place: Place): string {
    return path.join(this.#root, ...place.split('/'));
  }

  /**
   * Moves bytes from staging, or from another place, to where they belong: `files/<path>` where this disk can hold it, else `files/_alt/<id>`. Never over
   * something that is already there: what the catalogue knew there was retired before, anything else is not ours.
   * Durable when it resolves.
   * @param source where the bytes stand now. @param id names them in `_alt`.
   */
  async place(
    source: Place,
    id: string,
    logicalPath: string,
  ): Promise<{ readonly place: Place; readonly identity: FileIdentity }> {
    const from = this.pathOf(source);
    const place = (await this.#tryNatural(from, logicalPath)) ?? (await this.#placeAlternative(from, id));
    // A move takes a name away from another folder.
    if (!isStaging(source)) await this.#syncIfThere(path.dirname(from));
    const identity = identify(this.pathOf(place));
    if (!identity) throw new Error(`the bytes vanished from ${place} while they were placed`);
    return { place, identity };
  }

  /** Finds where {@link place} had put staged bytes before a crash; undefined when neither place holds them. */
  async findPlaced(id: string, logicalPath: string, staged: FileIdentity): Promise<Place | undefined> {
    for (const place of [logicalPath, `${storeFolders.alternative}/${id}`]) {
      const found = identify(this.pathOf(place));
      if (found && found.ino === staged.ino && found.size === staged.size) return place;
    }
    return undefined;
  }

  /**
   * Moves bytes from one place to another inside the store's own folders (to the trash and back). Durable when it
   * resolves; true when there was something to move. Repeating it after a crash is harmless.
   */
  async move(from: Place, to: Place): Promise<boolean> {
    const source = this.pathOf(from);
    const target = this.pathOf(to);
    try {
      await rename(source, target);
      // Two names of one inode: rename(2) does nothing and leaves both (replication.md, 10).
      await rm(source, { force: true });
    } catch (error) {
      if (isAbsent(error)) return false;
      throw error;
    }
    await Promise.all([this.#syncIfThere(path.dirname(source)), this.#sync.sync(path.dirname(target))]);
    return true;
  }

  /**
   * Replaces staged bytes by a hard link to equal bytes, so that they stand on disk once.
   * @returns the identity of both names now, or undefined where no link can be made (another disk, EMLINK, no support):
   * the staged bytes then stay.
   */
  async linkStaged(place: Place, source: Place): Promise<FileIdentity | undefined> {
    const staged = this.pathOf(place);
    const linked = `${staged}.link`;
    try {
      await link(this.pathOf(source), linked);
    } catch (error) {
      if (cannotLink(error) || isAbsent(error)) return undefined;
      throw error;
    }
    await rename(linked, staged);
    await this.#sync.sync(path.dirname(staged));
    return identify(staged);
  }

  /** Identity of the bytes at a place; undefined when there are none. */
  identify(place: Place): FileIdentity | undefined {
    if (isPacked(place)) {
      const size = this.#packs?.sizeOf(packedDigest(place));
      return size === undefined ? undefined : packedIdentity(size);
    }
    return identify(this.pathOf(place));
  }

  /** Removes bytes for good. Packed ones go with their segment, once nothing uses them. */
  async remove(place: Place): Promise<void> {
    if (isPacked(place)) return;
    const file = this.pathOf(place);
    await rm(file, { force: true });
    await this.#syncIfThere(path.dirname(file));
  }

  /** Opens a place for reading; undefined when nothing is there. Packed bytes are read whole, and verified. */
  async open(place: Place): Promise<OpenedBytes | undefined> {
    if (!isPacked(place)) return this.openPlain(place);
    const bytes = await this.#packs?.read(packedDigest(place));
    return bytes && { handle: new BufferSource(bytes), identity: packedIdentity(bytes.byteLength) };
  }

  /** Opens a plain file for reading; undefined when nothing is there. A symbolic link in its stead is not followed. */
  async openPlain(place: Place): Promise<OpenedFile | undefined> {
    let handle: FileHandle;
    try {
      handle = await open(this.pathOf(place), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    } catch (error) {
      if (isAbsent(error) || errnoOf(error) === 'ELOOP') return undefined;
      throw error;
    }
    const stats = await handle.stat({ bigint: true });
    if (stats.isFile()) return { handle, identity: identityOf(stats) };
    await handle.close();
    return undefined;
  }

  /** Removes a folder and its parents as far as they are empty. Never fails: somebody may be filling them just now. */
  async pruneEmptyFolders(place: Place): Promise<void> {
    for (let folder = parentOf(place); folder !== ''; folder = parentOf(folder)) {
      if (Object.values<string>(storeFolders).includes(folder)) return;
      try {
        await rmdir(this.pathOf(folder));
      } catch {
        return;
      }
    }
  }

  /** Names of everything in one of the store's own folders, for the sweep at start. */
  async idsIn(folder: keyof typeof storeFolders): Promise<string[]> {
    return readdir(this.pathOf(storeFolders[folder]));
  }

  async #tryNatural(staged: string, logicalPath: string): Promise<Place | undefined> {
    if (!canStandOnDisk(logicalPath, this.#family)) return undefined;
    const target = this.pathOf(logicalPath);
    // An empty parent may be pruned between mkdir and rename by a delete of its last file: then make it again.
    for (let attempt = 0; attempt < 5; attempt += 1) {
      if (!(await this.#makeParents(logicalPath))) return undefined;
      if (isOccupied(target)) return undefined;
      try {
        await rename(staged, target);
      } catch (error) {
        if (errnoOf(error) === 'ENOENT' && identify(staged)) continue;
        if (
          ['EISDIR', 'ENOTDIR', 'EEXIST', 'ENOTEMPTY', 'ENAMETOOLONG', 'EINVAL', 'EXDEV'].includes(errnoOf(error) ?? '')
        ) {
          return undefined;
        }
        throw error;
      }
      await Promise.all([this.#sync.sync(path.dirname(target)), ...this.#unsyncedAbove(logicalPath)]);
      return logicalPath;
    }
    return undefined;
  }

  async #placeAlternative(staged: string, id: string): Promise<Place> {
    const place = `${storeFolders.alternative}/${id}`;
    await rename(staged, this.pathOf(place));
    await this.#sync.sync(this.pathOf(storeFolders.alternative));
    return place;
  }

  /**
   * Makes the folders of a path. False when this disk cannot hold them there (a file is in the way, a name is too long)
   * or when a symbolic link leads out of the store.
   */
  async #makeParents(logicalPath: string): Promise<boolean> {
    const parent = parentOf(logicalPath);
    if (parent === '') return true;
    const folder = this.pathOf(parent);
    const where = this.#where(folder);
    if (where !== 'missing') return where === 'inside';
    try {
      const first = await this.#makeFolder(folder);
      if (first !== undefined) {
        for (let made = folder; made.length >= first.length; made = path.dirname(made)) this.#syncNewFolder(made);
      }
    } catch (error) {
      if (['EEXIST', 'ENOTDIR', 'ENAMETOOLONG', 'EINVAL', 'ELOOP'].includes(errnoOf(error) ?? '')) return false;
      throw error;
    }
    return this.#where(folder) === 'inside';
  }

  /** A folder that lost its last file may have been pruned by a delete beside: it has no names left to make durable. */
  async #syncIfThere(folder: string): Promise<void> {
    try {
      await this.#sync.sync(folder);
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }

  /** A parent may be pruned between two steps of mkdir by a delete of its last file: then it is made again. */
  async #makeFolder(folder: string): Promise<string | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await mkdir(folder, { recursive: true });
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT' || attempt === 20) throw error;
      }
    }
  }

  #syncNewFolder(folder: string): void {
    const synced = this.#syncIfThere(path.dirname(folder)).finally(() => {
      if (this.#unsynced.get(folder) === synced) this.#unsynced.delete(folder);
    });
    // Whoever needs it awaits it; nobody may be left when the placing itself has failed.
    synced.catch(() => undefined);
    this.#unsynced.set(folder, synced);
  }

  #unsyncedAbove(logicalPath: string): Promise<unknown>[] {
    const pending: Promise<unknown>[] = [];
    if (this.#unsynced.size === 0) return pending;
    for (let parent = parentOf(logicalPath); parent !== ''; parent = parentOf(parent)) {
      const synced = this.#unsynced.get(this.pathOf(parent));
      if (synced) pending.push(synced);
    }
    return pending;
  }

  /**
   * Whether a folder is inside the store, leads out of it through a link, or is missing (and what exists of it is inside).
   * Resolved at every use: a folder, or the store itself, may have become a link to somewhere else.
   */
  #where(folder: string): 'inside' | 'outside' | 'missing' {
    const root = realPathOf(this.#root);
    if (root === undefined) return 'outside';
    const isInside = (real: string) => real === root || real.startsWith(root + path.sep);
    const real = realPathOf(folder);
    if (real !== undefined) return isInside(real) ? 'inside' : 'outside';
    for (let above = path.dirname(folder); above.length >= this.#root.length; above = path.dirname(above)) {
      const existing = realPathOf(above);
      if (existing !== undefined) return isInside(existing) ? 'missing' : 'outside';
    }
    return 'outside';
  }
}

/** Where a folder really is; undefined when there is none. */
function realPathOf(folder: string): string | undefined {
  try {
    return realpathSync.native(folder);
  } catch {
    return undefined;
  }
}

/** Whether a failed link(2) says that no link can be made here at all (another disk, EMLINK, no support): then one copies. */
export function cannotLink(error: unknown): boolean {
  const code = errnoOf(error) ?? '';
  return ['EMLINK', 'EPERM', 'EACCES', 'EXDEV', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(code);
}

/** Whether bytes are on their way in. Their names need not be gone for good before an answer: what nobody refers to is swept. */
export function isStaging(place: Place): boolean {
  return ([storeFolders.staging, storeFolders.resumable] as readonly string[]).includes(parentOf(place));
}

function isOccupied(target: string): boolean {
  let stats: Stats | undefined;
  try {
    stats = lstatSync(target, { throwIfNoEntry: false });
  } catch (error) {
    if (isAbsent(error)) return false;
    if (errnoOf(error) === 'ENAMETOOLONG') return true;
    throw error;
  }
  if (!stats) return false;
  if (!stats.isDirectory()) return true;
  // An empty folder that nobody needs gives way to a file of its name.
  try {
    rmdirSync(target);
    return false;
  } catch {
    return true;
  }
}
