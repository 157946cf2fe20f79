/** Computes the sha256 of a file beside the page; the browser's own digests want a whole file in memory, and https. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';

/** Bytes read at once. */
const stepBytes = 4 * 1024 * 1024;

self.onmessage = async ({ data }: MessageEvent<File>) => {
  const hash = sha256.create();
  for (let at = 0; at < data.size; at += stepBytes) {
    hash.update(new Uint8Array(await data.slice(at, at + stepBytes).arrayBuffer()));
  }
  self.postMessage(bytesToHex(hash.digest()));
};
