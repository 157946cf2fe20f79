/** Requests of the app itself to its node, with the token that the node has told. */
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { NodeHost } from './node-host.ts';

/** The node is not there, or refused. */
export class NodeRefusal extends Error {
  readonly status: number;

  /** @param status of its answer; 0 when there was none. */
  constructor(status: number, message: string) {
    super(message);
    this.name = 'NodeRefusal';
    this.status = status;
  }
}

/** Speaks to the node that the host runs. */
export class NodeApi {
  readonly #host: NodeHost;
  readonly #language: () => string;

  /** @param language of the node's messages. */
  constructor(host: NodeHost, language: () => string) {
    this.#host = host;
    this.#language = language;
  }

  /** Opens an operation of /api/v1. @param path with its query. @throws NodeRefusal. */
  async open(path: string, init: { method?: string; json?: unknown; signal?: AbortSignal } = {}): Promise<Response> {
    const { ready } = this.#host;
    if (!ready) throw new NodeRefusal(0, 'the node is not ready');
    const { method = 'GET', json, signal } = init;
    const response = await fetch(new URL(`api/v1${path}`, ready.url), {
      method,
      headers: {
        Authorization: `Bearer ${ready.token}`,
        'Accept-Language': this.#language(),
        ...(json !== undefined && { 'Content-Type': 'application/json' }),
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
      ...(signal && { signal }),
    }).catch((error: unknown) => {
      throw new NodeRefusal(0, String(error));
    });
    if (response.ok) return response;
    const text = await response.text();
    throw new NodeRefusal(response.status, messageOf(text) ?? `${response.status}`);
  }

  /** @returns the JSON of the answer; callers check what they use of it. @throws NodeRefusal. */
  async json(path: string, init: { method?: string; json?: unknown } = {}): Promise<unknown> {
    return (await this.open(path, init)).json();
  }

  /**
   * Fetches a file of the store to a place on disk, wherever its bytes are. It appears there whole or not at all.
   * @throws NodeRefusal, and errors of the file system.
   */
  async download(storePath: string, file: string): Promise<void> {
    const response = await this.open(`/files/content?path=${encodeURIComponent(storePath)}`);
    await mkdir(path.dirname(file), { recursive: true });
    const partial = `${file}.part`;
    try {
      const body = response.body as ReadableStream | null;
      await pipeline(body ? Readable.fromWeb(body) : Readable.from([]), createWriteStream(partial));
      await rename(partial, file);
    } finally {
      await rm(partial, { force: true });
    }
  }
}

function messageOf(text: string): string | undefined {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}
