import { ShoalError } from '../domain/errors.ts';
import { type Database, readText } from './committer.ts';
import { keys } from './keys.ts';
import { decode, encode } from './values.ts';

/** One step from a format to the next. It may be interrupted and run again. */
export type CatalogMigration = (db: Database) => Promise<void>;

/** `migrations[n]` leads from format n + 1 to n + 2. The newest format is one more than there are steps. */
export const migrations: readonly CatalogMigration[] = [];

/**
 * Brings a catalogue to the newest format, step by step; a new one gets its format number.
 * @throws ShoalError CATALOG_TOO_NEW.
 */
export async function upgradeCatalog(db: Database, steps: readonly CatalogMigration[] = migrations): Promise<void> {
  const known = steps.length + 1;
  const key = keys.meta('format');
  const text = readText(db, key);
  const found = text === undefined ? known : decode.number(key, text);
  if (found > known) throw new ShoalError('CATALOG_TOO_NEW', { details: { found, known } });
  for (let format = found; format < known; format += 1) {
    await steps[format - 1]?.(db);
    await db.put(key, encode(format + 1), { sync: true });
  }
  if (text === undefined) await db.put(key, encode(known), { sync: true });
}
