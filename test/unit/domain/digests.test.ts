import { describe, expect, it } from 'vitest';
import { digestOf, parseDigest } from '../../../node-core/domain/digests.ts';
import { digestsOf } from './versions.ts';

describe('parseDigest', () => {
  it.each([
    ['a'.repeat(32), 'md5'],
    ['A'.repeat(40), 'sha1'],
    [` ${'0'.repeat(64)}\n`, 'sha256'],
  ])('tells %j by its length', (text, algorithm) => {
    expect(parseDigest(text)).toEqual({ algorithm, hex: text.trim().toLowerCase() });
  });

  it.each([
    '',
    'a',
    'a'.repeat(31),
    'a'.repeat(33),
    'g'.repeat(32),
    `${'a'.repeat(31)}/`,
    '../'.repeat(16),
    'é'.repeat(32),
  ])('takes %j for none', (text) => {
    expect(parseDigest(text)).toBeUndefined();
  });
});

describe('digestOf', () => {
  it('gives the digest of the algorithm, if the content has it', () => {
    const digests = digestsOf('x');
    expect(digestOf(digests, 'sha256')).toBe(digests.sha256);
    expect(digestOf(digests, 'md5')).toBe(digests.md5);
    expect(digestOf(digests, 'sha1')).toBeUndefined();
  });
});
