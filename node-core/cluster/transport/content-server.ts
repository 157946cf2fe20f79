/**
 * Contents for members: whatever a file here shows or the trash holds. Every block is read whole and compared with the list
 * before a byte of it leaves (replication.md, 12): what rots on this disk does not spread.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Catalog } from '../../catalog/catalog.ts';
import { blockBytes } from '../../domain/digests.ts';
import { ShoalError } from '../../domain/errors.ts';
import type { ByteSource } from '../../storage/byte-source.ts';
import type { OpenedBytes } from '../../storage/file-store.ts';

/** Bytes of one digest. */
const digestBytes = 32;

/** What the server of contents is built with. */
export interface ContentServerOptions {
  readonly catalog: Pick<Catalog, 'placesOf' | 'blocks'>;
  /** Opens a place; undefined when nothing is there. */
  readonly open: (place: string) => Promise<OpenedBytes | undefined>;
  /** Told of bytes that are not what they should be. */
  readonly onDamaged: (sha256: string, place: string) => void;
}

/** A part of a content. */
interface Span {
  readonly from: number;
  /** First byte behind. */
  readonly to: number;
}

/** The raw list of blocks of a content, as far as the catalogue tells; of one block the content's own digest is the list. */
export function blockListOf(sha256: string, size: number, stored: Buffer): Buffer | undefined {
  const count = Math.ceil(size / blockBytes);
  const list = count === 1 ? Buffer.from(sha256, 'hex') : stored;
  return list.byteLength === count * digestBytes ? list : undefined;
}

/** Serves contents by their sha256. */
export class ContentServer {
  readonly #options: ContentServerOptions;

  constructor(options: ContentServerOptions) {
    this.#options = options;
  }

  /** `GET blocks`: the raw list. @throws ShoalError PEER_HAS_NOT, DIGEST_INVALID. */
  async blocks(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { source, list } = await this.#find(digestIn(request));
    await source.close();
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': list.byteLength });
    response.end(list);
  }

  /** `GET bytes`, with or without Range (RFC 9110, 14). @throws ShoalError PEER_HAS_NOT, RANGE_NOT_SATISFIABLE. */
  async bytes(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const sha256 = digestIn(request);
    const { source, size, list, place } = await this.#find(sha256);
    try {
      const span = spanOf(request.headers.range, size);
      for (let from = span.from; from < span.to || !response.headersSent; ) {
        const number = Math.floor(from / blockBytes);
        const block = await readBlock(source, number, size);
        // An empty content has no block.
        if (size > 0 && !isBlock(block, list, number)) {
          this.#options.onDamaged(sha256, place);
          throw new ShoalError('PEER_HAS_NOT');
        }
        if (!response.headersSent) writeHead(response, span, size, request.headers.range !== undefined);
        const start = number * blockBytes;
        const part = block.subarray(from - start, Math.min(span.to - start, blockBytes));
        from = start + blockBytes;
        if (!response.write(part) && !response.destroyed) await drained(response);
        // The other side has gone.
        if (response.destroyed) return;
      }
      response.end();
    } finally {
      await source.close();
    }
  }

  async #find(sha256: string): Promise<{ source: ByteSource; size: number; list: Buffer; place: string }> {
    const { catalog, open } = this.#options;
    const stored = catalog.blocks(sha256);
    for (const place of await catalog.placesOf(sha256)) {
      const opened = await open(place);
      if (!opened) continue;
      const { size } = opened.identity;
      const list = blockListOf(sha256, size, stored);
      if (list) return { source: opened.handle, size, list, place };
      await opened.handle.close();
    }
    throw new ShoalError('PEER_HAS_NOT');
  }
}

/** Whether a block is what the list says. */
export function isBlock(block: Uint8Array, list: Buffer, number: number): boolean {
  const digest = createHash('sha256').update(block).digest();
  return digest.equals(list.subarray(number * digestBytes, (number + 1) * digestBytes));
}

async function readBlock(source: ByteSource, number: number, size: number): Promise<Buffer> {
  const start = number * blockBytes;
  const block = Buffer.allocUnsafe(Math.max(0, Math.min(blockBytes, size - start)));
  for (let filled = 0; filled < block.byteLength; ) {
    const { bytesRead } = await source.read(block, filled, block.byteLength - filled, start + filled);
    // It is shorter than it was: what is missing makes the digest another one.
    if (bytesRead === 0) return block.subarray(0, filled);
    filled += bytesRead;
  }
  return block;
}

function digestIn(request: IncomingMessage): string {
  const value = new URLSearchParams((request.url ?? '').split('?')[1] ?? '').get('sha256') ?? '';
  if (!/^[0-9a-f]{64}$/.test(value)) throw new ShoalError('DIGEST_INVALID', { details: { value: value.slice(0, 80) } });
  return value;
}

function spanOf(header: string | undefined, size: number): Span {
  if (header === undefined) return { from: 0, to: size };
  const [, first, last] = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(header) ?? [];
  const from = Number(first);
  const to = last === '' ? size : Math.min(size, Number(last) + 1);
  if (first === undefined || from >= to) throw new ShoalError('RANGE_NOT_SATISFIABLE');
  return { from, to };
}

function writeHead(response: ServerResponse, { from, to }: Span, size: number, partial: boolean): void {
  response.writeHead(partial ? 206 : 200, {
    'content-type': 'application/octet-stream',
    'content-length': to - from,
    ...(partial && { 'content-range': `bytes ${from}-${to - 1}/${size}` }),
  });
}

async function drained(response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  const end = () => gone.abort();
  response.once('close', end);
  try {
    await once(response, 'drain', { signal: gone.signal });
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  } finally {
    response.off('close', end);
  }
}
