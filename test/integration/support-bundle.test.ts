/** The support bundle: what helps, and nothing that must stay secret. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { call } from '../support/http-client.ts';
import { startNode } from '../support/node-in-process.ts';
import { from, withKey } from '../support/strangers.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);

const secrets = {
  admin_key: 'the-admin-key-of-this-test',
  cluster_key: 'the cluster key of this test, long enough',
  mail: { user: 'somebody', password: 'the-mail-password', host: 'mail.example.org:25' },
  alarm_url: 'http://alarms.example.org/?token=the-token-of-the-webhook',
  scenes: ['secret:JBSWY3DPEHPK3PXP'],
};

it('tells state, settings, members, alarms and log, without secrets', async () => {
  const node = await startNode(secrets);
  const key = { authorization: `Bearer ${secrets.admin_key}` };
  await call(`${node.origin}/api/v1/files/content?path=a.txt`, { method: 'PUT', body: 'a', headers: key });
  await call(`${node.origin}/api/v1/links`, {
    method: 'POST',
    headers: { ...key, 'content-type': 'application/json' },
    body: '{"path":"a.txt"}',
  });
  // The log is written behind what it tells of.
  await eventually(
    async () => (await call(`${node.origin}/api/v1/logs`, { headers: key })).text.includes('ready'),
    'the log',
  );
  const answer = await call(`${node.origin}/api/v1/support-bundle`, { headers: key });
  expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/zip']);
  const file = path.join(await temporaryFolder(), 'bundle.zip');
  await writeFile(file, answer.body);
  const { stdout: list } = await run('unzip', ['-Z1', file]);
  expect(list.trim().split('\n').sort()).toEqual([
    'alarms.json',
    'days.json',
    'log.jsonl',
    'members.json',
    'metrics.txt',
    'node.json',
    'settings.json',
  ]);
  const { stdout: text } = await run('unzip', ['-p', file], { maxBuffer: 64 * 1024 * 1024 });
  expect(text).toContain(node.node.id);
  expect(text).toContain('"msg":"ready"');
  for (const secret of [
    secrets.admin_key,
    secrets.cluster_key,
    secrets.mail.password,
    'the-token-of-the-webhook',
    'JBSWY3DPEHPK3PXP',
    'PRIVATE KEY',
  ]) {
    expect(text, 'a secret').not.toContain(secret);
  }
});

it('is for those who manage', async () => {
  const node = await startNode({ trusted_proxies: ['127.0.0.1'] });
  expect((await call(`${node.origin}/api/v1/support-bundle`, { headers: from() })).status).toBe(403);
  expect((await call(`${node.origin}/api/v1/support-bundle`, { headers: withKey })).status).toBe(200);
});
