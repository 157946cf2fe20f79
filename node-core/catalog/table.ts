/** Small tables whose values are read and written whole, by an id of their own (keys.ts: row). */
import type { z } from 'zod';
import { decoder } from './values.ts';

/** A table. Its letter is its place among the keys, and no other table has it. */
export interface Table<T> {
  readonly letter: string;
  /** @throws ShoalError CATALOG_CORRUPT. */
  readonly decode: (key: string, text: string) => T;
}

/** Describes a table. */
export function table<T>(letter: string, schema: z.ZodType<T>): Table<T> {
  return { letter, decode: decoder(schema) };
}
