/** Reads the configuration of a node when it starts: generates, upgrades, checks and combines. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import {
  backUpConfigFile,
  type ConfigFile,
  formatConfigFile,
  inTurn,
  readConfigFile,
  writeConfigFile,
} from './config-file.ts';
import { currentConfigVersion, type RawConfig } from './migrations.ts';
import { type ConfigFlags, type ConfigSource, type Environment, readOverrides } from './overrides.ts';
import { type Config, type ConfigKey, configKeyNames, deepFreeze, defaultConfig } from './schema.ts';
import { type ConfigWarning, warnAboutKeys } from './unknown-keys.ts';
import { validateConfig } from './validate.ts';

/** What {@link loadConfig} works from. */
export interface LoadConfigOptions {
  /** The data folder of the node; the file is `conf/cfg.json` in it. */
  readonly dataDir: string;
  /** Another place for the file. */
  readonly configFile?: string;
  readonly flags: ConfigFlags;
  readonly env: Environment;
  /** What a generated file holds instead of defaults. A file that exists is not touched by it. */
  readonly generatedWith?: Partial<Config>;
}

/** A configuration and where it comes from. */
export interface LoadedConfig {
  /** Complete, valid and frozen all the way down. */
  readonly config: Config;
  /** Absolute path of the file. */
  readonly file: string;
  /** There was no file: it was written with the defaults and a random `admin_key`. */
  readonly generated: boolean;
  /** The version that the file had before it was upgraded; 0 is a file of go-fastdfs. */
  readonly upgradedFrom?: number;
  readonly warnings: readonly ConfigWarning[];
  readonly sources: Readonly<Record<ConfigKey, ConfigSource>>;
}

/**
 * Loads the configuration. For each key the first of these counts: option, `SHOAL_*`, `GO_FASTDFS_*`, file, default.
 * Options and variables are never written to the file. A missing file is generated; a file of an older version is
 * upgraded after a copy was kept; any other file is left alone.
 *
 * @throws ShoalError CONFIG_UNREADABLE, CONFIG_INVALID, CONFIG_TOO_NEW, FLAG_INVALID, and DISK_FULL or CONFIG_UNWRITABLE
 * when the file must be written and cannot be. Nothing was written when it is one of the first four.
 */
export async function loadConfig(options: LoadConfigOptions): Promise<LoadedConfig> {
  const file = path.resolve(options.configFile ?? path.join(options.dataDir, 'conf', 'cfg.json'));
  return inTurn(file, async () => {
    const existing = await readConfigFile(file);
    const raw: RawConfig = existing?.raw ?? generate(options.generatedWith);
    const fromFile = validateConfig(raw);
    const overriding = readOverrides(options.flags, options.env, fromFile);

    // Everything is known to be good before the first byte is written.
    if (!existing) await writeConfigFile(file, formatConfigFile(file, raw));
    else if (existing.version < currentConfigVersion) await upgradeConfigFile(file, existing, raw);

    const sources = Object.fromEntries(configKeyNames.map((key) => [key, sourceInFile(existing, key)]));
    for (const { key, source } of overriding) sources[key] = source;
    const values = Object.fromEntries(overriding.map(({ key, value }) => [key, value]));
    return Object.freeze({
      config: deepFreeze({ ...fromFile, ...values }) as Config,
      file,
      generated: !existing,
      ...(existing && existing.version < currentConfigVersion && { upgradedFrom: existing.version }),
      warnings: Object.freeze(existing ? warnAboutKeys(existing.raw) : []),
      sources: Object.freeze(sources) as Record<ConfigKey, ConfigSource>,
    });
  });
}

/**
 * Writes the upgraded content after the old bytes were kept beside it. The caller holds the turn of the file.
 *
 * @throws ShoalError DISK_FULL or CONFIG_UNWRITABLE.
 */
export async function upgradeConfigFile(file: string, old: ConfigFile, upgraded: RawConfig): Promise<void> {
  const text = formatConfigFile(file, upgraded);
  await backUpConfigFile(file, old);
  await writeConfigFile(file, text);
}

/** Every key with its default, the version first as after an upgrade. */
function generate(instead: Partial<Config> = {}): RawConfig {
  const { config_version, ...others } = defaultConfig;
  return { config_version, ...others, ...instead, admin_key: randomUUID() };
}

/** A generated file holds nothing that anybody chose, except the key that was made for it. */
function sourceInFile(existing: ConfigFile | undefined, key: ConfigKey): ConfigSource {
  const chosen = existing ? Object.hasOwn(existing.raw, key) : key === 'admin_key';
  return chosen ? 'file' : 'default';
}
