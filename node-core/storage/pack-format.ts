/**
 * Layout of a pack segment: a head, then frames one after the other, all integers big-endian.
 *
 *     segment head   "SHOALPK1"                                        8 bytes
 *     frame          magic "SHPF"                                      4
 *                    kind: 1 content, 2 delete mark                    1
 *                    zero                                              1
 *                    length of the hint                                2
 *                    length of the content                             4
 *                    sha256 of the content                            32
 *                    CRC-32 of all of the above and of the hint        4
 *                    hint: JSON, what was known of the file            …
 *                    content                                           …
 *                    CRC-32 of the content                             4
 *
 * The head of a frame can be checked without reading its content, so that a scan skips from frame to frame. The hint
 * serves recovery only: what a path shows stands in the catalogue.
 */
import { crc32 } from 'node:zlib';

/** First bytes of a segment. */
export const segmentMagic = Buffer.from('SHOALPK1', 'latin1');

const frameMagic = Buffer.from('SHPF', 'latin1');

/** Bytes of a frame before its hint. */
export const frameHeadBytes = 48;

const trailerBytes = 4;

/** Longest hint, in bytes: longer ones are left out. */
const maxHintBytes = 8192;

/** What a frame says of the file that it was written for. */
export interface FrameHint {
  readonly path: string;
  readonly name: string;
  readonly scene: string;
  /** Milliseconds since 1970. */
  readonly mtimeMs: number;
}

/** A content, or the mark that one of an earlier frame is not used any more. */
export type FrameKind = 'content' | 'deleted';

/** A frame's head. */
export interface FrameHead {
  readonly kind: FrameKind;
  /** sha256 of the content, hex. */
  readonly sha256: string;
  /** Bytes of the content. */
  readonly size: number;
  readonly hintBytes: number;
}

/** Bytes of a whole frame. */
export function frameBytes({ size, hintBytes }: Pick<FrameHead, 'size' | 'hintBytes'>): number {
  return frameHeadBytes + hintBytes + size + trailerBytes;
}

/** A frame as it is written, in parts. @param hint left out when undefined or too long. */
export function encodeFrame(kind: FrameKind, sha256: string, content: Uint8Array, hint?: FrameHint): Buffer[] {
  const wished = hint === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(hint), 'utf8');
  const hintText = wished.byteLength > maxHintBytes ? Buffer.alloc(0) : wished;
  const head = Buffer.alloc(frameHeadBytes);
  frameMagic.copy(head);
  head.writeUInt8(kind === 'content' ? 1 : 2, 4);
  head.writeUInt16BE(hintText.byteLength, 6);
  head.writeUInt32BE(content.byteLength, 8);
  head.write(sha256, 12, 'hex');
  head.writeUInt32BE(crc32(hintText, crc32(head.subarray(0, 44))), 44);
  const trailer = Buffer.alloc(trailerBytes);
  trailer.writeUInt32BE(crc32(content));
  return [head, hintText, Buffer.from(content.buffer, content.byteOffset, content.byteLength), trailer];
}

/** Length of the hint that a head announces; undefined when there is no head. */
export function hintBytesOf(head: Buffer): number | undefined {
  if (head.byteLength < frameHeadBytes || !head.subarray(0, 4).equals(frameMagic)) return undefined;
  return head.readUInt16BE(6);
}

/** Reads head and hint of a frame; undefined when they are not what was written. */
export function decodeHead(bytes: Buffer): FrameHead | undefined {
  const hintBytes = hintBytesOf(bytes);
  if (hintBytes === undefined || bytes.byteLength < frameHeadBytes + hintBytes) return undefined;
  const hint = bytes.subarray(frameHeadBytes, frameHeadBytes + hintBytes);
  if (crc32(hint, crc32(bytes.subarray(0, 44))) !== bytes.readUInt32BE(44)) return undefined;
  const kind = { 1: 'content', 2: 'deleted' }[bytes.readUInt8(4)] as FrameKind | undefined;
  if (kind === undefined) return undefined;
  return { kind, sha256: bytes.toString('hex', 12, 44), size: bytes.readUInt32BE(8), hintBytes };
}

/** Finds where the next frame may begin, from a position; -1 when there is none. */
export function findFrame(bytes: Buffer, from: number): number {
  return bytes.indexOf(frameMagic, from);
}

/** The content of a whole frame; undefined when its checksum is wrong. The caller compares the digest. */
export function contentOf(frame: Buffer, head: FrameHead): Buffer | undefined {
  const start = frameHeadBytes + head.hintBytes;
  const content = frame.subarray(start, start + head.size);
  if (content.byteLength !== head.size || frame.byteLength < start + head.size + trailerBytes) return undefined;
  return crc32(content) === frame.readUInt32BE(start + head.size) ? content : undefined;
}
