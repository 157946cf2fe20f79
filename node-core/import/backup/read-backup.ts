/** Reads backups from a tar stream or a folder, and checks every file against the manifest on the way. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { ShoalError } from '../../domain/errors.ts';
import { isAbsent } from '../../storage/identity.ts';
import { backupNames, isBackupName, type Manifest, manifest } from './backup-format.ts';

/** Most bytes of a file that is read whole: parts of the catalogue are 4 MiB, a manifest names every content. */
const maxWholeBytes = 1024 * 1024 * 1024;

/** One file of a backup, in order. The body is read to its end before the next file is asked for. */
export interface ReadFile {
  readonly name: string;
  readonly size: number;
  readonly body: AsyncIterable<Uint8Array>;
}

/** @throws ShoalError BACKUP_BROKEN for anything that is no tar stream of a backup, or ends too early. */
export async function* readTar(stream: Readable): AsyncGenerator<ReadFile> {
  const archive = extract();
  // Its failure comes out of the archive too, where it is awaited.
  const feeding = pipeline(stream, archive).catch(() => undefined);
  try {
    for await (const entry of archive) {
      const { name, size, type } = entry.header;
      if (type !== 'file' || !isBackupName(name)) throw broken(`it holds ${JSON.stringify(name)}`);
      yield { name, size: size ?? 0, body: entry as AsyncIterable<Uint8Array> };
      entry.resume();
    }
  } catch (error) {
    if (error instanceof ShoalError) throw error;
    throw broken(error instanceof Error ? error.message : String(error), error);
  } finally {
    archive.destroy();
    stream.destroy();
    await feeding;
  }
}

/** @throws ShoalError BACKUP_BROKEN when the folder holds no backup, or one that was cut. */
export async function* readFolder(folder: string): AsyncGenerator<ReadFile> {
  const last = await readFile(path.join(folder, backupNames.manifest)).catch((error: unknown) => {
    if (isAbsent(error)) throw broken(`${folder} has no ${backupNames.manifest}`);
    throw error;
  });
  for (const { name, size } of parseManifest(last.toString('utf8')).files) {
    if (!isBackupName(name)) throw broken(`it holds ${JSON.stringify(name)}`);
    yield { name, size, body: readLater(path.join(folder, ...name.split('/'))) };
  }
  yield { name: backupNames.manifest, size: last.byteLength, body: Readable.from([last]) };
}

/** Opens a file when it is read. */
async function* readLater(file: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(file) as AsyncIterable<Uint8Array>;
}

/**
 * Gives the files of a backup except its manifest, and checks at the end that they are all there as they were written.
 * @param each called for every file; reads the body to its end, or leaves it. @returns the manifest.
 * @throws ShoalError BACKUP_BROKEN.
 */
export async function readChecked(
  files: AsyncGenerator<ReadFile>,
  each: (file: ReadFile) => Promise<void>,
): Promise<Manifest> {
  const seen = new Map<string, string>();
  for await (const file of files) {
    if (file.name === backupNames.manifest) {
      const told = parseManifest((await readWhole(file)).toString('utf8'));
      compare(told, seen);
      return told;
    }
    if (seen.has(file.name)) throw broken(`it holds ${file.name} twice`);
    const hash = createHash('sha256');
    let bytes = 0;
    const body = (async function* () {
      try {
        for await (const chunk of file.body) {
          hash.update(chunk);
          bytes += chunk.byteLength;
          yield chunk;
        }
      } catch (error) {
        throw isAbsent(error) ? broken(`${file.name} is missing`, error) : error;
      }
    })();
    await each({ ...file, body });
    for await (const _rest of body);
    if (bytes !== file.size) throw broken(`${file.name} is cut short`);
    seen.set(file.name, hash.digest('hex'));
  }
  throw broken('it ends before its manifest');
}

function compare(told: Manifest, seen: ReadonlyMap<string, string>): void {
  for (const { name, sha256 } of told.files) {
    const found = seen.get(name);
    if (found === undefined) throw broken(`${name} is missing`);
    if (found !== sha256) throw broken(`${name} has changed`);
  }
  if (seen.size !== told.files.length) throw broken('it holds files that its manifest does not name');
}

/** A small file in memory. */
export async function readWhole({ name, size, body }: ReadFile): Promise<Buffer> {
  if (size > maxWholeBytes) throw broken(`${name} is too large`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function parseManifest(text: string): Manifest {
  try {
    return manifest.parse(JSON.parse(text));
  } catch (error) {
    throw broken('its manifest cannot be read', error);
  }
}

/** The error of a backup that cannot be used. */
export function broken(reason: string, cause?: unknown): ShoalError {
  return new ShoalError('BACKUP_BROKEN', { details: { reason }, cause });
}
