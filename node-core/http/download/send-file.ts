import type { FileHandle } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import type { ByteRange } from './ranges.ts';

/** Bytes read at once. Two such buffers are alive for each download: one is read while the other is sent. */
const chunkBytes = 512 * 1024;

/**
 * Sends a part of an open file, reading ahead by one chunk, at the receiver's pace.
 * @throws when the file ends early or the receiver goes away; the answer cannot be completed then.
 */
export async function sendRange(handle: FileHandle, range: ByteRange, response: ServerResponse): Promise<void> {
  let position = range.start;
  let pending = read(handle, position, range.end);
  while (position <= range.end) {
    const chunk = await pending;
    position += chunk.byteLength;
    if (position <= range.end) {
      pending = read(handle, position, range.end);
      // Awaited in the next round; the receiver may go away before that.
      pending.catch(() => undefined);
    }
    if (response.destroyed) throw new Error('the receiver went away');
    if (!response.write(chunk)) await drained(response);
  }
}

async function read(handle: FileHandle, position: number, end: number): Promise<Buffer> {
  const length = Math.min(chunkBytes, end - position + 1);
  const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(length), 0, length, position);
  if (bytesRead === 0) throw new Error('the file ended early');
  return bytesRead === length ? buffer : buffer.subarray(0, bytesRead);
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', gone);
      resolve();
    };
    const gone = () => {
      response.off('drain', done);
      reject(new Error('the receiver went away'));
    };
    response.once('drain', done);
    response.once('close', gone);
  });
}
