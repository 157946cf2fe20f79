/**
 * How a command reaches the node of a data folder: the one that runs there, else one that is started in this process, on a
 * loopback port, for as long as the command takes.
 */
import { stat } from 'node:fs/promises';
import { Agent } from 'node:https';
import path from 'node:path';
import axios, { type AxiosInstance, isAxiosError } from 'axios';
import { createNode, type Language, type LocalAccess, readLocalAccess, ShoalError } from '../index.ts';

/** A refusal that the node answered with, in the words it used. */
export class RefusedByNode extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'RefusedByNode';
    this.code = code;
  }
}

/** Calls operations of a node's /api/v1. Times out never: commands wait for work of any length. */
export class NodeClient {
  /** Where the node is; ends in a slash. */
  readonly url: string;
  readonly #http: AxiosInstance;

  constructor({ url, token }: Pick<LocalAccess, 'url' | 'token'>, language: Language) {
    this.url = url;
    this.#http = axios.create({
      baseURL: new URL('api/v1', url).href,
      headers: { Authorization: `Bearer ${token}`, 'Accept-Language': language },
      proxy: false,
      maxRedirects: 0,
      maxBodyLength: Number.POSITIVE_INFINITY,
      maxContentLength: Number.POSITIVE_INFINITY,
      // The certificate names the host as others call it, not this loopback address; the token came from a private file.
      httpsAgent: new Agent({ rejectUnauthorized: false }),
    });
  }

  /** Calls an operation, such as `GET /health`. @throws RefusedByNode, or an AxiosError when the node cannot be reached. */
  async call<T>(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', operation: string, body?: unknown): Promise<T> {
    try {
      return (await this.#http.request<T>({ method, url: operation, data: body })).data;
    } catch (error) {
      throw asRefusal(error);
    }
  }

  /** The client below, for streams. Its errors are AxiosErrors. */
  get http(): AxiosInstance {
    return this.#http;
  }
}

/** Whether a node runs on the folder, and how to reach it. */
export async function runningNode(dataDir: string, language: Language): Promise<NodeClient | undefined> {
  const access = await readLocalAccess(dataDir);
  if (!access) return undefined;
  const client = new NodeClient(access, language);
  try {
    await client.call('GET', '/health');
    return client;
  } catch (error) {
    // What a killed node left behind: nobody listens there any more, or somebody else who does not know the token.
    if (isAxiosError(error) || error instanceof RefusedByNode) return undefined;
    throw error;
  }
}

/**
 * Works with the node of a data folder, and ends the one that was started for it.
 * @param makeFolder whether a folder that holds no node's data becomes one's. @throws ShoalError DATA_UNUSABLE when there is no node's data in the folder, and whatever a start refuses.
 */
export async function withNode<T>(
  { dataDir, language }: { readonly dataDir: string; readonly language: Language },
  work: (client: NodeClient) => Promise<T>,
  makeFolder = false,
): Promise<T> {
  const running = await runningNode(dataDir, language);
  if (running) return work(running);
  if (!makeFolder && !(await holdsNode(dataDir)))
    throw new ShoalError('DATA_UNUSABLE', { details: { folder: dataDir, reason: 'no node has run here yet' } });
  const flags = { addr: '127.0.0.1:0', peerAddr: '127.0.0.1:0' };
  const node = await createNode({ dataDir, flags, env: process.env, joining: { noDiscovery: true } });
  try {
    const access = await readLocalAccess(dataDir);
    if (!access) throw new Error('the node did not tell how to reach it');
    return await work(new NodeClient(access, language));
  } finally {
    await node.stop();
  }
}

/** Whether a node has run on a folder. */
export async function holdsNode(dataDir: string): Promise<boolean> {
  return (await stat(path.join(dataDir, 'data', 'catalog')).catch(() => undefined)) !== undefined;
}

function asRefusal(error: unknown): unknown {
  if (!isAxiosError(error) || !error.response) return error;
  const body: unknown = error.response.data;
  if (typeof body !== 'object' || body === null || !('code' in body) || !('message' in body)) return error;
  return new RefusedByNode(String(body.code), String(body.message));
}
