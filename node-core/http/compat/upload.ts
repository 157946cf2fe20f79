import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import express from 'express';
import multer, { MulterError, type StorageEngine } from 'multer';
import type { CataloguedFile } from '../../catalog/catalog.ts';
import { parseDigest } from '../../domain/digests.ts';
import { ShoalError } from '../../domain/errors.ts';
import type { StoreRequest } from '../../files/store-file.ts';
import type { StagedFile } from '../../storage/staging.ts';
import { type HttpServices, readOnlyCheck } from '../services.ts';
import { emptyUploadAnswer, sendOk, type UploadAnswer, uploadAnswer } from './answers.ts';
import { maxParameterBytes, parameter } from './parameters.ts';
import { groupPrefix } from './surface.ts';
import { uploadTarget } from './upload-target.ts';

/** Limits of the form around a file. Its fields are short texts; a stranger's form may not fill the memory. */
const formLimits = { fields: 64, fieldSize: 64 * 1024, fieldNameSize: 100, parts: 80, headerPairs: 64 };

/** The form around a file is never larger than this: see the limits above. */
const maxFormBytes = 8 * 1024 * 1024;

/** A file part that was staged by the storage engine below. */
interface StagedPart {
  readonly staged: StagedFile;
}

/** `G/upload`: multipart uploads and instant uploads. */
export function uploadHandlers(services: HttpServices): readonly RequestHandler[] {
  const gate = new UploadGate(() => services.config().max_concurrent_uploads);
  return [
    express.urlencoded({ extended: false, limit: maxParameterBytes, parameterLimit: 100 }),
    async (request, response, next) => {
      if (request.method === 'OPTIONS') return next();
      if (!/^multipart\/form-data/i.test(request.headers['content-type'] ?? '')) {
        const digest = parameter(request, 'md5');
        if (digest !== undefined) return instantUpload(services, request, response, digest);
        if (request.method === 'GET' || request.method === 'HEAD')
          return response.redirect(303, `${groupPrefix(services.config())}/upload.html`);
        const type = request.headers['content-type'] ?? 'none';
        throw new ShoalError('UNSUPPORTED_MEDIA_TYPE', { details: { type } });
      }
      readOnlyCheck(services);
      outputOf(request, undefined);
      gate.enter(response);
      services.metrics.uploadsActive.inc();
      response.once('close', () => services.metrics.uploadsActive.dec());
      checkAnnounced(request, services.config().max_upload_bytes);
      // Before a byte is read: a full disk and a missing store are known now.
      await services.guard.checkWrite(announcedBytes(request) ?? 0);
      next();
    },
    receiveFile(services),
    async (request, response) => storeUpload(services, request, response),
  ];
}

/** Bounds the uploads under way; each may hold buffers and a file handle. */
class UploadGate {
  readonly #limit: () => number;
  #active = 0;

  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** @throws ShoalError TOO_MANY_UPLOADS. */
  enter(response: Response): void {
    if (this.#active >= this.#limit()) throw new ShoalError('TOO_MANY_UPLOADS');
    this.#active += 1;
    response.once('close', () => {
      this.#active -= 1;
    });
  }
}

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

async function storeUpload(services: HttpServices, request: Request, response: Response): Promise<void> {
  const parts = (request.files ?? []) as (Express.Multer.File & StagedPart)[];
  const [part] = parts;
  if (!part) throw new ShoalError('FILE_FIELD_MISSING');
  const { staged } = part;
  let plan: UploadPlan;
  try {
    plan = planUpload(services, request, part.originalname, staged);
  } catch (error) {
    await services.staging.discard(staged);
    throw error;
  }
  const { file } = await services.storer.store(staged, plan.store);
  services.metrics.receivedBytes.inc(staged.digests.size);
  sendUploadAnswer(response, plan.output, uploadAnswer(file, request, services.config()));
}

interface UploadPlan {
  readonly output: Output;
  readonly store: StoreRequest;
}

/** Reads the form around a staged file, whose fields may have come before or after it. */
function planUpload(services: HttpServices, request: Request, original: string, staged: StagedFile): UploadPlan {
  const output = outputOf(request, parameter(request, 'output'));
  checkDigest(staged, parameter(request, 'md5'));
  const config = services.config();
  const fields = {
    scene: parameter(request, 'scene') ?? parameter(request, 'scenes'),
    path: parameter(request, 'path'),
    filename: parameter(request, 'filename'),
  };
  const { path, name, scene, chosen } = uploadTarget(original, fields, config, services.peerId(), services.clock.now());
  const reuse = (existing: CataloguedFile) => !chosen.scene || existing.version.scene === scene;
  return {
    output,
    store: {
      path,
      name,
      scene,
      occupied: config.enable_distinct_file ? 'number' : 'replace',
      by: services.access.addressOf(request),
      ...(!chosen.place && { reuse }),
    },
  };
}

async function instantUpload(
  services: HttpServices,
  request: Request,
  response: Response,
  digest: string,
): Promise<void> {
  const output = outputOf(request, parameter(request, 'output'));
  const parsed = parseDigest(digest);
  if (!parsed) throw new ShoalError('DIGEST_INVALID', { details: { value: digest.slice(0, 80) } });
  const found = await services.catalog.findByDigest(parsed.algorithm, parsed.hex);
  const contents = new Set(found.map((file) => file.version.sha256));
  const [sha256] = contents;
  // One md5 of several contents says nothing about the caller's (replication.md, 13).
  const known =
    contents.size === 1 && sha256 !== undefined ? await services.storer.findContent(sha256, () => true) : undefined;
  if (known) sendUploadAnswer(response, output, uploadAnswer(known, request, services.config()));
  else if (output === 'text') response.type('text/plain').send('');
  else if (output === 'json') response.json(emptyUploadAnswer);
  else sendOk(response, null);
}

type Output = 'text' | 'json' | 'json2';

function outputOf(request: Request, field: string | undefined): Output {
  const value =
    field ?? (typeof request.query.output === 'string' && request.query.output !== '' ? request.query.output : 'text');
  if (value === 'text' || value === 'json' || value === 'json2') return value;
  throw new ShoalError('OUTPUT_UNKNOWN', { details: { value: value.slice(0, 40) } });
}

function sendUploadAnswer(response: Response, output: Output, answer: UploadAnswer): void {
  if (output === 'text') response.type('text/plain').send(answer.url);
  else if (output === 'json') response.json(answer);
  else sendOk(response, answer);
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
