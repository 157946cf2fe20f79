/** Answers with a content: conditions, ranges, headers (RFC 9110), whatever the content was made from. */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CataloguedFile } from '../../catalog/catalog.ts';
import type { Config } from '../../config/schema.ts';
import { ShoalError } from '../../domain/errors.ts';
import type { ImageFormat } from '../../images/image-recipe.ts';
import type { ByteSource } from '../../storage/byte-source.ts';
import { evaluateConditions, rangeApplies, type Validators } from './conditions.ts';
import { asDownload, asInline, type Presentation } from './content-headers.ts';
import { frameRanges, rangesOf } from './ranges.ts';
import { sendRange } from './send-file.ts';

/** A content that is answered with. */
export interface Content {
  readonly file: CataloguedFile;
  readonly presentation: Presentation;
  readonly config: Config;
  readonly validators: Validators;
  /** Bytes of the whole content. */
  readonly size: number;
  /** Exactly one of both: the whole content, or where to read it. */
  readonly body?: Buffer;
  readonly handle?: ByteSource;
}

/**
 * Sends what the request asks for of a content: all of it, ranges, or only the head. Synchronous for contents in memory.
 * @throws ShoalError PRECONDITION_FAILED, RANGE_NOT_SATISFIABLE: nothing has been sent then.
 */
export function answer(
  request: IncomingMessage,
  response: ServerResponse,
  content: Content,
): Promise<void> | undefined {
  const { file, presentation, config, size, validators } = content;
  const condition = evaluateConditions(request.headers, validators);
  if (condition === 'failed') throw new ShoalError('PRECONDITION_FAILED');
  const headers = headersOf(file, validators, presentation, config);
  if (condition === 'not-modified') {
    response.writeHead(304, headers);
    response.end();
    return undefined;
  }
  const ranges = rangeApplies(request.headers, validators) ? rangesOf(request.headers.range, size) : 'whole';
  if (ranges === 'unsatisfiable') throw rangeError(response, size);
  if (ranges === 'whole') {
    headers.push('Content-Type', presentation.contentType, 'Content-Length', String(size));
    response.writeHead(200, headers);
    return send(request, response, content, [{ start: 0, end: size - 1 }]);
  }
  const [first] = ranges;
  if (ranges.length === 1 && first) {
    headers.push('Content-Type', presentation.contentType, 'Content-Length', String(first.end - first.start + 1));
    headers.push('Content-Range', `bytes ${first.start}-${first.end}/${size}`);
    response.writeHead(206, headers);
    return send(request, response, content, ranges);
  }
  const framing = frameRanges(ranges, size, presentation.contentType, randomBytes(12).toString('hex'));
  headers.push('Content-Type', framing.contentType, 'Content-Length', String(framing.length));
  response.writeHead(206, headers);
  return send(request, response, content, ranges, framing);
}

/** Small whole contents go out with the head in one call; the rest is streamed. */
function send(
  request: IncomingMessage,
  response: ServerResponse,
  content: Content,
  ranges: readonly { readonly start: number; readonly end: number }[],
  framing?: { readonly heads: readonly Buffer[]; readonly tail: Buffer },
): Promise<void> | undefined {
  if (request.method === 'HEAD') {
    response.end();
    return undefined;
  }
  const { body, handle } = content;
  if (body) {
    const parts = ranges.map(({ start, end }) => body.subarray(start, end + 1));
    if (!framing) response.end(parts[0]);
    else
      response.end(
        Buffer.concat([...parts.flatMap((part, i) => [framing.heads[i] ?? Buffer.alloc(0), part]), framing.tail]),
      );
    return undefined;
  }
  if (!handle) throw new Error('a content without bytes');
  return stream(response, handle, ranges, framing);
}

async function stream(
  response: ServerResponse,
  handle: ByteSource,
  ranges: readonly { readonly start: number; readonly end: number }[],
  framing?: { readonly heads: readonly Buffer[]; readonly tail: Buffer },
): Promise<void> {
  for (const [index, range] of ranges.entries()) {
    const head = framing?.heads[index];
    if (head) response.write(head);
    await sendRange(handle, range, response);
  }
  response.end(framing?.tail);
}

/** `?download=1` or `default_download`: an attachment; `?download=0`: shown inline. */
export function present(file: CataloguedFile, parameters: URLSearchParams | undefined, config: Config): Presentation {
  if (!parameters) return config.default_download ? asDownload(file.version.name) : asInline(file.path);
  const download = parameters.get('download');
  const attach = download === null ? config.default_download : download !== '0';
  return attach ? asDownload(parameters.get('name') || file.version.name) : asInline(file.path);
}

/** Scaled images are there to be looked at: only `?download=1` makes an attachment of one. */
export function presentImage(file: CataloguedFile, format: ImageFormat, parameters: URLSearchParams): Presentation {
  const extension = format === 'jpeg' ? 'jpg' : format;
  if (parameters.get('download') !== '1') return asInline(`image.${extension}`);
  const stem = file.version.name.replace(/\.[^.]*$/, '');
  return asDownload(parameters.get('name') || `${stem}.${extension}`);
}

/** A file as it is. */
export function plainContent(file: CataloguedFile, presentation: Presentation, config: Config) {
  return { file, presentation, config, validators: validatorsOf(file), size: file.version.size };
}

/** What tells a version of a file from others. */
export function validatorsOf({ version }: CataloguedFile): Validators {
  return { etag: `"${version.sha256.slice(0, 32)}"`, lastModifiedSeconds: Math.floor(version.mtimeMs / 1000) };
}

/** The headers that every answer about a content has. */
export function headersOf(
  file: CataloguedFile,
  validators: Validators,
  presentation: Presentation | undefined,
  config: Config,
): string[] {
  const headers = [
    'Accept-Ranges',
    'bytes',
    'ETag',
    validators.etag,
    'Last-Modified',
    new Date(validators.lastModifiedSeconds * 1000).toUTCString(),
    'X-Content-Type-Options',
    'nosniff',
  ];
  if (presentation?.disposition !== undefined) headers.push('Content-Disposition', presentation.disposition);
  if (presentation?.policy !== undefined) headers.push('Content-Security-Policy', presentation.policy);
  if (config.enable_cross_origin) {
    headers.push('Access-Control-Allow-Origin', '*');
    headers.push('Access-Control-Expose-Headers', 'Content-Range, Content-Disposition, ETag');
  }
  if (file.path !== file.recordPath) headers.push('Cache-Control', 'no-cache');
  return headers;
}

function rangeError(response: ServerResponse, size: number): ShoalError {
  response.setHeader('Content-Range', `bytes */${size}`);
  return new ShoalError('RANGE_NOT_SATISFIABLE');
}
