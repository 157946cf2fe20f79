/** Small things that all members have alike: links, rules of retention, the policy. */
import { describe, expect, it } from 'vitest';
import { type ClusterNode, startCluster, startMember } from '../support/cluster-in-process.ts';
import { eventually } from '../support/eventually.ts';
import { call, download, expectRefusal, sendUpload, upload } from '../support/http-client.ts';
import { behindProxy, from } from '../support/strangers.ts';

interface Link {
  readonly id: string;
  readonly url: string;
  readonly uses: number;
}

interface Policy {
  readonly upload: string;
  readonly effective: { readonly upload: string; readonly download: string; readonly minReplicas: number };
}

async function three(): Promise<readonly [ClusterNode, ClusterNode, ClusterNode]> {
  const [a, b, c] = await startCluster(3);
  if (!a || !b || !c) throw new Error('three nodes were asked for');
  return [a, b, c];
}

async function share(node: ClusterNode, body: object): Promise<Link> {
  return node.api.ok<Link>('createLink', { json: body });
}

/** Opens a link of one node at another. */
function open({ url }: Link, at: ClusterNode) {
  return call(`${at.origin}${new URL(url).pathname}?download=1`);
}

async function shared(a: ClusterNode, others: readonly ClusterNode[], body: object = {}): Promise<Link> {
  const { path } = await upload(a, 'shared', { name: 'x.txt' });
  const link = await share(a, { path: path.replace(/^\/group1\//, ''), ...body });
  for (const other of others) {
    await eventually(async () => (await download(other, path)).status === 200, `${other.name} has the file`);
    await eventually(
      async () => (await other.api.send('showLink', { query: { id: link.id } })).status === 200,
      `${other.name} has the link`,
    );
  }
  return link;
}

describe('a link', () => {
  it('opens at every member, and is revoked at any', async () => {
    const [a, b, c] = await three();
    const link = await shared(a, [b, c]);
    for (const node of [a, b, c]) {
      const answer = await open(link, node);
      expect([answer.status, answer.body.toString()]).toEqual([200, 'shared']);
    }
    await c.api.ok('revokeLink', { query: { id: link.id } });
    for (const node of [a, b, c])
      await eventually(async () => (await open(link, node)).status === 410, `it has ended at ${node.name}`);
  });

  it('with a count is counted by its creator, wherever it is opened, and not at all while that is away', async () => {
    const [a, b, c] = await three();
    const link = await shared(a, [b, c], { maxUses: 3 });
    expect((await open(link, b)).status).toBe(200);
    expect((await open(link, c)).status).toBe(200);
    expect((await open(link, a)).status).toBe(200);
    for (const node of [a, b, c]) expectRefusal(await open(link, node), 410, 'LINK_USED_UP');
    const other = await shared(a, [b], { maxUses: 3 });
    await a.node.stop();
    await eventually(async () => (await open(other, b)).status === 503, 'nobody counts while the creator is away');
    expectRefusal(await open(other, b), 503, 'LINK_CREATOR_AWAY');
  });
});

describe('rules and policy', () => {
  it('are the same on all members, and a rule that was ended stays ended', async () => {
    const [a, b, c] = await three();
    const { id } = await a.api.ok<{ id: string }>('addRetention', { json: { folder: 'old', days: 9 } });
    const ids = async (node: ClusterNode) =>
      (await node.api.ok<{ rules: { id: string }[] }>('listRetention')).rules.map((rule) => rule.id);
    for (const node of [b, c])
      await eventually(async () => (await ids(node)).includes(id), `${node.name} has the rule`);
    await c.api.ok('removeRetention', { query: { id } });
    for (const node of [a, b, c]) await eventually(async () => (await ids(node)).length === 0, `${node.name} ended it`);
  });

  it('of the cluster close the doors of every member, and a node can only close its own further', async () => {
    const [a, b] = await startCluster(2, { ...behindProxy, admin_key: 'test-admin-key' });
    if (!a || !b) throw new Error('two nodes were asked for');
    const { path } = await upload(a, 'open so far', { name: 'x.txt', headers: from() });
    await eventually(async () => (await download(b, path, from())).status === 200, 'it is on both');
    await a.api.ok('setPolicy', { json: { upload: 'session', download: 'open', minReplicas: 1, scenes: [] } });
    await eventually(
      async () => (await b.api.ok<Policy>('getPolicy')).effective.upload === 'session',
      'the other has heard of it',
    );
    for (const node of [a, b]) expectRefusal(await sendUpload(node, 'x', { headers: from() }), 401, 'UPLOAD_REFUSED');
    await b.api.ok('changeSettings', { json: { changes: { upload_policy: 'open', download_policy: 'off' } } });
    expect((await b.api.ok<Policy>('getPolicy')).effective).toMatchObject({ upload: 'session', download: 'off' });
    expectRefusal(await download(b, path, from()), 401, 'DOWNLOAD_REFUSED');
    expect((await download(a, path, from())).status).toBe(200);
  });

  it('of the cluster are adopted by who joins, whatever that node had for itself', async () => {
    const [a] = await startCluster(1);
    if (!a) throw new Error('a node was asked for');
    await a.api.ok('setPolicy', { json: { upload: 'token', download: 'open', minReplicas: 2, scenes: [] } });
    const loner = await startMember('loner');
    await loner.api.ok('setPolicy', { json: { upload: 'open', download: 'off', minReplicas: 9, scenes: [] } });
    await loner.api.ok('addRetention', { json: { folder: '', days: 1 } });
    const { token } = await a.api.ok<{ token: string }>('createInvite', { json: {} });
    await loner.api.ok('joinByInvite', { json: { token } });
    await eventually(
      async () => (await loner.api.ok<Policy>('getPolicy')).effective.minReplicas === 2,
      'the joiner has the policy of the cluster',
    );
    expect(await loner.api.ok<Policy>('getPolicy')).toMatchObject({
      effective: { upload: 'token', download: 'open', minReplicas: 2 },
    });
    for (const node of [a, loner]) expect((await node.api.ok<{ rules: unknown[] }>('listRetention')).rules).toEqual([]);
    expect((await a.api.ok<Policy>('getPolicy')).effective).toMatchObject({ upload: 'token', minReplicas: 2 });
  });
});
