/** A file that was written on two devices while they were apart: both sides are shown, and one word settles it. */
import { expect, it } from 'vitest';
import { openWindow } from '../support/browser.ts';
import { allSee, type ClusterNode, startCluster, startMember, testKey } from '../support/cluster-in-process.ts';
import { download, upload } from '../support/http-client.ts';

const config = { cluster_key: testKey, enable_distinct_file: false };

it('is shown side by side, and settled by a click, on both devices', async () => {
  const [a, b] = (await startCluster(2, { enable_distinct_file: false })) as [ClusterNode, ClusterNode];
  const put = (node: ClusterNode, content: string) =>
    upload(node, content, { name: 'plan.txt', fields: { path: 'docs', filename: 'plan.txt' } });
  await b.node.stop();
  await put(a, 'as the first wrote it');
  await a.node.stop();
  const second = await startMember('n1', config, b.dataDir);
  await put(second, 'as the second wrote it, a little longer');
  const first = await startMember('n0', { ...config, peers: [second.origin] }, a.dataDir);
  await allSee([first, second]);
  const page = await openWindow(first.origin);
  const other = await openWindow(second.origin);
  await page.goto(`${first.origin}/#/health`);
  await other.goto(`${second.origin}/#/health`);
  const conflict = page.locator('[data-conflict="docs/plan.txt"]');
  await conflict.waitFor();
  await other.locator('[data-conflict="docs/plan.txt"]').waitFor();
  await conflict.getByText('shows now').waitFor();
  expect(await conflict.getByRole('button', { name: 'Keep this one' }).count()).toBe(2);
  const side = conflict.locator('.card').filter({ hasText: 'n0' });
  await side.getByRole('button', { name: 'Keep this one' }).click();
  await conflict.waitFor({ state: 'detached' });
  // It goes from the other window by itself.
  await other.locator('[data-conflict="docs/plan.txt"]').waitFor({ state: 'detached' });
  for (const node of [first, second]) {
    await expect.poll(async () => (await download(node, '/group1/docs/plan.txt')).text).toBe('as the first wrote it');
  }
});
