/**
 * Stores of go-fastdfs to move in from. `realStore` unpacks what a real node left behind (test/fixtures/go-fastdfs, of whose
 * larger files only the records are kept); `SourceStore` writes one with whatever a test needs, in real LevelDB files.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { ClassicLevel } from 'classic-level';
import { extract } from 'tar-stream';
import { temporaryFolder } from './temporary-folder.ts';

/** What the real store served. */
export interface Served {
  readonly kind: 'upload' | 'tus' | 'merged' | 'deleted' | 'missing';
  /** With the group. */
  readonly path: string;
  readonly md5: string;
  readonly size: number;
  readonly name: string;
  /** Id of the tus upload. */
  readonly id?: string;
}

/** Unpacks the real store. @returns its folder, and what it served. */
export async function realStore(): Promise<{ readonly dir: string; readonly served: readonly Served[] }> {
  const dir = await temporaryFolder();
  const archive = path.join(import.meta.dirname, '..', 'fixtures', 'go-fastdfs', 'store.tar.gz');
  const unpack = extract();
  unpack.on('entry', (header, stream, next) => {
    const target = path.join(dir, header.name);
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: unknown) => chunks.push(chunk as Buffer));
    stream.on('end', () => {
      const write = async () => {
        if (header.type === 'directory') await mkdir(target, { recursive: true });
        else {
          await mkdir(path.dirname(target), { recursive: true });
          await writeFile(target, Buffer.concat(chunks));
        }
      };
      write().then(() => next(), next);
    });
  });
  await pipeline(createReadStream(archive), createGunzip(), unpack);
  return { dir, served: JSON.parse(await readFile(path.join(dir, 'expected.json'), 'utf8')) as Served[] };
}

/** Digest of every file below a folder, by its path. */
export async function digestsBelow(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const digests: Record<string, string> = {};
  for (const entry of entries.filter((one) => one.isFile())) {
    const file = path.join(entry.parentPath, entry.name);
    digests[path.relative(folder, file)] = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  }
  return digests;
}

/** What a record says that differs from the file. */
export interface RecordChange {
  readonly md5?: string;
  readonly size?: number;
  readonly name?: string;
  readonly scene?: string;
  readonly timeStamp?: number;
}

/** A store that is written for a test. Call {@link close} before it is moved in. */
export class SourceStore {
  readonly dir: string;
  readonly #algorithm: 'md5' | 'sha1';
  readonly #records = new Map<string, string>();
  readonly #log = new Map<string, string>();

  private constructor(dir: string, algorithm: 'md5' | 'sha1') {
    this.dir = dir;
    this.#algorithm = algorithm;
  }

  static async begin(config: Readonly<Record<string, unknown>> = {}): Promise<SourceStore> {
    const dir = await temporaryFolder();
    for (const folder of ['conf', 'data', 'files']) await mkdir(path.join(dir, folder));
    await writeFile(path.join(dir, 'conf', 'cfg.json'), JSON.stringify({ peer_id: '7', ...config }));
    return new SourceStore(dir, config.file_sum_arithmetic === 'sha1' ? 'sha1' : 'md5');
  }

  digest(content: Buffer | string): string {
    return createHash(this.#algorithm).update(content).digest('hex');
  }

  /** A file of its own, with its records. */
  async add(place: string, content: Buffer | string, change: RecordChange = {}): Promise<void> {
    await this.addBytes(place, content);
    this.addRecord(place, { md5: this.digest(content), size: Buffer.byteLength(content), offset: -1, ...change });
  }

  /** Bytes without a record. */
  async addBytes(place: string, content: Buffer | string): Promise<void> {
    const file = path.join(this.dir, 'files', place);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }

  /** A merged file. @returns its place. @param marker 1 before a live file. */
  async addMerged(container: string, content: string, change: RecordChange = {}, marker = '1'): Promise<string> {
    const file = path.join(this.dir, 'files', 'haystack', container);
    await mkdir(path.dirname(file), { recursive: true });
    const offset = await stat(file).then(
      ({ size }) => size,
      () => 0,
    );
    await appendFile(file, marker + content);
    const size = Buffer.byteLength(content) + 1;
    const place = `haystack/${container},${offset},${size},.txt`;
    this.addRecord(place, { md5: this.digest(content), size, offset, name: 'small.txt', ...change });
    return place;
  }

  /** Records under the digest and under the place, as go-fastdfs writes them. */
  addRecord(place: string, fields: RecordChange & { readonly offset: number }): void {
    const record = this.#recordOf(place, fields);
    const stored = `files/${place}`;
    this.put(String(fields.md5), record);
    this.put(createHash('md5').update(stored).digest('hex'), record);
  }

  /** The record of an upload id. */
  addUploadId(id: string, place: string, fields: RecordChange): void {
    this.put(id, this.#recordOf(place, { offset: -1, ...fields }));
  }

  /** What `log.db` notes of a delete. */
  noteRemoved(place: string, digest: string): void {
    const record = this.#recordOf(place, { md5: digest, size: 1, offset: -1 });
    this.#log.set(`20261122_removes.md5_${digest}`, record);
  }

  /** Anything at all. */
  put(key: string, text: string): void {
    this.#records.set(key, text);
  }

  async close(): Promise<string> {
    await writeDatabase(path.join(this.dir, 'data', 'fileserver.db'), this.#records);
    await writeDatabase(path.join(this.dir, 'data', 'log.db'), this.#log);
    return this.dir;
  }

  #recordOf(place: string, fields: RecordChange & { readonly offset: number }): string {
    const slash = place.lastIndexOf('/');
    const base = place.slice(slash + 1);
    return JSON.stringify({
      name: base,
      rename: fields.name === undefined ? '' : base,
      path: `files/${place.slice(0, Math.max(0, slash))}`.replace(/\/$/, ''),
      md5: '',
      size: 0,
      peers: ['http://10.1.2.3:8080'],
      scene: 'default',
      timeStamp: 1_700_000_000,
      ...fields,
    });
  }
}

async function writeDatabase(folder: string, entries: ReadonlyMap<string, string>): Promise<void> {
  const db = new ClassicLevel<string, string>(folder);
  await db.open();
  await db.batch([...entries].map(([key, value]) => ({ type: 'put', key, value })));
  await db.close();
}
