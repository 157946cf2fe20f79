/** `shoal key`: makes a cluster key. Nothing runs and nothing is written. */
import { newClusterKey, ShoalError } from '../index.ts';
import type { Command } from './command.ts';

export const key: Command = {
  name: 'key',
  usage: '',
  en: 'make a key; nodes that are started with the same one (--cluster-key) join each other',
  zh: '生成密钥；以相同密钥（--cluster-key）启动的节点自动组成集群',
  async run({ args, print }) {
    if (args[0] !== undefined)
      throw new ShoalError('FLAG_INVALID', { details: { flag: args[0], reason: 'key takes no arguments' } });
    print(newClusterKey());
    return 0;
  },
};
