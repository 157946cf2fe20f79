/** /api/v1/events: what happens is told once, in order, also to those who were away. */
import { type IncomingMessage, request } from 'node:http';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { EventClient, type ReceivedEvent } from '../support/event-client.ts';
import { call, digest, expectRefusal, remove, upload } from '../support/http-client.ts';
import { startNode, type TestNode, writeConfig } from '../support/node-in-process.ts';
import { startNodeProcess } from '../support/node-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { uploadWhole } from '../support/tus-client.ts';

let node: TestNode;
let api: ApiClient;
beforeAll(async () => {
  node = await startNode({ durability: 'os' });
  api = await ApiClient.of(node);
});

const put = (at: string, content = at) => api.ok('writeFile', { query: { path: at, replace: true }, body: content });
const numberOf = ({ id }: ReceivedEvent) => Number(id?.split('-')[1]);

describe('what is told', () => {
  it('begins with reset: read what you show', async () => {
    const stream = await EventClient.connect(node);
    expect(stream.response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    expect(await stream.until(() => true)).toMatchObject({
      type: 'reset',
      id: expect.stringMatching(/^[0-9a-f]{8}-\d+$/),
    });
  });

  it('every change of files, whichever door it came through, in order', async () => {
    const stream = await EventClient.connect(node);
    await stream.untilType('reset');
    await put('told/a', 'one');
    await api.ok('moveEntry', { json: { from: 'told/a', to: 'told/b' } });
    await api.ok('removeEntry', { query: { path: 'told/b' } });
    await api.ok('makeFolder', { json: { path: 'told/made' } });
    const { path: form } = await upload(node, 'by form', { name: 'form.txt', fields: { path: 'told' } });
    await uploadWhole(node, 'by tus', { filename: 'tus.txt', path: 'told' });
    await remove(node, form);
    await stream.until(({ data }) => JSON.stringify(data).includes('form.txt') && 'by' in (data as object));
    const told = stream.news.map(({ type, data }) => [type, data] as const);
    expect(told).toEqual([
      ['file-committed', { path: 'told/a', size: 3, sha256: digest('sha256', 'one') }],
      ['file-moved', { from: 'told/a', to: 'told/b' }],
      ['file-removed', { path: 'told/b', by: '127.0.0.1' }],
      ['folder-made', { path: 'told/made' }],
      ['file-committed', expect.objectContaining({ path: 'told/form.txt' })],
      ['file-committed', expect.objectContaining({ path: 'default/told/tus.txt' })],
      ['file-removed', { path: 'told/form.txt', by: '127.0.0.1' }],
    ]);
    const numbers = stream.news.map(numberOf);
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
  });

  it('nothing for what was refused or changed nothing', async () => {
    await put('still/a', 'same');
    const stream = await EventClient.connect(node);
    await stream.untilType('reset');
    await put('still/a', 'same');
    await api.send('writeFile', { query: { path: 'still/a' }, body: 'other' });
    await api.send('removeEntry', { query: { path: 'still/none' } });
    await api.send('moveEntry', { json: { from: 'still/a', to: 'still/a' } });
    await put('still/last');
    const first = await stream.until(({ id, type }) => id !== undefined && type !== 'reset');
    expect(first.data).toMatchObject({ path: 'still/last' });
  });

  it('a change of the configuration, without secrets', async () => {
    const stream = await EventClient.connect(node);
    await api.ok('changeSettings', { json: { changes: { trash_days: 7, admin_key: 'a-new-secret-key' } } });
    const event = await stream.untilType('configuration-changed');
    expect(event.data).toEqual({ applied: ['trash_days', 'admin_key'], afterRestart: [] });
    expect(JSON.stringify(stream.events)).not.toContain('a-new-secret-key');
  });

  it('names with line breaks do not break the stream', async () => {
    const stream = await EventClient.connect(node);
    await stream.untilType('reset');
    await put('lines/a\n\ndata: {}\nevent: reset\n', 'x');
    await put('lines/after', 'y');
    await stream.until(({ data }) => (data as { path?: string }).path === 'lines/after');
    expect(stream.news.map(({ data }) => (data as { path: string }).path)).toEqual([
      'lines/a\n\ndata: {}\nevent: reset\n',
      'lines/after',
    ]);
  });
});

describe('who was away', () => {
  it('gets what was missed exactly once and in order, then goes on', async () => {
    const first = await EventClient.connect(node);
    await put('away/0');
    await first.untilType('file-committed');
    const last = first.lastId;
    first.close();
    await first.ended;
    for (let index = 1; index <= 20; index += 1) await put(`away/${index}`);
    const second = await EventClient.connect(node, last);
    await put('away/21');
    await second.until(({ data }) => (data as { path?: string }).path === 'away/21');
    expect(second.events.filter(({ type }) => type === 'reset')).toEqual([]);
    expect(second.news.map(({ data }) => (data as { path: string }).path)).toEqual(
      Array.from({ length: 21 }, (_, index) => `away/${index + 1}`),
    );
  });

  it('loses and doubles nothing while it comes and goes in the middle of many changes', async () => {
    const seen: number[] = [];
    let stream = await EventClient.connect(node);
    let last = (await stream.untilType('reset')).id;
    const work = (async () => {
      for (let index = 0; index < 100; index += 1) await put(`flapping/${index}`);
      await put('flapping/end');
    })();
    const isEnd = ({ data }: ReceivedEvent) => (data as { path?: string }).path === 'flapping/end';
    for (;;) {
      await stream.until(({ id, type }) => id !== undefined && type !== 'reset');
      stream.close();
      await stream.ended;
      seen.push(...stream.news.map(numberOf));
      last = stream.lastId ?? last;
      if (stream.news.some(isEnd)) break;
      stream = await EventClient.connect(node, last);
    }
    await work;
    expect(seen).toEqual(Array.from({ length: 101 }, (_, index) => (seen[0] ?? 0) + index));
  });

  it('gets nothing but news when nothing was missed', async () => {
    const first = await EventClient.connect(node);
    const { id } = await first.untilType('reset');
    // Connected at once, not with the first event or heartbeat: a page shows whether it is connected.
    const began = performance.now();
    const second = await EventClient.connect(node, id);
    expect(performance.now() - began).toBeLessThan(3000);
    await put('nothing-missed');
    expect((await second.until(() => true)).data).toMatchObject({ path: 'nothing-missed' });
  });

  it('may name its place in the query, as a page that was loaded anew', async () => {
    const first = await EventClient.connect(node);
    const { id } = await first.untilType('reset');
    await put('by-query');
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(`${node.origin}/api/v1/events?lastEventId=${id}`, { agent: false }, resolve);
      sent.on('error', reject).end();
    });
    onTestFinished(() => void response.destroy());
    const text = await new Promise<string>((resolve) => response.setEncoding('utf8').once('data', resolve));
    expect(text).toContain('by-query');
    expect(text).not.toContain('reset');
  });

  const strange = [
    '',
    'nonsense',
    '00000000-1',
    '-1',
    'ffffffff-99999999999999999999',
    '<own>-999999',
    '<own>--1',
    '<own>-1e3',
    '<own>-',
  ];
  it.each(strange)('with the id %j is told to begin anew', async (id) => {
    const own = ((await (await EventClient.connect(node)).untilType('reset')).id ?? '').split('-')[0] ?? '';
    const stream = await EventClient.connect(node, id.replace('<own>', own));
    expect(await stream.until(() => true)).toMatchObject({ type: 'reset' });
  });

  it('too long is told to begin anew', async () => {
    const first = await EventClient.connect(node);
    const { id } = await first.untilType('reset');
    first.close();
    for (let round = 0; round < 21; round += 1) {
      await Promise.all(Array.from({ length: 50 }, (_, index) => put(`long/${round}/${index}`)));
    }
    expect(await (await EventClient.connect(node, id)).until(() => true)).toMatchObject({ type: 'reset' });
  });

  it('over a restart is told to begin anew: numbers begin anew too', async () => {
    const dataDir = await temporaryFolder();
    const before = await startNode({}, dataDir);
    const { id } = await (await EventClient.connect(before)).untilType('reset');
    await before.node.stop();
    const after = await startNode({}, dataDir);
    expect(await (await EventClient.connect(after, id)).until(() => true)).toMatchObject({ type: 'reset' });
  });
});

describe('the connection', () => {
  it('HEAD is answered and over', async () => {
    const answer = await call(`${node.origin}/api/v1/events`, { method: 'HEAD' });
    expect(answer.status).toBe(200);
  }, 5000);

  it('is for those who may manage only', async () => {
    const answer = await call(`${node.origin}/api/v1/events`, { headers: { 'x-forwarded-for': '203.0.113.9' } });
    expectRefusal(answer, 403, 'MANAGEMENT_REFUSED');
  });

  it('ends within a second when the node is asked to stop', async () => {
    const dataDir = await temporaryFolder();
    await writeConfig(dataDir, {});
    const process = await startNodeProcess(dataDir);
    const streams = await Promise.all(Array.from({ length: 3 }, () => EventClient.connect(process)));
    for (const stream of streams) await stream.untilType('reset');
    const began = performance.now();
    const ended = process.kill('SIGTERM');
    await Promise.all(streams.map((stream) => stream.ended));
    expect(performance.now() - began).toBeLessThan(1000);
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - began).toBeLessThan(3000);
  });
});
