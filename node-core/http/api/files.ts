/** /api/v1: files and folders. */
import type { Request } from 'express';
import { z } from 'zod';
import type { CataloguedFile, FolderCursor, FolderRow } from '../../catalog/catalog.ts';
import { ShoalError } from '../../domain/errors.ts';
import { baseName, joinPath, normalizeFolder, normalizePath } from '../../domain/paths.ts';
import type { FolderProgress } from '../../files/folders.ts';
import { thumbnailRecipe } from '../../images/image-recipe.ts';
import { mediaTypeOf } from '../download/content-headers.ts';
import type { DownloadPath } from '../download/download-path.ts';
import { awaitReplicas, replicasAsked, tellReplicas } from '../replicas.ts';
import { type HttpServices, readOnlyCheck } from '../services.ts';
import * as contract from './contract.ts';
import { type Operation, operation } from './operation.ts';
import { sendZip } from './zip.ts';

const tag = 'files';

/** The operations on files and folders. */
export function fileOperations(services: HttpServices, downloads: DownloadPath): readonly Operation[] {
  const by = (request: Request) => services.access.addressOf(request);
  return [
    operation({
      id: 'listFolder',
      method: 'get',
      path: '/files',
      tag,
      summary: 'Lists a folder page by page: folders first, then by name',
      query: contract.folderQuery,
      answer: contract.folderPage,
      handle: async ({ query }) => {
        const folder = normalizeFolder(query.folder);
        const page = await services.browser.page(folder, query.limit, cursorOf(query.cursor));
        const entries = page.rows.map((row) => entryOf(row, folder));
        return { folder, entries, ...(page.next && { cursor: textOf(page.next) }) };
      },
    }),
    operation({
      id: 'statFile',
      method: 'get',
      path: '/files/stat',
      tag,
      summary: 'Everything that is known of a file',
      query: contract.pathQuery,
      answer: contract.fileDetails,
      handle: ({ query }) => detailsOf(services.reader.stat(normalizePath(query.path))),
    }),
    operation({
      id: 'listHolders',
      method: 'get',
      path: '/files/holders',
      tag,
      summary: 'Which members hold verified bytes of files; members that cannot be asked now are left out',
      query: contract.holdersQuery,
      answer: contract.holders,
      handle: async ({ query }) => {
        const files = query.path.flatMap((text) => services.catalog.find(normalizePath(text)) ?? []);
        const contents = [...new Set(files.map(({ version }) => version.sha256))];
        const held = await services.cluster.holdings.holders(contents);
        return {
          members: services.cluster.members.current.members.size,
          files: files.map(({ path, version: { sha256 } }) => ({
            ...{ path, sha256 },
            holders: [...(held.get(sha256) ?? [])],
          })),
        };
      },
    }),
    operation({
      id: 'readFile',
      method: 'get',
      path: '/files/content',
      tag,
      summary: 'The content of a file; ranges and conditions as RFC 9110 has them',
      query: contract.contentQuery,
      media: 'application/octet-stream',
      handle: ({ query }, request, response) => {
        const parameters = new URLSearchParams({ download: query.download ?? '0' });
        if (query.name !== undefined) parameters.set('name', query.name);
        downloads.serveFile(request, response, normalizePath(query.path), parameters.toString());
      },
    }),
    operation({
      id: 'readThumbnail',
      method: 'get',
      path: '/files/thumbnail',
      tag,
      summary: 'A small WebP of an image; 415 for what is none',
      query: contract.thumbnailQuery,
      media: 'image/webp',
      handle: ({ query }, request, response) => {
        downloads.serveImage(request, response, normalizePath(query.path), thumbnailRecipe(query.pixels));
      },
    }),
    operation({
      id: 'writeFile',
      method: 'put',
      path: '/files/content',
      tag,
      summary: 'Stores the body under a path; answers when it is safe',
      query: contract.putQuery,
      answer: contract.fileDetails,
      bodyMedia: 'application/octet-stream',
      handle: async ({ query }, request, response) => {
        readOnlyCheck(services);
        const path = normalizePath(query.path);
        const asked = replicasAsked(request, query.minReplicas);
        const staged = await stageBody(services, request, baseName(path));
        const { file, existed } = await services.storer.store(staged, {
          path,
          name: baseName(path),
          scene: services.config().default_scene,
          occupied: query.replace ? 'replace' : query.numbered ? 'number' : 'refuse',
          by: by(request),
          ...(query.mtimeMs !== undefined && { mtimeMs: query.mtimeMs }),
        });
        const replicas = await awaitReplicas(services, request, file, asked);
        tellReplicas(response, replicas);
        return { ...detailsOf(file), ...(existed && { existed }), ...(replicas && { replicas }) };
      },
    }),
    operation({
      id: 'removeEntry',
      method: 'delete',
      path: '/files',
      tag,
      summary: 'Moves a file, or a folder with everything below it, to the trash',
      query: contract.removeQuery,
      answer: contract.changed,
      handle: async ({ query }, request) => {
        readOnlyCheck(services);
        const path = normalizePath(query.path);
        const atMs = services.clock.now();
        if (services.catalog.find(path)) {
          await services.remover.removePath(path, by(request));
          return { done: 1, failed: 0, finished: true, atMs };
        }
        const progress = await services.folders.remove(path, by(request), { recursive: query.recursive });
        return { ...progressOf(progress), atMs };
      },
    }),
    operation({
      id: 'moveEntry',
      method: 'post',
      path: '/files/move',
      tag,
      summary: 'Moves or renames a file or a folder',
      body: contract.moveBody,
      answer: contract.changed,
      handle: async ({ body }, request) => {
        readOnlyCheck(services);
        const from = normalizePath(body.from);
        const to = normalizePath(body.to);
        if (services.catalog.find(from)) {
          await services.mover.move(from, to, { by: by(request), replace: body.replace });
          return { done: 1, failed: 0, finished: true };
        }
        return progressOf(await services.folders.move(from, to, by(request)));
      },
    }),
    operation({
      id: 'makeFolder',
      method: 'post',
      path: '/folders',
      tag,
      summary: 'Makes a folder that stays when it is empty',
      body: contract.folderBody,
      answer: contract.nothing,
      handle: async ({ body }) => {
        readOnlyCheck(services);
        await services.folders.make(normalizePath(body.path));
        return {};
      },
    }),
    operation({
      id: 'searchFiles',
      method: 'get',
      path: '/search',
      tag,
      summary: 'Files whose name holds a text',
      query: contract.searchQuery,
      answer: contract.searchResult,
      handle: async ({ query }) => ({ files: (await services.catalog.search(query.q, query.limit)).map(detailsOf) }),
    }),
    operation({
      id: 'downloadZip',
      method: 'get',
      path: '/zip',
      tag,
      summary: 'Several files and folders as one zip, made while it is sent',
      query: contract.zipQuery,
      media: 'application/zip',
      handle: async ({ query }, _request, response) => {
        const paths = query.ticket === undefined ? query.path : services.zipTickets.take(query.ticket);
        if (!paths)
          throw new ShoalError('PARAMETER_INVALID', { details: { name: 'path', reason: 'name what to download' } });
        await sendZip(services, paths.map(normalizePath), query.name ?? 'files', response);
      },
    }),
    operation({
      id: 'listUploads',
      method: 'get',
      path: '/uploads',
      tag,
      summary: 'Uploads whose bytes are still coming',
      answer: contract.uploads,
      handle: () => ({
        uploads: services.uploads
          .list()
          .map(({ total, ...rest }) => ({ ...rest, ...(total !== undefined && { total }) })),
      }),
    }),
  ];
}

