/**
 * Downloads, ahead of Express: small reads must not pay for a framework. Takes GET and HEAD of file URLs and leaves
 * everything else to the caller.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { CataloguedFile } from '../../catalog/catalog.ts';
import type { Config } from '../../config/schema.ts';
import { ShoalError } from '../../domain/errors.ts';
import { normalizePath } from '../../domain/paths.ts';
import type { FileReader, ReadableFile } from '../../files/read-file.ts';
import { type ImageRecipe, recipeOf, resultKey } from '../../images/image-recipe.ts';
import type { ImageScaler } from '../../images/image-scaler.ts';
import type { FileIdentity } from '../../storage/identity.ts';
import { downloadTarget, groupPrefix } from '../compat/surface.ts';
import { TrackedResponse } from '../tracked-response.ts';
import { answer, headersOf, plainContent, present, presentImage, validatorsOf } from './answer.ts';
import { evaluateConditions } from './conditions.ts';
import { MemoryCache, maxCachedBytes } from './memory-cache.ts';
import { RenderedAnswer } from './rendered-answer.ts';

/** Decides who may download. */
export interface DownloadDoor {
  /** Whether anybody is asked at all. Called for every request. */
  readonly isGuarded: (config: Config) => boolean;
  /** Returns when the caller may have what stands at the path. @throws ShoalError. */
  readonly check: (request: IncomingMessage, path: string, query: string) => Promise<void>;
}

/** What the download path works with. */
export interface DownloadPathOptions {
  readonly config: () => Config;
  readonly reader: FileReader;
  /** What shows at a path, if anything. */
  readonly find: (path: string) => CataloguedFile | undefined;
  /** What stands at a place now, for the memory cache's checks. */
  readonly identify: (place: string) => FileIdentity | undefined;
  readonly images: ImageScaler;
  readonly door: DownloadDoor;
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
    const guarded = this.#options.door.isGuarded(config);
    if (!guarded && this.#serveHot(request, response, url, config)) return true;
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
    const query = mark < 0 ? '' : url.slice(mark + 1);
    if (!guarded) return this.#serve(request, response, path, query, config, true);
    // A folder, or nothing: that is a page's affair, which asks at the same door.
    if (!this.#options.find(path)) return false;
    this.#serveGuarded(request, response, path, query);
    return true;
  }

  /** Answers with a file when the door lets the caller through. */
  #serveGuarded(request: IncomingMessage, response: ServerResponse, path: string, query: string): void {
    if (response instanceof TrackedResponse) response.kind = 'download';
    // What one caller was let in for, no cache may give to another.
    response.setHeader('Cache-Control', 'private');
    this.#options.door.check(request, path, query).then(
      () => this.serveFile(request, response, path, query),
      (error: unknown) => this.#options.onError(request, response, error),
    );
  }

  /** Answers with a file, whatever URL it was asked for by; the caller has checked who asks. Errors are answered too. */
  serveFile(request: IncomingMessage, response: ServerResponse, path: string, query: string): void {
    if (this.#serve(request, response, path, query, this.#options.config(), false)) return;
    this.#options.onError(request, response, new ShoalError('FILE_NOT_FOUND', { details: { what: path } }));
  }

  /** Answers with what a recipe makes of a file. Errors are answered too. */
  serveImage(request: IncomingMessage, response: ServerResponse, path: string, recipe: ImageRecipe): void {
    const config = this.#options.config();
    const name = new URLSearchParams();
    this.#serveScaled(request, response, { path, recipe, parameters: name, config }).catch((error: unknown) =>
      this.#options.onError(request, response, error),
    );
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

  /** @param open nobody has to be asked for this URL: its answer may be kept. */
  #serve(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: string,
    config: Config,
    open: boolean,
  ): boolean {
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
    const parameters = query === '' ? undefined : new URLSearchParams(query);
    if (parameters && config.enable_image_resize && this.#tryScaled(request, response, { path, parameters, config }))
      return true;
    const presentation = present(file, parameters, config);
    const cached = this.#cache.get(file);
    if (cached) {
      try {
        answer(request, response, { ...plainContent(file, presentation, config), body: cached.body });
        if (open) this.#remember(request, response, { path, file, config }, cached.body);
      } catch (error) {
        this.#options.onError(request, response, error);
      }
      return true;
    }
    this.#serveFromDisk(request, response, path, parameters, config).catch((error: unknown) =>
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
    parameters: URLSearchParams | undefined,
    config: Config,
  ): Promise<void> {
    const opened = await this.#options.reader.open(path);
    const { file, handle } = opened;
    try {
      const content = plainContent(file, present(file, parameters, config), config);
      if (file.version.size <= maxCachedBytes) {
        const body = await this.#readWhole(opened);
        answer(request, response, { ...content, body });
        return;
      }
      await answer(request, response, { ...content, handle });
    } finally {
      await handle.close();
    }
  }

  /** Takes the request when its query asks for image work. */
  #tryScaled(request: IncomingMessage, response: ServerResponse, asked: Omit<ScaledRequest, 'recipe'>): boolean {
    try {
      const recipe = recipeOf(asked.parameters, request.headers.accept, asked.config);
      if (!recipe) return false;
      this.#serveScaled(request, response, { ...asked, recipe }).catch((error: unknown) =>
        this.#options.onError(request, response, error),
      );
    } catch (error) {
      this.#options.onError(request, response, error);
    }
    return true;
  }

  async #serveScaled(request: IncomingMessage, response: ServerResponse, asked: ScaledRequest): Promise<void> {
    const { path, recipe, parameters, config } = asked;
    const file = this.#options.reader.stat(path);
    const { sha256, size } = file.version;
    const etag = `"${sha256.slice(0, 16)}-${resultKey(sha256, recipe).slice(0, 16)}"`;
    const validators = { ...validatorsOf(file), etag };
    // Who has the image already need not wait for it to be made again.
    const known = evaluateConditions(request.headers, validators) === 'not-modified';
    if (parameters.get('format') === 'auto') response.setHeader('Vary', 'Accept');
    if (known) {
      response.writeHead(304, headersOf(file, validators, undefined, config)).end();
      return;
    }
    const open = async () => {
      const opened = await this.#options.reader.open(path);
      if (opened.file.version.sha256 === sha256) return opened.handle;
      await opened.handle.close();
      throw new ShoalError('NOT_READY', { details: { reason: 'the file has just been replaced' } });
    };
    const image = await this.#options.images.scale({ sha256, size, open }, recipe);
    try {
      const presentation = presentImage(file, image.format, parameters);
      const content = { file, presentation, config, validators, size: image.size, handle: image.handle };
      await answer(request, response, content);
    } finally {
      await image.handle.close();
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

/** A request for what a recipe makes of a file. */
interface ScaledRequest {
  readonly path: string;
  readonly recipe: ImageRecipe;
  readonly parameters: URLSearchParams;
  readonly config: Config;
}
