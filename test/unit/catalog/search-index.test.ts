/** The index of names against a plain look at every name, over random names, changes and questions. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { baseName } from '../../../node-core/domain/paths.ts';
import { Bench } from '../files/fixture.ts';

/** Few letters, so that names share pairs; some that case, composition and surrogates make difficult. */
const letters = ['a', 'b', 'A', 'ß', 'İ', 'é', 'e\u0301', '报', '告', '🐟', '.', ' '];
const name = fc
  .array(fc.constantFrom(...letters), { minLength: 1, maxLength: 6 })
  .map((parts) => parts.join('').normalize('NFC'))
  .filter((text) => text !== '.' && text !== '..');
const asked = fc.array(fc.constantFrom(...letters), { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));

type Change =
  | { readonly kind: 'put'; readonly path: string; readonly name: string }
  | { readonly kind: 'remove'; readonly path: string };

const path = fc.tuple(fc.constantFrom('', 'x/', 'x/y/'), name).map(([folder, last]) => folder + last);
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('put' as const), path, name }) },
  fc.record({ kind: fc.constant('remove' as const), path }),
);

const fold = (text: string) => text.normalize('NFC').toLowerCase();

describe('search', () => {
  it('finds what a look at every name finds, whatever was written, replaced and removed before', async () => {
    const property = fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 25 }),
      fc.array(asked, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 5 }),
      async (changes, questions, limit) => {
        const bench = await Bench.open();
        try {
          const names = new Map<string, string>();
          for (const [index, one] of changes.entries()) {
            if (one.kind === 'put') {
              await bench.upload(one.path, `content ${index}`, { name: one.name });
              names.set(one.path, one.name);
            } else if (names.delete(one.path)) await bench.remover.removePath(one.path, 'test');
          }
          for (const text of questions) {
            const expected = [...names]
              .filter(([at, given]) => [baseName(at), given].some((known) => fold(known).includes(fold(text))))
              .map(([at]) => at)
              .sort();
            const found = (await bench.context.catalog.search(text, 1000)).map((file) => file.path);
            expect(found.toSorted(), `all that hold ${JSON.stringify(text)}`).toEqual(expected);
            const some = (await bench.context.catalog.search(text, limit)).map((file) => file.path);
            expect(some.length).toBe(Math.min(limit, expected.length));
            expect(new Set(some).size).toBe(some.length);
            for (const at of some) expect(expected).toContain(at);
          }
        } finally {
          await bench.close();
        }
      },
    );
    await fc.assert(property, { numRuns: 60 });
  }, 60_000);

  it('of nothing finds nothing', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'x');
    for (const text of ['', '\0', '\u0001']) expect(await bench.context.catalog.search(text, 10)).toEqual([]);
  });

  it('looks beyond a full page of one list', async () => {
    const bench = await Bench.open();
    await bench.context.catalog.commit((transaction) => {
      for (let index = 0; index < 2500; index += 1) {
        const digests = { size: 1, sha256: 'a'.repeat(64), md5: 'b'.repeat(32), blockRoot: 'a'.repeat(64) };
        const at = `photo ${String(index).padStart(4, '0')}.jpg`;
        transaction.write(at, { kind: 'file', digests, name: at, scene: '', mtimeMs: 1, storedMs: 1 });
      }
    });
    const found = await bench.context.catalog.search('photo 2', 10_000);
    expect(found.map((file) => file.path)).toEqual(
      Array.from({ length: 500 }, (_, index) => `photo ${2000 + index}.jpg`),
    );
    expect((await bench.context.catalog.search('photo 2499', 1)).map((file) => file.path)).toEqual(['photo 2499.jpg']);
    expect(await bench.context.catalog.search('p', 10_000)).toHaveLength(2500);
  });
});
