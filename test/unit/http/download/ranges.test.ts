import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frameRanges, rangesOf } from '../../../../node-core/http/download/ranges.ts';

/** A shorter way to write ranges: `0-4 6-9`. */
const short = (answer: ReturnType<typeof rangesOf>) =>
  typeof answer === 'string' ? answer : answer.map(({ start, end }) => `${start}-${end}`).join(' ');

describe('rangesOf, by RFC 9110, 14.1 and 14.2', () => {
  it.each([
    [undefined, 10_000, 'whole'],
    // The examples of 14.1.2, for a content of 10 000 bytes.
    ['bytes=0-499', 10_000, '0-499'],
    ['bytes=500-999', 10_000, '500-999'],
    ['bytes=-500', 10_000, '9500-9999'],
    ['bytes=9500-', 10_000, '9500-9999'],
    ['bytes=0-0,-1', 10_000, '0-0 9999-9999'],
    ['bytes= 0-999, 4500-5499, -1000', 10_000, '0-999 4500-5499 9000-9999'],
    ['bytes=500-600,601-999', 10_000, '500-999'],
    ['bytes=500-700,601-999', 10_000, '500-999'],
    // Ends are cut at the content's.
    ['bytes=5-100', 10, '5-9'],
    ['bytes=0-', 10, '0-9'],
    ['bytes=-100', 10, '0-9'],
    ['bytes=9-9', 10, '9-9'],
    // Units are compared without case; other units are ignored.
    ['BYTES=0-1', 10, '0-1'],
    ['lines=0-1', 10, 'whole'],
    ['bytes 0-1', 10, 'whole'],
    // Nothing of it is in the content.
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=10-20,30-40', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=-5', 0, 'unsatisfiable'],
    // Backwards: invalid, may be ignored or rejected.
    ['bytes=5-2', 10, 'unsatisfiable'],
    // What is in the content counts when a part of it is not.
    ['bytes=0-1,20-30', 10, '0-1'],
    // Not a ranges-specifier: ignored.
    ['bytes=', 10, 'whole'],
    ['bytes=abc', 10, 'whole'],
    ['bytes=-', 10, 'whole'],
    ['bytes=1-2-3', 10, 'whole'],
    ['bytes=0x1-5', 10, 'whole'],
    ['bytes=1.5-3', 10, 'whole'],
    ['bytes=--5', 10, 'whole'],
    // In order of the request.
    ['bytes=8-9,0-1', 10, '8-9 0-1'],
  ])('%j of %i bytes: %s', (header, size, expected) => {
    expect(short(rangesOf(header, size))).toBe(expected);
  });

  it('ignores a header of very many ranges', () => {
    const many = (count: number) =>
      `bytes=${Array.from({ length: count }, (_, i) => `${i * 10}-${i * 10 + 1}`).join(',')}`;
    expect(rangesOf(many(64), 100_000)).toHaveLength(64);
    expect(rangesOf(many(65), 100_000)).toBe('whole');
  });

  it('answers anything with ranges inside the content that do not overlap', () => {
    const text = fc.oneof(
      fc.string(),
      fc
        .array(fc.tuple(fc.option(fc.nat(30), { nil: '' }), fc.option(fc.nat(30), { nil: '' })), { maxLength: 5 })
        .map((parts) => `bytes=${parts.map(([a, b]) => `${a}-${b}`).join(',')}`),
    );
    fc.assert(
      fc.property(text, fc.nat(20), (header, size) => {
        const answer = rangesOf(header, size);
        if (typeof answer === 'string') return;
        expect(answer.length).toBeGreaterThan(0);
        const covered = new Set<number>();
        for (const { start, end } of answer) {
          expect(start >= 0 && start <= end && end < size).toBe(true);
          for (let at = start; at <= end; at += 1) {
            expect(covered.has(at)).toBe(false);
            covered.add(at);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('frameRanges', () => {
  it('announces the length of the body that it frames, and the body can be taken apart again', () => {
    const ranges = fc.array(
      fc.tuple(fc.nat(99), fc.nat(99)).map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) })),
      { minLength: 1, maxLength: 6 },
    );
    const content = Buffer.from(Array.from({ length: 100 }, (_, i) => i));
    fc.assert(
      fc.property(ranges, (wanted) => {
        const framing = frameRanges(wanted, 100, 'text/plain; charset=utf-8', 'BOUNDARY');
        const parts = wanted.flatMap(({ start, end }, i) => [
          framing.heads[i] ?? Buffer.alloc(0),
          content.subarray(start, end + 1),
        ]);
        const body = Buffer.concat([...parts, framing.tail]);
        expect(framing.length).toBe(body.byteLength);
        expect(framing.contentType).toBe('multipart/byteranges; boundary=BOUNDARY');
        const text = body.toString('latin1');
        expect(text.startsWith('--BOUNDARY\r\n')).toBe(true);
        expect(text.endsWith('\r\n--BOUNDARY--\r\n')).toBe(true);
        const found = [...text.matchAll(/Content-Range: bytes (\d+)-(\d+)\/100\r\n\r\n/g)].map((match) => {
          const at = match.index + match[0].length;
          const [start, end] = [Number(match[1]), Number(match[2])];
          expect(body.subarray(at, at + end - start + 1).equals(content.subarray(start, end + 1))).toBe(true);
          return { start, end };
        });
        expect(found).toEqual(wanted);
      }),
    );
  });
});
