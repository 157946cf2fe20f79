import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../node-core/config/load.ts';
import { redactConfig } from '../../../node-core/config/redact.ts';
import { saveConfig } from '../../../node-core/config/save.ts';
import { errorOf, fixture, makeDataDir } from './config-folder.ts';

const readJson = async (file: string): Promise<Record<string, unknown>> => JSON.parse(await readFile(file, 'utf8'));

const content = `{"config_version":1,"集群":"...","note":1,"addr":":1","admin_key":"old-key","scenes":["a:AAAA","b"],
  "mail":{"user":"me@example.com","password":"pass-word","host":"smtp.example.com:25"}}`;

describe('saveConfig', () => {
  it('changes what was asked for and keeps the rest, unknown keys included', async () => {
    const { file } = await makeDataDir(content);
    const saved = await saveConfig(file, { read_only: true, addr: ':2', group: 'group1', note: undefined });
    expect(saved.config).toMatchObject({ read_only: true, addr: ':2' });
    expect(saved.changed).toEqual(['addr', 'read_only']);
    expect(saved.needRestart).toEqual(['addr']);
    expect(await readJson(file)).toEqual({ ...JSON.parse(content), read_only: true, addr: ':2', group: 'group1' });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(path.dirname(file))).toEqual(['cfg.json']);
    const reloaded = await loadConfig({ dataDir: path.dirname(path.dirname(file)), flags: {}, env: {} });
    expect(reloaded.config).toEqual(saved.config);
  });

  it('stores values in their usual form', async () => {
    const { file } = await makeDataDir(content);
    await saveConfig(file, { extensions: ['.JPG'], download_domain: 'files.example.com/', peers: null });
    expect(await readJson(file)).toMatchObject({
      extensions: ['.jpg'],
      download_domain: 'http://files.example.com',
      peers: [],
    });
  });

  it.each([
    ['a bad value', { read_only: true, group: '../up' }, 'group'],
    ['a value of another type', { read_only: 'yes' }, 'read_only'],
    ['an unknown key', { reed_only: true }, 'reed_only'],
    ['another version', { config_version: 2 }, 'config_version'],
    ['a mask that nothing was hidden by', { alarm_url: 'http://other/***' }, 'alarm_url'],
    ['something that is no JSON', { trash_days: 1n }, 'trash_days'],
  ])('leaves the file byte for byte as it was after %s', async (_name, changes, key) => {
    const { file } = await makeDataDir(content);
    const error = await errorOf(() => saveConfig(file, changes));
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', details: { key } });
    expect(await readFile(file, 'utf8')).toBe(content);
    expect(await readdir(path.dirname(file))).toEqual(['cfg.json']);
  });

  it('leaves the file as it was when the new one cannot be written', async () => {
    const { dataDir } = await makeDataDir();
    // The name is as long as a name can be: the temporary file beside it cannot be made.
    const file = path.join(dataDir, `${'c'.repeat(250)}.json`);
    await writeFile(file, content);
    expect((await errorOf(() => saveConfig(file, { read_only: true }))).code).toBe('CONFIG_UNWRITABLE');
    expect(await readFile(file, 'utf8')).toBe(content);
    expect(await readdir(dataDir)).toEqual([path.basename(file)]);
  });

  it('refuses a file that is not there or too large afterwards', async () => {
    const { file } = await makeDataDir(content);
    expect((await errorOf(() => saveConfig(`${file}.none`, { read_only: true }))).code).toBe('CONFIG_UNREADABLE');
    expect((await errorOf(() => saveConfig(file, { proxies: 'x'.repeat(1024 * 1024) }))).code).toBe(
      'CONFIG_UNREADABLE',
    );
    expect(await readFile(file, 'utf8')).toBe(content);
  });

  it('mends a bad value that stands in the file', async () => {
    const { file } = await makeDataDir('{"config_version":1,"group":"a/b","addr":"nowhere"}');
    expect(await errorOf(() => saveConfig(file, { group: 'a' }))).toMatchObject({ details: { key: 'addr' } });
    expect((await saveConfig(file, { group: 'a', addr: ':1' })).changed).toEqual(['addr', 'group']);
  });

  it('takes a whole file of go-fastdfs, as its action reload sends it', async () => {
    const { file } = await makeDataDir(content);
    const whole = JSON.parse(await readFile(fixture('go-fastdfs-generated-cfg.json'), 'utf8'));
    const { config } = await saveConfig(file, whole);
    expect(config).toMatchObject({ peer_id: '7', mail: { user: '', password: '', host: '' } });
    expect(await readJson(file)).toMatchObject({
      集群: '集群列表',
      proxies: whole.proxies,
      note: 1,
      admin_key: 'old-key',
    });
  });

  it('upgrades a file of go-fastdfs that was put there meanwhile, and keeps a copy', async () => {
    const { file } = await makeDataDir('{"addr":":1"}');
    await saveConfig(file, { addr: ':2' });
    expect(await readJson(file)).toEqual({ config_version: 1, addr: ':2' });
    expect(await readFile(`${file}.bak-0`, 'utf8')).toBe('{"addr":":1"}');
  });

  it('keeps secrets that come back masked, and takes new ones', async () => {
    const { file } = await makeDataDir(content);
    const masked = redactConfig((await saveConfig(file, {})).config);
    const { config } = await saveConfig(file, {
      ...masked,
      scenes: ['b:BBBB', ...masked.scenes],
      mail: { ...masked.mail, user: 'you@example.com' },
    });
    expect(config).toMatchObject({
      admin_key: 'old-key',
      scenes: ['b:BBBB', 'a:AAAA', 'b'],
      mail: { user: 'you@example.com', password: 'pass-word' },
    });
    expect((await saveConfig(file, { admin_key: 'new-key' })).config.admin_key).toBe('new-key');
    // What is not secret is never masked: there, three stars are three stars.
    await saveConfig(file, { node_name: 'reef' });
    expect((await saveConfig(file, { node_name: '***' })).config.node_name).toBe('***');
  });

  it('loses none of many saves at once, and a failing one stops none', async () => {
    const { file } = await makeDataDir(content);
    const saves = Array.from({ length: 20 }, (_, n) => saveConfig(file, { [`键${n}`]: n, trash_days: n }));
    const failing = errorOf(() => saveConfig(file, { trash_days: 'x' }));
    await Promise.all([...saves, failing]);
    const last = await saveConfig(file, { log_files: 3 });
    const written = await readJson(file);
    expect(Object.keys(written).filter((key) => key.startsWith('键')).length).toBe(20);
    expect(last.config.trash_days).toBe(19);
    expect(await readdir(path.dirname(file))).toEqual(['cfg.json']);
  });

  it('is never seen half written by a reader', async () => {
    const { dataDir } = await makeDataDir();
    await mkdir(path.join(dataDir, 'conf'));
    const file = path.join(dataDir, 'conf', 'cfg.json');
    await writeFile(file, content);
    let saving = true;
    const saves = (async () => {
      for (let n = 0; n < 30; n += 1) await saveConfig(file, { node_name: 'n'.repeat(n) });
    })().finally(() => {
      saving = false;
    });
    while (saving) expect(await readJson(file)).toHaveProperty('addr');
    await saves;
  });
});
