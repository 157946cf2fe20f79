/** A disk in memory: files with inodes and links, and the staging area on it. A crash leaves a copy of what was there. */
import { randomBytes } from 'node:crypto';
import type { ContentDigests } from '../../../node-core/domain/digests.ts';
import { BufferSource } from '../../../node-core/storage/byte-source.ts';
import { ContentHasher } from '../../../node-core/storage/content-hasher.ts';
import { storeFolders } from '../../../node-core/storage/file-store.ts';
import type { FileIdentity } from '../../../node-core/storage/identity.ts';
import type { ContentWriter, FilePlaces, StagingArea } from '../../../node-core/storage/ports.ts';
import type { StagedFile } from '../../../node-core/storage/staging.ts';

interface Inode {
  readonly number: number;
  readonly bytes: Buffer;
  readonly mtime: number;
  ctime: number;
}

/** The files of one node, by place. */
export class MemoryDisk {
  readonly files: Map<string, Inode>;
  #count: number;

  constructor(files = new Map<string, Inode>(), count = 0) {
    this.files = files;
    this.#count = count;
  }

  /** The disk as it is now, with its links; the two share nothing afterwards. */
  clone(): MemoryDisk {
    const inodes = new Map<Inode, Inode>();
    const files = new Map<string, Inode>();
    for (const [place, inode] of this.files) {
      const copy = inodes.get(inode) ?? { ...inode };
      inodes.set(inode, copy);
      files.set(place, copy);
    }
    return new MemoryDisk(files, this.#count);
  }

  create(place: string, bytes: Buffer): void {
    this.#count += 1;
    this.files.set(place, { number: this.#count, bytes, mtime: this.#count, ctime: this.#count });
  }

  /** Something happened to the inode, as link and rename do on a real disk. */
  touch(inode: Inode): void {
    this.#count += 1;
    inode.ctime = this.#count;
  }

  identify(place: string): FileIdentity | undefined {
    const inode = this.files.get(place);
    if (!inode) return undefined;
    const { number, bytes, mtime, ctime } = inode;
    return { size: bytes.byteLength, ino: String(number), mtimeNs: String(mtime), ctimeNs: String(ctime) };
  }
}

/** Called before every step that changes the disk: the place where a crash can happen. */
export type Step = (what: string) => void;

/** The places of a node on a memory disk. */
export class MemoryPlaces implements FilePlaces {
  readonly #disk: MemoryDisk;
  readonly #step: Step;

  constructor(disk: MemoryDisk, step: Step) {
    this.#disk = disk;
    this.#step = step;
  }

  async prepare(): Promise<void> {}

  pathOf(place: string): string {
    return place;
  }

  async place(source: string, id: string, logicalPath: string): Promise<{ place: string; identity: FileIdentity }> {
    this.#step(`place ${logicalPath}`);
    const free = !this.#disk.files.has(logicalPath) && !this.#inTheWay(logicalPath);
    const place = free ? logicalPath : `${storeFolders.alternative}/${id}`;
    if (!this.#rename(source, place)) throw new Error(`nothing stands at ${source}`);
    return { place, identity: this.#known(place) };
  }

  async findPlaced(id: string, logicalPath: string, staged: FileIdentity): Promise<string | undefined> {
    return [logicalPath, `${storeFolders.alternative}/${id}`].find((place) => {
      const found = this.#disk.identify(place);
      return found && found.ino === staged.ino && found.size === staged.size;
    });
  }

  async move(from: string, to: string): Promise<boolean> {
    this.#step(`move ${from}`);
    return this.#rename(from, to);
  }

  async linkStaged(place: string, source: string): Promise<FileIdentity | undefined> {
    const inode = this.#disk.files.get(source);
    if (!inode) return undefined;
    this.#step(`link ${place}`);
    this.#disk.touch(inode);
    this.#disk.files.set(place, inode);
    return this.#disk.identify(place);
  }

  identify(place: string): FileIdentity | undefined {
    return this.#disk.identify(place);
  }

  async remove(place: string): Promise<void> {
    this.#step(`remove ${place}`);
    this.#disk.files.delete(place);
  }

  async open(place: string): Promise<{ handle: BufferSource; identity: FileIdentity } | undefined> {
    const inode = this.#disk.files.get(place);
    return inode && { handle: new BufferSource(inode.bytes), identity: this.#known(place) };
  }

  openPlain(): never {
    throw new Error('nothing in the simulation asks for a file handle');
  }

  async pruneEmptyFolders(): Promise<void> {}

  async idsIn(folder: keyof typeof storeFolders): Promise<string[]> {
    const prefix = `${storeFolders[folder]}/`;
    return [...this.#disk.files.keys()]
      .filter((place) => place.startsWith(prefix))
      .map((place) => place.slice(prefix.length));
  }

  /** A file stands where a folder is needed, or the other way round. */
  #inTheWay(path: string): boolean {
    const parts = path.split('/');
    for (let length = 1; length < parts.length; length += 1)
      if (this.#disk.files.has(parts.slice(0, length).join('/'))) return true;
    return [...this.#disk.files.keys()].some((place) => place.startsWith(`${path}/`));
  }

  #rename(from: string, to: string): boolean {
    const inode = this.#disk.files.get(from);
    if (!inode) return false;
    this.#disk.files.delete(from);
    this.#disk.files.set(to, inode);
    this.#disk.touch(inode);
    return true;
  }

  #known(place: string): FileIdentity {
    const identity = this.#disk.identify(place);
    if (!identity) throw new Error(`nothing stands at ${place}`);
    return identity;
  }
}

/** Staging on a memory disk. */
export class MemoryStaging implements StagingArea {
  readonly #disk: MemoryDisk;
  readonly #step: Step;

  constructor(disk: MemoryDisk, step: Step) {
    this.#disk = disk;
    this.#step = step;
  }

  async begin(): Promise<ContentWriter> {
    const id = randomBytes(12).toString('hex');
    const chunks: Buffer[] = [];
    const place = `${storeFolders.staging}/${id}`;
    const finish = async (): Promise<StagedFile> => {
      this.#step(`stage ${id}`);
      const bytes = Buffer.concat(chunks);
      this.#disk.create(place, bytes);
      const hasher = new ContentHasher('md5');
      hasher.update(bytes);
      return { id, place, file: place, ...this.#identified(place), ...hasher.finish() };
    };
    return {
      id,
      get size() {
        return chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
      },
      write: async (chunk) => {
        chunks.push(Buffer.from(chunk));
      },
      finish,
      discard: async () => {},
    };
  }

  async linkOwn(source: string, content: ContentDigests, blocks: Buffer): Promise<StagedFile | undefined> {
    const inode = this.#disk.files.get(source);
    if (!inode) return undefined;
    const id = randomBytes(12).toString('hex');
    const place = `${storeFolders.staging}/${id}`;
    this.#step(`link ${place}`);
    this.#disk.touch(inode);
    this.#disk.files.set(place, inode);
    const { size, sha256, md5, blockRoot } = content;
    const digests = { size, sha256, ...(md5 !== undefined && { md5 }), blockRoot };
    return { id, place, file: place, ...this.#identified(place), digests, blocks };
  }

  async discard(staged: StagedFile): Promise<void> {
    this.#step(`discard ${staged.id}`);
    this.#disk.files.delete(staged.place);
  }

  async drain(): Promise<void> {}

  async sweep(isReferred: (id: string) => boolean): Promise<number> {
    const prefix = `${storeFolders.staging}/`;
    let removed = 0;
    for (const place of [...this.#disk.files.keys()]) {
      if (!place.startsWith(prefix) || isReferred(place.slice(prefix.length))) continue;
      this.#disk.files.delete(place);
      removed += 1;
    }
    return removed;
  }

  #identified(place: string): { readonly identity: FileIdentity } {
    const identity = this.#disk.identify(place);
    if (!identity) throw new Error(`nothing stands at ${place}`);
    return { identity };
  }
}
