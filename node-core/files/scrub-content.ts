/**
 * Looks whether the bytes of one content are still what was stored, at every place of this disk that holds it, and sets aside
 * those that are not (replication.md, 11): they move to `files/_damaged`, under a name that says when and why, and are never
 * removed by the node. What showed them wants its content from elsewhere.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { replicationTables } from '../catalog/replication-values.ts';
import type { ScrubPosition } from '../catalog/scrub-values.ts';
import { blockBytes } from '../domain/digests.ts';
import type { FileVersion } from '../domain/file-record.ts';
import { baseName } from '../domain/paths.ts';
import { isPacked, type OpenedBytes, type Place, storeFolders } from '../storage/file-store.ts';
import { sameContent } from '../storage/identity.ts';
import { type FilesContext, withPaths } from './context.ts';

/** Why bytes do not count: they rotted where they stood, somebody wrote to them, or they are gone. */
export type DamageReason = 'rotten' | 'changed' | 'missing';

/** Lets the reading of a store take its time. */
export interface ScrubPace {
  /** Called before so many bytes are read; the reading waits for it. */
  readonly before: (bytes: number) => Promise<void>;
  readonly stopping: () => boolean;
  /** Where the next block is. */
  readonly at: (position: ScrubPosition) => void;
}

/** What was found of a content. */
export interface CheckedContent {
  /** Places and bytes that were looked at. */
  readonly files: number;
  readonly bytes: number;
  readonly suspects: readonly Suspect[];
  /** It was stopped before the end. */
  readonly stopped: boolean;
}

/** A place whose bytes are not what they should be, and the block that tells. */
export interface Suspect {
  readonly place: Place;
  readonly block: number;
}

/** What follows from damaged bytes. */
export interface SetAside {
  /** Files that want their content from elsewhere now. */
  readonly paths: readonly string[];
  readonly places: number;
}

/** A file that uses a content, shown or held as a fall-back. */
interface User {
  readonly path: string;
  readonly version: FileVersion;
}

/** Reads a content wherever it stands, once for each file on disk. Takes no locks. @param from where an earlier reading was. */
export async function checkContent(
  context: FilesContext,
  sha256: string,
  pace: ScrubPace,
  from?: ScrubPosition,
): Promise<CheckedContent> {
  const found = { files: 0, bytes: 0 };
  const suspects: Suspect[] = [];
  const inodes = new Set<string>();
  let packed = false;
  for (const place of await context.catalog.placesOf(sha256)) {
    if (from && place < from.place) continue;
    const identity = context.store.identify(place);
    // Names of one file, and uses of one frame, have the same bytes.
    if (isPacked(place) ? packed : identity && inodes.has(identity.ino)) continue;
    if (isPacked(place)) packed = true;
    else if (identity) inodes.add(identity.ino);
    const start = from?.place === place ? from.block : 0;
    const state = await checkPlace(context, sha256, place, start, pace);
    found.bytes += state.bytes;
    if (state.stopped) return { ...found, suspects, stopped: true };
    found.files += 1;
    if (state.bad !== undefined) suspects.push({ place, block: state.bad });
  }
  return { ...found, suspects, stopped: false };
}

interface PlaceState {
  readonly bytes: number;
  /** The first block that is wrong; undefined: none is. */
  readonly bad?: number;
  readonly stopped?: true;
}

async function checkPlace(
  context: FilesContext,
  sha256: string,
  place: Place,
  start: number,
  pace: ScrubPace,
): Promise<PlaceState> {
  if (isPacked(place)) {
    const length = context.catalog.packed(sha256)?.length ?? 0;
    await pace.before(length);
    if (pace.stopping()) return { bytes: 0, stopped: true };
    return { bytes: length, ...(!(await isFrameSound(context, sha256)) && { bad: 0 }) };
  }
  const opened = await context.store.open(place);
  if (!opened) return { bytes: 0, bad: 0 };
  let bytes = 0;
  try {
    const blocks = new BlockCheck(context, sha256, opened);
    for (let block = start; block < blocks.count; block += 1) {
      pace.at({ sha256, place, block });
      await pace.before(blocks.sizeOf(block));
      if (pace.stopping()) return { bytes, stopped: true };
      if (!(await blocks.isSound(block))) return { bytes, bad: block };
      bytes += blocks.sizeOf(block);
    }
    return { bytes };
  } finally {
    await opened.handle.close();
  }
}

/** The frame that the index names; another one that holds the same is looked for only when it is needed. */
async function isFrameSound({ catalog, packs }: FilesContext, sha256: string): Promise<boolean> {
  // A compaction may move it between the look-up and the read.
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const location = catalog.packed(sha256);
    if (location && (await packs.store.readAt(location, sha256))) return true;
  }
  return false;
}

