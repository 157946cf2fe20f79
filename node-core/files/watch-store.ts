/**
 * Watches the store's folder for what other programs do there (`enable_fsnotify`): new, changed and removed files come into
 * the catalogue once nothing has happened to them for a while. Notices of the file system make it quick, a scan on a timer
 * makes it certain: notices get lost, and some file systems give none.
 */
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import type { CompatibleAlgorithm } from '../domain/digests.ts';
import { ShoalError } from '../domain/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Service } from '../runtime/service.ts';
import { isPacked } from '../storage/file-store.ts';
import { walkDisk } from './adopt-file.ts';
import type { FilesContext } from './context.ts';
import { type HeldRemovals, needsConfirmation, RemovalHold } from './held-removals.ts';
import { isKnownPlace, isOwnPlace, removeVanished, sortVanished, takeOutsideChange } from './outside-change.ts';

/** Places in work at once: their commits share one write to the disk. */
const placesAtOnce = 8;

/** Shortest time between two looks for what is quiet, in milliseconds. */
const minTickMs = 50;

/** Removals within this time count as one for the guard, in milliseconds. */
const togetherMs = 60_000;

/** What the watcher works with. */
export interface WatchOptions {
  readonly context: FilesContext;
  readonly enabled: boolean;
  /** Digest of the compatible interface. */
  readonly algorithm: () => CompatibleAlgorithm;
  /** Seconds that a file must stay as it is before it is taken in. */
  readonly quietSeconds: () => number;
  /** Seconds between two scans. */
  readonly scanSeconds: () => number;
  readonly logger: Logger;
}

/** How the watching is. */
export interface WatchState {
  readonly enabled: boolean;
  /** Places that wait until they are quiet. */
  readonly waiting: number;
  /** When the last scan ended; undefined before the first has. */
  readonly scannedMs: number | undefined;
  readonly held: HeldRemovals | undefined;
}

interface Noted {
  /** Monotonic time of the last notice. */
  readonly atMs: number;
  readonly gone: boolean;
}

/** Watches the store. */
export class StoreWatcher implements Service {
  readonly name = 'watcher';
  readonly #options: WatchOptions;
  readonly #noted = new Map<string, Noted>();
  /** Paths whose files were found gone and that nobody has decided on. */
  readonly #gone = new Set<string>();
  readonly #hold = new RemovalHold();
  /** What was removed lately, without a question. */
  #removals: { readonly atMs: number; readonly files: number }[] = [];
  #watcher: FSWatcher | undefined;
  #tick: NodeJS.Timeout | undefined;
  #scanTimer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();
  #scanning: Promise<void> | undefined;
  #scannedMs: number | undefined;
  #stopping = false;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** Whether other programs own the plain files of the store. */
  get enabled(): boolean {
    return this.#options.enabled;
  }

  get state(): WatchState {
    return {
      enabled: this.enabled,
      waiting: this.#noted.size + this.#gone.size,
      scannedMs: this.#scannedMs,
      held: this.#hold.held,
    };
  }

  async start(): Promise<void> {
    if (!this.enabled) return;
    // A large tree takes a while to be watched; what happens meanwhile is found by the scan that follows.
    const { logger } = this.#options;
    void this.#watch()
      .catch((error: unknown) => logger.warn({ err: error }, 'the store is watched by scans only'))
      .then(() => this.#scanBehind());
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#tick);
    clearTimeout(this.#scanTimer);
    await this.#watcher?.close();
    await this.#scanning?.catch(() => undefined);
    await this.#working;
  }

  /**
   * Looks at every file of the disk and of the catalogue; what differs is taken in once it is quiet. Who asks while a scan
   * runs joins it. @throws ShoalError WATCH_OFF, STORE_MISSING.
   */
  scan(): Promise<void> {
    if (!this.enabled) return Promise.reject(new ShoalError('WATCH_OFF'));
    this.#scanning ??= this.#scan().finally(() => {
      this.#scanning = undefined;
    });
    return this.#scanning;
  }

