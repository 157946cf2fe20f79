/** /api/v1: what those need who look at files in a window: views, known contents, undo, the upload form. */
import type { Request } from 'express';
import type { FolderRow } from '../../catalog/catalog.ts';
import { ShoalError } from '../../domain/errors.ts';
import { baseName, normalizeFolder, normalizePath } from '../../domain/paths.ts';
import { chunksOf } from '../../storage/byte-source.ts';
import { groupPrefix } from '../compat/surface.ts';
import { mediaTypeOf } from '../download/content-headers.ts';
import { type HttpServices, readOnlyCheck } from '../services.ts';
import {
  type fileTypes,
  knownBody,
  undoBody,
  uploadForm,
  viewQuery,
  zipSelection,
  zipTicket,
} from './browse-contract.ts';
import * as contract from './contract.ts';
import { detailsOf, entryOf } from './files.ts';
import { type Operation, operation } from './operation.ts';

/** The operations. */
export function browseOperations(services: HttpServices): readonly Operation[] {
  return [
    operation({
      id: 'viewFolder',
      method: 'get',
      path: '/files/view',
      tag: 'files',
      summary: 'Rows of a folder in an order, from any offset on: folders first',
      query: viewQuery,
      answer: contract.folderView,
      handle: async ({ query }) => {
        const { sort, order, type, offset, limit } = query;
        const folder = normalizeFolder(query.folder);
        const only = type && { key: type, accepts: (row: FolderRow) => typeOf(row) === type };
        const question = { folder, sort, descending: order === 'down', ...(only && { only }) };
        const { rows, total, bytes } = await services.views.window(question, offset, limit);
        return {
          folder,
          total,
          ...(bytes !== undefined && { bytes }),
          offset,
          entries: rows.map((row) => entryOf(row, folder)),
        };
      },
    }),
    operation({
      id: 'storeKnown',
      method: 'post',
      path: '/files/known',
      tag: 'files',
      summary: 'Stores a content that this node has under a path, without sending it; 404 when it has none such',
      body: knownBody,
      answer: contract.fileDetails,
      handle: ({ body }, request) => storeKnown(services, body, services.access.addressOf(request)),
    }),
    operation({
      id: 'prepareZip',
      method: 'post',
      path: '/zip/tickets',
      tag: 'files',
      summary: 'Keeps a selection that is too long for an address, for the download that follows',
      body: zipSelection,
      answer: zipTicket,
      handle: ({ body }) => ({ ticket: services.zipTickets.give(body.paths.map(normalizePath)) }),
    }),
    operation({
      id: 'undoRemoval',
      method: 'post',
      path: '/trash/undo',
      tag: 'trash',
      summary: 'Brings back what was removed at or below paths since a moment; what stands there now stays',
      body: undoBody,
      answer: contract.changed,
      handle: ({ body }, request) => undoRemoval(services, body, services.access.addressOf(request)),
    }),
    operation({
      id: 'uploadForm',
      method: 'get',
      path: '/upload-form',
      tag: 'files',
      access: 'open',
      summary: 'What the upload page of the compatible interface asks for',
      answer: uploadForm,
      handle: (_input, request) => formOf(services, request),
    }),
  ];
}

/** Reading the bytes once more proves that they are there and right; the pipeline links them to those that it has. */
async function storeKnown(services: HttpServices, body: typeof knownBody._output, by: string) {
  readOnlyCheck(services);
  const path = normalizePath(body.path);
  const known = await services.storer.findContent(body.sha256, ({ version }) => version.size === body.size);
  if (!known) throw new ShoalError('FILE_NOT_FOUND', { details: { what: body.sha256 } });
  const standing = services.catalog.find(path);
  if (standing && body.occupied === 'refuse' && standing.version.sha256 !== body.sha256)
    throw new ShoalError('TARGET_EXISTS', { details: { path } });
  const staged = await stageAgain(services, known.path, body.size);
  const { file } = await services.storer.store(staged, {
    path,
    name: baseName(path),
    scene: services.config().default_scene,
    occupied: body.occupied,
    by,
    ...(body.mtimeMs !== undefined && { mtimeMs: body.mtimeMs }),
  });
  return detailsOf(file);
}

async function stageAgain({ reader, staging }: HttpServices, path: string, size: number) {
  const writer = await staging.begin({ expectedBytes: size });
  const { handle } = await reader.open(path);
  try {
    for await (const chunk of chunksOf(handle, 1024 * 1024)) await writer.write(chunk);
  } catch (error) {
    await writer.discard();
    throw error;
  } finally {
    await handle.close();
  }
  return writer.finish();
}

async function undoRemoval(services: HttpServices, { paths, sinceMs }: typeof undoBody._output, by: string) {
  readOnlyCheck(services);
  const wanted = paths.map(normalizePath);
  const isMeant = (path: string) => wanted.some((one) => path === one || path.startsWith(`${one}/`));
  const files = await restoreSince(services, isMeant, sinceMs, by);
  const folders = await services.folders.bringBack(isMeant, sinceMs);
  return { done: files.done, folders: folders.done, failed: files.failed + folders.failed, finished: true };
}

/** The trash is read from its newest entry on, as far as the moment. */
async function restoreSince(
  { trash }: HttpServices,
  isMeant: (path: string) => boolean,
  sinceMs: number,
  by: string,
): Promise<{ done: number; failed: number }> {
  let done = 0;
  let failed = 0;
  let cursor: string | undefined;
  for (;;) {
    const page = await trash.list(500, cursor);
    for (const entry of page) {
      if (entry.trashedMs < sinceMs) return { done, failed };
      if (entry.reason !== 'deleted' || !isMeant(entry.path)) continue;
      try {
        await trash.restore(entry.id, { occupied: 'refuse', by });
        done += 1;
      } catch (error) {
        if (!(error instanceof ShoalError)) throw error;
        failed += 1;
      }
    }
    cursor = page.at(-1)?.id;
    if (cursor === undefined) return { done, failed };
  }
}

function formOf(services: HttpServices, request: Request) {
  const config = services.config();
  const prefix = groupPrefix(config);
  const scenes = config.scenes.map((entry) => entry.split(':')[0] ?? '');
  return {
    enabled: config.enable_web_upload,
    allowed: config.upload_policy === 'open' || services.access.managerOf(request) !== undefined,
    action: `${prefix}/upload`,
    ...(config.enable_tus && { resumable: `${prefix}/big/upload/` }),
    defaultScene: config.default_scene,
    scenes: [...new Set([config.default_scene, ...scenes])],
    customPath: config.enable_custom_path,
    codes: config.enable_google_auth,
    externalAuth: config.auth_url !== '',
    ...(config.show_dir && { listing: `${prefix}/?list=1` }),
  };
}

const documents = /^application\/(pdf|rtf|msword|epub|vnd\.(ms-|openxmlformats|oasis|apple))/;
const archives = /^application\/(zip|gzip|x-(tar|7z|rar|bzip2?|xz|gzip)|vnd\.rar|java-archive|zstd)/;
const texts = /^application\/(json|xml|javascript|x-(sh|yaml|httpd-php)|toml|sql)/;

function typeOf(row: FolderRow): 'folder' | (typeof fileTypes)[number] {
  if (row.kind === 'dir') return 'folder';
  const media = mediaTypeOf(row.name);
  const main = media.split('/')[0];
  if (main === 'image' || main === 'video' || main === 'audio' || main === 'text') return main;
  if (documents.test(media)) return 'document';
  if (archives.test(media)) return 'archive';
  return texts.test(media) ? 'text' : 'other';
}