/** Compares the blocks of an open file with the list that was made when it was stored. */
class BlockCheck {
  readonly #opened: OpenedBytes;
  readonly #list: Buffer;
  readonly #size: number;
  /** The list does not fit the file: only the digest of the whole of it tells. */
  readonly #wholeDigest: string | undefined;

  constructor({ catalog }: FilesContext, sha256: string, opened: OpenedBytes) {
    this.#opened = opened;
    this.#size = opened.identity.size;
    // The digest of a content of one block is that of the block.
    const stored = catalog.blocks(sha256);
    this.#list = stored.byteLength > 0 ? stored : Buffer.from(sha256, 'hex');
    const fits = this.#list.byteLength === 32 * Math.max(1, Math.ceil(this.#size / blockBytes));
    this.#wholeDigest = fits ? undefined : sha256;
  }

  get count(): number {
    return this.#wholeDigest === undefined ? Math.max(1, Math.ceil(this.#size / blockBytes)) : 1;
  }

  sizeOf(block: number): number {
    if (this.#wholeDigest !== undefined) return this.#size;
    return Math.max(0, Math.min(blockBytes, this.#size - block * blockBytes));
  }

  /** A sector that cannot be read is as bad as one that reads as something else. */
  async isSound(block: number): Promise<boolean> {
    const start = block * blockBytes;
    const end = start + this.sizeOf(block);
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(Math.min(end - start, blockBytes));
    try {
      for (let position = start; position < end; ) {
        const { bytesRead } = await this.#opened.handle.read(
          buffer,
          0,
          Math.min(buffer.byteLength, end - position),
          position,
        );
        if (bytesRead === 0) return false;
        hash.update(buffer.subarray(0, bytesRead));
        position += bytesRead;
      }
    } catch {
      return false;
    }
    const digest = hash.digest();
    if (this.#wholeDigest !== undefined) return digest.toString('hex') === this.#wholeDigest;
    return digest.equals(this.#list.subarray(block * 32, (block + 1) * 32));
  }
}

/**
 * Sets the bytes of suspect places aside, if they are still wrong once nobody else works on them. In a store that other programs
 * write, what they changed or removed is theirs to say: only bytes that rotted without anybody touching them are set aside.
 * @returns undefined when nothing was wrong after all. @throws ShoalError STORE_MISSING.
 */
export async function setAside(
  context: FilesContext,
  sha256: string,
  suspects: readonly Suspect[],
): Promise<SetAside | undefined> {
  const { catalog, contentLocks, guard } = context;
  const paths = [...new Set((await usersOf(context, sha256)).map(({ path }) => path))];
  const outcome = await withPaths(context, paths, () =>
    contentLocks.run(sha256, async () => {
      // A disk that was taken away has no damaged files.
      await guard.checkFolder();
      const bad = await confirm(context, sha256, suspects);
      if (bad.size === 0 || (await healFrame(context, sha256, bad))) return undefined;
      const users = (await usersOf(context, sha256)).filter(({ path }) => paths.includes(path));
      for (const [place, reason] of bad) await moveAside(context, sha256, place, reason, nameOf(users));
      return { bad, paths: await dropPlaces(context, sha256, bad, users) };
    }),
  );
  if (!outcome) return undefined;
  for (const [place] of outcome.bad) if (!isPacked(place)) await context.store.pruneEmptyFolders(place);
  const [reason = 'rotten'] = outcome.bad.values();
  const shown = (await catalog.findByDigest('sha256', sha256)).filter(({ recordPath }) =>
    outcome.paths.includes(recordPath),
  );
  const names = shown.map(({ path }) => path);
  const [first = sha256] = names;
  const [place = ''] = outcome.bad.keys();
  context.events.emit('bytes-damaged', { path: first, place });
  context.events.emit('bytes-set-aside', { sha256, paths: names, reason });
  return { paths: names, places: outcome.bad.size };
}

/** Looks once more, at the block that told, and says why. All names of a bad file are bad. */
async function confirm(
  context: FilesContext,
  sha256: string,
  suspects: readonly Suspect[],
): Promise<Map<Place, DamageReason>> {
  const { catalog, store } = context;
  const bad = new Map<Place, DamageReason>();
  const places = await catalog.placesOf(sha256);
  for (const { place, block } of suspects) {
    if (!places.includes(place)) continue;
    if (isPacked(place)) {
      if (!(await isFrameSound(context, sha256)))
        for (const use of places.filter((one) => isPacked(one))) bad.set(use, 'rotten');
      continue;
    }
    const identity = store.identify(place);
    const recorded = await recordedIdentity(context, sha256, place);
    const isTouched = !identity || !recorded || !sameContent(identity, recorded);
    if (isTouched && context.othersWrite?.() === true) continue;
    if (!identity) {
      bad.set(place, 'missing');
      continue;
    }
    const opened = await store.open(place);
    if (!opened) continue;
    try {
      const blocks = new BlockCheck(context, sha256, opened);
      if (block < blocks.count && (await blocks.isSound(block))) continue;
    } finally {
      await opened.handle.close();
    }
    for (const name of places)
      if (!isPacked(name) && store.identify(name)?.ino === identity.ino)
        bad.set(name, isTouched ? 'changed' : 'rotten');
  }
  return bad;
}

async function recordedIdentity(context: FilesContext, sha256: string, place: Place) {
  for (const { path, version } of await usersOf(context, sha256)) {
    const local = context.catalog.localOf(path, version.dot);
    if (local?.place === place) return local.identity;
  }
  for await (const entry of context.catalog.trash()) if (entry.place === place) return entry.identity;
  return undefined;
}

/** Another frame of the segments may hold the same content: then the index names that one from now on. */
async function healFrame(
  { catalog, packs }: FilesContext,
  sha256: string,
  bad: ReadonlyMap<Place, DamageReason>,
): Promise<boolean> {
  if (![...bad.keys()].every(isPacked)) return false;
  const bytes = await packs.store.read(sha256);
  if (!bytes) return false;
  const location = await packs.store.append(sha256, bytes);
  return catalog.commit((transaction) => {
    if (!transaction.packed(sha256)) return false;
    transaction.setFrame(sha256, bytes.byteLength, location);
    return true;
  });
}

async function moveAside(
  context: FilesContext,
  sha256: string,
  place: Place,
  reason: DamageReason,
  name: string,
): Promise<void> {
  const { catalog, clock, packs, store } = context;
  if (reason === 'missing') return;
  const when = new Date(clock.now()).toISOString().replace(/[-:]|\.\d+/g, '');
  const id = randomBytes(3).toString('hex');
  const target = `${storeFolders.damaged}/${when}-${reason}-${sha256.slice(0, 16)}-${id}${name}`;
  await mkdir(store.pathOf(storeFolders.damaged), { recursive: true });
  if (!isPacked(place)) {
    await store.move(place, target);
    return;
  }
  // The segment keeps the frame until it is compacted; what is in it now is kept for good. Each use names the same frame.
  const location = catalog.packed(sha256);
  const raw = location && (await packs.store.readRaw(location));
  if (raw) await writeFile(store.pathOf(target), raw, { flag: 'wx', flush: true });
}

/** Forgets bad places, and enters what the files that show them need into the list of wants. @returns paths of the records. */
async function dropPlaces(
  { catalog, clock }: FilesContext,
  sha256: string,
  bad: ReadonlyMap<Place, DamageReason>,
  users: readonly User[],
): Promise<string[]> {
  const nowMs = clock.now();
  const trashed: string[] = [];
  for await (const { id, place } of catalog.trash()) if (bad.has(place)) trashed.push(id);
  return catalog.commit((transaction) => {
    const paths = new Set<string>();
    for (const id of trashed) transaction.removeTrash(id);
    for (const { path, version } of users) {
      const local = transaction.local(path, version.dot);
      if (!local || !bad.has(local.place)) continue;
      transaction.dropLocal(path, version);
      const shows = transaction
        .record(path)
        .versions.some(({ kind, sha256: shown }) => kind === 'file' && shown === sha256);
      if (!shows) continue;
      paths.add(path);
      const { size, blockRoot } = version;
      const want = transaction.row(replicationTables.wants, sha256);
      const base = want ?? { sha256, size, blockRoot, addedMs: nowMs, attempts: 0, lost: false };
      transaction.putRow(replicationTables.wants, sha256, { ...base, nextMs: nowMs, damaged: true });
    }
    return [...paths];
  });
}

/** Everything but the trash that may stand for a content: what shows, and what is held until its successor is here. */
async function usersOf({ catalog }: FilesContext, sha256: string): Promise<User[]> {
  const users: User[] = [];
  const records = new Set((await catalog.findByDigest('sha256', sha256)).map(({ recordPath }) => recordPath));
  const add = (path: string, versions: readonly FileVersion[]) => {
    for (const version of versions) if (version.sha256 === sha256) users.push({ path, version });
  };
  for (const path of records) add(path, catalog.record(path)?.versions ?? []);
  for await (const path of catalog.rowIds(replicationTables.held))
    add(path, (catalog.row(replicationTables.held, path) ?? []) as readonly FileVersion[]);
  return users;
}

/** The name of a file, for people who look into the folder, as far as every disk can hold it. */
function nameOf([first]: readonly User[]): string {
  if (!first) return '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  const safe = baseName(first.path).replace(/[\u0000-\u001f<>:"/\\|?*]/g, '_');
  let name = '';
  for (const character of safe) {
    if (Buffer.byteLength(name + character) > 120) break;
    name += character;
  }
  return `-${name.replace(/[. ]+$/, '')}`;
}
