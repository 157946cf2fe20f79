import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../node-core/domain/errors.ts';
import {
  baseName,
  clientFileName,
  foldPath,
  isLogicalPath,
  joinPath,
  maxPathBytes,
  normalizeFolder,
  normalizePath,
  parentOf,
  reservedTopNames,
  splitExtension,
  trimSpecialCharacters,
} from '../../../node-core/domain/paths.ts';
import { errorOf } from '../temp-folder.ts';

/** Text that strangers send: every character, and more dots, slashes and combining marks than usual. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '.',
        '..',
        '/',
        '//',
        '\\',
        '\0',
        ' ',
        'a',
        'e\u0301',
        '\u0301',
        '\ud800',
        '_tmp',
        '_TRASH',
        '%2e',
      ),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 10 },
  )
  .map((parts) => parts.join(''));

describe('normalizePath', () => {
  it('gives one form, or refuses: no empty, dot or climbing segment, NFC, and nothing left to do', () => {
    fc.assert(
      fc.property(hostile, (input) => {
        let path: string;
        try {
          path = normalizePath(input);
        } catch (error) {
          expect(error).toMatchObject({ name: 'ShoalError', code: expect.stringMatching(/^PATH_/) });
          return;
        }
        expect(normalizePath(path)).toBe(path);
        expect(isLogicalPath(path)).toBe(true);
        expect(path).toBe(path.normalize('NFC'));
        expect(path).not.toMatch(/[\0\\]/);
        for (const segment of path.split('/')) expect(['', '.', '..']).not.toContain(segment);
        expect(reservedTopNames).not.toContain(path.split('/')[0]?.toLowerCase());
        expect(Buffer.from(path).toString()).toBe(path);
        expect(normalizePath(`//${path}/`)).toBe(path);
        expect(joinPath(parentOf(path), baseName(path))).toBe(path);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['a', 'a'],
    ['/a//b/', 'a/b'],
    ['a/e\u0301', 'a/é'],
    [' a ', ' a '],
    ['...', '...'],
    ['a/..b', 'a/..b'],
    ['a/_tmp', 'a/_tmp'],
    ['_tmpx', '_tmpx'],
    ['%2e%2e/a', '%2e%2e/a'],
    ['\u2025/a', '\u2025/a'],
    ['\uff0e\uff0e/a', '\uff0e\uff0e/a'],
    ['a\nb', 'a\nb'],
    ['🐟', '🐟'],
  ])('takes %j as %j', (input, path) => {
    expect(normalizePath(input)).toBe(path);
  });

  const refused: readonly (readonly [string, ErrorCode])[] = [
    ['', 'PATH_INVALID'],
    ['/', 'PATH_INVALID'],
    ['.', 'PATH_INVALID'],
    ['..', 'PATH_INVALID'],
    ['../a', 'PATH_INVALID'],
    ['a/../b', 'PATH_INVALID'],
    ['a/..', 'PATH_INVALID'],
    ['a/./b', 'PATH_INVALID'],
    ['a\\b', 'PATH_INVALID'],
    ['..\\a', 'PATH_INVALID'],
    ['C:\\a', 'PATH_INVALID'],
    ['a\0b', 'PATH_INVALID'],
    ['\ud800', 'PATH_INVALID'],
    ['a/\udc00b', 'PATH_INVALID'],
    ['_tmp/a', 'PATH_RESERVED'],
    ['/_TMP/a', 'PATH_RESERVED'],
    ['_Trash', 'PATH_RESERVED'],
    ['_alt/x', 'PATH_RESERVED'],
    ['_big/x', 'PATH_RESERVED'],
    ['.shoal-store', 'PATH_RESERVED'],
    ['.SHOAL-store', 'PATH_RESERVED'],
    ['a'.repeat(maxPathBytes + 1), 'PATH_TOO_LONG'],
    ['文'.repeat(maxPathBytes / 3 + 1), 'PATH_TOO_LONG'],
  ];

  it.each(refused)('refuses %j: %s', async (input, code) => {
    const error = await errorOf(() => normalizePath(input));
    expect([error.code, error.status]).toEqual([code, 400]);
    expect(isLogicalPath(input)).toBe(false);
  });

  it('takes a path of exactly the longest length', () => {
    expect(normalizePath('a'.repeat(maxPathBytes))).toHaveLength(maxPathBytes);
  });
});

describe('the small ones', () => {
  it('normalizeFolder takes nothing for the root', () => {
    expect(['', '/', '///'].map(normalizeFolder)).toEqual(['', '', '']);
  });

  it('isLogicalPath refuses what would become another path', () => {
    expect(['/a', 'a/', 'a//b', 'e\u0301', 'a'].map(isLogicalPath)).toEqual([false, false, false, false, true]);
  });

  it.each([
    ['a.txt', 'a', '.txt'],
    ['a.tar.gz', 'a.tar', '.gz'],
    ['.profile', '.profile', ''],
    ['none', 'none', ''],
    ['a.', 'a', '.'],
    ['', '', ''],
  ])('splitExtension of %j', (name, stem, extension) => {
    expect(splitExtension(name)).toEqual({ stem, extension });
  });

  it.each([
    ['C:\\Documents\\a.txt', 'a.txt'],
    ['/etc/passwd', 'passwd'],
    ['a\\b/c', 'c'],
    ['a/b\\c', 'c'],
    ['plain', 'plain'],
    ['ends/', ''],
  ])('clientFileName of %j', (input, name) => {
    expect(clientFileName(input)).toBe(name);
  });

  it('trimSpecialCharacters keeps letters of any script, dots and underscores', () => {
    expect(trimSpecialCharacters('a b(1)[2]{3}-x_y.文件 é!@#$%^&*+=|;:\'",<>?`~\t.txt')).toBe('ab123x_y.文件é.txt');
    expect(trimSpecialCharacters('(-)')).toBe('');
  });

  it('foldPath makes equal what some disk cannot tell apart', () => {
    for (const [a, b] of [
      ['A.txt', 'a.TXT'],
      ['É', 'e\u0301'],
      ['ÀB/c', 'a\u0300b/C'],
    ] as const) {
      expect(foldPath(a)).toBe(foldPath(b));
    }
    expect(foldPath('a')).not.toBe(foldPath('b'));
  });

  it('foldPath has nothing left to fold', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (path) => foldPath(foldPath(path)) === foldPath(path)));
  });
});
