/**
 * The list `peers` of the configuration as a source of hints. It names ordinary HTTP addresses of nodes; each tells, when
 * asked, where its peer port is (`GET /api/v1/peer-hint`).
 */
import { Agent } from 'node:https';
import axios from 'axios';
import { z } from 'zod';
import type { Logger } from '../../runtime/logger.ts';
import type { PeerHint, PeerHints } from './hints.ts';

const answerShape = z.object({ id: z.string().regex(/^[0-9a-f]{64}$/), port: z.number().int().min(1).max(65_535) });

/** How often an address is asked that has answered, and one that has not, in milliseconds. */
const againMs = 60_000;
const retryMs = 3000;

const timeoutMs = 3000;
const maxAnswerBytes = 16 * 1024;

/** What is behind it is found out in the handshake of the peer port: the certificate of the page proves nothing here. */
const anyCertificate = new Agent({ rejectUnauthorized: false });

/** Asks the addresses of the configuration. */
export class ManualPeers implements PeerHints {
  readonly name = 'manual';
  readonly #peers: () => readonly string[];
  readonly #logger: Logger;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #told = new Set<string>();
  #onHint: (hint: PeerHint) => void = () => undefined;
  #running = false;

  constructor(peers: () => readonly string[], logger: Logger) {
    this.#peers = peers;
    this.#logger = logger;
  }

  async start(onHint: (hint: PeerHint) => void): Promise<void> {
    this.#onHint = onHint;
    this.#running = true;
    this.follow();
  }

  /** Looks at the configuration again. What turned out to be no node is asked once more. */
  follow(): void {
    for (const url of this.#told) this.#timers.delete(url);
    for (const url of this.#peers()) if (this.#running && !this.#timers.has(url)) this.#ask(url);
  }

  async stop(): Promise<void> {
    this.#running = false;
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #ask(url: string): void {
    this.#timers.set(
      url,
      setTimeout(() => undefined, 0),
    );
    void this.#lookAt(url).then((found) => {
      if (!this.#running) return;
      if (!this.#peers().includes(url)) {
        this.#timers.delete(url);
        return;
      }
      // Not asked again before the list changes: it would be asked for ever.
      if (found === 'stranger') return;
      const timer = setTimeout(() => this.#ask(url), found === 'node' ? againMs : retryMs);
      this.#timers.set(url, timer.unref());
    });
  }

  async #lookAt(url: string): Promise<'node' | 'stranger' | 'nobody'> {
    try {
      const answer = await axios.get(new URL('api/v1/peer-hint', `${url}/`).href, {
        timeout: timeoutMs,
        signal: AbortSignal.timeout(timeoutMs),
        maxRedirects: 0,
        maxContentLength: maxAnswerBytes,
        proxy: false,
        httpsAgent: anyCertificate,
      });
      const { id, port } = answerShape.parse(answer.data);
      if (this.#running) this.#onHint({ id, address: new URL(url).hostname.replace(/^\[(.*)\]$/, '$1'), port });
      return 'node';
    } catch (error) {
      // A proxy whose node is just starting answers too.
      if (axios.isAxiosError(error) && (error.response?.status ?? 500) >= 500) return 'nobody';
      // Somebody else answers there, such as go-fastdfs: one word is enough.
      if (!this.#told.has(url)) this.#logger.warn({ peer: url }, 'what answers at this address of `peers` is no node');
      this.#told.add(url);
      return 'stranger';
    }
  }
}
