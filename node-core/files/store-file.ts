/**
 * The one pipeline that every stored byte takes: multipart, tus, instant upload, peers and imports hand their staged
 * content here. See docs/architecture.md for the states of a commit.
 */
import type { CataloguedFile } from '../catalog/catalog.ts';
import type { CatalogTransaction, NewVersion, RetiredBytes } from '../catalog/transaction.ts';
import type { Intent, LinkSource } from '../catalog/values.ts';
import { ShoalError } from '../domain/errors.ts';
import type { FileVersion } from '../domain/file-record.ts';
import { baseName, joinPath, parentOf } from '../domain/paths.ts';
import { formatDot } from '../domain/version.ts';
import { isPacked, type Place, packedIdentity, packedPlace } from '../storage/file-store.ts';
import { untouched } from '../storage/identity.ts';
import type { FrameHint } from '../storage/pack-format.ts';
import type { StagedFile } from '../storage/staging.ts';
import { type FilesContext, withPath, withPaths } from './context.ts';
import { adoptByDigest, isIntact } from './integrity.ts';
import { packStaged } from './packing.ts';
import { finishIntent } from './placement.ts';
import { releaseHeld } from './remote-records.ts';

/** Names tried with `0_`, `1_` ... before giving up. */
const maxNumberedNames = 10_000;

/** What the caller wants stored, and where. */
export interface StoreRequest {
  /** Logical path, normalized. */
  readonly path: string;
  /** Name that the uploader gave. */
  readonly name: string;
  readonly scene: string;
  /** Last-Modified in milliseconds since 1970; now when undefined. */
  readonly mtimeMs?: number;
  /** When it was stored, for the statistics of that day, in milliseconds since 1970; now when undefined. */
  readonly storedMs?: number;
  /** What happens when another content stands at the path: a numbered name beside it, it is replaced, or TARGET_EXISTS. */
  readonly occupied: 'number' | 'replace' | 'refuse';
  /** Answers with a file that already holds the content, if `accepts` takes one; nothing is then stored. */
  readonly reuse?: (existing: CataloguedFile) => boolean;
  /** Who uploads, for the trash of what is replaced. */
  readonly by: string;
  /** Written in the very commit that stores the file, or in one of its own when nothing had to be stored. */
  readonly alongside?: (transaction: CatalogTransaction, path: string) => void;
  /** Leaves the staged bytes where they are when the store fails: the upload can be tried again. */
  readonly keepOnFailure?: boolean;
}

/** The outcome of a store. */
export interface StoredFile {
  readonly file: CataloguedFile;
  /** True when the content was there before and no new version was written. */
  readonly existed: boolean;
}

/** What a commit wrote: the version whose bytes are placed, and the bytes that give way to them. */
interface CommittedVersion {
  readonly path: string;
  readonly version: FileVersion;
  readonly retire: RetiredBytes[];
}

/** Stores staged contents. The staged file is consumed: placed or removed, also when the store fails. */
export class FileStorer {
  readonly #context: FilesContext;
  readonly #behind = new Set<Promise<unknown>>();

  constructor(context: FilesContext) {
    this.#context = context;
  }

