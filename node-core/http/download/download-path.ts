/**
 * Downloads, ahead of Express: small reads must not pay for a framework. Takes GET and HEAD of file URLs and leaves
 * everything else to the caller.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { CataloguedFile } from '../../catalog/catalog.ts';
import type { Config } from '../../config/schema.ts';
import { ShoalError } from '../../domain/errors.ts';
import { normalizePath } from '../../domain/paths.ts';
import type { FileReader, ReadableFile } from '../../files/read-file.ts';
import type { FileIdentity } from '../../storage/identity.ts';
import { downloadTarget, groupPrefix } from '../compat/surface.ts';
import { TrackedResponse } from '../tracked-response.ts';
import { evaluateConditions, rangeApplies, type Validators } from './conditions.ts';
import { asDownload, asInline, type Presentation } from './content-headers.ts';
import { MemoryCache, maxCachedBytes } from './memory-cache.ts';
import { frameRanges, rangesOf } from './ranges.ts';
import { RenderedAnswer } from './rendered-answer.ts';
import { sendRange } from './send-file.ts';

/** What the download path works with. */
export interface DownloadPathOptions {
  readonly config: () => Config;
  readonly reader: FileReader;
  /** What shows at a path, if anything. */
  readonly find: (path: string) => CataloguedFile | undefined;
  /** What stands at a place now, for the memory cache's checks. */
  readonly identify: (place: string) => FileIdentity | undefined;
  readonly onError: (request: IncomingMessage, response: ServerResponse, error: unknown) => void;
}

/** A URL that was answered from memory: asked for again, it needs no parsing and no new head. */
interface HotUrl {
  readonly path: string;
  readonly file: CataloguedFile;
  readonly config: Config;
  readonly answer: RenderedAnswer;
}

/** Serves files. */
export class DownloadPath {
  readonly #options: DownloadPathOptions;
  readonly #cache: MemoryCache;
  readonly #hot: LRUCache<string, HotUrl>;

