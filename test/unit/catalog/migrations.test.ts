import { Level } from 'level';
import { describe, expect, it } from 'vitest';
import type { Database } from '../../../node-core/catalog/committer.ts';
import { keys } from '../../../node-core/catalog/keys.ts';
import { type CatalogMigration, migrations, upgradeCatalog } from '../../../node-core/catalog/migrations.ts';
import { errorOf, makeFolder } from '../temp-folder.ts';

async function openDatabase(): Promise<Database> {
  const db: Database = new Level<string, string>(await makeFolder(), { keyEncoding: 'utf8', valueEncoding: 'utf8' });
  await db.open();
  return db;
}

/** Steps that note that they ran; the one named fails the first time. */
function notedSteps(count: number, failing?: number): { steps: CatalogMigration[]; ran: number[] } {
  const ran: number[] = [];
  let failed = false;
  const steps = Array.from({ length: count }, (_, index) => async (db: Database) => {
    if (index === failing && !failed) {
      failed = true;
      throw new Error(`step ${index} was interrupted`);
    }
    ran.push(index);
    await db.put(`step ${index}`, 'done');
  });
  return { steps, ran };
}

describe('upgradeCatalog', () => {
  it('gives a new catalogue the newest format without any step', async () => {
    const db = await openDatabase();
    const { steps, ran } = notedSteps(3);
    await upgradeCatalog(db, steps);
    expect([db.getSync(keys.meta('format')), ran]).toEqual(['4', []]);
    await db.close();
  });

  it.each([
    [1, [0, 1, 2]],
    [2, [1, 2]],
    [4, []],
  ])('takes a catalogue of format %i through the steps it lacks, each once', async (format, expected) => {
    const db = await openDatabase();
    await db.put(keys.meta('format'), String(format));
    const { steps, ran } = notedSteps(3);
    await upgradeCatalog(db, steps);
    await upgradeCatalog(db, steps);
    expect([db.getSync(keys.meta('format')), ran]).toEqual(['4', expected]);
    await db.close();
  });

  it('goes on with the interrupted step at the next start', async () => {
    const db = await openDatabase();
    await db.put(keys.meta('format'), '1');
    const { steps, ran } = notedSteps(3, 1);
    await expect(upgradeCatalog(db, steps)).rejects.toThrow('interrupted');
    expect(db.getSync(keys.meta('format'))).toBe('2');
    await upgradeCatalog(db, steps);
    expect([db.getSync(keys.meta('format')), ran]).toEqual(['4', [0, 1, 2]]);
    await db.close();
  });

  it('refuses a catalogue of a newer version, and leaves it as it is', async () => {
    const db = await openDatabase();
    const newer = String(migrations.length + 2);
    await db.put(keys.meta('format'), newer);
    const error = await errorOf(() => upgradeCatalog(db));
    expect(error.code).toBe('CATALOG_TOO_NEW');
    expect(error.details).toEqual({ found: migrations.length + 2, known: migrations.length + 1 });
    expect(db.getSync(keys.meta('format'))).toBe(newer);
    await db.close();
  });

  it('takes a format that cannot be read for damage, not for a new catalogue', async () => {
    const db = await openDatabase();
    await db.put(keys.meta('format'), 'x');
    expect((await errorOf(() => upgradeCatalog(db))).code).toBe('CATALOG_CORRUPT');
    await db.close();
  });
});
