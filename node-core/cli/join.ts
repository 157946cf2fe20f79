/** `shoal join TOKEN [--merge]`: joins the cluster of whoever gave the token out. */
import { ShoalError } from '../index.ts';
import type { Command } from './command.ts';
import { needRunningNode } from './invite.ts';

const words = {
  en: 'joined the cluster of {name} ({node})',
  zh: '已加入 {name}（{node}）的集群',
} as const;

export const join: Command = {
  name: 'join',
  usage: 'TOKEN [--merge]',
  en: 'join a cluster by an invite; with --merge two clusters of several become one',
  zh: '通过邀请加入集群；使用 --merge 可将两个多成员集群合并为一个',
  async run({ args, dataDir, language, print }) {
    const merge = args.includes('--merge');
    const [token, ...rest] = args.filter((arg) => arg !== '--merge');
    if (token === undefined || rest.length > 0)
      throw new ShoalError('FLAG_INVALID', { details: { flag: 'join', reason: 'it takes one token' } });
    const node = await needRunningNode(dataDir, language);
    const joined = await node.call<{ node: string; name: string }>('POST', '/join', { token, merge });
    print(words[language].replace('{name}', joined.name).replace('{node}', joined.node.slice(0, 8)));
    return 0;
  },
};
