/** Files whose bytes are still on other members. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type ClusterNode, startCluster } from '../support/cluster-in-process.ts';
import { eventually } from '../support/eventually.ts';
import { call, download, expectRefusal, upload } from '../support/http-client.ts';

/** Two nodes; the second knows the file, and nothing brings its bytes until somebody asks. */
async function apart(content: Buffer): Promise<{ there: ClusterNode; here: ClusterNode; path: string }> {
  const [there, here] = await startCluster(2);
  if (!there || !here) throw new Error('two nodes were asked for');
  await here.api.ok('pauseTransfers', { json: { paused: true } });
  const { path } = await upload(there, content, { name: 'film.bin' });
  await eventually(async () => {
    const logical = path.replace(/^\/group1\//, '');
    const answer = await here.api.send('statFile', { query: { path: logical } });
    return answer.status === 200;
  }, 'the record has arrived');
  return { there, here, path };
}

describe('a file whose bytes are elsewhere', () => {
  it('is streamed from where they are, in ranges too, and kept once they may come', async () => {
    const content = randomBytes(9 * 1024 * 1024 + 12_345);
    const { here, there, path } = await apart(content);
    const logical = path.replace(/^\/group1\//, '');
    const isHere = async () => (await here.api.ok<{ here: boolean }>('statFile', { query: { path: logical } })).here;
    const ranges = [
      [0, 99],
      [4 * 1024 * 1024 - 10, 4 * 1024 * 1024 + 10],
      [content.length - 5, content.length - 1],
    ] as const;
    for (const [from, to] of ranges) {
      const part = await download(here, path, { range: `bytes=${from}-${to}` });
      expect([part.status, part.body.equals(content.subarray(from, to + 1))]).toEqual([206, true]);
    }
    expect((await download(here, path)).body.equals(content)).toBe(true);
    const head = await call(`${here.origin}${path}`, { method: 'HEAD' });
    expect([head.status, head.headers['content-length']]).toEqual([200, String(content.length)]);
    expect(await isHere()).toBe(false);
    await here.api.ok('pauseTransfers', { json: { paused: false } });
    await eventually(isHere, 'the bytes are here');
    await there.node.stop();
    expect((await download(here, path)).body.equals(content)).toBe(true);
  });

  it('answers 503 with a code, and never something else, while nobody who has them can be reached', async () => {
    const { here, there, path } = await apart(Buffer.from('only there'));
    await there.node.stop();
    await eventually(async () => (await download(here, path)).status === 503, 'the other is missed');
    const answer = await download(here, path);
    expectRefusal(answer, 503, 'BYTES_ELSEWHERE');
    expect(answer.headers['retry-after']).toBeDefined();
  });

  it('of one block is streamed as well', async () => {
    const content = randomBytes(70_000);
    const { here, path } = await apart(content);
    expect((await download(here, path)).body.equals(content)).toBe(true);
  });
});
