/** The command line: `shoal --server [options]` and `shoal <command> ...`. A new option is one row of the table. */
import { parseArgs } from 'node:util';
import { type Language, ShoalError } from '../domain/errors.ts';
import type { ConfigFlags, Environment } from './overrides.ts';

/** The commands besides the server. What follows one is its own affair, except `--data`. */
export const commandNames = [
  'status',
  'key',
  'invite',
  'join',
  'import',
  'verify',
  'backup',
  'restore',
  'pack',
] as const;

/** The name of a command. */
export type CommandName = (typeof commandNames)[number];

/** What the command line asks for. */
export type ParsedCommandLine =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | {
      readonly kind: 'server';
      /** From `--data` or the environment; undefined leaves the choice to the program. */
      readonly dataDir?: string;
      readonly configFile?: string;
      readonly flags: ConfigFlags;
      readonly joining?: JoiningFlags;
    }
  | {
      readonly kind: 'command';
      readonly command: CommandName;
      /** Everything behind the command as it was written, without `--data`. */
      readonly args: readonly string[];
      readonly dataDir?: string;
    };

/** How this start may join a cluster. Nothing of it is kept in the configuration. */
export interface JoiningFlags {
  readonly clusterKeyFile?: string;
  /** Token of an invite. */
  readonly joinToken?: string;
  readonly trustLan?: true;
  /** Neither announces itself on the network nor listens there, whatever the configuration says. */
  readonly noDiscovery?: true;
}

interface FlagDefinition {
  /** Name without dashes. */
  readonly name: string;
  /** What stands for its value in the help; without it the option takes none. */
  readonly value?: string;
  /** The configuration key that it stands for. */
  readonly field?: keyof ConfigFlags;
  /** It may be given several times. */
  readonly repeatable?: true;
  /** Whether it is of use to the server only. */
  readonly serverOnly?: true;
  readonly en: string;
  readonly zh: string;
}

const flagTable: readonly FlagDefinition[] = [
  { name: 'server', en: 'run the storage node', zh: '运行存储节点' },
  { name: 'data', value: 'DIR', en: 'data folder (SHOAL_DATA)', zh: '数据目录（SHOAL_DATA）' },
  {
    name: 'addr',
    value: 'HOST:PORT',
    field: 'addr',
    serverOnly: true,
    en: 'address of the HTTP interface, default :8080 (SHOAL_ADDR)',
    zh: 'HTTP 接口的监听地址，默认 :8080（SHOAL_ADDR）',
  },
  {
    name: 'name',
    value: 'NAME',
    field: 'name',
    serverOnly: true,
    en: 'name of this node, default the host name (SHOAL_NAME)',
    zh: '本节点名称，默认为主机名（SHOAL_NAME）',
  },
  {
    name: 'config',
    value: 'FILE',
    serverOnly: true,
    en: 'configuration file, default conf/cfg.json in the data folder (SHOAL_CONFIG)',
    zh: '配置文件，默认为数据目录下的 conf/cfg.json（SHOAL_CONFIG）',
  },
  {
    name: 'peer-addr',
    value: 'HOST:PORT',
    field: 'peerAddr',
    serverOnly: true,
    en: 'address for other members, default :8443 (SHOAL_PEER_ADDR)',
    zh: '供其他成员连接的监听地址，默认 :8443（SHOAL_PEER_ADDR）',
  },
  {
    name: 'advertise',
    value: 'HOST:PORT',
    field: 'advertise',
    serverOnly: true,
    en: 'where other members reach this node, when it is behind NAT (SHOAL_ADVERTISE)',
    zh: '位于 NAT 之后时，其他成员访问本节点的地址（SHOAL_ADVERTISE）',
  },
  {
    name: 'cluster-key',
    value: 'KEY',
    field: 'clusterKey',
    serverOnly: true,
    en: 'nodes with the same key join each other (SHOAL_CLUSTER_KEY)',
    zh: '密钥相同的节点自动组成集群（SHOAL_CLUSTER_KEY）',
  },
  {
    name: 'cluster-key-file',
    value: 'FILE',
    serverOnly: true,
    en: 'file with that key (SHOAL_CLUSTER_KEY_FILE)',
    zh: '存放该密钥的文件（SHOAL_CLUSTER_KEY_FILE）',
  },
  {
    name: 'join',
    value: 'TOKEN',
    serverOnly: true,
    en: 'join a cluster by an invite (SHOAL_JOIN)',
    zh: '通过邀请加入集群（SHOAL_JOIN）',
  },
  {
    name: 'peer',
    value: 'URL',
    field: 'peers',
    repeatable: true,
    serverOnly: true,
    en: 'HTTP address of another node; may be given several times (SHOAL_PEER)',
    zh: '其他节点的 HTTP 地址，可多次指定（SHOAL_PEER）',
  },
  {
    name: 'no-discovery',
    serverOnly: true,
    en: 'neither announce this node on the network nor look for others there (SHOAL_NO_DISCOVERY)',
    zh: '既不在网络上公布本节点，也不查找其他节点（SHOAL_NO_DISCOVERY）',
  },
  {
    name: 'trust-lan',
    serverOnly: true,
    en: 'let in every node of the same private network, until the next start (SHOAL_TRUST_LAN=1)',
    zh: '允许同一私有网络中的所有节点加入，直至下次启动（SHOAL_TRUST_LAN=1）',
  },
  { name: 'help', en: 'show this help', zh: '显示本帮助' },
  { name: 'version', en: 'show the version', zh: '显示版本' },
];

