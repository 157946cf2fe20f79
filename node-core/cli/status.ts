/** `shoal status`: how the node of a data folder is. */
import { ShoalError } from '../index.ts';
import type { Command } from './command.ts';
import { runningNode } from './node-client.ts';

/** Exit code of a folder on which no node runs: scripts tell it from a node that is not well. */
const notRunningCode = 3;

interface Health {
  readonly ready: boolean;
  readonly reasons: readonly string[];
  readonly version: string;
  readonly nodeId: string;
  readonly name: string;
  readonly uptimeSeconds: number;
  readonly files: number;
  readonly bytes: number;
  readonly disk: { readonly total: number; readonly free: number };
}

interface Member {
  readonly id: string;
  readonly name: string;
  readonly self: boolean;
  readonly online: boolean;
  /** As it said last. */
  readonly figures?: {
    readonly total: { readonly files: number };
    readonly verified: { readonly files: number };
    readonly missing: { readonly files: number; readonly bytes: number };
    readonly behind: number;
    readonly stalled: boolean;
  };
}

interface Members {
  readonly members: readonly Member[];
  readonly selfRemoved: boolean;
  readonly trustLan: boolean;
}

interface Near {
  readonly nodes: readonly unknown[];
}

const words = {
  en: {
    none: 'no node is running on {folder}',
    ready: 'ready',
    notReady: 'not ready',
    rows: ['Node', 'Address', 'State', 'Version', 'Up', 'Files', 'Disk', 'Cluster'],
    members: '{online} of {count} members are there',
    alone: 'alone',
    away: 'away',
    has: '{verified} of {files} files verified',
    lacks: '{missing} missing ({bytes})',
    behind: '{behind} changes behind',
    stalled: 'fetches nothing: its disk is full',
    removed: 'removed by the other members; one of them can invite it again',
    near: '{near} nodes are near and not connected: shoal invite here and shoal join there, or one --cluster-key for all',
    lan: 'every node of this network may join until the next start (--trust-lan)',
    files: '{files} files, {bytes}',
    disk: '{free} of {total} free',
  },
  zh: {
    none: '{folder} 上没有正在运行的节点',
    ready: '就绪',
    notReady: '未就绪',
    rows: ['节点', '地址', '状态', '版本', '已运行', '文件', '磁盘', '集群'],
    members: '{count} 个成员中 {online} 个在线',
    alone: '独立运行',
    away: '离线',
    has: '{files} 个文件中 {verified} 个已校验',
    lacks: '缺少 {missing} 个（{bytes}）',
    behind: '落后 {behind} 项变更',
    stalled: '磁盘已满，已暂停获取文件',
    removed: '已被其他成员移出；任一成员可重新邀请',
    near: '附近有 {near} 个未连接的节点：在此执行 shoal invite、在对方执行 shoal join，或为所有节点设置同一 --cluster-key',
    lan: '下次启动之前，本网络中的所有节点均可加入（--trust-lan）',
    files: '{files} 个文件，{bytes}',
    disk: '剩余 {free}，共 {total}',
  },
} as const;

export const status: Command = {
  name: 'status',
  usage: '[--json]',
  en: 'show how the node is',
  zh: '显示节点状态',
  async run({ args, dataDir, language, print }) {
    const unknown = args.find((word) => word !== '--json');
    if (unknown !== undefined) throw new ShoalError('FLAG_UNKNOWN', { details: { flag: unknown } });
    const node = await runningNode(dataDir, language);
    const json = args.length > 0;
    if (!node) {
      print(json ? JSON.stringify({ running: false }) : words[language].none.replace('{folder}', dataDir));
      return notRunningCode;
    }
    const health = await node.call<Health>('GET', '/health');
    const cluster = { ...(await node.call<Members>('GET', '/members')), ...(await node.call<Near>('GET', '/nearby')) };
    if (json) print(JSON.stringify({ running: true, url: node.url, ...health, cluster }, null, 2));
    else for (const line of table(health, cluster, node.url, words[language])) print(line);
    return health.ready ? 0 : 1;
  },
};

function table(health: Health, cluster: Members & Near, url: string, text: (typeof words)['en' | 'zh']): string[] {
  const { files, bytes, disk } = health;
  const state = health.ready ? text.ready : `${text.notReady}: ${health.reasons.join('; ')}`;
  const values = [
    `${health.name} (${health.nodeId.slice(0, 8)})`,
    url,
    state,
    health.version,
    duration(health.uptimeSeconds),
    text.files.replace('{files}', String(files)).replace('{bytes}', size(bytes)),
    text.disk.replace('{free}', size(disk.free)).replace('{total}', size(disk.total)),
    clusterText(cluster, text),
  ];
  const members = cluster.members.length < 2 ? [] : cluster.members;
  const rows = [
    ...text.rows.map((label, index) => [label, values[index] ?? ''] as const),
    ...members.map((member) => [`  ${member.name}`, memberText(member, text)] as const),
  ];
  // A Chinese character takes two columns of a terminal.
  const columns = (label: string) => [...label].reduce((sum, one) => sum + (one > '\u2e80' ? 2 : 1), 0);
  const width = Math.max(...rows.map(([label]) => columns(label)));
  return rows.map(([label, value]) => `${label}${' '.repeat(width - columns(label) + 2)}${value}`);
}

/** What a member has and lacks; of one that is away what it said last. */
function memberText({ figures, online, self }: Member, text: (typeof words)['en' | 'zh']): string {
  const away = online || self ? [] : [text.away];
  if (!figures) return away.join();
  const { total, verified, missing, behind, stalled } = figures;
  const has = text.has.replace('{verified}', String(verified.files)).replace('{files}', String(total.files));
  const lacks = text.lacks.replace('{missing}', String(missing.files)).replace('{bytes}', size(missing.bytes));
  return [
    ...away,
    has,
    ...(missing.files > 0 ? [lacks] : []),
    ...(behind > 0 ? [text.behind.replace('{behind}', String(behind))] : []),
    ...(stalled ? [text.stalled] : []),
  ].join(', ');
}

function clusterText(
  { members, nodes, selfRemoved, trustLan }: Members & Near,
  text: (typeof words)['en' | 'zh'],
): string {
  const online = members.filter((member) => member.online).length;
  const state = selfRemoved
    ? text.removed
    : members.length < 2
      ? text.alone
      : text.members.replace('{online}', String(online)).replace('{count}', String(members.length));
  const near = nodes.length > 0 ? [text.near.replace('{near}', String(nodes.length))] : [];
  return [state, ...near, ...(trustLan ? [text.lan] : [])].join('; ');
}

function duration(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const clock = new Date((seconds % 86_400) * 1000).toISOString().slice(11, 19);
  return days > 0 ? `${days}d ${clock}` : clock;
}

/** Bytes as people read them, in binary units. */
export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${units[power]}`;
}
