/** `G/big/upload/`: tus 1.0.0 by @tus/server over our pipeline. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MemoryLocker, Metadata, Server } from '@tus/server';
import type { Request, RequestHandler, Response } from 'express';
import type { UploadAdmission } from '../../access/upload-guard.ts';
import type { ResumableUpload } from '../../catalog/values.ts';
import { clientHostHeader, uploadAnswerHeader } from '../../cluster/transport/protocol.ts';
import { ownerDigits, type UploadDoor } from '../../cluster/transport/upload-passage.ts';
import { describeError, ShoalError, toShoalError } from '../../domain/errors.ts';
import { baseName, joinPath, normalizePath } from '../../domain/paths.ts';
import type { PlanUpload } from '../../files/resumable-uploads.ts';
import { domainOf } from '../compat/answers.ts';
import { allParameters } from '../compat/parameters.ts';
import { groupPrefix } from '../compat/surface.ts';
import { linkTokenOf } from '../compat/upload.ts';
import { linkTarget, uploadTarget } from '../compat/upload-target.ts';
import type { DownloadPath } from '../download/download-path.ts';
import { type ReportError, sendError } from '../error-mapper.ts';
import { languageOf } from '../language.ts';
import { checkLookUp } from '../protection/download-door.ts';
import { awaitReplicas, type ReplicaAnswer, replicaHeaders, replicasAsked } from '../replicas.ts';
import { type HttpServices, readOnlyCheck } from '../services.ts';
import { TrackedResponse } from '../tracked-response.ts';
import { checkCallback, notifyCallback } from './callback.ts';
import { giveUpElsewhere, isCompletePart, partsNamed } from './concatenation.ts';
import { checksumAlgorithms, concatenationHeader, type RequestExtras, ShoalDataStore } from './data-store.ts';
import { fileElsewhere, ownerElsewhere, passOn } from './elsewhere.ts';

const statusNames = { 'tus-resumable': '1.0.0' } as const;

/** What one request is, for the parts of @tus/server that are not told. */
interface Exchange extends RequestExtras {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Of a request that begins an upload. */
  readonly creation?: Creation;
}

/** A request that begins an upload, and how it was let in. */
interface Creation {
  readonly request: Request;
  readonly admission: UploadAdmission;
}

/** The protocol, for clients and for members that pass on what clients ask. */
export interface TusService {
  /** The handler of everything below `G/big/upload`. */
  readonly handler: RequestHandler;
  /** The uploads of this node, for other members. */
  readonly door: UploadDoor;
}

