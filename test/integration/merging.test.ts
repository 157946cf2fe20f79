/** Two clusters of several become one when somebody says so, and never by themselves. */
import { expect, it } from 'vitest';
import { allSee, type ClusterNode, membersOf, startMember } from '../support/cluster-in-process.ts';
import { eventually } from '../support/eventually.ts';
import { download, upload } from '../support/http-client.ts';

/** Two nodes that came together by an invite. */
async function pair(names: readonly [string, string]): Promise<readonly [ClusterNode, ClusterNode]> {
  const [first, second] = [await startMember(names[0]), await startMember(names[1])];
  await second.api.ok('joinByInvite', { json: { token: await invited(first) } });
  await allSee([first, second]);
  return [first, second];
}

async function invited({ api }: ClusterNode): Promise<string> {
  return (await api.ok<{ token: string }>('createInvite', { json: {} })).token;
}

it('keeps members and files of both, and one id with the other as its alias', async () => {
  const [a, b] = await pair(['a', 'b']);
  const [c, d] = await pair(['c', 'd']);
  const before = [await membersOf(a.api), await membersOf(c.api)].map(({ cluster }) => cluster).sort();
  expect(before[0]).not.toBe(before[1]);
  const ours = await upload(b, 'of a and b', { name: 'ours.txt' });
  const theirs = await upload(c, 'of c and d', { name: 'theirs.txt' });
  await d.api.refused('joinByInvite', 403, 'JOIN_REFUSED', { json: { token: await invited(a) } });
  expect((await membersOf(d.api)).members.length).toBe(2);
  await d.api.ok('joinByInvite', { json: { token: await invited(a), merge: true } });
  await allSee([a, b, c, d]);
  for (const node of [a, b, c, d]) {
    expect((await membersOf(node.api)).cluster).toBe(before[0]);
    for (const [path, text] of [
      [ours.path, 'of a and b'],
      [theirs.path, 'of c and d'],
    ] as const)
      await eventually(async () => (await download(node, path)).body.toString() === text, `${text} is on ${node.name}`);
  }
  // Who is removed is out of the united cluster, whoever says it.
  const gone = b.node.id;
  await c.api.ok('removeMember', { query: { id: gone } });
  for (const node of [a, c, d])
    await eventually(
      async () => (await membersOf(node.api)).removed.some(({ id }) => id === gone),
      `${node.name} knows of the removal`,
    );
});
