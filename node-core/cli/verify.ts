/** `shoal verify`: reads every byte of the store and says what is not as it was stored. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ShoalError, type VerifyReport } from '../index.ts';
import type { Command } from './command.ts';
import { type NodeClient, withNode } from './node-client.ts';
import { Progress } from './progress.ts';
import { size } from './status.ts';

/** How often the node is asked how far it is, in milliseconds. */
const pollMs = 300;

/** Files that are printed; `--json` names all that the node does. */
const printedFiles = 20;

const words = {
  en: {
    sound: '{files} files read, {bytes}: {sound} are as they were stored',
    missing: 'missing',
    damaged: 'damaged',
    elsewhere: 'not on this node',
    more: '... and {count} more; --json names them',
    cut: 'the verification did not come to its end',
  },
  zh: {
    sound: '已读取 {files} 个文件（{bytes}）：{sound} 个与存入时一致',
    missing: '缺失',
    damaged: '损坏',
    elsewhere: '不在本节点',
    more: '……另有 {count} 个，--json 会全部列出',
    cut: '校验未完成',
  },
} as const;

export const verify: Command = {
  name: 'verify',
  usage: '[--json]',
  en: 'read every byte of the store and report damage',
  zh: '读取存储中的全部数据并报告损坏',
  async run({ args, dataDir, language, print }) {
    const unknown = args.find((word) => word !== '--json');
    if (unknown !== undefined) throw new ShoalError('FLAG_UNKNOWN', { details: { flag: unknown } });
    const progress = new Progress(language);
    let report: VerifyReport;
    try {
      report = await withNode({ dataDir, language }, (node) => follow(node, progress));
    } finally {
      progress.end();
    }
    if (args.length > 0) print(JSON.stringify(report, null, 2));
    else for (const line of describe(report, words[language])) print(line);
    return report.state === 'finished' && report.bad.length === 0 ? 0 : 1;
  },
};

async function follow(node: NodeClient, progress: Progress): Promise<VerifyReport> {
  let report = await node.call<VerifyReport>('POST', '/verification');
  while (report.state === 'running') {
    progress.show(report.done, report.total);
    await sleep(pollMs);
    const state = await node.call<{ verification?: VerifyReport }>('GET', '/verification');
    if (!state.verification) throw new ShoalError('NOT_READY', { details: { reason: 'the node was restarted' } });
    report = state.verification;
  }
  return report;
}

function describe(report: VerifyReport, text: (typeof words)['en' | 'zh']): string[] {
  const { done, sound, missing, damaged, elsewhere, bad, state } = report;
  const lines = [
    text.sound
      .replace('{files}', String(done.files))
      .replace('{bytes}', size(done.bytes))
      .replace('{sound}', String(sound)),
  ];
  if (elsewhere > 0) lines.push(`${text.elsewhere}: ${elsewhere}`);
  if (missing > 0) lines.push(`${text.missing}: ${missing}`);
  if (damaged > 0) lines.push(`${text.damaged}: ${damaged}`);
  for (const file of bad.slice(0, printedFiles)) lines.push(`  ${text[file.state]}: ${file.path}`);
  const more = missing + damaged - printedFiles;
  if (more > 0) lines.push(`  ${text.more.replace('{count}', String(more))}`);
  if (state !== 'finished') lines.push(text.cut);
  return lines;
}
