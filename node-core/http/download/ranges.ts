import parseRange from 'range-parser';

/** One part of a content: `start` to `end`, both included, in bytes. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** More ranges than this make a request for the whole content: many tiny ranges are an attack (RFC 9110, 14.2). */
const maxRanges = 64;

/**
 * Reads a Range header (RFC 9110, 14.2).
 * @returns the ranges, overlapping ones joined, in order of the request; `whole` when the header is to be ignored;
 * `unsatisfiable` for 416.
 */
export function rangesOf(header: string | undefined, size: number): readonly ByteRange[] | 'whole' | 'unsatisfiable' {
  if (header === undefined || !/^bytes=/i.test(header)) return 'whole';
  if (header.split(',').length > maxRanges) return 'whole';
  const parsed = parseRange(size, normalize(header, size), { combine: true });
  if (parsed === -1) return 'unsatisfiable';
  if (parsed === -2) return 'whole';
  return parsed.map(({ start, end }) => ({ start, end }));
}

/** A suffix longer than the content means all of it (RFC 9110, 14.1.2); the parser takes it for unsatisfiable. */
function normalize(header: string, size: number): string {
  return header
    .replace(/^bytes/i, 'bytes')
    .replace(/([=,]\s*)-(\d+)/g, (spec, before: string, suffix: string) =>
      Number(suffix) > size && size > 0 ? `${before}0-` : spec,
    );
}

/** The framing of a multipart/byteranges answer (RFC 9110, 14.6). */
export interface MultipartFraming {
  readonly contentType: string;
  /** Length of the whole body, framing included. */
  readonly length: number;
  /** What goes before each range, in order. */
  readonly heads: readonly Buffer[];
  readonly tail: Buffer;
}

/** Frames several ranges as one body. */
export function frameRanges(
  ranges: readonly ByteRange[],
  size: number,
  contentType: string,
  boundary: string,
): MultipartFraming {
  const heads = ranges.map(({ start, end }, index) =>
    Buffer.from(
      `${index === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${contentType}\r\nContent-Range: bytes ${start}-${end}/${size}\r\n\r\n`,
    ),
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  let length = tail.byteLength;
  for (const head of heads) length += head.byteLength;
  for (const { start, end } of ranges) length += end - start + 1;
  return { contentType: `multipart/byteranges; boundary=${boundary}`, length, heads, tail };
}
