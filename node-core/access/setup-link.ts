import { open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Service } from '../runtime/service.ts';
import { isSameSecret, newSecretText } from './secrets.ts';

/** Name of the file in the data folder's `data/`. */
const fileName = 'setup-link';

/** What the link is made with. */
export interface SetupLinkOptions {
  /** Absolute path of the data folder's `data/`. */
  readonly folder: string;
  /** Whether there is an administrator: then there is no link. */
  readonly isSetUp: () => boolean;
  /** Address of the setup page as other machines reach it, without query. Asked for at the start. */
  readonly page: () => string;
  /** The link is shown on a terminal: no file is written. */
  readonly onTerminal: boolean;
}

/**
 * The one-time link that makes the first administrator. Who can read the terminal, or the node's own files, is the one who
 * set the machine up; nobody else has the link.
 */
export class SetupLink implements Service {
  readonly name = 'setup link';
  readonly #options: SetupLinkOptions;
  #token: string | undefined;
  #url: string | undefined;

  constructor(options: SetupLinkOptions) {
    this.#options = options;
  }

  /** Makes the link when there is no administrator. Comes after the HTTP server, whose port it tells. */
  async start(): Promise<void> {
    if (this.#options.isSetUp()) {
      await this.#removeFile();
      return;
    }
    this.#token = (await this.#keptToken()) ?? newSecretText();
    this.#url = `${this.#options.page()}?token=${this.#token}`;
    await this.#removeFile();
    if (!this.#options.onTerminal) await this.#writeFile(this.#url);
  }

  async stop(): Promise<void> {
    this.#token = undefined;
  }

  /** The link, while it is good. */
  get url(): string | undefined {
    return this.#options.isSetUp() ? undefined : this.#url;
  }

  /** Whether a text is the token of the link, and the link still good. */
  matches(token: string): boolean {
    return this.#token !== undefined && !this.#options.isSetUp() && isSameSecret(token, this.#token);
  }

  /** The administrator exists: the link is of no use any more. */
  async close(): Promise<void> {
    this.#token = undefined;
    await this.#removeFile();
  }

  get #file(): string {
    return path.join(this.#options.folder, fileName);
  }

  /** A link that was read before a restart goes on working. */
  async #keptToken(): Promise<string | undefined> {
    const text = await readFile(this.#file, 'utf8').catch(() => '');
    return /[?&]token=([\w-]{43})\s*$/.exec(text)?.[1];
  }

  async #writeFile(url: string): Promise<void> {
    // `wx`: the mode counts only for a file that is made here.
    const handle = await open(this.#file, 'wx', 0o600);
    try {
      await handle.writeFile(`${url}\n`);
    } finally {
      await handle.close();
    }
  }

  async #removeFile(): Promise<void> {
    await rm(this.#file, { force: true });
  }
}
