import { describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { call, upload } from '../support/http-client.ts';
import { startNode } from '../support/node-in-process.ts';

const dayMs = 24 * 60 * 60 * 1000;

describe('retention in /api/v1', () => {
  it('previews, adds, runs, asks and removes rules, and the trash gives back what they took', async () => {
    const time = { now: 1_700_000_000_000 };
    const clock = { now: () => time.now, monotonic: () => time.now - 1_700_000_000_000 };
    const node = await startNode({}, undefined, clock);
    for (let number = 0; number < 15; number += 1)
      await upload(node, `old ${number}`, { fields: { path: 'logs', filename: `${number}.txt` } });
    time.now += 10 * dayMs;
    await upload(node, 'new', { fields: { path: 'logs', filename: 'new.txt' } });
    const api = await ApiClient.of(node);
    const request = { folder: '/logs/', days: 7 };
    expect(await api.ok('previewRetention', { json: request })).toMatchObject({ files: 15, needsConfirmation: true });
    const rule = await api.ok<{ id: string }>('addRetention', { json: request });
    expect(await api.ok('runRetention', { json: { id: rule.id } })).toMatchObject({
      removed: 0,
      waiting: { files: 15 },
    });
    expect(await api.ok('listRetention')).toMatchObject({
      rules: [{ id: rule.id, folder: 'logs', days: 7, by: '127.0.0.1', state: { waiting: { files: 15 } } }],
      clockLeadMs: 0,
    });
    expect(await api.ok('runRetention', { json: { id: rule.id, confirmed: 15 } })).toMatchObject({ removed: 15 });
    expect((await call(`${node.group}/logs/new.txt`)).text).toBe('new');
    expect((await call(`${node.group}/logs/3.txt`)).status).toBe(404);
    const { entries } = await api.ok<{ entries: { id: string; path: string; by: string }[] }>('listTrash');
    const third = entries.find(({ path }) => path === 'logs/3.txt');
    expect(third?.by).toBe(`retention ${rule.id}`);
    await api.ok('restore', { json: { id: third?.id } });
    expect((await call(`${node.group}/logs/3.txt`)).text).toBe('old 3');
    await api.ok('removeRetention', { query: { id: rule.id } });
    await api.refused('runRetention', 404, 'RULE_NOT_FOUND', { json: { id: rule.id } });
    await api.ok('confirmClock');
  });

  it('refuses rules that are none', async () => {
    const api = await ApiClient.of(await startNode());
    for (const body of [
      {},
      { days: 5 },
      { folder: 'a', scene: 'b', days: 5 },
      { folder: 'a', days: 0 },
      { folder: 'a', days: 1.5 },
      { folder: '../a', days: 5 },
      { scene: '', days: 5 },
    ]) {
      const answer = await api.send('addRetention', { json: body });
      expect(answer.status, JSON.stringify(body)).toBe(400);
    }
    expect(await api.ok('listRetention')).toMatchObject({ rules: [] });
    const readOnly = await ApiClient.of(await startNode({ read_only: true }));
    await readOnly.refused('addRetention', 403, 'READ_ONLY', { json: { folder: 'a', days: 5 } });
  });
});
