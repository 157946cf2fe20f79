import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockBytes } from '../../../node-core/domain/digests.ts';
import { ContentHasher } from '../../../node-core/storage/content-hasher.ts';

/** Bytes that repeat nowhere near a block, made once: cutting is cheap. */
const source = Buffer.alloc(3 * blockBytes + 100);
for (let i = 0; i < source.byteLength; i += 4) source.writeUInt32LE((i * 2_654_435_761) >>> 0, i);

const hash = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest();

/** The same by node:crypto alone, block by block. */
function expected(content: Buffer, algorithm: 'md5' | 'sha1') {
  const blocks: Buffer[] = [];
  for (let at = 0; at < content.byteLength; at += blockBytes) {
    blocks.push(hash('sha256', content.subarray(at, at + blockBytes)));
  }
  const list = Buffer.concat(blocks);
  return {
    digests: {
      size: content.byteLength,
      sha256: hash('sha256', content).toString('hex'),
      [algorithm]: hash(algorithm, content).toString('hex'),
      blockRoot: hash('sha256', list).toString('hex'),
    },
    blocks: list,
  };
}

function hashed(content: Buffer, cuts: readonly number[], algorithm: 'md5' | 'sha1') {
  const hasher = new ContentHasher(algorithm);
  const ends = [...new Set([...cuts.filter((cut) => cut < content.byteLength), content.byteLength])].sort(
    (a, b) => a - b,
  );
  let start = 0;
  for (const end of ends) {
    hasher.update(content.subarray(start, end));
    start = end;
  }
  expect(hasher.size).toBe(content.byteLength);
  return hasher.finish();
}

const around = [0, 1, 2, 3]
  .flatMap((blocks) => [-1, 0, 1].map((more) => blocks * blockBytes + more))
  .filter((n) => n >= 0);

describe('ContentHasher', () => {
  it.each(around)('agrees with node:crypto on %i bytes, in one chunk and in odd ones', (size) => {
    const content = source.subarray(0, size);
    const odd = Array.from({ length: 60 }, (_, i) => i * 262_139);
    for (const algorithm of ['md5', 'sha1'] as const) {
      const right = expected(content, algorithm);
      expect(hashed(content, [], algorithm)).toEqual(right);
      expect(hashed(content, odd, algorithm)).toEqual(right);
    }
  });

  it('does not care how the content is cut', () => {
    const sizes = fc.oneof(fc.constantFrom(...around), fc.integer({ min: 0, max: source.byteLength }));
    const cut = fc.oneof(
      fc.integer({ min: 0, max: source.byteLength }),
      fc.constantFrom(...around.map((n) => n + 1), ...around),
    );
    fc.assert(
      fc.property(sizes, fc.array(cut, { maxLength: 12 }), (size, cuts) => {
        const content = source.subarray(0, size);
        expect(hashed(content, cuts, 'md5')).toEqual(expected(content, 'md5'));
      }),
      { numRuns: 15 },
    );
  });

  it('takes empty chunks anywhere', () => {
    const hasher = new ContentHasher('md5');
    for (const part of ['', 'a', '', 'b', '']) hasher.update(Buffer.from(part));
    expect(hasher.finish()).toEqual(expected(Buffer.from('ab'), 'md5'));
  });
});