  /** Stores a content. @throws ShoalError DISK_FULL, STORE_MISSING, SHUTTING_DOWN; system errors of the disk. */
  async store(staged: StagedFile, request: StoreRequest): Promise<StoredFile> {
    try {
      await this.#context.guard.checkStore();
      const { reuse } = request;
      // Only bytes that the node wrote itself stand for an upload; what was taken in where it stood may be edited.
      const ours = (existing: CataloguedFile) => this.#isOwn(existing) && reuse?.(existing) === true;
      const reused = reuse && (await this.findContent(staged.digests.sha256, ours));
      if (reused) {
        await this.#commitAlongside(request, reused.path);
        await this.#context.staging.discard(staged);
        return { file: reused, existed: true };
      }
      const stored = await this.#storeAtFreeName(staged, request);
      if (!stored.existed) {
        const { path, version } = stored.file;
        this.#context.events.emit('file-committed', { path, size: version.size, sha256: version.sha256 });
      }
      return stored;
    } catch (error) {
      if (request.keepOnFailure !== true) await discardUnlessCommitted(this.#context, staged);
      throw error;
    }
  }

  /**
   * Gives bytes that came from elsewhere to a file that lacks them, and lets go what was held in their stead. The staged file
   * is consumed.
   * @returns false when the file does not need them any more.
   */
  async fill(staged: StagedFile, { path, recordPath }: CataloguedFile): Promise<boolean> {
    return withPath(this.#context, recordPath, async () => {
      const current = this.#context.catalog.find(path);
      if (!current || current.local || current.version.sha256 !== staged.digests.sha256) {
        await this.#context.staging.discard(staged);
        return false;
      }
      const { version } = current;
      await this.#commit(staged, { path, ...named(version) }, (transaction) => {
        // Whoever replaced it meanwhile held the path; this is what the record says now.
        const who = { nowMs: this.#context.clock.now(), by: `node ${version.dot.node.slice(0, 8)}` };
        return { path: recordPath, version, retire: releaseHeld(transaction, recordPath, who, version) };
      });
      this.#context.events.emit('content-kept', { path, sha256: version.sha256, size: version.size });
      return true;
    });
  }

  /** A file that shows a content, with its bytes unharmed on this node, that the caller accepts. */
  async findContent(
    sha256: string,
    accepts: (existing: CataloguedFile) => boolean,
  ): Promise<CataloguedFile | undefined> {
    for (const candidate of await this.#context.catalog.findByDigest('sha256', sha256)) {
      if (!accepts(candidate)) continue;
      const intact = await withPath(this.#context, candidate.recordPath, async () => {
        const current = this.#context.catalog.find(candidate.path);
        if (current?.version.sha256 !== sha256) return undefined;
        return (await isIntact(this.#context, current)) ? current : undefined;
      });
      if (intact) return intact;
    }
    return undefined;
  }

  #isOwn({ version, local }: CataloguedFile): boolean {
    if (local && isPacked(local.place)) return true;
    const source = this.#context.catalog.linkSource(version.sha256);
    return source !== undefined && source.identity.ino === local?.identity.ino;
  }

  /** Whether the bytes of a file stand on this node, unharmed as far as can be told without reading them all. */
  hasBytes(file: CataloguedFile): Promise<boolean> {
    return withPath(this.#context, file.recordPath, async () => {
      const current = this.#context.catalog.find(file.path);
      return current !== undefined && isIntact(this.#context, current);
    });
  }

  /** Waits for the checks that run behind answered uploads. */
  async drain(): Promise<void> {
    await Promise.allSettled(this.#behind);
  }

  async #storeAtFreeName(staged: StagedFile, request: StoreRequest): Promise<StoredFile> {
    for (let number = -1; number < maxNumberedNames; number += 1) {
      const path = number < 0 ? request.path : numbered(request.path, number);
      const owner = this.#context.catalog.find(path)?.recordPath ?? path;
      const stored = await withPaths(this.#context, [path, owner], async () => {
        const current = this.#context.catalog.find(path);
        if (current?.version.sha256 === staged.digests.sha256) return this.#storeAgain(staged, request, current);
        if (current && request.occupied === 'number') return undefined;
        if (current && request.occupied === 'refuse') throw new ShoalError('TARGET_EXISTS', { details: { path } });
        return { file: await this.#storeNew(staged, { ...request, path }, current), existed: false };
      });
      if (stored) return stored;
    }
    throw new ShoalError('PATH_INVALID', { details: { reason: 'too many files of this name' } });
  }

  /** The same content at the same path: nothing to do, or its bytes were lost here and are healed. */
  async #storeAgain(staged: StagedFile, request: StoreRequest, current: CataloguedFile): Promise<StoredFile> {
    if (await isIntact(this.#context, current)) {
      await this.#commitAlongside(request, current.path);
      await this.#context.staging.discard(staged);
      return { file: current, existed: true };
    }
    const { recordPath, version } = current;
    await this.#commit(staged, { path: current.path, ...named(version) }, (transaction) => {
      const why = { reason: 'damaged', by: 'shoal', nowMs: this.#context.clock.now() } as const;
      const retired = transaction.retire(recordPath, version, why);
      request.alongside?.(transaction, current.path);
      return { path: recordPath, version, retire: retired ? [retired] : [] };
    });
    return { file: this.#context.catalog.find(current.path) ?? current, existed: true };
  }

  async #storeNew(
    staged: StagedFile,
    request: StoreRequest,
    current: CataloguedFile | undefined,
  ): Promise<CataloguedFile> {
    const nowMs = this.#context.clock.now();
    const { name, scene, by } = request;
    const mtimeMs = request.mtimeMs ?? nowMs;
    const storedMs = request.storedMs ?? nowMs;
    const next: NewVersion = { kind: 'file', digests: staged.digests, name, scene, mtimeMs, storedMs };
    // An upload under a conflict name replaces that version only; anywhere else it has seen all that is there.
    const path = current?.recordPath ?? request.path;
    const replaces = current && current.path !== path ? [current.version.dot] : undefined;
    let written: FileVersion | undefined;
    await this.#commit(staged, { path: request.path, ...named(next) }, (transaction) => {
      const before = transaction.record(path).versions;
      const version = transaction.write(path, next, replaces);
      written = version;
      const kept = new Set(transaction.record(path).versions.map(({ dot }) => formatDot(dot)));
      const retire: RetiredBytes[] = [];
      for (const old of before) {
        if (kept.has(formatDot(old.dot))) continue;
        const retired = transaction.retire(path, old, { reason: 'replaced', by, nowMs });
        if (retired) retire.push(retired);
      }
      retire.push(...releaseHeld(transaction, path, { by, nowMs }, version));
      request.alongside?.(transaction, request.path);
      return { path, version, retire };
    });
    // A version written under a conflict name shows wherever its clock puts it now.
    const stored = written && this.#context.catalog.findVersion(path, written.dot);
    if (!stored) throw new Error(`${request.path} was committed but does not show`);
    return stored;
  }

  async #commitAlongside({ alongside }: StoreRequest, path: string): Promise<void> {
    if (alongside) await this.#context.catalog.commit((transaction) => alongside(transaction, path));
  }

  /**
   * Links the staged bytes to equal ones where it can, commits what `write` says together with the intent to place them,
   * and finishes that intent; all under the content's lock.
   */
  #commit(
    staged: StagedFile,
    hint: FrameHint,
    write: (transaction: CatalogTransaction) => CommittedVersion,
  ): Promise<void> {
    const { sha256 } = staged.digests;
    return this.#context.contentLocks.run(sha256, async () => {
      // Bytes from the trash may have been freed since they were looked at; nothing is committed without its bytes.
      if (!staged.bytes && !this.#context.store.identify(staged.place))
        throw new ShoalError('BYTES_DAMAGED', { details: { what: staged.place } });
      if (await this.#commitPacked(staged, hint, write)) return;
      const linked = await this.#linkToEqualBytes(staged);
      const identity = linked?.identity ?? staged.identity;
      const local = { place: staged.place, identity, verifiedMs: this.#context.clock.now() };
      const intent = await this.#context.catalog.commit((transaction) => {
        const { path, version, retire } = write(transaction);
        if (linked) transaction.setLinkSource(sha256, linked);
        else if (!this.#mayBeWritten(staged)) transaction.setLinkSource(sha256, { place: local.place, identity });
        transaction.setLocal(path, version, local);
        transaction.putBlocks(sha256, staged.blocks);
        const promised: Intent = {
          id: staged.id,
          path,
          placing: { dot: formatDot(version.dot), sha256, identity, from: local.place },
          retire,
        };
        transaction.putIntent(promised);
        return promised;
      });
      await finishIntent(this.#context, intent);
    });
  }

  /**
   * Stores a small content in a pack: the frame first, then one batch that refers to it. There is nothing to place, so no
   * intent is needed; a crash before the batch leaves a frame that nobody uses.
   * @returns false when the content does not belong into a pack.
   */
  async #commitPacked(
    staged: StagedFile,
    hint: FrameHint,
    write: (transaction: CatalogTransaction) => CommittedVersion,
  ): Promise<boolean> {
    const frame = await packStaged(this.#context, staged, hint);
    if (!frame) return false;
    const { sha256, size } = staged.digests;
    const place = packedPlace(sha256, staged.id);
    const local = { place, identity: packedIdentity(size), verifiedMs: this.#context.clock.now() };
    const intent = await this.#context.catalog.commit((transaction) => {
      // First: what is written may give up the last other use.
      transaction.setFrame(sha256, size, frame);
      transaction.usePacked(sha256, place);
      const { path, version, retire } = write(transaction);
      transaction.setLocal(path, version, local);
      if (retire.length === 0) return undefined;
      const promised: Intent = { id: staged.id, path, retire };
      transaction.putIntent(promised);
      return promised;
    });
    if (intent) await finishIntent(this.#context, intent);
    await this.#context.staging.discard(staged).catch(() => undefined);
    return true;
  }

  /** Equal bytes on disk that nobody touched since they were recorded share their inode (replication.md, 10). */
  async #linkToEqualBytes(staged: StagedFile): Promise<LinkSource | undefined> {
    const { sha256, size } = staged.digests;
    const source = this.#context.catalog.linkSource(sha256);
    if (this.#context.othersWrite?.() === true) return undefined;
    // Bytes that come back from the trash may be the very ones that others are linked to.
    if (!source || size === 0 || source.place === staged.place) return undefined;
    const found = this.#context.store.identify(source.place);
    if (!found || !untouched(found, source.identity)) {
      this.#recheckBehind(sha256, source.place);
      return undefined;
    }
    const identity = await this.#context.store.linkStaged(staged.place, source.place);
    return identity && { place: source.place, identity };
  }

  /** Whether somebody else may write the bytes once they are placed: then nothing is ever linked to them. */
  #mayBeWritten(staged: StagedFile): boolean {
    return staged.foreign === true || this.#context.othersWrite?.() === true;
  }

  /** Something touched bytes that equal uploads were linked to: they are hashed again. The upload does not wait. */
  #recheckBehind(sha256: string, place: Place): void {
    const check = this.#recheck(sha256, place)
      .catch(() => undefined)
      .finally(() => this.#behind.delete(check));
    this.#behind.add(check);
  }

  async #recheck(sha256: string, place: Place): Promise<void> {
    for (const { path, recordPath } of await this.#context.catalog.findByDigest('sha256', sha256)) {
      await withPath(this.#context, recordPath, async () => {
        const file = this.#context.catalog.find(path);
        if (file?.local?.place === place) await adoptByDigest(this.#context, file);
      });
    }
  }
}

/** `0_name`, `1_name` ... beside a path, as go-fastdfs names different contents of one name. */
function numbered(path: string, number: number): string {
  return joinPath(parentOf(path), `${number}_${baseName(path)}`);
}

/** After a failure: staged bytes that a commit refers to are the only copy of something acknowledged, and stay. */
async function discardUnlessCommitted(context: FilesContext, staged: StagedFile): Promise<void> {
  // A batch that failed may still have reached the disk: the sweep at the next start knows.
  if (context.catalog.writeError !== undefined) return;
  if ((await context.catalog.placesOf(staged.digests.sha256)).includes(staged.place)) return;
  await context.staging.discard(staged);
}

/** What a frame says of its file besides the path. */
function named({ name, scene, mtimeMs }: Omit<FrameHint, 'path'>): Omit<FrameHint, 'path'> {
  return { name, scene, mtimeMs };
}
