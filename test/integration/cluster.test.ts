/** Real nodes become one cluster and hold the same files. */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { startCluster } from '../support/cluster-in-process.ts';
import { eventually } from '../support/eventually.ts';
import { digest, download, remove, upload } from '../support/http-client.ts';

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
