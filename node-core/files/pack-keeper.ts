import { readFile } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from '../runtime/logger.ts';
import type { Service } from '../runtime/service.ts';
import { type RunControl, SharedRun } from '../runtime/shared-run.ts';
import { isPacked, packedIdentity, packedPlace } from '../storage/file-store.ts';
import { sameContent } from '../storage/identity.ts';
import type { FrameLocation, ScannedFrame } from '../storage/pack-store.ts';
import { type FilesContext, withPath } from './context.ts';
import { isIntact } from './integrity.ts';
import { packContent } from './packing.ts';
import { finishIntent } from './placement.ts';

/** How often segments are looked at, in milliseconds. */
const intervalMs = 10 * 60 * 1000;

/** Frames that a compaction moves at once: they share their syncs. */
const framesAtOnce = 32;

/** What a compaction did. */
export interface CompactionReport {
  /** Segments that were rewritten and removed. */
  readonly segments: number;
  /** Frames that moved. */
  readonly moved: number;
  /** Bytes that the removed segments had. */
  readonly freed: number;
}

/** Keeps the packs: ready at start, found again when the index is lost, compact in the background. */
export class PackKeeper implements Service {
  readonly name = 'packs';
  readonly #context: FilesContext;
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #stopping = false;

  constructor(context: FilesContext, logger: Logger) {
    this.#context = context;
    this.#logger = logger;
  }

  async start(): Promise<void> {
    this.#timer = setInterval(() => {
      this.compact().catch((error: unknown) => this.#logger.error({ err: error }, 'the packs could not be compacted'));
    }, intervalMs);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#timer);
    await this.#running;
    await this.#context.packs.store.close();
  }

  /** Makes the packs ready, once the store's folder is known to be there, and rebuilds their index when it is lost. */
  async open(): Promise<void> {
    const { catalog, packs } = this.#context;
    await packs.store.open();
    const first = await catalog.packedContents().next();
    if (first.done !== true || (await packs.store.segments()).length === 0) return;
    const found = await this.rebuildIndex();
    if (found > 0) this.#logger.warn({ contents: found }, 'the index of the packs was lost and has been rebuilt');
  }

  /**
   * Finds the frames of packed contents that the index does not know, by reading all segments.
   * @returns how many were found.
   */
  async rebuildIndex(): Promise<number> {
    const { catalog, packs } = this.#context;
    const frames = new Map<string, ScannedFrame>();
    for (const segment of await packs.store.segments()) {
      await packs.store.scan(segment, (frame) => {
        if (frame.kind === 'content') frames.set(frame.sha256, frame);
      });
    }
    const lost = new Set<string>();
    for await (const { sha256, place } of catalog.places()) {
      if (isPacked(place) && frames.has(sha256) && !catalog.packed(sha256)) lost.add(sha256);
    }
    let found = 0;
    for (const sha256 of lost) {
      const frame = frames.get(sha256);
      if (frame && (await this.#reindex(frame))) found += 1;
    }
    return found;
  }

  /** Rewrites every segment of which more than half is not used any more. Reads go on meanwhile. */
  compact(): Promise<CompactionReport> {
    // One at a time: two would move the same frames twice.
    const compaction = this.#running.then(() => this.#compact());
    this.#running = compaction.catch(() => undefined);
    return compaction;
  }

  async #compact(): Promise<CompactionReport> {
    const { catalog, packs, guard } = this.#context;
    await guard.checkStore();
    const live = new Map<string, number>();
    for await (const { segment, length } of catalog.packedContents()) {
      live.set(segment, (live.get(segment) ?? 0) + length);
    }
    const report = { segments: 0, moved: 0, freed: 0 };
    for (const segment of await packs.store.segments()) {
      if (this.#stopping) break;
      const size = await packs.store.sizeOf(segment);
      if (segment === packs.store.currentSegment || (live.get(segment) ?? 0) * 2 >= size) continue;
      const moved = await this.#rewrite(segment);
      if (moved === undefined) continue;
      report.segments += 1;
      report.moved += moved;
      report.freed += size;
    }
    if (report.segments > 0) this.#logger.info(report, 'packs compacted');
    return report;
  }

  /**
   * Moves what is used of a segment to the end of the packs and removes it. Both copies exist until a batch points to the
   * new one, so a crash at any step loses nothing.
   * @returns the frames moved; undefined when the segment has to stay.
   */
  async #rewrite(segment: string): Promise<number | undefined> {
    const { catalog, packs } = this.#context;
    const frames: ScannedFrame[] = [];
    await packs.store.scan(segment, (frame) => {
      if (frame.kind === 'content') frames.push(frame);
    });
    let moved = 0;
    for (let index = 0; index < frames.length; index += framesAtOnce) {
      if (this.#stopping) return undefined;
      const results = await Promise.all(
        frames.slice(index, index + framesAtOnce).map((frame) => this.#moveFrame(frame)),
      );
      moved += results.filter((result) => result).length;
    }
    for await (const { segment: holds } of catalog.packedContents()) {
      // A frame that could not be read, for example.
      if (holds === segment) return undefined;
    }
    await packs.store.removeSegment(segment);
    return moved;
  }

  /** Appends a frame anew if it is the one that counts. @returns whether it was. */
  #moveFrame({ sha256, size, location }: ScannedFrame): Promise<boolean> {
    const { catalog, packs, contentLocks } = this.#context;
    return contentLocks.run(sha256, async () => {
      const known = catalog.packed(sha256) ?? (await this.#usesWithoutIndex(sha256, size, location));
      if (!known || !isAt(known, location)) return false;
      const bytes = await packs.store.readAt(location, sha256);
      if (!bytes) return false;
      const [file] = await catalog.findByDigest('sha256', sha256, 1);
      const hint = file && {
        path: file.path,
        name: file.version.name,
        scene: file.version.scene,
        mtimeMs: file.version.mtimeMs,
      };
      const next = await packs.store.append(sha256, bytes, hint);
      return catalog.commit((transaction) => {
        const current = transaction.packed(sha256);
        // Given up meanwhile, or stored again.
        if (!current || !isAt(current, location)) return false;
        transaction.setFrame(sha256, size, next);
        return true;
      });
    });
  }

  #reindex({ sha256, size, location }: ScannedFrame): Promise<boolean> {
    return this.#context.contentLocks.run(sha256, async () => {
      if (this.#context.catalog.packed(sha256)) return false;
      return (await this.#usesWithoutIndex(sha256, size, location)) !== undefined;
    });
  }

  /** Enters a frame into the index whose uses are known, but not its place. The caller holds the content. */
  async #usesWithoutIndex(sha256: string, size: number, location: FrameLocation): Promise<FrameLocation | undefined> {
    const { catalog, packs } = this.#context;
    const uses = (await catalog.placesOf(sha256)).filter(isPacked).length;
    if (uses === 0 || !(await packs.store.readAt(location, sha256))) return undefined;
    await catalog.commit((transaction) => transaction.restoreFrame(sha256, size, location, uses));
    return location;
  }
}