async function stageBody(services: HttpServices, request: Request, name: string) {
  const length = request.headers['content-length'];
  const total = length === undefined ? undefined : Number(length);
  const maxBytes = services.config().max_upload_bytes;
  const writer = await services.staging.begin({ maxBytes, ...(total !== undefined && { expectedBytes: total }) });
  const entry = services.uploads.begin({ kind: 'put', name, total });
  try {
    for await (const chunk of request) {
      await writer.write(chunk as Buffer);
      entry.advance((chunk as Buffer).byteLength);
    }
  } catch (error) {
    await writer.discard();
    throw error instanceof ShoalError ? error : new ShoalError('UPLOAD_ABORTED', { cause: error });
  } finally {
    entry.end();
  }
  return writer.finish();
}

/** What the API tells of a row. */
export function entryOf(row: FolderRow, folder: string): z.input<typeof contract.entry> {
  const { name, mtimeMs } = row;
  const path = joinPath(folder, name);
  if (row.kind === 'dir') return { kind: 'folder', name, path, entries: row.children, mtimeMs };
  return { kind: 'file', name, path, size: row.size, mtimeMs, sha256: row.sha256, mediaType: mediaTypeOf(name) };
}

/** What the API tells of a file. */
export function detailsOf({ path, recordPath, version, local }: CataloguedFile): contract.FileDetails {
  const { name, size, mtimeMs, storedMs, scene, sha256, md5, sha1, dot } = version;
  return {
    path,
    name,
    size,
    mtimeMs,
    storedMs,
    scene,
    mediaType: mediaTypeOf(path),
    sha256,
    ...(md5 !== undefined && { md5 }),
    ...(sha1 !== undefined && { sha1 }),
    origin: dot.node,
    here: local !== undefined,
    ...(path !== recordPath && { conflictOf: recordPath }),
  };
}

function progressOf({ done, failed, finished }: FolderProgress) {
  return { done, failed, finished };
}

const cursorShape = z.object({ kind: z.enum(['dir', 'file']), name: z.string() });

function cursorOf(text: string | undefined): FolderCursor | undefined {
  if (text === undefined) return undefined;
  try {
    return cursorShape.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch (error) {
    throw new ShoalError('PARAMETER_INVALID', {
      details: { name: 'cursor', reason: 'it is not one of ours' },
      cause: error,
    });
  }
}

function textOf(cursor: FolderCursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}