/** Builds both. */
export function tusService(services: HttpServices, downloads: DownloadPath, report: ReportError): TusService {
  const exchange = new AsyncLocalStorage<Exchange>();
  const current = (): Exchange => {
    const store = exchange.getStore();
    if (!store) throw new Error('outside of a request');
    return store;
  };
  const base = `${groupPrefix(services.config())}/big/upload`;
  const plan = planOf(services);
  const server = new Server({
    path: base,
    datastore: new ShoalDataStore(services.resumable, current),
    locker: new MemoryLocker(),
    maxSize: () => services.config().max_upload_bytes,
    namingFunction: () => newUploadId(services),
    generateUrl: (_request, { id }) => `${domainOf(current().request, services.config())}${base}/${id}`,
    allowedOrigins: () => services.config().enable_cross_origin,
    allowedHeaders: ['Upload-Checksum', 'Auth-Token'],
    exposedHeaders: ['Upload-Expires'],
    onUploadCreate: async (_request, upload) => {
      const { creation, isPartial } = current();
      if (creation) await checkNewUpload(services, creation, isPartial, upload.metadata ?? {});
      return {};
    },
    onUploadFinish: async (_request, { id }) => {
      const replicas = await finish(services, plan, id, current().request);
      return { headers: replicaHeaders(replicas), ...(replicas?.code && { status_code: 202 }) };
    },
    onResponseError: (_request, error) => failureOf(error, current(), report),
  });

  /** Lets @tus/server answer what concerns an upload of this node, or a new one. */
  const serve = async (extras: Exchange, id: string | undefined): Promise<void> => {
    const { request, response } = extras;
    const upload = id === undefined ? undefined : services.resumable.find(id);
    const concatenation = upload && concatenationHeader(upload, (part) => `${base}/${part}`);
    if (concatenation !== undefined) response.setHeader('Upload-Concat', concatenation);
    if (request.method === 'PATCH' && upload?.concatenation === 'final') {
      // tus 1.0.0, "Concatenation": the Server MUST respond with 403 Forbidden to PATCH requests against a final upload.
      throw new ShoalError('UPLOAD_IS_FINAL');
    }
    await exchange.run(extras, () => server.handle(request, response));
  };

  const handler: RequestHandler = async (request, response, next) => {
    checkEnabled(services, request);
    if (response instanceof TrackedResponse) response.kind = 'upload';
    const id = /\/big\/upload\/([0-9A-Za-z_-]{1,128})\/?$/.exec(request.originalUrl.split('?')[0] ?? '')?.[1];
    if (request.method === 'GET') return download(services, downloads, request, response, id);
    const allowed = ['POST', 'HEAD', 'PATCH', 'DELETE', 'OPTIONS'];
    if (!allowed.includes(request.method)) return next();
    checkWritable(services, request);
    const creation = await enter(services, request, response);
    const extras: Exchange = {
      ...extrasOf(request, services.access.addressOf(request)),
      request,
      response,
      ...(creation && { creation }),
    };
    if (request.method === 'OPTIONS') response.setHeader('Tus-Checksum-Algorithm', checksumAlgorithms.join(','));
    else if (id !== undefined && !creation) {
      const owner = await ownerElsewhere(services, request, id);
      if (owner !== undefined) return passOn(services, owner, id, base, request, response);
    }
    request.url = request.originalUrl;
    if (creation && header(request, 'upload-concat')?.startsWith('final;'))
      await concatenate(services, plan, creation, response, extras.by, base);
    else await serve(extras, id);
  };

  const door: UploadDoor = {
    state: (id) => {
      const upload = services.resumable.find(id);
      const { done } = upload ?? {};
      return {
        known: upload !== undefined,
        ...(done && { done: { path: done.path, sha256: done.sha256 } }),
        ...(upload && isCompletePart(upload) && { part: upload.safe }),
      };
    },
    bytes: (id) => {
      const upload = services.resumable.find(id);
      if (!upload || !isCompletePart(upload)) throw new ShoalError('FILE_NOT_FOUND', { details: { what: id } });
      return services.resumable.bytesOf(id);
    },
    serve: async (id, request, response) => {
      response.setHeader(uploadAnswerHeader, 'yes');
      try {
        checkEnabled(services, request);
        checkWritable(services, request);
        request.url = `${base}/${id}`;
        // What the client calls its node goes into what is told of the file.
        request.headers.host = header(request, clientHostHeader);
        await serve({ ...extrasOf(request, 'another member'), request, response }, id);
      } catch (error) {
        sendError(request, response, error, report);
      }
    },
  };
  return { handler, door };
}

/** @throws ShoalError ROUTE_NOT_FOUND. */
function checkEnabled(services: HttpServices, request: IncomingMessage): void {
  const [path = ''] = (request.url ?? '').split('?', 1);
  if (!services.config().enable_tus) throw new ShoalError('ROUTE_NOT_FOUND', { details: { path } });
}

/** @throws ShoalError READ_ONLY. */
function checkWritable(services: HttpServices, { method }: IncomingMessage): void {
  if (method !== 'HEAD' && method !== 'OPTIONS') readOnlyCheck(services);
}

function extrasOf(request: IncomingMessage, by: string): RequestExtras {
  return {
    by,
    isPartial: request.headers['upload-concat'] === 'partial',
    checksum: header(request, 'upload-checksum'),
  };
}

/** An upload's id begins with the node that keeps it, so that every member finds it. 32 digits: clients take it for a md5. */
function newUploadId({ nodeId }: HttpServices): string {
  return nodeId.slice(0, ownerDigits) + randomBytes(16 - ownerDigits / 2).toString('hex');
}

