import type { ServerResponse } from 'node:http';
import type { ByteSource } from '../../storage/byte-source.ts';
import type { ByteRange } from './ranges.ts';

/** How a download reads: bytes at once, and how many such buffers it may hold. */
interface Pace {
  readonly chunkBytes: number;
  readonly buffers: number;
}

/** A few downloads get large buffers: throughput. */
const fast: Pace = { chunkBytes: 1024 * 1024, buffers: 3 };

/** Many downloads, most of them waiting for a slow receiver, get small ones: memory stays bounded. */
const frugal: Pace = { chunkBytes: 64 * 1024, buffers: 2 };

/** Downloads that may be fast at once; their buffers are kept, because fresh memory costs more than the read itself. */
const maxFast = 8;

const idleBuffers: Buffer[] = [];
let fastTransfers = 0;

/**
 * Sends a part of an open file at the receiver's pace, reading ahead of what is being sent.
 * @throws when the file ends early or the receiver goes away; the answer cannot be completed then.
 */
export async function sendRange(handle: ByteSource, range: ByteRange, response: ServerResponse): Promise<void> {
  const transfer = new Transfer(response);
  try {
    for (let position = range.start; position <= range.end; ) {
      const buffer = await transfer.freeBuffer();
      const length = Math.min(buffer.byteLength, range.end - position + 1);
      const { bytesRead } = await handle.read(buffer, 0, length, position);
      if (bytesRead === 0) throw new Error('the file ended early');
      transfer.send(buffer, bytesRead);
      position += bytesRead;
    }
    await transfer.allSent();
  } finally {
    transfer.release();
  }
}

/** The buffers of one download. A buffer is free again when the socket has taken it. */
class Transfer {
  readonly #response: ServerResponse;
  readonly #pace: Pace;
  readonly #free: Buffer[] = [];
  #made = 0;
  #sending = 0;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  readonly #onClose = () => this.#fail(new Error('the receiver went away'));

  constructor(response: ServerResponse) {
    this.#response = response;
    this.#pace = fastTransfers < maxFast ? fast : frugal;
    if (this.#pace === fast) fastTransfers += 1;
    if (response.destroyed) this.#onClose();
    response.once('close', this.#onClose);
  }

  async freeBuffer(): Promise<Buffer> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      const free = this.#free.pop();
      if (free) return free;
      if (this.#made < this.#pace.buffers) {
        this.#made += 1;
        const idle = this.#pace === fast ? idleBuffers.pop() : undefined;
        return idle ?? Buffer.allocUnsafeSlow(this.#pace.chunkBytes);
      }
      await this.#changed();
    }
  }

  send(buffer: Buffer, length: number): void {
    if (this.#failure) throw this.#failure;
    this.#sending += 1;
    this.#response.write(buffer.subarray(0, length), (error) => {
      this.#sending -= 1;
      this.#free.push(buffer);
      if (error) this.#fail(error);
      else this.#signal();
    });
  }

  async allSent(): Promise<void> {
    while (this.#sending > 0) {
      if (this.#failure) throw this.#failure;
      await this.#changed();
    }
  }

  /** Buffers that a broken socket may still hold are left to the garbage collector. */
  release(): void {
    this.#response.off('close', this.#onClose);
    if (this.#pace !== fast) return;
    fastTransfers -= 1;
    if (this.#sending === 0) idleBuffers.push(...this.#free.slice(0, maxFast * fast.buffers - idleBuffers.length));
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #signal(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#signal();
  }
}
