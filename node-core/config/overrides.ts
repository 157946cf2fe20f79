/** What comes before the configuration file: options of the command line and variables of the environment. */
import { ShoalError } from '../domain/errors.ts';
import { parseListenAddress } from './addresses.ts';
import type { Config, ConfigKey } from './schema.ts';
import { checkValue } from './validate.ts';

/** Options of the command line that stand for configuration keys. */
export interface ConfigFlags {
  readonly addr?: string;
  readonly peerAddr?: string;
  readonly advertise?: string;
  readonly name?: string;
  /** One entry for each `--peer`. */
  readonly peers?: readonly string[];
  readonly clusterKey?: string;
}

/** Variables of the environment; an empty one counts as not set, because compose files pass them on like that. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the value of a key comes from. */
export type ConfigSource = 'flag' | 'env' | 'go-fastdfs env' | 'file' | 'default';

/** The names under which one key can be set without the file. */
export interface Override {
  readonly key: ConfigKey;
  readonly field: keyof ConfigFlags;
  /** Option of the command line, such as `--addr`. */
  readonly option: string;
  readonly env: string;
  /** Variable of go-fastdfs with the same meaning. */
  readonly goFastdfsEnv?: string;
  /** Variables hold several values, separated by commas. */
  readonly list?: true;
}

/** All overrides. A key that is not listed can be set in the file only. */
export const overrides: readonly Override[] = [
  { key: 'addr', field: 'addr', option: '--addr', env: 'SHOAL_ADDR' },
  { key: 'peer_addr', field: 'peerAddr', option: '--peer-addr', env: 'SHOAL_PEER_ADDR' },
  { key: 'advertise', field: 'advertise', option: '--advertise', env: 'SHOAL_ADVERTISE' },
  { key: 'node_name', field: 'name', option: '--name', env: 'SHOAL_NAME' },
  { key: 'cluster_key', field: 'clusterKey', option: '--cluster-key', env: 'SHOAL_CLUSTER_KEY' },
  { key: 'peers', field: 'peers', option: '--peer', env: 'SHOAL_PEER', goFastdfsEnv: 'GO_FASTDFS_PEERS', list: true },
];

/** Variables of go-fastdfs for keys that have no option. */
export const goFastdfsVariables: readonly { readonly key: ConfigKey; readonly env: string }[] = [
  { key: 'peer_id', env: 'GO_FASTDFS_PEER_ID' },
  { key: 'host', env: 'GO_FASTDFS_IP' },
];

/** A checked value that goes before the file. */
export interface Overriding {
  readonly key: ConfigKey;
  readonly value: Config[ConfigKey];
  readonly source: Exclude<ConfigSource, 'file' | 'default'>;
}

/**
 * The values that go before those of the file, in the order of {@link overrides}.
 *
 * @throws ShoalError FLAG_INVALID, or CONFIG_INVALID whose reason names the variable.
 */
export function readOverrides(flags: ConfigFlags, env: Environment, fromFile: Config): readonly Overriding[] {
  const found: Overriding[] = [];
  for (const override of overrides) {
    const overriding = readOverride(override, flags, env);
    if (overriding) found.push(overriding);
  }
  const addr = found.find(({ key }) => key === 'addr')?.value as Config['addr'] | undefined;
  for (const { key, env: variable } of goFastdfsVariables) {
    const text = env[variable];
    if (!text) continue;
    const value = key === 'host' ? hostOf(text, addr ?? fromFile.addr, fromFile.enable_https) : text;
    found.push({ key, value: checkVariable(key, value, variable), source: 'go-fastdfs env' });
  }
  return found;
}

function readOverride(override: Override, flags: ConfigFlags, env: Environment): Overriding | undefined {
  const { key, field, option, list } = override;
  const given = flags[field];
  if (given !== undefined && given.length > 0) {
    const checked = checkValue(key, given);
    if (!checked.ok) throw new ShoalError('FLAG_INVALID', { details: { flag: option, reason: checked.reason } });
    return { key, value: checked.value, source: 'flag' };
  }
  const variables = [
    { name: override.env, source: 'env' },
    { name: override.goFastdfsEnv, source: 'go-fastdfs env' },
  ] as const;
  for (const { name, source } of variables) {
    const text = name === undefined ? undefined : env[name];
    if (name === undefined || !text) continue;
    const value = list
      ? text
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== '')
      : text;
    return { key, value: checkVariable(key, value, name), source };
  }
  return undefined;
}

function checkVariable(key: ConfigKey, value: unknown, variable: string): Config[ConfigKey] {
  const checked = checkValue(key, value);
  if (checked.ok) return checked.value;
  throw new ShoalError('CONFIG_INVALID', { details: { key, keys: key, reason: `${variable} ${checked.reason}` } });
}

/** GO_FASTDFS_IP holds a bare address; the URL of the node needs its scheme and port too. */
function hostOf(address: string, addr: string, https: boolean): string {
  if (address.includes('://')) return address;
  const isBareIpv6 = address.split(':').length > 2 && !address.startsWith('[');
  const host = isBareIpv6 ? `[${address}]` : address;
  const { port } = parseListenAddress(addr);
  const hasPort = /:\d+$/.test(host) && !host.endsWith(']');
  return `${https ? 'https' : 'http'}://${host}${hasPort || port === 0 ? '' : `:${port}`}`;
}