  /**
   * Answers for files that went: they were deleted, or they stay in the catalogue.
   * @returns how many were removed. @throws ShoalError REMOVALS_NOT_HELD, STORE_MISSING.
   */
  async answer(id: string, decision: 'delete' | 'keep'): Promise<number> {
    if (this.#hold.held?.id !== id) throw new ShoalError('REMOVALS_NOT_HELD', { details: { id } });
    await this.#options.context.guard.checkFolder();
    const paths = this.#hold.answer(id, decision === 'keep') ?? [];
    return decision === 'keep' ? 0 : removeVanished(this.#options.context, paths);
  }

  async #watch(): Promise<void> {
    const { context, logger } = this.#options;
    const root = await realpath(context.store.pathOf('.')).catch(() => undefined);
    // A disk that is not there yet: the next scan finds what is on it.
    if (root === undefined) return;
    const placeOf = (file: string) => path.relative(root, file).split(path.sep).join('/');
    const watcher = watch(root, {
      ignoreInitial: true,
      followSymlinks: false,
      ignorePermissionErrors: true,
      ignored: (file) => isOwnPlace(placeOf(file)),
    });
    watcher.on('add', (file) => this.#note(placeOf(file), false));
    watcher.on('change', (file) => this.#note(placeOf(file), false));
    watcher.on('unlink', (file) => this.#note(placeOf(file), true));
    // Out of watches, for example: scans go on.
    watcher.on('error', (error) => logger.warn({ err: error }, 'the store is watched by scans only'));
    this.#watcher = watcher;
    await new Promise<void>((resolve) => watcher.once('ready', () => resolve()));
  }

  #note(place: string, gone: boolean): void {
    if (this.#stopping || place === '') return;
    this.#noted.set(place, { atMs: this.#options.context.clock.monotonic(), gone });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#tick || this.#stopping) return;
    const wait = Math.max(minTickMs, Math.min(1000, this.#quietMs / 2));
    this.#tick = setTimeout(() => {
      this.#tick = undefined;
      this.#working = this.#working
        .then(() => this.#work())
        .catch((error: unknown) => this.#options.logger.error({ err: error }, 'a change from outside was not taken in'))
        .finally(() => {
          if (this.#noted.size > 0 || this.#gone.size > 0) this.#schedule();
        });
    }, wait);
  }

  get #quietMs(): number {
    return this.#options.quietSeconds() * 1000;
  }

  /** Takes in what has been quiet for long enough. */
  async #work(): Promise<void> {
    const before = this.#options.context.clock.monotonic() - this.#quietMs;
    const due = [...this.#noted].filter(([, { atMs }]) => atMs <= before);
    const next = due[Symbol.iterator]();
    const work = async () => {
      for (const [place, noted] of next) {
        if (this.#stopping) return;
        // Another notice has come since.
        if (this.#noted.get(place) !== noted) continue;
        this.#noted.delete(place);
        await this.#take(place);
      }
    };
    await Promise.all(Array.from({ length: placesAtOnce }, work));
    // A folder that is being removed goes file by file: it is judged when its last one has been quiet.
    const areMoreGoing = [...this.#noted.values()].some(({ gone }) => gone);
    if (!areMoreGoing && !this.#stopping) await this.#judge();
  }

  async #take(place: string): Promise<void> {
    const { context, algorithm, logger } = this.#options;
    const watcher = this;
    const control = {
      get stopping() {
        return watcher.#stopping;
      },
    };
    try {
      const outcome = await takeOutsideChange(context, place, algorithm(), control);
      if (outcome === 'CHANGING') this.#note(place, false);
      else if (outcome === 'vanished') this.#gone.add(place.normalize('NFC'));
      else this.#hold.seen(place.normalize('NFC'));
      if (outcome !== undefined && !['known', 'taken', 'changed', 'vanished', 'CHANGING'].includes(outcome))
        logger.warn({ place, reason: outcome }, 'a file from outside was not taken in');
    } catch (error) {
      // Nothing is lost: the next scan finds it again.
      logger.warn({ err: error, place }, 'a file from outside was not taken in');
    }
  }

  /** Removes the files that went, or asks. */
  async #judge(): Promise<void> {
    const { context, logger } = this.#options;
    const paths = this.#hold.unanswered(this.#gone);
    this.#gone.clear();
    if (paths.length === 0) return;
    // Without the store's mark it is the disk that went, and not a thousand files.
    await context.guard.checkFolder();
    const { moved, lost } = await sortVanished(context, paths);
    await removeVanished(context, moved);
    if (lost.length === 0) return;
    const { files } = context.catalog.totals();
    if (!this.#hold.held && !needsConfirmation(lost.length, files, this.#removedLately())) {
      this.#removals.push({ atMs: context.clock.monotonic(), files: await removeVanished(context, lost) });
      return;
    }
    const held = this.#hold.hold(lost, files, context.clock.now());
    if (!held) return;
    logger.error({ files: held.paths.length, total: files }, 'many files went from the store: waiting for a word');
    context.events.emit('removals-held', { id: held.id, files: held.paths.length, total: files });
  }

  /** A large folder that is being removed may be judged in parts: what went just before counts with what goes now. */
  #removedLately(): number {
    const since = this.#options.context.clock.monotonic() - Math.max(togetherMs, this.#quietMs);
    this.#removals = this.#removals.filter(({ atMs }) => atMs >= since);
    return this.#removals.reduce((sum, { files }) => sum + files, 0);
  }

  #scanBehind(): void {
    if (this.#stopping) return;
    this.scan()
      .catch((error: unknown) => this.#options.logger.warn({ err: error }, 'the store could not be scanned'))
      .finally(() => {
        if (this.#stopping) return;
        this.#scanTimer = setTimeout(() => this.#scanBehind(), this.#options.scanSeconds() * 1000);
        this.#scanTimer.unref();
      });
  }

  async #scan(): Promise<void> {
    const { context } = this.#options;
    await context.guard.checkFolder();
    if (!this.#watcher) await this.#watch();
    for await (const { place, kind } of walkDisk(context, '')) {
      if (this.#stopping) return;
      if (kind === 'file' && !this.#noted.has(place) && !isKnownPlace(context, place)) this.#note(place, false);
    }
    const missing: string[] = [];
    for await (const { path: file } of context.catalog.walk()) {
      if (this.#stopping) return;
      const place = context.catalog.find(file)?.local?.place;
      if (place === undefined || isPacked(place) || isOwnPlace(place)) continue;
      if (!context.store.identify(place)) missing.push(place);
    }
    // The disk may have gone while it was looked at.
    await context.guard.checkFolder();
    for (const place of missing) if (!this.#noted.has(place)) this.#note(place, true);
    this.#scannedMs = context.clock.now();
  }
}
