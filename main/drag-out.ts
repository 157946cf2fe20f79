/**
 * Files that leave the window: dragged to the desktop or another application, or opened there. They are fetched from the
 * node first, wherever their bytes are, into a folder of the app: nobody is ever handed a file of the store itself, which
 * a file manager would move away.
 */
import { createHash } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { NodeApi } from './node/node-api.ts';

const details = z.object({ sha256: z.string(), name: z.string().optional() });

/** Fetches files, each version once. */
export class FetchedFiles {
  readonly #folder: string;
  readonly #api: NodeApi;
  readonly #running = new Map<string, Promise<string>>();

  /** @param folder emptied at every start. */
  constructor(folder: string, api: NodeApi) {
    this.#folder = folder;
    this.#api = api;
  }

  /** Removes what earlier runs have fetched. */
  async clear(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** @returns a local file with the content of a path of the store. @throws NodeRefusal, errors of the file system. */
  async fetch(storePath: string): Promise<string> {
    const running = this.#running.get(storePath);
    if (running) return running;
    const fetching = this.#fetch(storePath).finally(() => this.#running.delete(storePath));
    this.#running.set(storePath, fetching);
    return fetching;
  }

  async #fetch(storePath: string): Promise<string> {
    const { sha256 } = details.parse(await this.#api.json(`/files/stat?path=${encodeURIComponent(storePath)}`));
    const name = storePath.slice(storePath.lastIndexOf('/') + 1);
    const key = createHash('sha256').update(`${storePath}\n${sha256}`).digest('hex').slice(0, 16);
    const file = path.join(this.#folder, key, localName(name));
    const there = await stat(file).catch(() => undefined);
    if (!there) await this.#api.download(storePath, file);
    return file;
  }

  /**
   * Fetches what is to be dragged. @param letGo aborted when the mouse button was let go. @returns the files, or undefined
   * when it was let go before they were here; `later` is called when they are here then. @throws what fetching throws.
   */
  async forDrag(
    storePaths: readonly string[],
    letGo: AbortSignal,
    later: () => void,
  ): Promise<readonly string[] | undefined> {
    const fetching = Promise.all(storePaths.map((one) => this.fetch(one)));
    const over = new Promise<undefined>((resolve) => {
      letGo.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    const files = await Promise.race([fetching, over]);
    // Whoever gave up waiting hears of it once; a failure then has nobody to tell.
    if (!files) fetching.then(later, () => undefined);
    return files;
  }
}

/** Names that the store takes and a local disk may not. */
function localName(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those are not allowed.
  const clean = name.replace(/[<>:"|?*\\\u0000-\u001f]/g, '_').replace(/[. ]+$/, '');
  return clean === '' ? 'file' : clean;
}
