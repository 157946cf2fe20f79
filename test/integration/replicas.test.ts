/** Uploads that are answered only when several members hold them. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type ClusterNode, startCluster } from '../support/cluster-in-process.ts';
import { eventually } from '../support/eventually.ts';
import { call, download, expectRefusal, json, sendUpload, type UploadAnswer } from '../support/http-client.ts';

type Answered = UploadAnswer & { readonly replicas?: { held: number; wanted: number; code?: string } };

async function two(): Promise<readonly [ClusterNode, ClusterNode]> {
  const [a, b] = await startCluster(2, { replica_timeout: 2 });
  if (!a || !b) throw new Error('two nodes were asked for');
  return [a, b];
}

const tus = (node: ClusterNode) => `${node.origin}/group1/big/upload/`;
const named = (name: string, value: string) => `${name} ${Buffer.from(value).toString('base64')}`;

describe('min_replicas', () => {
  it('answers when so many members hold verified bytes: they can be read there at once', async () => {
    const [a, b] = await two();
    for (const size of [0, 17, 5 * 1024 * 1024]) {
      const content = randomBytes(size);
      const fields = { min_replicas: '2', output: 'json' };
      const answer = await sendUpload(a, content, { name: `f${size}`, fields });
      expect([answer.status, answer.headers['shoal-replicas']]).toEqual([200, '2']);
      expect(json<Answered>(answer).replicas).toEqual({ held: 2, wanted: 2 });
      const path = json<Answered>(answer).path.replace(/^\/group1\//, '');
      expect(await b.api.ok('statFile', { query: { path } })).toMatchObject({ here: true });
      expect((await download(b, `/group1/${path}`)).body.equals(content)).toBe(true);
    }
  });

  it('answers 202 with the number when the time is over, and takes nothing back', async () => {
    const [a, b] = await two();
    await b.api.ok('pauseTransfers', { json: { paused: true } });
    const answer = await sendUpload(a, 'slow', { fields: { min_replicas: '2', output: 'json' } });
    expect([answer.status, answer.headers['shoal-replicas'], answer.headers['shoal-replicas-wanted']]).toEqual([
      202,
      '1',
      '2',
    ]);
    const { replicas, path } = json<Answered>(answer);
    expect(replicas).toMatchObject({ held: 1, wanted: 2, code: 'REPLICAS_PENDING' });
    await b.api.ok('pauseTransfers', { json: { paused: false } });
    await eventually(
      async () =>
        (await b.api.send('statFile', { query: { path: path.replace(/^\/group1\//, '') } })).body
          .toString()
          .includes('"here":true'),
      'it follows by itself',
    );
  });

  it('does not make an upload wait for members that do not exist', async () => {
    const [a] = await two();
    const began = Date.now();
    const answer = await sendUpload(a, 'three', { fields: { min_replicas: '3', output: 'json' } });
    expect([answer.status, answer.headers['shoal-replicas']]).toEqual([202, '2']);
    expect(Date.now() - began).toBeLessThan(2000);
  });

  it('holds for the API, for resumable uploads, and for all when the configuration says so', async () => {
    const [a] = await two();
    const put = await a.api.send('writeFile', { query: { path: 'p.txt', minReplicas: '2' }, body: 'put' });
    expect([put.status, put.headers['shoal-replicas']]).toEqual([200, '2']);
    const metadata = `${named('filename', 't.txt')},${named('min_replicas', '2')}`;
    const head = { 'tus-resumable': '1.0.0', 'upload-length': '3', 'upload-metadata': metadata };
    const created = await call(tus(a), { method: 'POST', headers: head });
    expect(created.status).toBe(201);
    const patched = await call(String(created.headers.location), {
      method: 'PATCH',
      headers: {
        'tus-resumable': '1.0.0',
        'upload-offset': '0',
        'content-type': 'application/offset+octet-stream',
      },
      body: Buffer.from('tus'),
    });
    expect([patched.status, patched.headers['shoal-replicas']]).toEqual([204, '2']);
    await a.api.ok('changeSettings', { json: { changes: { min_replicas: 2 } } });
    const plain = await sendUpload(a, 'plain', {});
    expect([plain.status, plain.headers['shoal-replicas']]).toEqual([200, '2']);
  });

  it('can be looked up for any file: who holds verified bytes now', async () => {
    const [a, b] = await two();
    await a.api.ok('writeFile', { query: { path: 'both.txt', minReplicas: '2' }, body: 'both' });
    await b.api.ok('pauseTransfers', { json: { paused: true } });
    await a.api.ok('writeFile', { query: { path: 'one.txt' }, body: 'one' });
    const ids = [a.node.id, b.node.id].sort();
    const holders = async (node: ClusterNode) => {
      const { files } = await node.api.ok<{ files: { path: string; holders: string[] }[] }>('listHolders', {
        query: { path: ['both.txt', 'one.txt', 'none.txt'] },
      });
      return files.map((file) => [file.path, [...file.holders].sort()]);
    };
    const expected = [
      ['both.txt', ids],
      ['one.txt', [a.node.id]],
    ];
    expect(await holders(a)).toEqual(expected);
    await eventually(async () => (await holders(b)).length === 2, 'the record has spread');
    expect(await holders(b)).toEqual(expected);
    await a.node.stop();
    await eventually(
      async () => JSON.stringify((await holders(b))[0]?.[1]) === JSON.stringify([b.node.id]),
      'one is away',
    );
  });

  it('refuses numbers that make no sense, before anything is stored', async () => {
    const [a] = await two();
    for (const bad of ['0', '65', '-1', '2.5', 'two', '１'])
      expectRefusal(await sendUpload(a, 'x', { fields: { min_replicas: bad } }), 400, 'PARAMETER_INVALID');
    expect((await a.api.ok<{ entries: unknown[] }>('listFolder')).entries).toEqual([]);
  });
});