/** Whether the command line of this version has the option, written with its dashes. */
export function isOption(option: string): boolean {
  return flagTable.some(({ name }) => option === `--${name}`);
}

/**
 * Reads the command line, without the names of Node and of the script.
 *
 * @throws ShoalError FLAG_UNKNOWN, FLAG_INVALID or COMMAND_UNKNOWN. None of them repeats the value of an unknown option.
 */
export function parseCommandLine(argv: readonly string[], env: Environment): ParsedCommandLine {
  const split = commandIndex(argv);
  const own = argv.slice(0, split);
  if (split === argv.length) return parseOwnOptions(own, env);

  // Options first: the word behind an unknown one may be its value, and a secret.
  const given = readFlags(own);
  const command = argv[split] ?? '';
  if (given.has('help')) return { kind: 'help' };
  if (!isCommandName(command)) throw new ShoalError('COMMAND_UNKNOWN', { details: { command } });
  for (const name of given.keys()) {
    if (name !== 'data') throw invalid(name, `it does not go together with the command ${command}`);
  }
  const { args, dataDir } = takeDataDir(argv.slice(split + 1), first(given, 'data'));
  const folder = resolveDataDir(dataDir, env, undefined);
  return { kind: 'command', command, args, ...(folder !== undefined && { dataDir: folder }) };
}

/** The data folder: `--data`, else `SHOAL_DATA`, else `GO_FASTDFS_DIR`, else the one of the program. */
export function resolveDataDir(flag: string | undefined, env: Environment, appDefault: string): string;
export function resolveDataDir(flag: string | undefined, env: Environment, appDefault: undefined): string | undefined;
export function resolveDataDir(flag: string | undefined, env: Environment, appDefault: string | undefined) {
  // `||`: an empty variable counts as not set.
  return flag ?? (env.SHOAL_DATA || env.GO_FASTDFS_DIR || appDefault);
}

/** A command as the help names it. */
export interface CommandSummary {
  readonly name: CommandName;
  readonly summary: string;
}

/** The help text. `available` are the commands that this program has. */
export function helpText(language: Language, available: readonly CommandSummary[] = []): string {
  const words = {
    en: { usage: 'Usage', command: 'command', options: 'Options', commands: 'Commands' },
    zh: { usage: '用法', command: '命令', options: '选项', commands: '命令' },
  }[language];
  const width = Math.max(...flagTable.map((definition) => signature(definition).length));
  const lines = [`${words.usage}:`, `  shoal --server ${flagTable.filter(isServerOption).map(bracket).join(' ')}`];
  if (available.length > 0) lines.push(`  shoal <${words.command}> [--data DIR] ...`);
  lines.push('', `${words.options}:`);
  for (const definition of flagTable) lines.push(`  ${signature(definition).padEnd(width)}  ${definition[language]}`);
  if (available.length > 0) lines.push('', `${words.commands}:`);
  for (const { name, summary } of available) lines.push(`  ${name.padEnd(width)}  ${summary}`);
  return `${lines.join('\n')}\n`;
}

function parseOwnOptions(args: readonly string[], env: Environment): ParsedCommandLine {
  const given = readFlags(args);
  if (given.has('help') || given.size === 0) return { kind: 'help' };
  if (given.has('version')) return { kind: 'version' };
  if (!given.has('server')) throw invalid(given.keys().next().value ?? '', 'it needs --server or a command');

  const flags: Record<string, string | readonly string[]> = {};
  for (const { name, field, repeatable } of flagTable) {
    const values = given.get(name);
    if (field && values !== undefined) flags[field] = repeatable ? values : (values[0] ?? '');
  }
  const dataDir = resolveDataDir(first(given, 'data'), env, undefined);
  const configFile = first(given, 'config') ?? (env.SHOAL_CONFIG || undefined);
  const joining = readJoining(given, env);
  return {
    kind: 'server',
    ...(dataDir !== undefined && { dataDir }),
    ...(configFile !== undefined && { configFile }),
    flags,
    ...(joining && { joining }),
  };
}