function isAt(frame: FrameLocation, location: FrameLocation): boolean {
  return frame.segment === location.segment && frame.offset === location.offset;
}

/** How far packing has come. */
export interface PackingReport {
  /** Small files looked at. */
  checked: number;
  /** Files that now are in packs. */
  packed: number;
  /** Files that were left as they are: their bytes are not what was stored, or are not here. */
  skipped: number;
}

/** Moves the small files of a store that stand by themselves into packs, while everything else goes on. */
export class FilePacker extends SharedRun<PackingReport> {
  /** @param limitBytes files up to this size are packed. */
  constructor(context: FilesContext, limitBytes: () => number) {
    super(
      'packing',
      () => ({ checked: 0, packed: 0, skipped: 0 }),
      (report, control) => packAll(context, limitBytes(), report, control),
    );
  }
}

async function packAll(
  context: FilesContext,
  limitBytes: number,
  report: PackingReport,
  control: RunControl,
): Promise<void> {
  await context.guard.checkWrite(0);
  const waiting: Promise<void>[] = [];
  for await (const { path } of context.catalog.walk()) {
    if (control.stopping) break;
    const file = context.catalog.find(path);
    if (!file?.local || isPacked(file.local.place) || file.version.size > limitBytes) continue;
    waiting.push(packFile(context, path, report));
    if (waiting.length < framesAtOnce) continue;
    await Promise.all(waiting.splice(0));
    await nextTurn();
  }
  await Promise.all(waiting);
}

async function packFile(context: FilesContext, path: string, report: PackingReport): Promise<void> {
  const { catalog, store, contentLocks } = context;
  const owner = catalog.find(path)?.recordPath ?? path;
  await withPath(context, owner, async () => {
    const file = catalog.find(path);
    const local = file?.local;
    if (!file || !local || isPacked(local.place)) return;
    report.checked += 1;
    const { recordPath, version } = file;
    const { sha256, size, name, scene, mtimeMs } = version;
    const packed = await contentLocks.run(sha256, async () => {
      if (!(await isIntact(context, file))) return false;
      const before = store.identify(local.place);
      const bytes = await readFile(store.pathOf(local.place));
      const hint = { path: file.path, name, scene, mtimeMs };
      const frame = await packContent(context, sha256, async () => bytes, hint);
      // What was read is what is packed: a frame of other bytes does not verify.
      if (!before || !sameContent(before, local.identity) || !(await context.packs.store.readAt(frame, sha256)))
        return false;
      const place = packedPlace(sha256, `${version.dot.epoch}${version.dot.number}`);
      const intent = {
        id: `pack.${version.dot.epoch}.${version.dot.number}`,
        path: recordPath,
        retire: [],
        discard: { place: local.place, ino: before.ino },
      };
      await catalog.commit((transaction) => {
        transaction.setFrame(sha256, size, frame);
        transaction.usePacked(sha256, place);
        transaction.setLocal(recordPath, version, {
          place,
          identity: packedIdentity(size),
          verifiedMs: context.clock.now(),
        });
        transaction.forgetLinkSource(sha256, local.place);
        transaction.putIntent(intent);
      });
      await finishIntent(context, intent);
      await store.pruneEmptyFolders(local.place);
      return true;
    });
    report[packed ? 'packed' : 'skipped'] += 1;
  });
}
