/** The only public door of node-core. */
export { type LocalAccess, readLocalAccess } from './access/local-token.ts';
export type { DeviceKind } from './cluster/care/figures.ts';
export { newClusterKey } from './cluster/joining/proofs.ts';
export {
  type CommandName,
  helpText,
  type ParsedCommandLine,
  parseCommandLine,
  resolveDataDir,
} from './config/flags.ts';
export { createNode, type NodeOptions, type StorageNode } from './create-node.ts';
export {
  describeError,
  type ErrorCode,
  type ErrorDescription,
  type Language,
  ShoalError,
  toShoalError,
} from './domain/errors.ts';
export type { VerifyReport } from './files/verify-store.ts';
export { readFolder, readTar } from './import/backup/read-backup.ts';
export { type ContentTaker, type RestoreSummary, restoreBackup } from './import/backup/restore-backup.ts';
export { type BackupSummary, checkBackup, saveBackup } from './import/backup/save-backup.ts';
export { runDryImport } from './import/dry-run.ts';
export { prepareFolderInPlace } from './import/folder-in-place.ts';
export type { ConfigDecision } from './import/go-fastdfs/config-decisions.ts';
export { type Preparation, type PrepareOptions, prepareGoFastdfsImport } from './import/go-fastdfs/prepare.ts';
export type { ImportPlan, ImportReport } from './import/import-report.ts';
export type { MessageToNode, MessageToParent } from './runtime/parent-messages.ts';
export { version } from './version.ts';
