/**
 * A content that is on other members, read as if it were here: block by block, each verified before any of it is handed on
 * (replication.md, 12).
 */
import { blockBytes } from '../../domain/digests.ts';
import type { ByteSource } from '../../storage/byte-source.ts';

/** Blocks that are kept while a content is read: the one under way, and the next. */
const keptBlocks = 2;

/** Reads blocks of members. */
export class RemoteContent implements ByteSource {
  readonly #size: number;
  readonly #fetch: (block: number) => Promise<Buffer>;
  readonly #blocks = new Map<number, Promise<Buffer>>();
  #closed = false;

  /** @param fetch brings a block, verified. */
  constructor(size: number, fetch: (block: number) => Promise<Buffer>) {
    this.#size = size;
    this.#fetch = fetch;
  }

  async read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }> {
    if (position >= this.#size || length === 0) return { bytesRead: 0 };
    const index = Math.floor(position / blockBytes);
    const block = await this.#block(index);
    // Whoever reads on finds the next one under way.
    if (position + length >= (index + 1) * blockBytes && (index + 1) * blockBytes < this.#size)
      void this.#block(index + 1).catch(() => undefined);
    const part = block.subarray(position - index * blockBytes, position - index * blockBytes + length);
    buffer.set(part, offset);
    return { bytesRead: part.byteLength };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#blocks.clear();
  }

  #block(index: number): Promise<Buffer> {
    const known = this.#blocks.get(index);
    if (known) return known;
    const coming = this.#fetch(index);
    if (this.#closed) return coming;
    this.#blocks.set(index, coming);
    // A block that did not come is asked for again by whoever needs it.
    coming.catch(() => this.#blocks.delete(index));
    for (const old of this.#blocks.keys()) {
      if (this.#blocks.size <= keptBlocks) break;
      if (old !== index) this.#blocks.delete(old);
    }
    return coming;
  }
}
