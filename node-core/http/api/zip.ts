import type { Response } from 'express';
import yazl from 'yazl';
import { ShoalError } from '../../domain/errors.ts';
import { baseName, parentOf } from '../../domain/paths.ts';
import { walkFolder } from '../../files/folders.ts';
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
  try {
    for (const path of paths) await addEntry(services, zip, path, response);
    zip.end();
  } catch (error) {
    // Headers are out: a cut connection is the only way left to say that the archive is not complete.
    response.destroy(error instanceof Error ? error : undefined);
    throw error;
  }
}

async function addEntry(services: HttpServices, zip: yazl.ZipFile, path: string, response: Response): Promise<void> {
  const above = parentOf(path);
  const nameOf = (inside: string) => (above === '' ? inside : inside.slice(above.length + 1));
  if (services.catalog.find(path)) {
    await addFile(services, zip, path, baseName(path), response);
    return;
  }
  for await (const { path: inside, kind } of walkFolder(services.catalog, path)) {
    if (response.destroyed) throw new Error('the receiver went away');
    if (kind === 'file') await addFile(services, zip, inside, nameOf(inside), response);
    else if (services.catalog.madeFolder(inside)) zip.addEmptyDirectory(nameOf(inside));
  }
}

/** Adds one file and waits until it was sent, so that a thousand files do not stand open. */
async function addFile(
  services: HttpServices,
  zip: yazl.ZipFile,
  path: string,
  name: string,
  response: Response,
): Promise<void> {
  const { file, handle } = await services.reader.open(path);
  const stream = handle.createReadStream({ highWaterMark: 256 * 1024 });
  const { size, mtimeMs } = file.version;
  await new Promise<void>((resolve, reject) => {
    stream.once('close', resolve);
    stream.once('error', reject);
    response.once('close', () => stream.destroy());
    zip.addReadStream(stream, name, { compress: false, size, mtime: new Date(mtimeMs), mode: 0o100644 });
  });
  if (response.destroyed) throw new Error('the receiver went away');
}
