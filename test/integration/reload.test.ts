/** `reload`: the configuration read, changed and read again by those who hold the key. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../node-core/config/schema.ts';
import { call, dataOf, type Envelope, encodeForm, expectRefusal, json, upload } from '../support/http-client.ts';
import { startNode, type TestNode, writeConfig } from '../support/node-in-process.ts';

const key = 'test-admin-key';

function reload(node: TestNode, parameters: Readonly<Record<string, string>>) {
  const form = encodeForm(Object.entries({ key, ...parameters }).map(([name, value]) => ({ name, value })));
  return call(`${node.group}/reload`, { method: 'POST', ...form });
}

const set = (node: TestNode, changes: object) => reload(node, { action: 'set', cfg: JSON.stringify(changes) });
const configFile = (node: TestNode) => path.join(node.dataDir, 'conf', 'cfg.json');
const onDisk = async (node: TestNode) => JSON.parse(await readFile(configFile(node), 'utf8')) as Partial<Config>;

describe('reload', () => {
  it.each(['wrong', `${key} `, '***'])('refuses the key "%s"', async (wrong) => {
    const node = await startNode();
    for (const action of ['get', 'set', 'reload']) {
      expectRefusal(await reload(node, { action, key: wrong, cfg: '{}' }), 401, 'ADMIN_KEY_REFUSED');
    }
  });

  it('accepts no key at all while none is configured', async () => {
    const node = await startNode({ admin_key: '' });
    expectRefusal(await reload(node, { action: 'get', key: '' }), 400, 'PARAMETER_MISSING');
    expectRefusal(await reload(node, { action: 'get', key: 'x' }), 401, 'ADMIN_KEY_REFUSED');
  });

  it('shows what counts, without its secrets', async () => {
    const secrets = { scenes: ['photos:JBSWY3DPEHPK3PXP'], alarm_url: 'https://user:pa55word@alarms.example/t0ken' };
    const node = await startNode({ ...secrets, show_dir: false });
    const answer = await reload(node, { action: 'get' });
    expect(dataOf<Config>(answer)).toMatchObject({ show_dir: false, admin_key: '***', scenes: ['photos:***'] });
    for (const secret of [key, 'JBSWY3DPEHPK3PXP', 'pa55word', 't0ken']) expect(answer.text).not.toContain(secret);
  });

  it('applies at once what can be, and says what waits for a restart', async () => {
    const node = await startNode();
    const answer = await set(node, { read_only: true, group: 'other' });
    expect(dataOf(answer)).toEqual({ applied: ['read_only'], afterRestart: ['group'] });
    expect(json<Envelope>(answer).message).toBe('applied: read_only; after a restart: group');
    expect((await call(`${node.group}/delete?path=x`)).status).toBe(403);
    expect(await onDisk(node)).toMatchObject({ read_only: true, group: 'other' });
  });

  it.each([
    [{ read_only: true, image_max_width: 'wide' }, 'image_max_width'],
    [{ read_only: true, read_onyl: true }, 'read_onyl'],
    [{ read_only: true, addr: 'nowhere' }, 'addr'],
    [{ admin_ips: ['10.0.0.0/99'] }, 'admin_ips'],
  ])('names the bad key of %j and keeps everything as it was', async (changes, bad) => {
    const node = await startNode();
    const before = await readFile(configFile(node), 'utf8');
    const answer = await set(node, changes);
    expectRefusal(answer, 400, 'CONFIG_INVALID');
    expect(json<Envelope>(answer).message).toContain(bad);
    expect(await readFile(configFile(node), 'utf8')).toBe(before);
    expect((await upload(node, 'still writable')).size).toBe(14);
  });

  it.each(['', '{', '[]', 'null', '"text"'])('refuses %j as a configuration', async (cfg) => {
    const node = await startNode();
    const code = cfg === '' ? 'PARAMETER_MISSING' : 'PARAMETER_INVALID';
    expectRefusal(await reload(node, { action: 'set', cfg }), 400, code);
  });

  it('changes nothing when it gets back what it showed', async () => {
    const secrets = { scenes: ['photos:JBSWY3DPEHPK3PXP'], admin_key: key };
    const node = await startNode(secrets);
    const before = await onDisk(node);
    const shown = dataOf<Config>(await reload(node, { action: 'get' }));
    expect(dataOf(await set(node, shown))).toEqual({ applied: [], afterRestart: [] });
    // Not even the port of the command line has come into the file.
    expect(await onDisk(node)).toEqual(before);
    expect(dataOf(await set(node, { ...shown, show_dir: false }))).toMatchObject({ applied: ['show_dir'] });
    expect(await onDisk(node)).toEqual({ ...before, show_dir: false });
  });

  it('reads a file that somebody edited, and keeps what counts when it is broken', async () => {
    const node = await startNode();
    await writeConfig(node.dataDir, { read_only: true });
    expect(dataOf(await reload(node, { action: 'reload' }))).toEqual({ applied: ['read_only'], afterRestart: [] });
    await writeConfig(node.dataDir, { image_max_width: -1 });
    const bad = await reload(node, { action: 'reload' });
    expectRefusal(bad, 400, 'CONFIG_INVALID');
    expect(json<Envelope>(bad).message).toContain('image_max_width');
    await writeFile(configFile(node), '{ "read_only": ');
    expectRefusal(await reload(node, { action: 'reload' }), 500, 'CONFIG_UNREADABLE');
    expect(dataOf<Config>(await reload(node, { action: 'get' }))).toMatchObject({ read_only: true });
  });

  it('takes a new key over at once', async () => {
    const node = await startNode();
    expect(dataOf(await set(node, { admin_key: 'another' }))).toMatchObject({ applied: ['admin_key'] });
    expectRefusal(await reload(node, { action: 'get' }), 401, 'ADMIN_KEY_REFUSED');
    expect((await reload(node, { action: 'get', key: 'another' })).status).toBe(200);
  });

  it('leaves no half of two changes at once', async () => {
    const node = await startNode();
    await Promise.all([set(node, { show_dir: false }), set(node, { read_only: true }), set(node, { trash_days: 3 })]);
    const shown = dataOf<Config>(await reload(node, { action: 'get' }));
    expect(shown).toMatchObject({ show_dir: false, read_only: true, trash_days: 3 });
  });
});
