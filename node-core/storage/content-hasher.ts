import { createHash, type Hash } from 'node:crypto';
import { blockBytes, type CompatibleAlgorithm, type ContentDigests } from '../domain/digests.ts';

/** Digests of one content, and the list of its blocks. */
export interface HashedContent {
  readonly digests: ContentDigests;
  /** Raw sha256 of every 4 MiB block, concatenated: 32 bytes a block, none for an empty content. */
  readonly blocks: Buffer;
}

/** Computes every digest of a content in one pass: sha256, the compatible one, and the block list. */
export class ContentHasher {
  readonly #compatible: CompatibleAlgorithm;
  readonly #sha256: Hash = createHash('sha256');
  readonly #other: Hash;
  readonly #blocks: Buffer[] = [];
  #block: Hash | undefined;
  #blockFill = 0;
  #size = 0;

  constructor(compatible: CompatibleAlgorithm) {
    this.#compatible = compatible;
    this.#other = createHash(compatible);
  }

  /** Bytes seen so far. */
  get size(): number {
    return this.#size;
  }

  update(chunk: Uint8Array): void {
    this.#size += chunk.byteLength;
    this.#other.update(chunk);
    // The first block has the digest of the content while there is only one: it costs no second pass.
    if (this.#size <= blockBytes) {
      this.#sha256.update(chunk);
      return;
    }
    let rest = chunk;
    if (!this.#block) {
      const room = blockBytes - (this.#size - chunk.byteLength);
      this.#sha256.update(chunk.subarray(0, room));
      this.#blocks.push(this.#sha256.copy().digest());
      rest = chunk.subarray(room);
      this.#block = createHash('sha256');
    }
    this.#sha256.update(rest);
    this.#updateBlocks(rest);
  }

  /** Ends the pass. The hasher cannot be used afterwards. */
  finish(): HashedContent {
    const sha256 = this.#sha256.digest();
    if (this.#block && this.#blockFill > 0) this.#blocks.push(this.#block.digest());
    else if (!this.#block && this.#size > 0) this.#blocks.push(sha256);
    const blocks = Buffer.concat(this.#blocks);
    const digests: ContentDigests = {
      size: this.#size,
      sha256: sha256.toString('hex'),
      [this.#compatible]: this.#other.digest('hex'),
      blockRoot: createHash('sha256').update(blocks).digest('hex'),
    };
    return { digests, blocks };
  }

  #updateBlocks(chunk: Uint8Array): void {
    let rest = chunk;
    while (rest.byteLength > 0) {
      const part = rest.subarray(0, blockBytes - this.#blockFill);
      this.#block?.update(part);
      this.#blockFill += part.byteLength;
      rest = rest.subarray(part.byteLength);
      if (this.#blockFill === blockBytes) {
        if (this.#block) this.#blocks.push(this.#block.digest());
        this.#block = createHash('sha256');
        this.#blockFill = 0;
      }
    }
  }
}
