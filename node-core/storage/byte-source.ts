/** Bytes that can be read at any position: a file, or a part of one. Whoever opened it closes it. */
export interface ByteSource {
  /**
   * Reads up to `length` bytes at `position` into `buffer` at `offset`; fewer than asked for may come, none at the end.
   * @throws system errors of the disk.
   */
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  close(): Promise<void>;
}

/** Bytes in memory. */
export class BufferSource implements ByteSource {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  async read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }> {
    const part = this.#bytes.subarray(position, position + length);
    buffer.set(part, offset);
    return { bytesRead: part.byteLength };
  }

  async close(): Promise<void> {}
}

/** Room in which the end of a source is looked for, in bytes. */
const endBytes = 4096;

/** Everything from a source, in chunks of up to `chunkBytes`, each in memory of its own. Does not close it. */
export async function* chunksOf(source: ByteSource, chunkBytes: number): AsyncGenerator<Buffer> {
  let bytes = chunkBytes;
  for (let position = 0; ; ) {
    const buffer = Buffer.allocUnsafe(bytes);
    const { bytesRead } = await source.read(buffer, 0, bytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
    // After fewer bytes than asked for comes the end, as a rule: it is looked for with little.
    bytes = bytesRead < bytes ? Math.min(chunkBytes, endBytes) : chunkBytes;
  }
}
