import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseListenAddress } from '../../../node-core/config/addresses.ts';
import { findJsonSyntaxError } from '../../../node-core/config/json-text.ts';
import { closestWord, editDistance } from '../../../node-core/config/misspelling.ts';
import { errorOf } from './config-folder.ts';

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('findJsonSyntaxError', () => {
  it.each([
    ['', 1, 1, 'the text ends too early'],
    ['{', 1, 2, 'the text ends too early'],
    ['{"a":1,}', 1, 8, 'the comma before } is one too many'],
    ['[1,\r\n]', 2, 1, 'the comma before ] is one too many'],
    ['{"a":1\n"b":2}', 2, 1, 'a comma or } is missing'],
    ['{"a" 1}', 1, 6, 'a colon is missing'],
    ['{a:1}', 1, 2, 'a key in double quotes is missing'],
    ["{'a':1}", 1, 2, 'text must stand in double quotes'],
    ['{} // note', 1, 4, 'comments are not possible in JSON'],
    ['{"a":"b', 1, 6, 'this text has no closing quote'],
    ['{"a":"C:\\data"}', 1, 6, 'this text holds a \\ or a control character that must be escaped'],
    ['{"a":01}', 1, 7, 'a comma or } is missing'],
    ['{}{}', 1, 3, 'there is text after the end'],
    ['{"a":}', 1, 6, 'a value is missing'],
  ])('%j', (text, line, column, problem) => {
    expect(isJson(text)).toBe(false);
    expect(findJsonSyntaxError(text)).toEqual({ line, column, problem });
  });

  it('agrees with JSON.parse on what is JSON', () => {
    const damaged = fc.tuple(
      fc.json(),
      fc.nat(),
      fc.nat(3),
      fc.constantFrom('', ',', '"', '}', ']', '\\', '0', ' ', '\n', '\u00a0'),
    );
    const text = damaged.map(([json, place, cut, put]) => {
      const at = place % (json.length + 1);
      return json.slice(0, at) + put + json.slice(at + cut);
    });
    let broken = 0;
    fc.assert(
      fc.property(fc.oneof(text, fc.json(), fc.string()), (candidate) => {
        if (!isJson(candidate)) broken += 1;
        expect(findJsonSyntaxError(candidate) === undefined).toBe(isJson(candidate));
      }),
      { numRuns: 2000 },
    );
    expect(broken).toBeGreaterThan(100);
  });

  it('survives any depth and length', () => {
    expect(findJsonSyntaxError('['.repeat(1_000_000))?.column).toBe(1_000_001);
    expect(findJsonSyntaxError(`"${'\\n'.repeat(500_000)}"x`)?.problem).toBe('there is text after the end');
  });
});

describe('closestWord', () => {
  it('counts swapped neighbours as one slip', () => {
    expect([
      editDistance('addr', 'adrd'),
      editDistance('addr', 'addr'),
      editDistance('', 'ab'),
      editDistance('abc', 'ca'),
    ]).toEqual([1, 0, 2, 3]);
  });

  it('finds the nearest, and nothing when none is near', () => {
    expect(closestWord('grop', ['groups', 'group'])).toBe('group');
    expect(closestWord('port', ['host', 'addr'])).toBeUndefined();
    expect(closestWord('something', ['host', 'addr'])).toBeUndefined();
  });
});

describe('parseListenAddress', () => {
  it.each([
    [':8080', { port: 8080 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['localhost:80', { host: 'localhost', port: 80 }],
    ['[::]:80', { host: '::', port: 80 }],
  ])('%s', (value, expected) => {
    expect(parseListenAddress(value)).toEqual(expected);
  });

  it('refuses the rest with a code', async () => {
    expect((await errorOf(() => parseListenAddress('8080'))).code).toBe('PARAMETER_INVALID');
  });
});
