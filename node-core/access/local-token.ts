/**
 * The key of the host: a random token in a file that only the node's own user can read. Whoever can read it may manage the
 * node: the commands of the command line, and the desktop app around it.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Service } from '../runtime/service.ts';

/** Name of the file in the data folder's `data/`. */
const fileName = 'local-token';

/** What the file says of a running node. */
export interface LocalAccess {
  /** Where the HTTP interface is, as it can be opened on this host; ends in a slash. */
  readonly url: string;
  /** Sent as `Authorization: Bearer <token>` (RFC 6750, 2.1). */
  readonly token: string;
  /** Process id of the node. */
  readonly pid: number;
}

const shape = z.object({ url: z.url(), token: z.string().min(32), pid: z.number().int().positive() });

/** Makes a token at every start, and tells it in a file of mode 0600 while the node runs. */
export class LocalToken implements Service {
  readonly name = 'local token';
  readonly #folder: string;
  readonly #url: () => string;
  readonly #token = randomBytes(32).toString('base64url');
  readonly #digest = digestOf(this.#token);

  /** @param folder absolute path of the data folder's `data/`. @param url asked for at the start. */
  constructor(folder: string, url: () => string) {
    this.#folder = folder;
    this.#url = url;
  }

  /** Writes the file. Comes after the HTTP server, whose port it tells. */
  async start(): Promise<void> {
    const access: LocalAccess = { url: this.#url(), token: this.#token, pid: process.pid };
    const file = path.join(this.#folder, fileName);
    const temporary = `${file}.new`;
    await rm(temporary, { force: true });
    // `wx`: the mode counts only for a file that is made here.
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(access)}\n`);
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  }

  async stop(): Promise<void> {
    await rm(path.join(this.#folder, fileName), { force: true });
  }

  /** Whether a text is the token; takes the same time for every wrong one. */
  matches(text: string): boolean {
    return timingSafeEqual(digestOf(text), this.#digest);
  }
}

/** Reads the file of a data folder. Undefined when no node has been left running there, as far as the file tells. */
export async function readLocalAccess(dataDir: string): Promise<LocalAccess | undefined> {
  try {
    return shape.parse(JSON.parse(await readFile(path.join(dataDir, 'data', fileName), 'utf8')));
  } catch {
    return undefined;
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
