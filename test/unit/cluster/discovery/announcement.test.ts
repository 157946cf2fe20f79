import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idOf, labelOf, readText, writeText } from '../../../../node-core/cluster/discovery/announcement.ts';

const id = 'ab'.repeat(32);
const strings = (...lines: readonly string[]) => lines.map((line) => Buffer.from(line));
const asSent = (text: Record<string, string>) =>
  strings(...Object.entries(text).map(([key, value]) => `${key}=${value}`));

describe('the instance name', () => {
  it('is a label of DNS that holds the whole id', () => {
    const ids = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
    fc.assert(
      fc.property(ids, (one) => {
        expect(labelOf(one)).toMatch(/^[0-9a-v]{52}$/);
        expect(idOf(labelOf(one))).toBe(one);
        expect(idOf(labelOf(one).toUpperCase())).toBe(one);
      }),
      { examples: [['0'.repeat(64)], ['f'.repeat(64)]] },
    );
  });

  it.each(['', 'printer', 'v'.repeat(52), '0'.repeat(51), '0'.repeat(53), 'w'.repeat(52), '０'.repeat(52)])(
    'is none: %j',
    (label) => {
      expect(idOf(label)).toBeUndefined();
    },
  );
});

describe('TXT', () => {
  it('says name, port and tag', () => {
    const announcement = { id, name: '客厅的电脑 🐟', port: 8443, httpPort: 8080, tag: 'Ab_-9' };
    expect(readText(asSent(writeText(announcement)))).toEqual({ name: '客厅的电脑 🐟', httpPort: 8080, tag: 'Ab_-9' });
  });

  it.each([
    ['a long name', 'x'.repeat(10_000)],
    ['a long name of wide letters', '🐟'.repeat(10_000)],
    ['a name of letters that belong together', '👩‍👩‍👧‍👦'.repeat(100)],
  ])('stays small with %s', (_, name) => {
    const sent = asSent(writeText({ id, name, port: 1, httpPort: 65_535, tag: 'x'.repeat(64) }));
    for (const one of sent) expect(one.length).toBeLessThanOrEqual(255);
    expect(sent.reduce((sum, one) => sum + one.length, 0)).toBeLessThan(400);
    expect(name.startsWith(readText(sent).name)).toBe(true);
    expect(readText(sent).name).not.toBe('');
  });

  it.each([
    ['nothing', undefined, { name: '' }],
    ['text in place of bytes', ['name=x'], { name: '' }],
    ['no key', strings('=x', 'x', ''), { name: '' }],
    ['keys in capitals', strings('NAME=x', 'Http=80'), { name: 'x', httpPort: 80 }],
    ['a key twice', strings('name=first', 'name=second'), { name: 'first' }],
    ['a value with =', strings('name=a=b'), { name: 'a=b' }],
    ['ports that are none', strings('name=x', 'http=0'), { name: 'x' }],
    ['ports that are none', strings('name=x', 'http=65536'), { name: 'x' }],
    ['ports that are none', strings('name=x', 'http=8e3'), { name: 'x' }],
    ['a tag that is none', strings('name=x', 'tag=<b>'), { name: 'x' }],
    ['a tag that is too long', strings('name=x', `tag=${'x'.repeat(65)}`), { name: 'x' }],
    ['names of objects', strings('__proto__=x', 'constructor=x', 'name=x'), { name: 'x' }],
    ['bytes that are no text', [Buffer.from('name=a\xff\xfeb', 'latin1')], { name: 'ab' }],
    ['several lines', strings('name=a\r\nb\u2028c\0'), { name: 'abc' }],
    ['marks that turn the line around', strings('name=exe\u202egpj.\u2066x'), { name: 'exegpj.x' }],
    ['too many strings', Array.from({ length: 65 }, () => Buffer.from('name=x')), { name: '' }],
  ])('with %s is read as far as it makes sense', (_, data, expected) => {
    expect(readText(data)).toEqual(expected);
  });
});
