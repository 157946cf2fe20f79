/** Writes backups of a running node: the catalogue as it is at one moment, the configuration, and if asked for the bytes. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { pack } from 'tar-stream';
import type { CatalogExport, ShownContent } from '../../catalog/export.ts';
import type { FilesContext } from '../../files/context.ts';
import { type ByteSource, chunksOf } from '../../storage/byte-source.ts';
import { isAbsent } from '../../storage/identity.ts';
import {
  type BackupHeader,
  backupFormat,
  backupNames,
  configurationFiles,
  contentOf,
  type Manifest,
} from './backup-format.ts';

/** How often bytes are looked for before they count as lost, and the pause in between, in milliseconds. */
const looks = 4;
const movingMs = 20;

/** Bytes of one part of the catalogue. */
const partBytes = 4 * 1024 * 1024;

/** Bytes read at once. */
const chunkBytes = 256 * 1024;

/** What a backup is made of. */
export interface BackupOptions {
  readonly context: FilesContext;
  /** Absolute path of the data folder. */
  readonly dataFolder: string;
  readonly nodeId: string;
  readonly version: string;
}

/** One file of a backup. */
interface BackupFile {
  readonly name: string;
  readonly size: number;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Makes backups. */
export class BackupWriter {
  readonly #options: BackupOptions;

  constructor(options: BackupOptions) {
    this.#options = options;
  }

  /** A tar stream of the node as it is now. Destroyed with an error when it cannot be completed. */
  begin(withBytes: boolean): Readable {
    return Readable.from(this.#archive(withBytes), { objectMode: false });
  }

  async *#archive(withBytes: boolean): AsyncGenerator<Uint8Array> {
    const archive = pack();
    const written: Manifest = { files: [], lost: [] };
    const filling = this.#fill(archive, withBytes, written).then(
      () => archive.finalize(),
      (error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))),
    );
    try {
      yield* archive as AsyncIterable<Uint8Array>;
      await filling;
    } finally {
      // Whoever stops reading ends the writing too.
      archive.destroy();
    }
  }

  async #fill(archive: ReturnType<typeof pack>, withBytes: boolean, written: Manifest): Promise<void> {
    const snapshot = this.#options.context.catalog.export();
    try {
      for await (const file of this.#files(snapshot, withBytes, written)) {
        const hash = createHash('sha256');
        await addEntry(archive, file, (chunk) => hash.update(chunk));
        const sha256 = hash.digest('hex');
        written.files.push({ name: file.name, size: file.size, sha256 });
        const content = contentOf(file.name);
        if (content !== undefined && content !== sha256) written.lost.push(content);
      }
    } finally {
      await snapshot.close();
    }
    await addEntry(archive, whole(backupNames.manifest, JSON.stringify(written)), () => {});
  }

  async *#files(snapshot: CatalogExport, withBytes: boolean, { lost }: Manifest): AsyncGenerator<BackupFile> {
    const { context, nodeId, version, dataFolder } = this.#options;
    const header: BackupHeader = {
      format: backupFormat,
      version,
      nodeId,
      createdMs: context.clock.now(),
      bytes: withBytes,
    };
    yield whole(backupNames.header, JSON.stringify(header));
    for (const name of configurationFiles) {
      const content = await readFile(path.join(dataFolder, name)).catch((error: unknown) => {
        if (isAbsent(error)) return undefined;
        throw error;
      });
      if (content) yield whole(name, content);
    }
    yield* catalogueParts(snapshot, withBytes);
    if (!withBytes) return;
    for await (const content of snapshot.contents()) {
      const source = await this.#open(content);
      if (!source) lost.push(content.sha256);
      else yield { name: `bytes/${content.sha256}`, size: content.size, body: exactly(source, content.size) };
    }
  }

  /** The bytes of a content, wherever they stand by now: deleted meanwhile, they are in the trash. */
  async #open({ sha256, size }: ShownContent): Promise<ByteSource | undefined> {
    const { catalog, store } = this.#options.context;
    for (let look = 1; ; look += 1) {
      for (const place of await catalog.placesOf(sha256)) {
        const opened = await store.open(place);
        if (opened?.identity.size === size) return opened.handle;
        await opened?.handle.close();
      }
      if (look === looks) return undefined;
      // The catalogue says first where bytes go, then they are moved: looked at in between, they are nowhere.
      await sleep(movingMs);
    }
  }
}

async function* catalogueParts(snapshot: CatalogExport, withoutDisk: boolean): AsyncGenerator<BackupFile> {
  let number = 0;
  let lines: string[] = [];
  let bytes = 0;
  const part = () => {
    const name = `catalogue/${String(number).padStart(8, '0')}.jsonl`;
    const file = whole(name, lines.join(''));
    number += 1;
    lines = [];
    bytes = 0;
    return file;
  };
  for await (const entry of snapshot.entries(withoutDisk)) {
    const line = `${JSON.stringify(entry)}\n`;
    lines.push(line);
    bytes += line.length;
    if (bytes >= partBytes) yield part();
  }
  if (lines.length > 0) yield part();
}

function whole(name: string, content: string | Uint8Array): BackupFile {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return {
    name,
    size: bytes.byteLength,
    body: (async function* () {
      yield bytes;
    })(),
  };
}

/**
 * Exactly so many bytes of a source, which is closed at the end. A tar entry has told its size before: what cannot be read is
 * zeros, and the digest tells.
 */
async function* exactly(source: ByteSource, size: number): AsyncGenerator<Uint8Array> {
  let left = size;
  try {
    for await (const chunk of chunksOf(source, chunkBytes)) {
      if (left === 0) break;
      const part = chunk.subarray(0, left);
      left -= part.byteLength;
      yield part;
    }
  } catch {
    // A sector that cannot be read.
  } finally {
    await source.close();
  }
  for (; left > 0; left -= Math.min(left, chunkBytes)) yield Buffer.alloc(Math.min(left, chunkBytes));
}

/** Writes one entry, and waits while the reader is slow. */
async function addEntry(
  archive: ReturnType<typeof pack>,
  { name, size, body }: BackupFile,
  each: (chunk: Uint8Array) => unknown,
): Promise<void> {
  let complete = () => {};
  let fail = (_error: unknown) => {};
  const ended = new Promise<void>((resolve, reject) => {
    complete = resolve;
    fail = reject;
  });
  const entry = archive.entry({ name, size, mode: 0o600, mtime: new Date(0) }, (error) =>
    error ? fail(error) : complete(),
  );
  // Nobody may be left when the body fails first.
  ended.catch(() => undefined);
  for await (const chunk of body) {
    each(chunk);
    if (entry.write(chunk) === false) await drained(entry, archive);
  }
  entry.end(undefined);
  await ended;
}

function drained(entry: NodeJS.EventEmitter, archive: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (work: () => void) => {
      entry.off('drain', onDrain);
      archive.off('close', onClose);
      work();
    };
    const onDrain = () => settle(resolve);
    const onClose = () => settle(() => reject(new Error('the reader of the backup went away')));
    entry.on('drain', onDrain);
    archive.on('close', onClose);
  });
}
