/** Changes the configuration file: checked as a whole, written atomically, one change after the other. */
import { ShoalError } from '../domain/errors.ts';
import { formatConfigFile, inTurn, readConfigFile, unreadable, writeConfigFile } from './config-file.ts';
import { upgradeConfigFile } from './load.ts';
import { currentConfigVersion, type RawConfig } from './migrations.ts';
import { holdsMask, mask, restoreMasked } from './redact.ts';
import { type Config, type ConfigKey, configKeyInfo, configKeyNames, isConfigKey } from './schema.ts';
import { isAccepted, suggestKey } from './unknown-keys.ts';
import { validateConfig, validOrDefault } from './validate.ts';

/** Values by key, from outside and not checked yet. */
export type ConfigChanges = Readonly<Record<string, unknown>>;

/** What a save did. */
export interface SavedConfig {
  /** What the file says now. Options and variables of the environment still go before it: load again to combine. */
  readonly config: Config;
  /** Keys whose value is another one now, in the order of the table. */
  readonly changed: readonly ConfigKey[];
  /** Those of them that count only after a restart. */
  readonly needRestart: readonly ConfigKey[];
}

/**
 * Changes some keys of a configuration file and keeps everything else in it, unknown keys included. A secret that still
 * is the mask of `redactConfig` stays what it was. Saves of one process run one after the other, in the order of the calls.
 *
 * @throws ShoalError CONFIG_INVALID that names the first bad key, CONFIG_UNREADABLE, CONFIG_TOO_NEW, DISK_FULL or
 * CONFIG_UNWRITABLE. The file is as it was then.
 */
export async function saveConfig(file: string, changes: ConfigChanges): Promise<SavedConfig> {
  return inTurn(file, async () => {
    const existing = await readConfigFile(file);
    if (!existing) throw unreadable(file, 'it does not exist');
    // A bad value in the file must not keep anybody from mending it.
    const before = validOrDefault(existing.raw);
    const given = readChanges(changes, before);
    const raw = { ...existing.raw, ...given };
    const config = validateConfig(raw);

    // The value in its usual form is stored, so that the file says what the node works with.
    const checked = Object.keys(given)
      .filter(isConfigKey)
      .map((key) => [key, config[key]]);
    const next: RawConfig = { ...raw, ...Object.fromEntries(checked) };
    if (existing.version < currentConfigVersion) await upgradeConfigFile(file, existing, next);
    else await writeConfigFile(file, formatConfigFile(file, next));

    const changed = configKeyNames.filter((key) => !isSame(before[key], config[key]));
    const needRestart = changed.filter((key) => configKeyInfo(key).applies === 'after-restart');
    return Object.freeze({ config, changed: Object.freeze(changed), needRestart: Object.freeze(needRestart) });
  });
}

/** The changes with masked secrets put back. `undefined` changes nothing. */
function readChanges(changes: ConfigChanges, before: Config): RawConfig {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([key, value]) => [key, readChange(key, value, before)]));
}

function readChange(key: string, value: unknown, before: Config): unknown {
  if (!isConfigKey(key)) {
    // The action reload of go-fastdfs sends whole files: what is accepted there is accepted here.
    if (isAccepted(key)) return value;
    const suggestion = suggestKey(key);
    throw refuse(key, suggestion ? `is not a known key, ${suggestion} is` : 'is not a known key');
  }
  const unmasked = restoreMasked(key, value, before);
  if (configKeyInfo(key).secret && holdsMask(unmasked)) throw refuse(key, `holds the mask ${mask} instead of a secret`);
  return unmasked;
}

function refuse(key: string, reason: string): ShoalError {
  return new ShoalError('CONFIG_INVALID', { details: { key, keys: key, reason } });
}

/** Equal as JSON. Checked values have a fixed order of keys. */
export function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
