/** `shoal restore`: makes a data folder of a backup. */
import path from 'node:path';
import { Readable } from 'node:stream';
import {
  type ContentTaker,
  createNode,
  type Language,
  readFolder,
  readLocalAccess,
  readTar,
  restoreBackup,
} from '../index.ts';
import { readBackupArguments } from './backup.ts';
import type { Command } from './command.ts';
import { NodeClient } from './node-client.ts';
import { size } from './status.ts';

const words = {
  en: {
    done: 'restored to {folder}: {files} files, {bytes}, as of {time}',
    lost: '{count} contents were lost before the backup was made',
    folder: 'put the folder files/ that belongs to it there before you start the node',
  },
  zh: {
    done: '已恢复到 {folder}：{files} 个文件，{bytes}，备份时间 {time}',
    lost: '{count} 份内容在备份之前已丢失',
    folder: '启动节点之前，请将所属的 files/ 目录放到该处',
  },
} as const;

export const restore: Command = {
  name: 'restore',
  usage: '<dir | ->',
  en: 'make a new data folder of a backup',
  zh: '由备份恢复为新的数据目录',
  async run({ args, dataDir, language, print }) {
    const { target } = readBackupArguments('restore', args, []);
    const files = target === '-' ? readTar(process.stdin) : readFolder(path.resolve(target));
    const summary = await restoreBackup({ files, dataDir, open: () => openStore(dataDir, language) });
    const text = words[language];
    const { header, lost } = summary;
    print(
      text.done
        .replace('{folder}', dataDir)
        .replace('{files}', String(summary.files))
        .replace('{bytes}', size(summary.bytes))
        .replace('{time}', new Date(header.createdMs).toISOString()),
    );
    if (!header.bytes) print(text.folder);
    if (lost.length > 0) print(text.lost.replace('{count}', String(lost.length)));
    return lost.length > 0 ? 1 : 0;
  },
};

/** A node on the restored folder, for as long as contents come. */
async function openStore(dataDir: string, language: Language): Promise<ContentTaker> {
  const node = await createNode({
    dataDir,
    flags: { addr: '127.0.0.1:0', peerAddr: '127.0.0.1:0' },
    env: process.env,
    restoring: true,
    joining: { noDiscovery: true },
  });
  const access = await readLocalAccess(dataDir);
  if (!access) throw new Error('the node did not tell how to reach it');
  const client = new NodeClient(access, language);
  return {
    take: async (sha256, body) => {
      await client.call('PUT', `/contents?sha256=${sha256}`, Readable.from(body, { objectMode: false }));
    },
    close: () => node.stop(),
  };
}
