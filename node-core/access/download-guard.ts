import type { IncomingMessage } from 'node:http';
import type { CataloguedFile } from '../catalog/catalog.ts';
import type { Config } from '../config/schema.ts';
import { ShoalError } from '../domain/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { isGoodToken } from './download-token.ts';
import type { ExternalAuth } from './external-auth.ts';
import type { ManagementGate } from './management.ts';
import type { RateLimiter } from './rate-limit.ts';
import type { SceneCodes } from './scene-codes.ts';

/** Who wants what. */
export interface DownloadQuestion {
  readonly request: IncomingMessage;
  /** Logical path that was asked for. */
  readonly path: string;
  /** The file there, if there is one. */
  readonly file: CataloguedFile | undefined;
  /** What the caller sent with it: `token`, `timestamp`, `code`, `auth_token` are looked at. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The caller named the content by its digest: that is all a token of go-fastdfs proves. */
  readonly knowsDigest?: boolean;
}

/** What the guard asks. */
export interface DownloadGuardOptions {
  readonly config: () => Config;
  readonly gate: ManagementGate;
  readonly codes: SceneCodes;
  readonly external: ExternalAuth;
  readonly clock: Clock;
  /** Counts refusals: who guesses is slowed down. */
  readonly attempts: RateLimiter;
}

/**
 * Decides who may download. Everything that is switched on must let the caller through; who may manage always gets in.
 * A file that does not exist is refused like one that does, so that nobody learns what is there (fault 20).
 */
export class DownloadGuard {
  readonly #options: DownloadGuardOptions;
  #judged: Config | undefined;
  #needed = false;

  constructor(options: DownloadGuardOptions) {
    this.#options = options;
  }

  /** Whether anything has to be asked at all: found out once for each configuration, so that an open store pays nothing. */
  isNeeded(config: Config): boolean {
    if (this.#judged !== config) {
      const { codes } = this.#options;
      this.#needed =
        config.download_policy !== 'open' || config.download_use_token || asksService(config) || codes.isNeeded;
      this.#judged = config;
    }
    return this.#needed;
  }

  /**
   * Returns when the caller may have the file.
   * @throws ShoalError DOWNLOAD_REFUSED, DOWNLOAD_TOKEN_REFUSED, CODE_REFUSED, AUTH_REFUSED, TOO_MANY_REQUESTS.
   */
  async check(question: DownloadQuestion): Promise<void> {
    const config = this.#options.config();
    if (!this.isNeeded(config)) return;
    const { gate, attempts } = this.#options;
    if (gate.managerOf(question.request)) return;
    const address = gate.addressOf(question.request);
    attempts.check(address);
    try {
      this.#checkPolicy(question, config);
      await this.#checkCode(question, address);
      if (asksService(config)) {
        await this.#options.external.check({ headers: question.request.headers, fields: question.parameters });
      }
    } catch (error) {
      if (error instanceof ShoalError && error.status === 401 && error.code !== 'CODE_REFUSED') attempts.take(address);
      throw error;
    }
  }

  /** Returns when the caller may see what is in folders. @throws ShoalError DOWNLOAD_REFUSED. */
  checkListing(request: IncomingMessage): void {
    const { config, gate } = this.#options;
    if (config().download_policy !== 'open' && !gate.managerOf(request)) throw new ShoalError('DOWNLOAD_REFUSED');
  }

  #checkPolicy({ file, parameters, knowsDigest }: DownloadQuestion, config: Config): void {
    const { download_policy: policy, download_use_token: asksToken, download_token_expire: expire } = config;
    if (policy === 'session' || policy === 'off') throw new ShoalError('DOWNLOAD_REFUSED');
    if ((policy === 'open' && !asksToken) || (knowsDigest && policy !== 'token')) return;
    const { token, timestamp } = parameters;
    const digest = file && (file.version.md5 ?? file.version.sha1);
    if (isGoodToken({ token, timestamp }, digest, this.#options.clock.now(), expire)) return;
    throw new ShoalError(asksToken || token !== undefined ? 'DOWNLOAD_TOKEN_REFUSED' : 'DOWNLOAD_REFUSED');
  }

  /** The record says which scene a file is of; a path that was moved or does not exist is judged by its first folder too. */
  async #checkCode({ path, file, parameters }: DownloadQuestion, address: string): Promise<void> {
    const { codes } = this.#options;
    const first = path.split('/')[0] ?? '';
    const scene = file && codes.protects(file.version.scene) ? file.version.scene : first;
    await codes.check(scene, parameters.code, address);
  }
}

function asksService(config: Config): boolean {
  return config.enable_download_auth && config.auth_url !== '';
}
