/** Links to what is in the store, made by the node and put on the clipboard. The node names an address of the network. */
import { clipboard } from 'electron';
import { z } from 'zod';
import type { NodeApi } from './node/node-api.ts';

/** How long a link is good that nobody said anything about, in milliseconds: a week. */
const termMs = 7 * 86_400_000;

/** More links than this at once help nobody. */
const mostLinks = 10;

const linkAnswer = z.object({ url: z.url() });

/** Makes links and remembers the last. */
export class Sharing {
  readonly #api: NodeApi;
  #last: string | undefined;

  constructor(api: NodeApi) {
    this.#api = api;
  }

  /** What was put on the clipboard last. */
  get last(): string | undefined {
    return this.#last;
  }

  /** Makes a link to a file or folder and copies it. @throws NodeRefusal. */
  async copyLink(path: string): Promise<string> {
    return this.#copy(await this.#linkTo(path));
  }

  copyAgain(): void {
    if (this.#last !== undefined) clipboard.writeText(this.#last);
  }

  /**
   * Links to what was uploaded together: to the file, to the folder that came as a whole, or to each of a few files. A
   * folder that held other things before is not linked to.
   * @param folder where it was put; '' is the root. @returns what is on the clipboard now, if anything was put there.
   */
  async copyLinksTo(paths: readonly string[], folder: string): Promise<string | undefined> {
    const targets = targetsOf(paths, folder);
    if (targets.length === 0 || targets.length > mostLinks) return undefined;
    const links: string[] = [];
    for (const target of targets) links.push(await this.#linkTo(target));
    return this.#copy(links.join('\n'));
  }

  async #linkTo(path: string): Promise<string> {
    const json = { path, label: '', expiresMs: Date.now() + termMs };
    return linkAnswer.parse(await this.#api.json('/links', { method: 'POST', json })).url;
  }

  #copy(text: string): string {
    clipboard.writeText(text);
    this.#last = text;
    return text;
  }
}

/** The first level below the folder: files, and folders that came with all that is in them. */
export function targetsOf(paths: readonly string[], folder: string): readonly string[] {
  const prefix = folder === '' ? '' : `${folder}/`;
  const inside = paths.filter((path) => path.startsWith(prefix));
  return [...new Set(inside.map((path) => prefix + (path.slice(prefix.length).split('/')[0] ?? '')))];
}
