/** Checks configuration values and words what is wrong with them, without ever repeating a secret. */
import type { z } from 'zod';
import { ShoalError } from '../domain/errors.ts';
import {
  type Config,
  type ConfigKey,
  configKeyInfo,
  configKeyNames,
  configSchema,
  deepFreeze,
  defaultConfig,
} from './schema.ts';

/** A checked value in its usual form, or a plain reason in English why it is not one. */
export type CheckedValue =
  | { readonly ok: true; readonly value: Config[ConfigKey] }
  | { readonly ok: false; readonly reason: string };

/** Checks the value of one key. */
export function checkValue(key: ConfigKey, value: unknown): CheckedValue {
  const result = configSchema.shape[key].safeParse(value);
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, reason: wordIssue(key, value, result.error.issues[0]) };
}

/**
 * Checks a whole parsed file. Missing keys get their default, unknown ones are left out; the result is frozen.
 *
 * @throws ShoalError CONFIG_INVALID that names the first bad key in the order of the table (`key`, `reason`) and, in
 * `keys`, all of them.
 */
export function validateConfig(raw: Readonly<Record<string, unknown>>): Config {
  const values: [ConfigKey, unknown][] = [];
  const bad: { readonly key: ConfigKey; readonly reason: string }[] = [];
  for (const key of configKeyNames) {
    const checked = Object.hasOwn(raw, key) ? checkValue(key, raw[key]) : undefined;
    if (checked?.ok === false) bad.push({ key, reason: checked.reason });
    else values.push([key, checked ? checked.value : defaultConfig[key]]);
  }
  const [first] = bad;
  if (first) {
    throw new ShoalError('CONFIG_INVALID', { details: { ...first, keys: bad.map(({ key }) => key).join(', ') } });
  }
  return deepFreeze(Object.fromEntries(values)) as Config;
}

/** Like {@link validateConfig}, but a bad value counts as missing. */
export function validOrDefault(raw: Readonly<Record<string, unknown>>): Config {
  const isGood = (key: ConfigKey): boolean => Object.hasOwn(raw, key) && checkValue(key, raw[key]).ok;
  return validateConfig(Object.fromEntries(configKeyNames.filter(isGood).map((key) => [key, raw[key]])));
}

/** Longest value, in characters of JSON, that a message repeats. */
const maxQuotedLength = 80;

function wordIssue(key: ConfigKey, value: unknown, issue: z.core.$ZodIssue | undefined): string {
  const path = issue?.path ?? [];
  const place = path.map((step) => (typeof step === 'number' ? `entry ${step + 1} ` : `${String(step)} `)).join('');
  const reason = `${place}${issue?.message ?? 'is not valid'}`;
  if (configKeyInfo(key).secret) return reason;
  const culprit = path.reduce<unknown>(stepInto, value);
  const isPlain = culprit === null || ['string', 'number', 'boolean'].includes(typeof culprit);
  if (!isPlain) return reason;
  const quoted = JSON.stringify(culprit);
  return quoted.length <= maxQuotedLength ? `${reason}, not ${quoted}` : reason;
}

function stepInto(value: unknown, step: PropertyKey): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined;
}
