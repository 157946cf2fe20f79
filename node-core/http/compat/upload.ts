import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import express from 'express';
import multer, { MulterError, type StorageEngine } from 'multer';
import { readToken } from '../../access/link-token.ts';
import type { UploadAdmission } from '../../access/upload-guard.ts';
import type { CataloguedFile } from '../../catalog/catalog.ts';
import { parseDigest } from '../../domain/digests.ts';
import { ShoalError } from '../../domain/errors.ts';
import type { StoreRequest } from '../../files/store-file.ts';
import type { StagedFile } from '../../storage/staging.ts';
import { awaitReplicas, replicasAsked, tellReplicas } from '../replicas.ts';
import { type HttpServices, readOnlyCheck } from '../services.ts';
import { uploadAnswer } from './answers.ts';
import { instantUpload } from './instant-upload.ts';
import { allParameters, maxParameterBytes, parameter } from './parameters.ts';
import { groupPrefix } from './surface.ts';
import { outputOf, sendUploadAnswer } from './upload-output.ts';
import { linkTarget, uploadTarget } from './upload-target.ts';

/** Limits of the form around a file. Its fields are short texts; a stranger's form may not fill the memory. */
const formLimits = { fields: 64, fieldSize: 64 * 1024, fieldNameSize: 100, parts: 80, headerPairs: 64 };

/** The form around a file is never larger than this: see the limits above. */
const maxFormBytes = 8 * 1024 * 1024;

/** A file part that was staged by the storage engine below. */
interface StagedPart {
  readonly staged: StagedFile;
}

/** By which way uploads come in, and how they are answered. */
export interface UploadWay {
  /** Token of the upload link that the caller shows, if any. */
  readonly linkToken: (request: Request) => string | undefined;
  /** Answers a GET that asks for nothing. */
  readonly showPage: (request: Request, response: Response) => void;
  readonly answer: (request: Request, response: Response, file: CataloguedFile) => void;
}

/** `G/upload`: multipart uploads and instant uploads. */
export function uploadHandlers(services: HttpServices): readonly RequestHandler[] {
  return handlersOf(services, {
    linkToken: (request) => linkTokenOf(request.query.token),
    showPage: (_request, response) => response.redirect(303, `${groupPrefix(services.config())}/upload.html`),
    answer: (request, response, file) =>
      sendUploadAnswer(
        response,
        outputOf(request, parameter(request, 'output')),
        uploadAnswer(file, request, services.config()),
      ),
  });
}

/** A parameter that is a token of a link; other texts are other parts' affair. */
export function linkTokenOf(value: unknown): string | undefined {
  return typeof value === 'string' && readToken(value) ? value : undefined;
}

/** Uploads by any way: who may, then the body, then the file. */
export function handlersOf(services: HttpServices, way: UploadWay): readonly RequestHandler[] {
  const { uploads, uploadSlots } = services.protection;
  return [
    express.urlencoded({ extended: false, limit: maxParameterBytes, parameterLimit: 100 }),
    async (request, response, next) => {
      if (request.method === 'OPTIONS') return next();
      const isForm = /^multipart\/form-data/i.test(request.headers['content-type'] ?? '');
      const digest = isForm ? undefined : parameter(request, 'md5');
      if (!isForm && digest === undefined) {
        if (request.method === 'GET' || request.method === 'HEAD') return way.showPage(request, response);
        const type = request.headers['content-type'] ?? 'none';
        throw new ShoalError('UNSUPPORTED_MEDIA_TYPE', { details: { type } });
      }
      const admission = await uploads.admit(request, way.linkToken(request));
      if (digest !== undefined) return instantUpload(services, request, response, digest, admission);
      admissions.set(request, admission);
      readOnlyCheck(services);
      outputOf(request, undefined);
      const address = admission.manager ? undefined : services.access.addressOf(request);
      response.once('close', uploadSlots.take(address));
      services.metrics.uploadsActive.inc();
      response.once('close', () => services.metrics.uploadsActive.dec());
      checkAnnounced(request, services.config().max_upload_bytes);
      // Before a byte is read: a full disk and a missing store are known now.
      await services.guard.checkWrite(announcedBytes(request) ?? 0);
      next();
    },
    receiveFile(services),
    async (request, response) => {
      const asked = replicasAsked(request, parameter(request, 'min_replicas'));
      const file = await storeUpload(services, request);
      const replicas = await awaitReplicas(services, request, file, asked);
      tellReplicas(response, replicas);
      response.locals.replicas = replicas;
      way.answer(request, response, file);
    },
  ];
}