/** Where a completed upload goes: decided by its metadata, at the time it is complete. */
function planOf(services: HttpServices): PlanUpload {
  return ({ metadata, by }: ResumableUpload) => {
    const config = services.config();
    const own = ownPlan(services, metadata);
    if (own) return { ...own, by };
    const target = targetOf(services, metadata);
    return {
      path: target.path,
      name: target.name,
      scene: target.scene,
      occupied: config.enable_distinct_file || linkTokenOf(metadata[linkField]) ? 'number' : 'replace',
      by,
    };
  };
}

/** A path of tus metadata stands below the scene: `<scene>/<path>/<name>`. */
function targetOf(services: HttpServices, metadata: ResumableUpload['metadata']) {
  const { filename, path, scene } = metadata;
  const config = services.config();
  const folder = path ? joinPath(scene || config.default_scene, path) : undefined;
  const given = { scene: scene || undefined, path: folder };
  const token = linkTokenOf(metadata[linkField]);
  // Whoever was let in by a link stays in its folder, even if the link has ended since.
  const link = token === undefined ? undefined : services.protection.links.verify(token);
  const { fields, rules } = link ? linkTarget(link, {}, config) : { fields: given, rules: config };
  return uploadTarget(filename || 'file', fields, rules, services.peerId(), services.clock.now());
}

/** Metadata with which those who may manage name the whole path themselves, and what happens to a file that stands there. */
const pathField = 'shoal-path';
const replaceField = 'shoal-replace';

/** Where the app's own uploads go: names as they are, dates as they were. @throws ShoalError PATH_INVALID ... */
function ownPlan(
  services: HttpServices,
  metadata: ResumableUpload['metadata'],
): Omit<ReturnType<PlanUpload>, 'by'> | undefined {
  const given = metadata[pathField];
  if (!given) return undefined;
  const path = normalizePath(given);
  const mtimeMs = Number(metadata['shoal-mtime'] ?? Number.NaN);
  return {
    path,
    name: baseName(path),
    scene: services.config().default_scene,
    occupied: metadata[replaceField] === 'true' ? 'replace' : 'number',
    ...(mtimeMs >= 0 && mtimeMs <= 8.64e15 && { mtimeMs }),
  };
}

/** Metadata that holds the token of an upload link. */
const linkField = 'token';

/**
 * Who may begin an upload; and how many go on at once. The address of an upload is its key: who has it may go on.
 * @throws ShoalError as UploadGuard.admit, TOO_MANY_UPLOADS, TOO_MANY_REQUESTS.
 */
async function enter(services: HttpServices, request: Request, response: Response): Promise<Creation | undefined> {
  const { uploads, uploadSlots } = services.protection;
  if (request.method !== 'POST' && request.method !== 'PATCH') return undefined;
  const manager = services.access.managerOf(request);
  const isNew = request.method === 'POST';
  const admission = isNew ? await uploads.admit(request, tokenOf(request)) : {};
  response.once('close', uploadSlots.take(manager ? undefined : services.access.addressOf(request)));
  return isNew ? { request, admission } : undefined;
}

/** The token of an upload link stands in the metadata: it says where the file goes when the last byte has come. */
function tokenOf(request: Request): string | undefined {
  return linkTokenOf(metadataOf(header(request, 'upload-metadata'))[linkField]);
}

/** What will be refused at the end is refused at once: gigabytes later is too late. */
async function checkNewUpload(
  services: HttpServices,
  { request, admission }: Creation,
  isPartial: boolean,
  metadata: ResumableUpload['metadata'],
): Promise<void> {
  if (!isPartial) {
    // Checked here, once: an upload keeps its metadata.
    if (metadata[pathField]) services.access.check(request);
    if (!metadata.filename) throw new ShoalError('PARAMETER_MISSING', { details: { name: 'filename' } });
    if (!ownPlan(services, metadata)) targetOf(services, metadata);
    replicasAsked(request, metadata.min_replicas);
    if (metadata.callback_url) checkCallback(metadata.callback_url, services.config().callback_hosts);
  }
  // Code and token of `auth_url` are metadata, or stand in query and header as with other uploads.
  const texts = Object.entries(metadata).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const fields = { ...allParameters(request), ...Object.fromEntries(texts) };
  const { uploads, links } = services.protection;
  await uploads.checkFields(admission, request, fields.scene || services.config().default_scene, fields);
  if (admission.link && !isPartial) await links.use(admission.link);
}

