/** The report of an import for people. */
import type { ConfigDecision, ImportReport, Language } from '../index.ts';
import { size } from './status.ts';

/** Files that a printed report names; `--json` names all that the node does. */
const printedFiles = 20;

/** What is printed. */
export interface FinishedImport {
  readonly report: ImportReport;
  readonly config: readonly ConfigDecision[];
  readonly dataDir: string;
}

const words = {
  en: {
    config: 'Configuration',
    taken: 'taken',
    changed: 'changed in meaning',
    ignored: 'ignored',
    dry: 'Dry run: nothing was changed.',
    folder: 'Data folder',
    came: 'Taken in',
    would: 'Would be taken in',
    files: '{files} files, {bytes}',
    known: 'There before',
    uploads: 'Upload ids kept',
    skipped: 'Skipped',
    damaged: 'Damaged (not taken: size or digest is not what the source recorded)',
    more: '... and {count} more; --json names them',
    aside: 'Set aside in data/go-fastdfs',
    stopped: 'The import was stopped; run again, it goes on where it was.',
    failed: 'The import failed ({code}); run again, it goes on where it was.',
  },
  zh: {
    config: '配置',
    taken: '沿用',
    changed: '含义有变',
    ignored: '忽略',
    dry: '试运行：未做任何更改。',
    folder: '数据目录',
    came: '已收录',
    would: '将收录',
    files: '{files} 个文件，{bytes}',
    known: '先前已有',
    uploads: '保留的上传标识',
    skipped: '跳过',
    damaged: '损坏（未收录：大小或摘要与来源记录不符）',
    more: '……另有 {count} 个，--json 会全部列出',
    aside: '已移至 data/go-fastdfs',
    stopped: '导入已停止；再次运行将从中断处继续。',
    failed: '导入失败（{code}）；再次运行将从中断处继续。',
  },
} as const;

/** Why a file was skipped, in words. */
const reasonWords: Readonly<Record<string, { readonly en: string; readonly zh: string }>> = {
  PATH_INVALID: { en: 'its path is not possible here', zh: '路径在此无效' },
  PATH_TOO_LONG: { en: 'its path is too long', zh: '路径过长' },
  PATH_RESERVED: { en: 'its path is a reserved name', zh: '路径为保留名称' },
  TARGET_EXISTS: { en: 'another file is at its path', zh: '该路径已有其他文件' },
  LINK: { en: 'a symbolic link', zh: '符号链接' },
  SPECIAL: { en: 'neither file nor folder', zh: '既非文件也非目录' },
  CHANGING: { en: 'somebody was writing it', zh: '正在被写入' },
  UNREADABLE: { en: 'it cannot be read', zh: '无法读取' },
  MISSING: { en: 'the source knows of it, but its bytes are not there', zh: '来源有记录，但没有数据' },
  DELETED: { en: 'it was deleted in the source', zh: '在来源中已删除' },
  REMOVED_HERE: { en: 'it was deleted or moved here since', zh: '收录后在此已删除或移动' },
  REPLACED: { en: 'the source replaced it', zh: '在来源中已被替换' },
  RECORD_UNREADABLE: { en: 'its record cannot be read', zh: '记录无法读取' },
};

/** Prints configuration, counts and the files that were left. */
export function printImport(
  { report, config, dataDir }: FinishedImport,
  { language, print }: { readonly language: Language; readonly print: (line: string) => void },
): void {
  const text = words[language];
  if (config.length > 0) print(`${text.config}:`);
  for (const { key, decision, ...why } of config) {
    print(`  ${key}: ${text[decision]}${why[language] === '' ? '' : ` (${why[language]})`}`);
  }
  print(report.dryRun ? text.dry : `${text.folder}: ${dataDir}`);
  const { taken, known, uploadIds, skipped, damaged, left, reasons } = report;
  const amount = text.files.replace('{files}', String(taken.files)).replace('{bytes}', size(taken.bytes));
  print(`${report.dryRun ? text.would : text.came}: ${amount}`);
  print(`${text.known}: ${known}`);
  if (uploadIds > 0) print(`${text.uploads}: ${uploadIds}`);
  print(`${text.skipped}: ${skipped}`);
  for (const [reason, count] of Object.entries(reasons)) {
    if (reason !== 'DAMAGED') print(`  ${count}: ${reasonWords[reason]?.[language] ?? reason}`);
  }
  const rest = left.filter(({ reason }) => reason !== 'DAMAGED');
  for (const { path, reason } of rest.slice(0, printedFiles)) print(`    ${path} (${reason})`);
  if (skipped > printedFiles) print(`    ${text.more.replace('{count}', String(skipped - printedFiles))}`);
  print(`${text.damaged}: ${damaged}`);
  const broken = left.filter(({ reason }) => reason === 'DAMAGED');
  for (const { path } of broken.slice(0, printedFiles)) print(`    ${path}`);
  if (damaged > printedFiles) print(`    ${text.more.replace('{count}', String(damaged - printedFiles))}`);
  if (report.setAside.length > 0) print(`${text.aside}: ${report.setAside.join(', ')}`);
  if (report.state === 'stopped') print(text.stopped);
  if (report.state === 'failed') print(text.failed.replace('{code}', report.error ?? ''));
}
