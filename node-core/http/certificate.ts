import { createHash, X509Certificate } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createSecureContext } from 'node:tls';
import { errnoOf, ShoalError } from '../domain/errors.ts';
import type { Logger } from '../runtime/logger.ts';

/** How often the files are read again where the system tells of no change, in milliseconds. */
const pollMs = 60_000;

/** Certificate and key are written one after the other: a moment of quiet is waited for, in milliseconds. */
const quietMs = 200;

/** A certificate with its key, as TLS takes them: PEM. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Reads `conf/server.crt` and `conf/server.key`, and tells when they hold another certificate. */
export class CertificateKeeper {
  readonly #folder: string;
  readonly #logger: Logger;
  /** Digest of what was read last, good or not. */
  #seen = '';
  /** The fault that was told last: it is told once. */
  #told = '';
  #watcher: FSWatcher | undefined;
  #poll: NodeJS.Timeout | undefined;
  #quiet: NodeJS.Timeout | undefined;
  #reading: Promise<void> = Promise.resolve();
  #stopped = false;

  /** @param folder absolute path of `conf/`. */
  constructor(folder: string, logger: Logger) {
    this.#folder = folder;
    this.#logger = logger;
  }

  /** Reads the files. @throws ShoalError CERTIFICATE_UNUSABLE that names the file. */
  async load(): Promise<Certificate> {
    const certificate = await this.#read();
    this.#seen = digestOf(certificate);
    this.#check(certificate);
    return certificate;
  }

  /** Tells of every other usable certificate from now on. One that is broken is logged, and the old one stays. */
  follow(onChange: (certificate: Certificate) => void): void {
    const look = () => {
      this.#reading = this.#reading.then(() => this.#look(onChange));
    };
    this.#poll = setInterval(look, pollMs);
    this.#poll.unref();
    try {
      this.#watcher = watch(this.#folder, { persistent: false }, () => {
        clearTimeout(this.#quiet);
        this.#quiet = setTimeout(look, quietMs);
        this.#quiet.unref();
      });
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // Some network shares cannot be watched: the timer looks.
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#watcher?.close();
    clearInterval(this.#poll);
    clearTimeout(this.#quiet);
    await this.#reading;
  }

  async #look(onChange: (certificate: Certificate) => void): Promise<void> {
    if (this.#stopped) return;
    try {
      const certificate = await this.#read();
      const digest = digestOf(certificate);
      if (digest === this.#seen) return;
      this.#seen = digest;
      this.#check(certificate);
      onChange(certificate);
      this.#logger.info('the certificate was taken anew');
      this.#told = '';
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (message === this.#told) return;
      this.#told = message;
      this.#logger.error({ err: error }, `${message}; the old certificate stays`);
    }
  }

  async #read(): Promise<Certificate> {
    return { cert: await this.#readFile('server.crt'), key: await this.#readFile('server.key') };
  }

  async #readFile(name: string): Promise<Buffer> {
    try {
      return await readFile(path.join(this.#folder, name));
    } catch (error) {
      const reason = errnoOf(error) === 'ENOENT' ? 'it does not exist' : (errnoOf(error) ?? 'it cannot be read');
      throw unusable(name, reason, error);
    }
  }

  #check({ cert, key }: Certificate): void {
    let parsed: X509Certificate;
    try {
      parsed = new X509Certificate(cert);
    } catch (error) {
      throw unusable('server.crt', 'it is not a PEM certificate', error);
    }
    try {
      createSecureContext({ key });
    } catch (error) {
      throw unusable('server.key', 'it is not a PEM private key without a passphrase', error);
    }
    try {
      createSecureContext({ cert, key });
    } catch (error) {
      throw unusable('server.key', 'it is not the key of the certificate', error);
    }
    if (Date.parse(parsed.validTo) < Date.now())
      this.#logger.warn({ validTo: parsed.validTo }, 'the certificate has expired');
  }
}

function digestOf({ cert, key }: Certificate): string {
  return createHash('sha256').update(cert).update('\0').update(key).digest('hex');
}

function unusable(name: string, reason: string, cause: unknown): ShoalError {
  return new ShoalError('CERTIFICATE_UNUSABLE', { details: { file: `conf/${name}`, reason }, cause });
}