/** What requests came in by, until their form has been read. */
const admissions = new WeakMap<IncomingMessage, UploadAdmission>();

/** multer, with the pipeline's staging as its storage: the bytes are written and hashed once, as they arrive. */
function receiveFile(services: HttpServices): RequestHandler {
  const form = multer({
    storage: new StagingEngine(services),
    defParamCharset: 'utf8',
    limits: formLimits,
    // The first part named `file` is the upload; other file parts are read and dropped, as go-fastdfs does.
    fileFilter: (request, part, accept) => accept(null, part.fieldname === 'file' && claimFilePart(request)),
  }).any();
  return (request, response, next) => {
    // A failed store answers at once; multer itself would first swallow the rest of the body.
    failures.set(request, (error) => next(formError(error)));
    form(request, response, (error: unknown) => {
      if (!failures.delete(request)) return;
      next(error === undefined ? undefined : formError(error));
    });
  };
}

/** Requests whose form is being read, and how to fail them early. */
const failures = new WeakMap<IncomingMessage, (error: unknown) => void>();

const claimed = new WeakSet<IncomingMessage>();

function claimFilePart(request: IncomingMessage): boolean {
  if (claimed.has(request)) return false;
  claimed.add(request);
  return true;
}

/** Hands file parts to the staging area. */
class StagingEngine implements StorageEngine {
  readonly #services: HttpServices;

  constructor(services: HttpServices) {
    this.#services = services;
  }

  _handleFile(
    request: Request,
    part: Express.Multer.File,
    done: (error?: unknown, info?: Partial<Express.Multer.File>) => void,
  ): void {
    const fail = (error: unknown) => {
      const answer = failures.get(request);
      failures.delete(request);
      answer?.(error);
    };
    stagePart(this.#services, part, announcedBytes(request), fail).then(
      (staged) => done(null, { staged } as StagedPart & Partial<Express.Multer.File>),
      (error: unknown) => {
        fail(error);
        done(error);
      },
    );
  }

  _removeFile(_request: Request, part: Express.Multer.File, done: (error: Error | null) => void): void {
    const { staged } = part as unknown as Partial<StagedPart>;
    if (!staged) done(null);
    else this.#services.staging.discard(staged).then(() => done(null), done);
  }
}

/** Stages everything that a file part brings. A stream that breaks leaves nothing behind. @param total length of the form. */
async function stagePart(
  services: HttpServices,
  part: Express.Multer.File,
  total: number | undefined,
  fail: (error: unknown) => void,
): Promise<StagedFile> {
  const writer = await services.staging.begin({ maxBytes: services.config().max_upload_bytes });
  const entry = services.uploads.begin({ kind: 'form', name: part.originalname, total });
  try {
    for await (const chunk of part.stream) {
      // Answered before the stream is torn down, which would look as if the client had gone.
      await writer.write(chunk as Buffer).catch(async (error: unknown) => {
        await writer.discard();
        fail(error);
        throw error;
      });
      entry.advance((chunk as Buffer).byteLength);
    }
  } catch (error) {
    await writer.discard();
    throw error;
  } finally {
    entry.end();
  }
  return writer.finish();
}