/** How this start may join, by options and variables; undefined when neither says anything. */
function readJoining(given: Given, env: Environment): JoiningFlags | undefined {
  if (given.has('cluster-key') && given.has('cluster-key-file'))
    throw invalid('cluster-key-file', 'it does not go together with --cluster-key');
  // A key that was given by itself goes before a file that a variable names.
  const fileVariable = given.has('cluster-key') ? undefined : env.SHOAL_CLUSTER_KEY_FILE || undefined;
  const clusterKeyFile = first(given, 'cluster-key-file') ?? fileVariable;
  const joinToken = first(given, 'join') ?? (env.SHOAL_JOIN || undefined);
  const trustLan = given.has('trust-lan') || /^(1|true|yes|on)$/i.test(env.SHOAL_TRUST_LAN ?? '');
  const noDiscovery = given.has('no-discovery') || /^(1|true|yes|on)$/i.test(env.SHOAL_NO_DISCOVERY ?? '');
  if (clusterKeyFile === undefined && joinToken === undefined && !trustLan && !noDiscovery) return undefined;
  return {
    ...(clusterKeyFile !== undefined && { clusterKeyFile }),
    ...(joinToken !== undefined && { joinToken }),
    ...(trustLan && { trustLan }),
    ...(noDiscovery && { noDiscovery }),
  };
}

/** Where the command stands: the first word that is neither an option nor the value of one. */
function commandIndex(argv: readonly string[]): number {
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    if (!word.startsWith('-')) return index;
    if (flagTable.some(({ name, value }) => value !== undefined && word === `--${name}`)) index += 1;
  }
  return argv.length;
}

/** Options with their values in the order in which they were given. */
type Given = ReadonlyMap<string, readonly string[]>;

function first(given: Given, name: string): string | undefined {
  return given.get(name)?.[0];
}

/** The options that were given, with their values, or `''` when they take none. */
function readFlags(args: readonly string[]): Given {
  const options = Object.fromEntries(
    flagTable.map(({ name, value }) => [name, { type: value === undefined ? 'boolean' : 'string' } as const]),
  );
  // Not strict, because its messages are Node's: the checks below speak in codes of the registry.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const given = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'positional') throw new ShoalError('FLAG_UNKNOWN', { details: { flag: token.value } });
    if (token.kind === 'option-terminator') continue;
    const definition = flagTable.find(({ name }) => token.rawName === `--${name}`);
    if (!definition) throw new ShoalError('FLAG_UNKNOWN', { details: { flag: token.rawName } });
    const { name, value, repeatable } = definition;
    if (given.has(name) && !repeatable) throw invalid(name, 'it was given twice');
    if (value === undefined && token.value !== undefined) throw invalid(name, 'it takes no value');
    // `--addr --server` forgot the value; a value that begins with a dash can be written as `--name=-x`.
    const swallowed = token.inlineValue === false && token.value.startsWith('-');
    if (value !== undefined && (!token.value || swallowed)) throw invalid(name, `it needs a value: --${name} ${value}`);
    given.set(name, [...(given.get(name) ?? []), token.value ?? '']);
  }
  return given;
}

/** Takes `--data DIR` out of the words behind a command, up to a `--`. */
function takeDataDir(words: readonly string[], before: string | undefined) {
  const end = words.indexOf('--');
  const searched = end < 0 ? words.length : end;
  const args: string[] = [];
  let dataDir = before;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    if (index >= searched || (word !== '--data' && !word.startsWith('--data='))) {
      args.push(word);
      continue;
    }
    const taken = word === '--data' ? words.slice(index, index + 2) : [word];
    const value = first(readFlags(taken), 'data');
    if (dataDir !== undefined) throw invalid('data', 'it was given twice');
    dataDir = value;
    index += taken.length - 1;
  }
  return { args, dataDir };
}

function isCommandName(word: string): word is CommandName {
  return (commandNames as readonly string[]).includes(word);
}

function isServerOption({ name, serverOnly }: FlagDefinition): boolean {
  return serverOnly === true || name === 'data';
}

function signature({ name, value }: FlagDefinition): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`;
}

function bracket(definition: FlagDefinition): string {
  return `[${signature(definition)}]${definition.repeatable ? '...' : ''}`;
}

function invalid(name: string, reason: string): ShoalError {
  return new ShoalError('FLAG_INVALID', { details: { flag: `--${name}`, reason } });
}
