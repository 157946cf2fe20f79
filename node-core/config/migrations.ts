/**
 * How the format of the configuration file changed over time.
 *
 * A migration gets the parsed file of one version and returns it for the next; it keeps keys it does not know.
 * A file without `config_version` is version 0: the file of a go-fastdfs node.
 */

/** A parsed configuration file, not validated. */
export type RawConfig = Readonly<Record<string, unknown>>;

type Migration = (raw: RawConfig) => RawConfig;

/** The migration at index n leads from version n to n + 1. A new format is one more entry. */
const migrations: readonly Migration[] = [fromGoFastdfs];

/** The version that this program writes. */
export const currentConfigVersion: number = migrations.length;

/** Brings a parsed file from `version` to {@link currentConfigVersion}, which is then its first key. */
export function migrate(raw: RawConfig, version: number): RawConfig {
  const migrated = migrations.slice(version).reduce((config, migration) => migration(config), raw);
  const mark = { config_version: currentConfigVersion };
  return { ...mark, ...migrated, ...mark };
}

/** Zeros and empty strings that Go writes for a key nobody set, and what the node works with instead. */
const goFastdfsUnset: Readonly<Record<string, { readonly unset: unknown; readonly value: unknown }>> = {
  download_token_expire: { unset: 0, value: 600 },
  refresh_interval: { unset: 0, value: 1800 },
  sync_worker: { unset: 0, value: 200 },
  sync_delay: { unset: 0, value: 60 },
  retry_count: { unset: 0, value: 3 },
  image_max_width: { unset: 0, value: 2000 },
  image_max_height: { unset: 0, value: 2000 },
  file_sum_arithmetic: { unset: '', value: 'md5' },
  default_scene: { unset: '', value: 'default' },
};

/** Version 0 to 1: the keys are the same, but a value means what it says. */
function fromGoFastdfs(raw: RawConfig): RawConfig {
  const entries = Object.entries(raw).map(([key, value]): [string, unknown] => {
    const rule = Object.hasOwn(goFastdfsUnset, key) ? goFastdfsUnset[key] : undefined;
    return [key, rule && value === rule.unset ? rule.value : value];
  });
  return Object.fromEntries(entries);
}
