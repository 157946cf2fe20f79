/** `shoal pack`: moves the small files of a store into packs, while it serves or while no node runs. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ShoalError } from '../index.ts';
import type { Command } from './command.ts';
import { withNode } from './node-client.ts';

/** How often the node is asked how far it is, in milliseconds. */
const pollMs = 500;

interface Packing {
  readonly finished: boolean;
  readonly checked: number;
  readonly packed: number;
  readonly skipped: number;
}

const words = {
  en: {
    progress: '{checked} small files looked at, {packed} packed',
    done: '{packed} of {checked} small files are in packs now',
    skipped: '{skipped} skipped: their bytes are not what was stored',
  },
  zh: {
    progress: '已检查 {checked} 个小文件，已合并 {packed} 个',
    done: '{checked} 个小文件中有 {packed} 个已存入合并文件',
    skipped: '跳过 {skipped} 个：其数据与存入时不符',
  },
} as const;

export const pack: Command = {
  name: 'pack',
  usage: '',
  en: 'move the small files of the store into packs',
  zh: '将存储中的小文件移入合并文件',
  async run({ args, dataDir, language, terminal, print }) {
    if (args[0] !== undefined)
      throw new ShoalError('FLAG_INVALID', { details: { flag: args[0], reason: 'pack takes no arguments' } });
    const fill = (text: string, packing: Packing) =>
      text.replace(/\{(checked|packed|skipped)\}/g, (_all, name: 'checked' | 'packed' | 'skipped') =>
        String(packing[name]),
      );
    const result = await withNode({ dataDir, language }, async (node) => {
      for (;;) {
        const packing = await node.call<Packing>('POST', '/packs');
        if (packing.finished) return packing;
        if (terminal) print(fill(words[language].progress, packing));
        await sleep(pollMs);
      }
    });
    print(fill(words[language].done, result));
    if (result.skipped > 0) print(fill(words[language].skipped, result));
    return result.skipped > 0 ? 1 : 0;
  },
};
