import fc from 'fast-check';
import { Level } from 'level';
import { describe, expect, it } from 'vitest';
import { arrivalOf, type KeyRange, keys, lastPart } from '../../../node-core/catalog/keys.ts';
import { makeFolder } from '../temp-folder.ts';

/** Names as they come: letters, control characters, the last character of the basic plane, and what sorts after it. */
const character = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'f',
    'd',
    ' ',
    '\u0001',
    '\u0002',
    '\u001f',
    '\u007f',
    '\uffff',
    '\u{10ffff}',
    '🐟',
    'é',
    '文',
  ),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }).filter((text) => !/[\0/]/.test(text)),
);
const name = fc.array(character, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const folder = fc.oneof(fc.constant(''), path);
const kind = fc.constantFrom('file' as const, 'dir' as const);
const byteOrder = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Puts all keys into a real database and asks for a range. */
async function keysIn(all: Iterable<string>, range: KeyRange): Promise<string[]> {
  const db = new Level<string, string>(await makeFolder(), { keyEncoding: 'utf8', valueEncoding: 'utf8' });
  await db.batch([...all].map((key) => ({ type: 'put', key, value: '' })));
  const found = await db.keys(range).all();
  await db.close();
  return found;
}

describe('keys', () => {
  it('give back their last part, whatever characters it has', () => {
    fc.assert(
      fc.property(path, folder, kind, name, fc.nat(), (aPath, aFolder, aKind, aName, arrival) => {
        expect(lastPart(keys.entry(aFolder, aKind, aName))).toBe(aName);
        expect(lastPart(keys.digest('md5', 'abc', aPath))).toBe(aPath);
        expect(lastPart(keys.place('abc', aPath))).toBe(aPath);
        expect(arrivalOf(keys.feed(arrival))).toBe(arrival);
      }),
    );
  });

  it('never collide between tables, folders, kinds and names', () => {
    const entry = fc.record({ folder, kind, name });
    fc.assert(
      fc.property(entry, entry, (a, b) => {
        const same = a.folder === b.folder && a.kind === b.kind && a.name === b.name;
        expect(keys.entry(a.folder, a.kind, a.name) === keys.entry(b.folder, b.kind, b.name)).toBe(same);
      }),
    );
    const one = [
      keys.meta('format'),
      keys.record('x'),
      keys.local('x', 'd'),
      keys.alias('x'),
      keys.entry('', 'file', 'x'),
      keys.digest('md5', 'x', 'x'),
      keys.place('x', 'x'),
      keys.linkSource('x'),
      keys.blocks('x'),
      keys.feed(1),
      keys.arrival('x'),
      keys.vector('x'),
      keys.day('x'),
      keys.intent('x'),
      keys.trash('x'),
    ];
    expect(new Set(one.map((key) => key[0])).size).toBe(one.length);
  });

  it('of one folder are exactly one range: folders first, then by name in byte order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ folder, kind, name }), { minLength: 1, maxLength: 30 }),
        fc.nat(),
        async (entries, pick) => {
          const asked = entries[pick % entries.length]?.folder ?? '';
          const all = new Set(entries.map((entry) => keys.entry(entry.folder, entry.kind, entry.name)));
          const own = entries.filter((entry) => entry.folder === asked);
          const sorted = (['dir', 'file'] as const).flatMap((one) =>
            [...new Set(own.filter((entry) => entry.kind === one).map((entry) => entry.name))]
              .sort(byteOrder)
              .map((aName) => keys.entry(asked, one, aName)),
          );
          expect(await keysIn(all, keys.entries(asked))).toEqual(sorted);
          const middle = own[pick % own.length];
          if (middle) {
            const after = keys.entriesAfter(asked, middle.kind, middle.name);
            const position = sorted.indexOf(keys.entry(asked, middle.kind, middle.name));
            expect(await keysIn(all, after)).toEqual(sorted.slice(position + 1));
          }
        },
      ),
      { numRuns: 40 },
    );
  }, 30_000);

  it('of one digest, one content and one table are exactly one range', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(path, { minLength: 1, maxLength: 10 }), async (paths) => {
        const all = new Set(
          paths.flatMap((one) => [
            keys.digest('md5', 'aa', one),
            keys.digest('md5', 'aab', one),
            keys.digest('sha1', 'aa', one),
            keys.place('aa', one),
            keys.place('ab', one),
            keys.record(one),
            keys.alias(one),
          ]),
        );
        const sorted = [...new Set(paths)].sort(byteOrder);
        const ranges = [
          [keys.digests('md5', 'aa'), (one: string) => keys.digest('md5', 'aa', one)],
          [keys.places('aa'), (one: string) => keys.place('aa', one)],
          [keys.records(), (one: string) => keys.record(one)],
        ] as const;
        for (const [range, key] of ranges) expect(await keysIn(all, range)).toEqual(sorted.map(key));
      }),
      { numRuns: 25 },
    );
  }, 30_000);

  it('of the feed sort by arrival number', async () => {
    const numbers = [0, 1, 9, 10, 15, 16, 255, 256, 2 ** 32, 2 ** 48, Number.MAX_SAFE_INTEGER];
    const all = [...numbers.map((number) => keys.feed(number)), keys.arrival('x'), keys.alias('x')];
    expect((await keysIn(all, keys.feedAfter(9))).map(arrivalOf)).toEqual(numbers.slice(3));
  });
});
