/** Nodes of one cluster inside the test process: real TLS on real ports, found by each other over `peers`. */
import type { Config } from '../../node-core/config/schema.ts';
import { errnoOf } from '../../node-core/domain/errors.ts';
import { ApiClient } from './api-client.ts';
import { eventually } from './eventually.ts';
import { startNode, type TestNode } from './node-in-process.ts';
import { withKey } from './strangers.ts';

/** A member, as /api/v1 tells. */
export interface ListedMember {
  readonly id: string;
  readonly name: string;
  readonly self: boolean;
  readonly online: boolean;
  readonly way: string;
  readonly refusal?: string;
  readonly twin: boolean;
}

/** The list of members, as /api/v1 tells. */
export interface ListedMembers {
  readonly cluster: string;
  readonly members: readonly ListedMember[];
  readonly removed: readonly { readonly id: string; readonly name: string }[];
  readonly selfRemoved: boolean;
}

/** A node with a client of its API. */
export interface ClusterNode extends TestNode {
  readonly api: ApiClient;
  readonly name: string;
}

/** A key that is good enough. */
export const testKey = 'a key of the tests, long enough to be one';

/** Starts a node with a name of its own. */
export async function startMember(
  name: string,
  config: Partial<Config> = {},
  dataDir?: string,
  joining?: Parameters<typeof startNode>[3],
  clock?: Parameters<typeof startNode>[2],
): Promise<ClusterNode> {
  const start = () => startNode({ durability: 'os', node_name: name, ...config }, dataDir, clock, joining);
  const node = await onceFree(start);
  // Behind a proxy this host is as far away as any other.
  const headers = config.trusted_proxies ? withKey : {};
  return { ...node, api: await ApiClient.of(node, headers), name };
}

/** Listens again at a port that was left a moment ago: a connection of somebody else may have been given it meanwhile. */
export async function onceFree<T>(listen: () => Promise<T>): Promise<T> {
  let result: { readonly value: T } | undefined;
  await eventually(async () => {
    try {
      result = { value: await listen() };
      return true;
    } catch (error) {
      if (!['ADDRESS_IN_USE', 'EADDRINUSE'].includes(errnoOf(error) ?? '')) throw error;
      return false;
    }
  }, 'the port is free');
  if (!result) throw new Error('nothing listens');
  return result.value;
}

/** Starts nodes that share a key and know the first one's address; resolves when each sees all others. */
export async function startCluster(count: number, config: Partial<Config> = {}): Promise<ClusterNode[]> {
  const first = await startMember('n0', { cluster_key: testKey, ...config });
  const nodes = [first];
  for (let index = 1; index < count; index += 1)
    nodes.push(await startMember(`n${index}`, { cluster_key: testKey, peers: [first.origin], ...config }));
  await allSee(nodes);
  return nodes;
}

/** Waits until every node sees exactly these as members that are there. */
export async function allSee(nodes: readonly ClusterNode[]): Promise<void> {
  const ids = nodes.map(({ node }) => node.id).sort();
  for (const { api } of nodes) {
    await eventually(async () => {
      const { members } = await membersOf(api);
      return (
        JSON.stringify(members.map(({ id }) => id).sort()) === JSON.stringify(ids) &&
        members.every(({ online }) => online)
      );
    }, 'all members are there');
  }
}

/** The list of members of a node. */
export function membersOf(api: ApiClient): Promise<ListedMembers> {
  return api.ok<ListedMembers>('listMembers');
}
