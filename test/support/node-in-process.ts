/** A node inside the test process: real files, real HTTP on a port of its own. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll } from 'vitest';
import type { JoiningFlags } from '../../node-core/config/flags.ts';
import { currentConfigVersion } from '../../node-core/config/migrations.ts';
import type { Config } from '../../node-core/config/schema.ts';
import { createNode, type StorageNode } from '../../node-core/index.ts';
import type { Clock } from '../../node-core/runtime/clock.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A node under test. */
export interface TestNode {
  readonly dataDir: string;
  /** Without a slash at the end. */
  readonly origin: string;
  readonly port: number;
  /** Address of the compatible interface: `origin` and the group, if any. */
  readonly group: string;
  readonly node: StorageNode;
}

const running: StorageNode[] = [];

afterAll(async () => {
  await Promise.all(running.splice(0).map((node) => node.stop()));
});

/**
 * Starts a node; it is stopped when the test file is done.
 * @param config what stands in its cfg.json. @param clock instead of the system's.
 */
export async function startNode(
  config: Partial<Config> = {},
  dataDir?: string,
  clock?: Clock,
  joining?: JoiningFlags,
): Promise<TestNode> {
  const folder = dataDir ?? (await temporaryFolder());
  await writeConfig(folder, config);
  const flags = { addr: '127.0.0.1:0', ...(config.peer_addr === undefined && { peerAddr: '127.0.0.1:0' }) };
  const node = await createNode({ dataDir: folder, flags, ...(clock && { clock }), ...(joining && { joining }) });
  running.push(node);
  const origin = node.url.replace(/\/$/, '');
  const { support_group_manage, group } = node.configuration.config;
  return {
    dataDir: folder,
    origin,
    port: node.port,
    group: support_group_manage ? `${origin}/${group}` : origin,
    node,
  };
}

/** Writes the configuration of a node that is not running. */
export async function writeConfig(dataDir: string, config: Partial<Config>): Promise<void> {
  await mkdir(path.join(dataDir, 'conf'), { recursive: true });
  // Nodes of other tests are on the same network.
  const quiet = { config_version: currentConfigVersion, admin_key: 'test-admin-key', enable_discovery: false };
  const text = JSON.stringify({ ...quiet, ...config });
  await writeFile(path.join(dataDir, 'conf', 'cfg.json'), text);
}
