/** Makes docs/configuration.md from the table of keys, so that the two cannot disagree. */
import { isOption } from './flags.ts';
import { goFastdfsVariables, overrides } from './overrides.ts';
import { type ConfigGroup, type ConfigKeyInfo, configGroups, configKeys, ineffectiveKeys } from './schema.ts';

const groupTitles: Readonly<Record<ConfigGroup, string>> = {
  network: 'Network 网络',
  storage: 'Storage 存储',
  uploads: 'Uploads 上传',
  downloads: 'Downloads 下载',
  access: 'Access 访问控制',
  images: 'Images 图片',
  alarms: 'Alarms 告警',
  cluster: 'Cluster 集群',
  logs: 'Logs 日志',
  compatibility: 'Compatibility 兼容',
};

/** The page as Markdown. */
export function renderConfigurationPage(): string {
  const sections = [introduction, precedence(), ...configGroups.map(renderGroup), ineffective()];
  return `${sections.join('\n\n')}\n`;
}

const introduction = `<!-- Made from node-core/config/schema.ts. To write it anew: npx vitest run test/unit/config/describe.test.ts -u -->

# Configuration

The configuration of a node is the JSON file \`conf/cfg.json\` in its data folder (\`--config FILE\` names another). A missing
file is generated with all keys and a random \`admin_key\`. Only its owner can read it, because it holds secrets.

The keys of go-fastdfs have the same names here, and its \`cfg.json\` works as it is: at the first start the old file is kept
as \`cfg.json.bak-0\`, and \`config_version\` is added. Numbers and texts that were left 0 or empty get the value that they
stand for, the placeholder in \`mail\` (\`abc@163.com\`) counts as not set, \`null\` is an empty list. Keys with explanations in
Chinese are left alone. Any other unknown key is left alone too, but the node warns of it.

A file of a newer version than the program knows, a file that is not JSON, and a bad value stop the start; the message
names the line or the key.

*Restart*: the change counts after a restart of the node; all others count at once. *Secret*: never shown in logs and in
the status. *Expert*: rarely needed.

节点的配置是数据目录下的 JSON 文件 \`conf/cfg.json\`（可用 \`--config FILE\` 指定其他文件）。文件不存在时会自动生成。go-fastdfs
的 \`cfg.json\` 可直接使用：首次启动时原文件保留为 \`cfg.json.bak-0\`。*Restart* 表示重启后生效，其余立即生效；*Secret* 表示不会出现
在日志和状态中；*Expert* 表示很少需要修改。`;

function precedence(): string {
  const rows = overrides.map(({ key, option, env, goFastdfsEnv, list }) => {
    const several = list ? ', separated by commas' : '';
    return [
      code(key),
      isOption(option) ? code(option) : '',
      `${code(env)}${several}`,
      goFastdfsEnv ? `${code(goFastdfsEnv)}${several}` : '',
    ];
  });
  const legacy = goFastdfsVariables.map(({ key, env }) => [code(key), '', '', code(env)]);
  const places = [
    ['data folder', code('--data'), code('SHOAL_DATA'), code('GO_FASTDFS_DIR')],
    ['configuration file', code('--config'), code('SHOAL_CONFIG'), ''],
  ];
  const table = renderTable(['Key', 'Option', 'Variable', 'Variable of go-fastdfs'], [...places, ...rows, ...legacy]);
  return `## What counts first 优先级

For each key the first of these counts: option of the command line, \`SHOAL_*\`, \`GO_FASTDFS_*\`, the file, the default.
Options and variables are never written to the file; an empty variable counts as not set. \`GO_FASTDFS_IP\` is an address:
scheme and port are added to it.

优先级从高到低：命令行选项、\`SHOAL_*\`、\`GO_FASTDFS_*\`、配置文件、默认值。选项和环境变量不会写入文件；空变量视为未设置。

${table}`;
}

function renderGroup(group: ConfigGroup): string {
  const rows = configKeys
    .filter((info) => info.group === group)
    .map((info) => [code(info.key), code(JSON.stringify(info.default)), meaning(info), info.zh, marks(info)]);
  return `## ${groupTitles[group]}\n\n${renderTable(['Key', 'Default', 'Meaning', '说明', ''], rows)}`;
}

function meaning({ en, kind, choices, min, max }: ConfigKeyInfo): string {
  if (kind === 'choice' && choices) return `${en} One of ${choices.map(code).join(', ')}.`;
  if (kind !== 'integer' || min === max) return en;
  return max === Number.MAX_SAFE_INTEGER ? `${en} At least ${min}.` : `${en} From ${min} to ${max}.`;
}

function marks({ applies, secret, expert }: ConfigKeyInfo): string {
  return [applies === 'after-restart' && 'Restart', secret && 'Secret', expert && 'Expert'].filter(Boolean).join(', ');
}

function ineffective(): string {
  return `## Accepted without effect 接受但不起作用

These keys of go-fastdfs are accepted in silence and change nothing here: ${ineffectiveKeys.map(code).join(', ')}.

go-fastdfs 的上述配置项会被接受，但不起作用。`;
}

function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}