  constructor(options: DownloadPathOptions) {
    this.#options = options;
    // Half for contents, half for whole answers.
    const maxBytes = options.config().memory_cache_mb * 512 * 1024;
    this.#cache = new MemoryCache(maxBytes, options.identify);
    this.#hot = new LRUCache({
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: ({ answer }) => answer.byteLength + 512,
    });
  }

  /** Answers the request if it is for a file. Returns false when it is not: nothing was touched then. */
  tryServe(request: IncomingMessage, response: ServerResponse): boolean {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    const config = this.#options.config();
    const url = request.url ?? '/';
    if (this.#serveHot(request, response, url, config)) return true;
    const mark = url.indexOf('?');
    const target = mark < 0 ? url : url.slice(0, mark);
    // A folder is asked for with a slash at its end: that is a page.
    if (target.endsWith('/')) return false;
    let path: string | undefined;
    try {
      path = downloadTarget(target, groupPrefix(config));
      if (path === undefined) return false;
      path = normalizePath(path);
    } catch (error) {
      this.#options.onError(request, response, error);
      return true;
    }
    return this.#serve(request, response, path, mark < 0 ? '' : url.slice(mark + 1), config);
  }

  /** Answers with a file, whatever URL it was asked for by. Errors are answered too. */
  serveFile(request: IncomingMessage, response: ServerResponse, path: string, query: string): void {
    if (this.#serve(request, response, path, query, this.#options.config())) return;
    this.#options.onError(request, response, new ShoalError('FILE_NOT_FOUND', { details: { what: path } }));
  }

  /** The shortest way: a plain GET of a URL that was answered from memory before, and that nothing changed since. */
  #serveHot(request: IncomingMessage, response: ServerResponse, url: string, config: Config): boolean {
    const hot = this.#hot.get(url);
    if (!hot || request.method !== 'GET' || hot.config !== config || !isPlain(request)) return false;
    if (this.#options.find(hot.path) !== hot.file) {
      this.#hot.delete(url);
      return false;
    }
    if (!this.#cache.get(hot.file) || !(response instanceof TrackedResponse)) return false;
    if (!response.sendRendered(hot.answer.head, hot.answer.at(Date.now()), request)) return false;
    response.kind = 'download';
    return true;
  }

  #serve(request: IncomingMessage, response: ServerResponse, path: string, query: string, config: Config): boolean {
    let file: CataloguedFile;
    try {
      file = this.#options.reader.stat(path);
    } catch (error) {
      // It may be a folder, which Express lists or refuses.
      if (error instanceof ShoalError && error.code === 'FILE_NOT_FOUND') return false;
      this.#options.onError(request, response, error);
      return true;
    }
    if (response instanceof TrackedResponse) response.kind = 'download';
    const presentation = present(file, query, config);
    const cached = this.#cache.get(file);
    if (cached) {
      try {
        this.#answer(request, response, { file, presentation, config, body: cached.body });
        this.#remember(request, response, { path, file, config }, cached.body);
      } catch (error) {
        this.#options.onError(request, response, error);
      }
      return true;
    }
    this.#serveFromDisk(request, response, path, query, config).catch((error: unknown) =>
      this.#options.onError(request, response, error),
    );
    return true;
  }

  /** Keeps the answer to a plain GET on a connection that stays open: the next one like it gets the same bytes. */
  #remember(request: IncomingMessage, response: ServerResponse, hot: Omit<HotUrl, 'answer'>, body: Buffer): void {
    if (!(response instanceof TrackedResponse) || response.statusCode !== 200 || request.method !== 'GET') return;
    const head = response.renderedHead;
    if (head === undefined || !response.shouldKeepAlive || request.httpVersionMinor !== 1) return;
    if (RenderedAnswer.fits(head))
      this.#hot.set(request.url ?? '/', { ...hot, answer: new RenderedAnswer(head, body) });
  }

  async #serveFromDisk(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: string,
    config: Config,
  ): Promise<void> {
    const opened = await this.#options.reader.open(path);
    const { file, handle } = opened;
    try {
      const presentation = present(file, query, config);
      if (file.version.size <= maxCachedBytes) {
        const body = await this.#readWhole(opened);
        this.#answer(request, response, { file, presentation, config, body });
        return;
      }
      await this.#answer(request, response, { file, presentation, config, handle });
    } finally {
      await handle.close();
    }
  }

  async #readWhole({ file, handle, identity }: ReadableFile): Promise<Buffer> {
    const { size } = file.version;
    const body = Buffer.allocUnsafeSlow(size);
    let done = 0;
    while (done < size) {
      const { bytesRead } = await handle.read(body, done, size - done, done);
      if (bytesRead === 0) throw new ShoalError('BYTES_DAMAGED', { details: { what: file.path } });
      done += bytesRead;
    }
    if (file.local) this.#cache.put(file, identity, body);
    return body;
  }

  /** Sends what the request asks for of a content. Synchronous for contents in memory. */
  #answer(request: IncomingMessage, response: ServerResponse, content: Content): Promise<void> | undefined {
    const { file, presentation, config } = content;
    const { size } = file.version;
    const validators = validatorsOf(file);
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
}

/** Neither a part nor a condition is asked for. */
function isPlain({ headers }: IncomingMessage): boolean {
  return (
    headers.range === undefined &&
    headers['if-none-match'] === undefined &&
    headers['if-modified-since'] === undefined &&
    headers['if-match'] === undefined &&
    headers['if-unmodified-since'] === undefined
  );
}

interface Content {
  readonly file: CataloguedFile;
  readonly presentation: Presentation;
  readonly config: Config;
  /** Exactly one of both: the whole content, or where to read it. */
  readonly body?: Buffer;
  readonly handle?: ReadableFile['handle'];
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
  handle: ReadableFile['handle'],
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
function present(file: CataloguedFile, query: string, config: Config): Presentation {
  if (query === '') return config.default_download ? asDownload(file.version.name) : asInline(file.path);
  const parameters = new URLSearchParams(query);
  const download = parameters.get('download');
  const attach = download === null ? config.default_download : download !== '0';
  return attach ? asDownload(parameters.get('name') || file.version.name) : asInline(file.path);
}

function validatorsOf({ version }: CataloguedFile): Validators {
  return { etag: `"${version.sha256.slice(0, 32)}"`, lastModifiedSeconds: Math.floor(version.mtimeMs / 1000) };
}

function headersOf(file: CataloguedFile, validators: Validators, presentation: Presentation, config: Config): string[] {
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
  if (presentation.disposition !== undefined) headers.push('Content-Disposition', presentation.disposition);
  if (presentation.policy !== undefined) headers.push('Content-Security-Policy', presentation.policy);
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
