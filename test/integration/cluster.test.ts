/** Real nodes become one cluster and hold the same files. */
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { allSee, type ClusterNode, startCluster, startMember, testKey } from '../support/cluster-in-process.ts';
import { eventually } from '../support/eventually.ts';
import { call, digest, download, remove, upload } from '../support/http-client.ts';
import { TestClock } from '../support/strangers.ts';

it('a file put into any of three nodes is on all of them, and gone from all when it is deleted', async () => {
  const nodes = await startCluster(3);
  const contents = [Buffer.from('small'), Buffer.alloc(0), randomBytes(9 * 1024 * 1024 + 17)];
  for (const [index, content] of contents.entries()) {
    const from = nodes[index % nodes.length] ?? (nodes[0] as (typeof nodes)[0]);
    const { path } = await upload(from, content, { name: `文件 ${index}.bin` });
    for (const node of nodes)
      await eventually(async () => {
        const answer = await download(node, path);
        return answer.status === 200 && digest('sha256', answer.body) === digest('sha256', content);
      }, `file ${index} is on ${node.name}`);
    expect((await remove(from, path)).status).toBe(200);
    for (const node of nodes)
      await eventually(
        async () => (await download(node, path)).status === 404,
        `file ${index} is gone from ${node.name}`,
      );
  }
});

it('nodes with groups of their own, packed and plain stores and Chinese paths hold the same files', async () => {
  const first = await startMember('n0', { cluster_key: testKey, group: '组一' });
  const others = [
    { group: 'files', enable_merge_small_file: true },
    { group: 'g3', support_group_manage: false, enable_distinct_file: false },
  ];
  const nodes = [first];
  for (const [index, config] of others.entries())
    nodes.push(await startMember(`n${index + 1}`, { cluster_key: testKey, peers: [first.origin], ...config }));
  await allSee(nodes);
  for (const [index, from] of nodes.entries()) {
    const content = randomBytes(index === 1 ? 300_000 : 70);
    const path = `资料/第${index}份/报告 (最终).pdf`;
    await from.api.ok('writeFile', { query: { path }, body: content });
    for (const node of nodes) {
      const url = encodeURI(`${node.group}/${path}`);
      await eventually(async () => (await call(url)).body.equals(content), `${path} is served by ${node.name}`);
    }
  }
  // The small ones lie in a pack at one node, and plain at the others.
  const packs = await Promise.all(
    nodes.map(({ dataDir }) => readdir(`${dataDir}/files/_pack`).catch(() => [] as string[])),
  );
  expect(packs.map((segments) => segments.length > 0)).toEqual([false, true, false]);
});

it('what a node writes whose clock is a day ahead does not win for ever', async () => {
  const first = await startMember('n0', { cluster_key: testKey });
  const ahead = new TestClock();
  ahead.advance(24 * 60 * 60);
  const joining = [{ cluster_key: testKey, peers: [first.origin] }, undefined, undefined, ahead] as const;
  const wrong = await startMember('wrong', ...joining);
  await allSee([first, wrong]);
  const write = ({ api }: ClusterNode, body: string) =>
    api.ok('writeFile', { query: { path: 'a.txt', replace: true }, body });
  const reads = async ({ group }: ClusterNode, text: string) =>
    eventually(async () => (await call(`${group}/a.txt`)).body.toString() === text, `it reads ${text}`);
  await write(wrong, 'from tomorrow');
  await reads(first, 'from tomorrow');
  // It has seen the other one: that counts, not the clock.
  await write(first, 'from today');
  await reads(wrong, 'from today');
  const listed = await wrong.api.ok<{ entries: { name: string }[] }>('listFolder');
  expect(listed.entries.map(({ name }) => name)).toEqual(['a.txt']);
});