async function storeUpload(services: HttpServices, request: Request): Promise<CataloguedFile> {
  const parts = (request.files ?? []) as (Express.Multer.File & StagedPart)[];
  const [part] = parts;
  if (!part) throw new ShoalError('FILE_FIELD_MISSING');
  const { staged } = part;
  const admission = admissions.get(request) ?? {};
  let plan: StoreRequest;
  try {
    plan = planUpload(services, request, part.originalname, staged, admission);
    await services.protection.uploads.checkFields(admission, request, plan.scene, allParameters(request));
    if (admission.link) await services.protection.links.use(admission.link);
  } catch (error) {
    await services.staging.discard(staged);
    throw error;
  }
  const { file } = await services.storer.store(staged, plan);
  services.metrics.receivedBytes.inc(staged.digests.size);
  return file;
}

/** Reads the form around a staged file, whose fields may have come before or after it. */
function planUpload(
  services: HttpServices,
  request: Request,
  original: string,
  staged: StagedFile,
  { link }: UploadAdmission,
): StoreRequest {
  outputOf(request, parameter(request, 'output'));
  checkDigest(staged, parameter(request, 'md5'));
  const config = services.config();
  const given = {
    scene: parameter(request, 'scene') ?? parameter(request, 'scenes'),
    path: parameter(request, 'path'),
    filename: parameter(request, 'filename'),
  };
  const { fields, rules } = link ? linkTarget(link, given, config) : { fields: given, rules: config };
  const { path, name, scene, chosen } = uploadTarget(original, fields, rules, services.peerId(), services.clock.now());
  const reuse = (existing: CataloguedFile) => !chosen.scene || existing.version.scene === scene;
  return {
    path,
    name,
    scene,
    // Who comes by a link can add and never replace.
    occupied: config.enable_distinct_file || link ? 'number' : 'replace',
    by: link ? `link ${link.id}` : services.access.addressOf(request),
    ...(!chosen.place && { reuse }),
  };
}

function checkDigest(staged: StagedFile, expected: string | undefined): void {
  if (expected === undefined) return;
  const parsed = parseDigest(expected);
  if (!parsed) throw new ShoalError('DIGEST_INVALID', { details: { value: expected.slice(0, 80) } });
  const actual = staged.digests[parsed.algorithm];
  if (actual === undefined) {
    const reason = `${parsed.algorithm} is not computed here, see file_sum_arithmetic`;
    throw new ShoalError('PARAMETER_INVALID', { details: { name: 'md5', reason } });
  }
  if (actual !== parsed.hex) throw new ShoalError('DIGEST_MISMATCH', { details: { expected: parsed.hex, actual } });
}

/** A file that is larger than allowed is refused for that, not for a disk that could not hold it. */
function checkAnnounced(request: Request, maxBytes: number): void {
  const announced = announcedBytes(request) ?? 0;
  if (maxBytes > 0 && announced > maxBytes + maxFormBytes)
    throw new ShoalError('FILE_TOO_LARGE', { details: { maxBytes } });
}

function announcedBytes(request: Request): number | undefined {
  const length = Number(request.headers['content-length']);
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined;
}

/** What went wrong with a form, as a coded error. */
function formError(error: unknown): unknown {
  if (error instanceof ShoalError) return error;
  if (error instanceof MulterError) {
    switch (error.code) {
      case 'LIMIT_FIELD_VALUE':
      case 'LIMIT_FIELD_KEY':
        return new ShoalError('FIELD_TOO_LARGE', { details: { name: error.field ?? '' }, cause: error });
      case 'LIMIT_PART_COUNT':
      case 'LIMIT_FIELD_COUNT':
      case 'LIMIT_FILE_COUNT':
        return new ShoalError('TOO_MANY_FIELDS', { cause: error });
      default:
        return new ShoalError('MULTIPART_INVALID', { details: { reason: error.message }, cause: error });
    }
  }
  if (!(error instanceof Error) || 'errno' in error) return error;
  if (/^Request (aborted|closed|error)/.test(error.message) || 'code' in error)
    return new ShoalError('UPLOAD_ABORTED', { cause: error });
  return new ShoalError('MULTIPART_INVALID', { details: { reason: error.message }, cause: error });
}
