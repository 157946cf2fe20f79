/**
 * The format of a backup: a list of files, in this order, in a tar stream or in a folder.
 *
 * | name | content |
 * |---|---|
 * | `backup.json` | what it is: {@link backupHeader} |
 * | `conf/cfg.json`, `conf/server.crt`, `conf/server.key` | the configuration, as far as there is one |
 * | `data/identity.pem` | the node's private key: the restored node is the same node |
 * | `catalogue/<number>.jsonl` | entries of the catalogue at one moment, one `[key,value]` a line |
 * | `bytes/<sha256>` | contents, each once; only in a backup with bytes |
 * | `manifest.json` | size and sha256 of every file before it: {@link manifest}. Without it a backup is not complete |
 */
import { z } from 'zod';

/** The format that this version writes. */
export const backupFormat = 1;

const hex = z.string().regex(/^[0-9a-f]{64}$/);

export const backupHeader = z.object({
  format: z.number().int().positive(),
  /** Version of Shoal that wrote it. */
  version: z.string(),
  nodeId: hex,
  createdMs: z.number(),
  bytes: z.boolean(),
});

export const manifest = z.object({
  files: z.array(z.object({ name: z.string(), size: z.number().int().nonnegative(), sha256: hex })),
  /** Contents that the node itself could not read any more. */
  lost: z.array(hex),
});

export type BackupHeader = z.infer<typeof backupHeader>;
export type Manifest = z.infer<typeof manifest>;

/** Names of single files. */
export const backupNames = { header: 'backup.json', manifest: 'manifest.json' } as const;

/** Files of the data folder that are in a backup as they are. */
export const configurationFiles: readonly string[] = [
  'conf/cfg.json',
  'conf/server.crt',
  'conf/server.key',
  'data/identity.pem',
];

/** Whether a name may stand in a backup: nothing else is ever written to disk. */
export function isBackupName(name: string): boolean {
  return (
    name === backupNames.header ||
    name === backupNames.manifest ||
    configurationFiles.includes(name) ||
    /^catalogue\/\d{8}\.jsonl$/.test(name) ||
    contentOf(name) !== undefined
  );
}

/** The content that a file of a backup holds, if it is one. */
export function contentOf(name: string): string | undefined {
  return /^bytes\/([0-9a-f]{64})$/.exec(name)?.[1];
}
