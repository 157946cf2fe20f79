/** `shoal backup`: catalogue and configuration of a node, and if asked for its bytes, to a folder or a tar stream. */
import path from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isAxiosError } from 'axios';
import { type BackupSummary, checkBackup, ShoalError, saveBackup } from '../index.ts';
import type { Command } from './command.ts';
import { withNode } from './node-client.ts';
import { size } from './status.ts';

const words = {
  en: {
    done: 'backup complete: {files} files, {bytes}',
    lost: '{count} contents could not be read and are not in it; shoal verify names their files',
  },
  zh: {
    done: '备份完成：{files} 个文件，{bytes}',
    lost: '{count} 份内容无法读取，未包含在备份中；shoal verify 会列出相应文件',
  },
} as const;

export const backup: Command = {
  name: 'backup',
  usage: '<dir | -> [--bytes]',
  en: 'write catalogue and configuration, with --bytes the files too, to a folder or as a tar stream',
  zh: '将目录库和配置（加 --bytes 则包括文件）备份到目录，或输出为 tar 流',
  async run({ args, dataDir, language }) {
    const { target, bytes } = readBackupArguments('backup', args, ['--bytes']);
    const summary = await withNode({ dataDir, language }, async (node) => {
      const stream = await node.http
        .get<Readable>(`/backup?bytes=${bytes}`, { responseType: 'stream' })
        .then(({ data }) => data, refuse);
      return target === '-' ? print(stream) : saveBackup(stream, path.resolve(target));
    });
    // Standard output may be the archive.
    const tell = (line: string) => process.stderr.write(`${line}\n`);
    const { done, lost } = words[language];
    tell(done.replace('{files}', String(summary.files)).replace('{bytes}', size(summary.bytes)));
    if (summary.lost.length > 0) tell(lost.replace('{count}', String(summary.lost.length)));
    return summary.lost.length > 0 ? 1 : 0;
  },
};

/** Writes the stream to standard output, and checks it on the way. */
async function print(stream: Readable): Promise<BackupSummary> {
  const copy = new PassThrough();
  const checked = checkBackup(copy);
  // A failure of the check is told at the end; meanwhile everything goes out.
  checked.catch(() => undefined);
  const both = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      if (!copy.destroyed && copy.write(chunk) === false) await new Promise((resolve) => untilOpen(copy, resolve));
      yield chunk;
    }
    copy.end();
  };
  await pipeline(stream, both, process.stdout, { end: false });
  return checked;
}

function untilOpen(copy: PassThrough, ready: (value: unknown) => void): void {
  copy.once('drain', ready);
  copy.once('close', ready);
}

/** @throws the refusal of the node, whose body is a stream here. */
async function refuse(error: unknown): Promise<never> {
  if (!isAxiosError(error) || !error.response) throw error;
  const chunks: Buffer[] = [];
  for await (const chunk of error.response.data as AsyncIterable<Buffer>) chunks.push(chunk);
  throw new ShoalError('BACKUP_BROKEN', { details: { reason: Buffer.concat(chunks).toString('utf8').slice(0, 500) } });
}

/** One target, and options out of a list. @throws ShoalError FLAG_INVALID, FLAG_UNKNOWN. */
export function readBackupArguments(command: string, args: readonly string[], known: readonly string[]) {
  const targets = args.filter((word) => word === '-' || !word.startsWith('-'));
  const unknown = args.find((word) => !targets.includes(word) && !known.includes(word));
  if (unknown !== undefined) throw new ShoalError('FLAG_UNKNOWN', { details: { flag: unknown } });
  const [target, other] = targets;
  if (target === undefined || other !== undefined)
    throw new ShoalError('FLAG_INVALID', {
      details: { flag: command, reason: 'it takes one folder, or - for a stream' },
    });
  return { target, bytes: args.includes('--bytes') };
}