/** @returns how far the file has spread, when the upload or the node asks for that. */
async function finish(
  services: HttpServices,
  plan: PlanUpload,
  id: string,
  request: IncomingMessage,
): Promise<ReplicaAnswer | undefined> {
  const upload = services.resumable.find(id);
  if (!upload || upload.concatenation === 'partial') return undefined;
  const wasDone = upload.done !== undefined;
  // Nothing is stored for a request that is refused.
  const asked = replicasAsked(request, upload.metadata.min_replicas);
  const { file } = await services.resumable.complete(id, plan);
  if (wasDone) return undefined;
  services.metrics.receivedBytes.inc(file.version.size);
  const callback = upload.metadata.callback_url;
  if (callback) notifyCallback(services, callback, id, file, domainOf(request, services.config()));
  return awaitReplicas(services, request, file, asked);
}

/** Makes a final upload of complete partial ones; answers when the file is stored. */
async function concatenate(
  services: HttpServices,
  plan: PlanUpload,
  creation: Creation,
  response: Response,
  by: string,
  base: string,
): Promise<void> {
  const { request } = creation;
  const origin = header(request, 'origin');
  if (origin !== undefined && services.config().enable_cross_origin) {
    response.set({ 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': 'Location, Tus-Resumable' });
  }
  if (header(request, 'tus-resumable') !== statusNames['tus-resumable']) throw new ShoalError('TUS_VERSION');
  const parts = await partsNamed(services, header(request, 'upload-concat') ?? '');
  const metadata = metadataOf(header(request, 'upload-metadata'));
  const id = newUploadId(services);
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  await checkNewUpload(services, creation, false, metadata);
  const maxBytes = services.config().max_upload_bytes;
  if (maxBytes > 0 && size > maxBytes) throw new ShoalError('FILE_TOO_LARGE', { details: { maxBytes } });
  await services.resumable.create({
    id,
    metadata,
    by,
    size,
    concatenation: 'final',
    parts: parts.map((part) => part.id),
  });
  await services.resumable.concatenate(
    id,
    parts.map((part) => part.bytes),
  );
  const replicas = await finish(services, plan, id, request);
  giveUpElsewhere(services, parts);
  response.set({
    ...statusNames,
    ...replicaHeaders(replicas),
    Location: `${domainOf(request, services.config())}${base}/${id}`,
  });
  response.status(replicas?.code ? 202 : 201).end();
}

function metadataOf(text: string | undefined): ResumableUpload['metadata'] {
  try {
    return text === undefined ? {} : Metadata.parse(text);
  } catch (error) {
    throw new ShoalError('BAD_REQUEST', { details: { reason: 'Upload-Metadata is broken' }, cause: error });
  }
}

/** `GET <upload url>`: the content of a finished upload, wherever it stands by now. */
async function download(
  services: HttpServices,
  downloads: DownloadPath,
  request: Request,
  response: Response,
  id: string | undefined,
): Promise<void> {
  const own = id === undefined ? undefined : services.resumable.find(id);
  const file =
    id === undefined || own
      ? own && (await services.resumable.fileOf(own.id))
      : await fileElsewhere(services, request, id);
  await checkLookUp(services, request, '', file, false);
  if (!file) throw new ShoalError('FILE_NOT_FOUND', { details: { what: id ?? '' } });
  const mark = request.originalUrl.indexOf('?');
  downloads.serveFile(request, response, file.path, mark < 0 ? '' : request.originalUrl.slice(mark + 1));
}

/** Coded errors in the form of @tus/server; its own keep their words. */
function failureOf(
  error: Error | { status_code: number; body: string },
  { request, response }: Exchange,
  report: ReportError,
) {
  if ('status_code' in error) return undefined;
  const coded = toShoalError(error);
  if (coded.status >= 500) report(coded, request);
  if (response instanceof TrackedResponse) response.errorCode = coded.code;
  const { status, message, code } = describeError(coded, languageOf(request));
  return { status_code: status, body: `${JSON.stringify({ status: 'fail', message, data: null, code })}\n` };
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
