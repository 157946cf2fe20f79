import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { mkdir, readFile, stat, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ShoalError } from '../domain/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { isAbsent } from './identity.ts';

/** Name of the marker that tells a store's folder from an empty mount point. */
export const markerName = '.shoal-store';

/** A store must keep free the larger of both. */
export interface SpaceFloor {
  /** Part of the disk, 0-100. */
  readonly percent: number;
  /** MiB. */
  readonly megabytes: number;
}

/** Space of the disk that holds the store, in bytes. */
export interface DiskSpace {
  readonly total: number;
  readonly free: number;
  /** What must stay free. */
  readonly floor: number;
}

/** How long an answer about marker and free space is taken for true, in milliseconds. */
const trustMs = 1000;

/**
 * Watches over the store's folder: is it the one that the catalogue belongs to, and has it room?
 *
 * A missing or foreign folder (a disk that is not mounted) means "cannot write", never "all files were deleted".
 */
export class StoreGuard {
  readonly #folder: string;
  readonly #floor: () => SpaceFloor;
  readonly #clock: Clock;
  #storeId: string | undefined;
  #opened = false;
  /** The folder whose marker was read last. */
  #seen: string | undefined;
  #seenAt = Number.NEGATIVE_INFINITY;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #space: DiskSpace = { total: 0, free: 0, floor: 0 };
  #takenSince = 0;
  #looking: Promise<void> | undefined;
  #reclaim: ((bytes: number) => Promise<number>) | undefined;
  #makingRoom: Promise<boolean> = Promise.resolve(true);

  /** @param folder absolute path of `files/`, which may be a link to a folder elsewhere. */
  constructor(folder: string, floor: () => SpaceFloor, clock: Clock) {
    this.#folder = folder;
    this.#floor = floor;
    this.#clock = clock;
  }

  /**
   * Binds the folder to a store.
   * @param storeId the id that the catalogue knows; undefined for a new catalogue, which gets the folder's id or a new one.
   * @returns the id to keep in the catalogue. A known id with another folder is not refused here: every write is.
   */
  async bind(storeId: string | undefined): Promise<string> {
    if (storeId !== undefined) {
      this.#storeId = storeId;
      return storeId;
    }
    await mkdir(this.#folder, { recursive: true });
    let id = await this.#readMarker();
    if (id === undefined) {
      id = randomUUID();
      await writeFile(path.join(this.#folder, markerName), `${id}\n`, { mode: 0o644, flush: true });
    }
    this.#storeId = id;
    return id;
  }

  /** Lets writes through from now on: the store was found, and what a crash left was mended. */
  open(): void {
    this.#opened = true;
  }

  /** @throws ShoalError STORE_MISSING when the folder is not the store's, or was not opened yet. Another folder in its place is noticed at once, a marker that was removed within a second. */
  async checkStore(): Promise<void> {
    if (!this.#opened) throw this.#missing();
    const folder = folderIdentity(this.#folder);
    if (folder !== undefined && folder === this.#seen && this.#clock.monotonic() - this.#seenAt <= trustMs) return;
    await this.checkFolder();
    this.#seen = folder;
    this.#seenAt = this.#clock.monotonic();
  }

  /** @throws ShoalError STORE_MISSING when the folder is not the store's. */
  async checkFolder(): Promise<void> {
    const found = await this.#readMarker();
    if (found === undefined || found !== this.#storeId) throw this.#missing();
  }

  /**
   * Checks that a write may go on.
   * @param bytes that are about to be written. @throws ShoalError STORE_MISSING, DISK_FULL.
   */
  async checkWrite(bytes: number): Promise<void> {
    await this.checkStore();
    if (this.#clock.monotonic() - this.#checkedAt > trustMs) {
      // Those who ask in the same moment share one look, so that each is counted against it.
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
      await this.#looking;
    }
    if (this.#missingBytes(bytes) > 0 && !(await this.#makeRoom(bytes))) throw new ShoalError('DISK_FULL');
    // What is announced now is counted until the next look at the disk, so that many at once cannot overrun the floor.
    this.#takenSince += bytes;
  }

  /** Who can free bytes when a write finds the disk too full, such as the trash. */
  onShortage(reclaim: (bytes: number) => Promise<number>): void {
    this.#reclaim = reclaim;
  }

  #missingBytes(bytes: number): number {
    const { free, floor } = this.#space;
    return floor - (free - this.#takenSince - bytes);
  }

  /** One at a time: those who come meanwhile may find that there is room already. */
  async #makeRoom(bytes: number): Promise<boolean> {
    const before = this.#makingRoom;
    const done = before.then(async () => {
      const missing = this.#missingBytes(bytes);
      if (missing > 0 && this.#reclaim && (await this.#reclaim(missing)) > 0) await this.#look();
      return this.#missingBytes(bytes) <= 0;
    });
    this.#makingRoom = done.catch(() => false);
    return done;
  }

  async #look(): Promise<void> {
    this.#space = await this.space();
    this.#takenSince = 0;
    this.#checkedAt = this.#clock.monotonic();
  }

  /** Space of the disk now. @throws system errors when the folder is gone. */
  async space(): Promise<DiskSpace> {
    const stats = await statfs(this.#folder);
    const total = stats.blocks * stats.bsize;
    const { percent, megabytes } = this.#floor();
    const floor = Math.max((total * percent) / 100, megabytes * 1024 * 1024);
    return { total, free: stats.bavail * stats.bsize, floor };
  }

  #missing(): ShoalError {
    this.#checkedAt = Number.NEGATIVE_INFINITY;
    this.#seenAt = Number.NEGATIVE_INFINITY;
    return new ShoalError('STORE_MISSING', { details: { folder: this.#folder } });
  }

  async #readMarker(): Promise<string | undefined> {
    try {
      await stat(this.#folder);
      // An empty marker was cut short by a crash: it names no store.
      return (await readFile(path.join(this.#folder, markerName), 'utf8')).trim() || undefined;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }
}

/** Tells one folder from another that takes its place: a disk that was unmounted, a link that leads elsewhere now. */
function folderIdentity(folder: string): string | undefined {
  try {
    const stats = statSync(folder, { throwIfNoEntry: false });
    return stats && `${stats.dev}.${stats.ino}`;
  } catch {
    return undefined;
  }
}
