import { Level } from 'level';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, readText } from '../../../node-core/catalog/committer.ts';
import { makeFolder } from '../temp-folder.ts';

describe('reading a key of many bytes', () => {
  let db: Database;
  beforeAll(async () => {
    db = new Level(await makeFolder(), { keyEncoding: 'utf8', valueEncoding: 'utf8' });
    await db.open();
  });
  afterAll(() => db.close());

  it.each(['a', 'é', '长', '🐟'])('finds exactly what was written under %s again and again', async (character) => {
    for (const count of [1, 80, 200, 256, 340, 341, 342, 500, 1024, 1365]) {
      const key = character.repeat(count);
      await db.put(key, `${character} ${count}`);
      expect(readText(db, key)).toBe(`${character} ${count}`);
      expect(readText(db, `${key}${character}x`)).toBeUndefined();
    }
  });
});
