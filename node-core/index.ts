/** The only public door of node-core. */
export { type LocalAccess, readLocalAccess } from './access/local-token.ts';
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
export { version } from './version.ts';
