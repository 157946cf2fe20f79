import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import yazl from 'yazl';
import { ShoalError } from '../../domain/errors.ts';
import { baseName, splitExtension } from '../../domain/paths.ts';
import { walkFolder } from '../../files/folders.ts';
import { chunksOf } from '../../storage/byte-source.ts';
import { attachment } from '../download/content-headers.ts';
import type { HttpServices } from '../services.ts';

/**
 * Sends files and folders as one zip, at the receiver's pace: one file is open at a time. Contents are stored, not
 * compressed: most of what people keep is compressed already, and the node has better to do.
 * @throws ShoalError FILE_NOT_FOUND before anything is sent.
 */
export async function sendZip(
  services: HttpServices,
  paths: readonly string[],
  name: string,
  response: Response,
): Promise<void> {
  for (const path of paths) {
    if (!services.catalog.find(path) && !services.catalog.hasFolder(path)) {
      throw new ShoalError('FILE_NOT_FOUND', { details: { what: path } });
    }
  }
  response.setHeader('Content-Type', 'application/zip');
  response.setHeader('Content-Disposition', attachment(`${name.replace(/[/\\]/g, '_')}.zip`));
  response.setHeader('Cache-Control', 'no-store');
  const zip = new yazl.ZipFile();
  zip.outputStream.pipe(response);
  const archive: Archive = { services, zip, response, names: new Set() };
  try {
    for (const path of paths) await addEntry(archive, path);
    zip.end();
  } catch (error) {
    // A receiver that left is no fault. Else headers are out, and a cut connection is the only way left to say that the
    // archive is not complete.
    if (response.destroyed) return;
    response.destroy();
    throw error;
  }
}

/** Sends texts as one zip. @param texts by name. */
export async function sendTexts(texts: Readonly<Record<string, string>>, response: Response): Promise<void> {
  response.setHeader('Content-Type', 'application/zip');
  response.setHeader('Cache-Control', 'no-store');
  const zip = new yazl.ZipFile();
  for (const [name, text] of Object.entries(texts)) zip.addBuffer(Buffer.from(text), name, { mode: 0o100644 });
  zip.end();
  await pipeline(zip.outputStream, response);
}

interface Archive {
  readonly services: HttpServices;
  readonly zip: yazl.ZipFile;
  readonly response: Response;
  /** Top-level names that are taken: selections from several folders may hold the same name twice. */
  readonly names: Set<string>;
}

async function addEntry(archive: Archive, path: string): Promise<void> {
  const { services, zip, response } = archive;
  const top = freeName(archive.names, baseName(path));
  if (services.catalog.find(path)) {
    await addFile(archive, path, top);
    return;
  }
  for await (const { path: inside, kind } of walkFolder(services.catalog, path)) {
    if (response.destroyed) throw new Error('the receiver went away');
    const name = top + inside.slice(path.length);
    if (kind === 'file') await addFile(archive, inside, name);
    else if (services.catalog.madeFolder(inside)) zip.addEmptyDirectory(name);
  }
}

/** `name`, or `name (2)`, `name (3)` ... */
function freeName(taken: Set<string>, wanted: string): string {
  const { stem, extension } = splitExtension(wanted);
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) name = `${stem} (${number})${extension}`;
  taken.add(name);
  return name;
}

/** Adds one file and waits until it was sent, so that a thousand files do not stand open. */
async function addFile({ services, zip, response }: Archive, path: string, name: string): Promise<void> {
  const { file, handle } = await services.reader.open(path);
  const stream = Readable.from(chunksOf(handle, 256 * 1024), { objectMode: false });
  const { size, mtimeMs } = file.version;
  const giveUp = () => stream.destroy();
  response.once('close', giveUp);
  try {
    await new Promise<void>((resolve, reject) => {
      stream.once('close', resolve);
      stream.once('error', reject);
      zip.addReadStream(stream, name, { compress: false, size, mtime: new Date(mtimeMs), mode: 0o100644 });
      if (response.destroyed) giveUp();
    });
  } finally {
    response.off('close', giveUp);
    await handle.close();
  }
  if (response.destroyed) throw new Error('the receiver went away');
}
