/** `shoal invite`: makes a token with which one node can join, lists those that there are, or ends one. */
import { ShoalError } from '../index.ts';
import type { Command } from './command.ts';
import { type NodeClient, runningNode } from './node-client.ts';

interface Invite {
  readonly id: string;
  readonly token?: string;
  readonly state: 'good' | 'used' | 'expired';
  readonly expiresMs: number;
  readonly usedBy?: string;
}

const words = {
  en: {
    hint: 'Good for one node until {until}. On the other node: shoal join TOKEN',
    none: 'no invites',
    good: 'good until {until}',
    used: 'used by {node}',
    expired: 'expired',
    revoked: 'ended',
  },
  zh: {
    hint: '仅可用于一个节点，有效期至 {until}。在另一节点上执行：shoal join 令牌',
    none: '没有邀请',
    good: '有效期至 {until}',
    used: '已被 {node} 使用',
    expired: '已过期',
    revoked: '已撤销',
  },
} as const;

export const invite: Command = {
  name: 'invite',
  usage: '[--hours N | --list | --revoke ID]',
  en: 'make a token with which one other node can join',
  zh: '生成供一个节点加入的令牌',
  async run({ args, dataDir, language, terminal, print }) {
    const text = words[language];
    const [option, value, ...rest] = args;
    const node = await needRunningNode(dataDir, language);
    if (option === '--list' && value === undefined) {
      const { invites } = await node.call<{ invites: readonly Invite[] }>('GET', '/invites');
      if (invites.length === 0) print(text.none);
      for (const one of invites) print(`${one.id}  ${fill(text[one.state], one)}`);
      return 0;
    }
    if (option === '--revoke' && value !== undefined && rest.length === 0) {
      await node.call('DELETE', `/invites?id=${encodeURIComponent(value)}`);
      print(text.revoked);
      return 0;
    }
    const hours = option === '--hours' && value !== undefined && rest.length === 0 ? Number(value) : undefined;
    if (option !== undefined && !(hours !== undefined && hours > 0))
      throw new ShoalError('FLAG_INVALID', { details: { flag: option, reason: `usage: ${invite.usage}` } });
    const made = await node.call<Invite>('POST', '/invites', hours === undefined ? {} : { hours });
    print(made.token ?? '');
    // A script that reads the token gets nothing else.
    if (terminal) print(fill(text.hint, made));
    return 0;
  },
};

/** The node of a data folder: what joins must go on running. @throws ShoalError NOT_READY. */
export async function needRunningNode(dataDir: string, language: 'en' | 'zh'): Promise<NodeClient> {
  const node = await runningNode(dataDir, language);
  if (!node) throw new ShoalError('NOT_READY', { details: { reason: `no node is running on ${dataDir}` } });
  return node;
}

function fill(text: string, { expiresMs, usedBy = '' }: Invite): string {
  return text.replace('{until}', new Date(expiresMs).toISOString()).replace('{node}', usedBy.slice(0, 8));
}
