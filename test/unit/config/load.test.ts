import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../node-core/config/load.ts';
import { currentConfigVersion } from '../../../node-core/config/migrations.ts';
import type { ConfigFlags, Environment } from '../../../node-core/config/overrides.ts';
import { configKeyNames, defaultConfig } from '../../../node-core/config/schema.ts';
import { ShoalError } from '../../../node-core/domain/errors.ts';
import { errorOf, fixture, makeDataDir } from './config-folder.ts';

const load = (dataDir: string, flags: ConfigFlags = {}, env: Environment = {}) => loadConfig({ dataDir, flags, env });

const v1 = (keys: object): string => JSON.stringify({ config_version: 1, ...keys });

describe('a missing configuration', () => {
  it('is generated with every key, a random key and for its owner alone', async () => {
    const { dataDir, file } = await makeDataDir();
    const { config, sources, ...loaded } = await load(dataDir);
    const text = await readFile(file, 'utf8');
    const written = JSON.parse(text);

    expect(loaded).toEqual({ file, generated: true, warnings: [] });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(Object.keys(written).sort()).toEqual([...configKeyNames].sort());
    expect(written).toEqual({ ...defaultConfig, admin_key: config.admin_key });
    expect(config.admin_key).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(text).toMatch(/^\{\n {2}"config_version": 1,\n.*\}\n$/s);
    expect(sources.addr).toBe('default');
    expect(sources.admin_key).toBe('file');
    expect(await readdir(path.dirname(file))).toEqual(['cfg.json']);
  });

  it('gets another key on another node, and the same one at the next start', async () => {
    const [one, two] = [await makeDataDir(), await makeDataDir()];
    const first = (await load(one.dataDir)).config.admin_key;
    expect((await load(two.dataDir)).config.admin_key).not.toBe(first);
    const again = await load(one.dataDir);
    expect(again.config.admin_key).toBe(first);
    expect(again.generated).toBe(false);
  });

  it('never takes options and variables into the file', async () => {
    const { dataDir, file } = await makeDataDir();
    const { config } = await load(dataDir, { addr: ':1' }, { SHOAL_NAME: 'reef', GO_FASTDFS_PEER_ID: '9' });
    expect(config).toMatchObject({ addr: ':1', node_name: 'reef', peer_id: '9' });
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ addr: ':8080', node_name: '', peer_id: '' });
  });

  it('stands where --config says', async () => {
    const { dataDir } = await makeDataDir();
    const configFile = path.join(dataDir, 'elsewhere', 'shoal.json');
    expect(await loadConfig({ dataDir, configFile, flags: {}, env: {} })).toMatchObject({
      file: configFile,
      generated: true,
    });
    expect(await readdir(dataDir)).toEqual(['elsewhere']);
  });

  it('is not generated when an option is wrong, and cannot be below a file', async () => {
    const { dataDir } = await makeDataDir();
    expect(await errorOf(() => load(dataDir, { addr: 'nowhere' }))).toMatchObject({ code: 'FLAG_INVALID' });
    expect(await readdir(dataDir)).toEqual([]);
    await writeFile(path.join(dataDir, 'plain'), '');
    expect(['CONFIG_UNWRITABLE', 'CONFIG_UNREADABLE']).toContain(
      (await errorOf(() => load(path.join(dataDir, 'plain')))).code,
    );
  });
});

describe('a file of go-fastdfs', () => {
  it('works as it is', async () => {
    const { dataDir } = await makeDataDir(await readFile(fixture('go-fastdfs-cfg.json')));
    const { config, warnings, upgradedFrom, sources } = await load(dataDir);
    expect(warnings).toEqual([]);
    expect(upgradedFrom).toBe(0);
    expect(config).toMatchObject({
      addr: ':8080',
      admin_ips: ['127.0.0.1'],
      admin_key: '4319e62d-9990-aa90-c113-f95a0276774c',
      download_domain: 'http://127.0.0.1:8080',
      enable_merge_small_file: true,
      enable_image_resize: true,
      mail: { user: '', password: '', host: '' },
      peer_id: '0',
      peers: [],
      read_timeout: 600,
      sync_worker: 200,
      upload_worker: 8,
    });
    expect(config).not.toHaveProperty('queue_size');
    expect(sources.peers).toBe('file');
    expect(sources.enable_image_resize).toBe('default');
  });

  it('keeps its explanations in Chinese and warns of nothing', async () => {
    const original = await readFile(fixture('go-fastdfs-generated-cfg.json'), 'utf8');
    const { dataDir, file } = await makeDataDir(original);
    const { config, warnings } = await load(dataDir);
    expect(warnings).toEqual([]);
    expect(config.mail).toEqual({ user: '', password: '', host: '' });
    expect(config.peers).toEqual(['http://10.1.5.4:8080', 'http://10.1.5.5:8080']);
    const upgraded = JSON.parse(await readFile(file, 'utf8'));
    expect(upgraded).toEqual({ config_version: 1, ...JSON.parse(original) });
    expect(Object.keys(upgraded)).toEqual(['config_version', ...Object.keys(JSON.parse(original))]);
  });

  it('is kept byte for byte before it is upgraded, once', async () => {
    const original = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), await readFile(fixture('go-fastdfs-cfg.json'))]);
    const { dataDir, file } = await makeDataDir(original);
    await load(dataDir);
    expect((await readFile(`${file}.bak-0`)).equals(original)).toBe(true);
    expect((await stat(`${file}.bak-0`)).mode & 0o777).toBe(0o600);
    expect((await stat(file)).mode & 0o777).toBe(0o600);

    const upgraded = await readFile(file);
    expect(await load(dataDir)).not.toHaveProperty('upgradedFrom');
    expect((await readFile(file)).equals(upgraded)).toBe(true);
    expect((await readdir(path.dirname(file))).sort()).toEqual(['cfg.json', 'cfg.json.bak-0']);
  });

  it('never overwrites an older copy', async () => {
    const { dataDir, file } = await makeDataDir('{"addr":":1"}');
    await load(dataDir);
    await writeFile(file, '{"addr":":2"}');
    await load(dataDir);
    await writeFile(file, '{"addr":":2"}');
    await load(dataDir);
    await writeFile(file, '{"addr":":3"}');
    await load(dataDir);
    const copies = ['.bak-0', '.bak-0.1', '.bak-0.2'].map((suffix) => readFile(`${file}${suffix}`, 'utf8'));
    expect(await Promise.all(copies)).toEqual(['{"addr":":1"}', '{"addr":":2"}', '{"addr":":3"}']);
    expect((await readdir(path.dirname(file))).length).toBe(4);
  });

  it('is left alone when it holds a bad value', async () => {
    const { dataDir, file } = await makeDataDir('{"addr":"nowhere"}');
    await errorOf(() => load(dataDir));
    expect(await readFile(file, 'utf8')).toBe('{"addr":"nowhere"}');
    expect(await readdir(path.dirname(file))).toEqual(['cfg.json']);
  });

  it('gets the values that its zeros and empty strings stand for, and only those', async () => {
    const zeros = {
      sync_worker: 0,
      retry_count: 0,
      image_max_height: 0,
      file_sum_arithmetic: '',
      upload_worker: 0,
      read_timeout: 0,
    };
    const { dataDir } = await makeDataDir(JSON.stringify(zeros));
    const expected = { sync_worker: 200, retry_count: 3, image_max_height: 2000, file_sum_arithmetic: 'md5' };
    expect((await load(dataDir)).config).toMatchObject({ ...expected, upload_worker: 0, read_timeout: 0 });
    const { dataDir: newer } = await makeDataDir(v1({ retry_count: 0 }));
    expect((await load(newer)).config.retry_count).toBe(0);
  });
});

describe('reading the file', () => {
  it('says where it is not JSON, and quotes nothing of it', async () => {
    const { dataDir } = await makeDataDir('{\n  "admin_key": "s3cret-key"\n  "addr": ":8080"\n}');
    const error = await errorOf(() => load(dataDir));
    expect(error.code).toBe('CONFIG_UNREADABLE');
    expect(error.details.reason).toBe('line 3, column 3: a comma or } is missing');
    expect(`${error.stack}${String(error.cause)}`).not.toContain('s3cret');
  });

  it.each([
    ['an empty file', '', 'line 1, column 1: the text ends too early'],
    ['a list', '[]', 'it must be a JSON object: { "key": value, ... }'],
    ['null', 'null', 'it must be a JSON object: { "key": value, ... }'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'it is not UTF-8 text'],
    ['a huge file', Buffer.alloc(1024 * 1024 + 1, 0x20), 'it is larger than 1 MiB'],
  ])('refuses %s', async (_name, content, reason) => {
    const { dataDir } = await makeDataDir(content);
    expect(await errorOf(() => load(dataDir))).toMatchObject({ code: 'CONFIG_UNREADABLE', details: { reason } });
  });

  it('refuses a folder in place of the file', async () => {
    const { dataDir, file } = await makeDataDir();
    await mkdir(file, { recursive: true });
    expect(await errorOf(() => load(dataDir))).toMatchObject({
      code: 'CONFIG_UNREADABLE',
      details: { reason: 'EISDIR' },
    });
  });

  it('refuses what can be read but not written back', async () => {
    const { dataDir, file } = await makeDataDir(`{"deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
    const error = await errorOf(() => load(dataDir));
    expect(error).toMatchObject({ code: 'CONFIG_UNREADABLE', details: { reason: 'it is nested too deeply' } });
    expect(await readdir(path.dirname(file))).toEqual(['cfg.json']);
  });

  it.each([
    [currentConfigVersion + 1, 'CONFIG_TOO_NEW'],
    ['1', 'CONFIG_INVALID'],
    [-1, 'CONFIG_INVALID'],
    [0.5, 'CONFIG_INVALID'],
    [null, 'CONFIG_INVALID'],
  ])('refuses the version %j with %s', async (version, code) => {
    const content = JSON.stringify({ config_version: version, addr: ':1' });
    const { dataDir, file } = await makeDataDir(content);
    expect((await errorOf(() => load(dataDir))).code).toBe(code);
    expect(await readFile(file, 'utf8')).toBe(content);
  });

  it('writes nothing when nothing has to change, and may read a file it cannot write', async () => {
    const { dataDir, file } = await makeDataDir(v1({ addr: ':1' }));
    await chmod(file, 0o444);
    const before = await stat(file, { bigint: true });
    expect((await load(dataDir)).config.addr).toBe(':1');
    const after = await stat(file, { bigint: true });
    expect([after.ino, after.mtimeNs, after.mode]).toEqual([before.ino, before.mtimeNs, before.mode]);
  });

  it('upgrades the file behind a symbolic link and keeps the link', async () => {
    const { dataDir, file } = await makeDataDir();
    const real = path.join(dataDir, 'real.json');
    await writeFile(real, '{"addr":":1"}');
    await mkdir(path.dirname(file));
    await symlink(real, file);
    await load(dataDir);
    expect(JSON.parse(await readFile(real, 'utf8'))).toEqual({ config_version: 1, addr: ':1' });
  });

  it('gives a configuration that cannot be changed', async () => {
    const { dataDir } = await makeDataDir(v1({ scenes: ['a'], mail: { user: 'me@example.com' } }));
    const { config } = await load(dataDir);
    expect([config, config.scenes, config.mail, config.admin_ips, config.peers].every(Object.isFrozen)).toBe(true);
    expect(config.mail).toEqual({ user: 'me@example.com', password: '', host: '' });
  });

  it('names the first bad key and all of them', async () => {
    const { dataDir } = await makeDataDir(
      v1({ group: 'a/b', trash_days: -1, admin_ips: ['127.0.0.1', '10.0.0.0/33'] }),
    );
    const error = await errorOf(() => load(dataDir));
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.details).toEqual({
      key: 'trash_days',
      reason: 'must be a whole number from 0 to 36500, not -1',
      keys: 'trash_days, admin_ips, group',
    });
  });
});

describe('unknown keys', () => {
  it.each([
    ['read_olny', 'read_only'],
    ['adrr', 'addr'],
    ['Group', 'group'],
    ['admin_ip', 'admin_ips'],
    ['queue_sise', 'queue_size'],
  ])('%s is taken for a misspelling of %s', async (key, suggestion) => {
    const { dataDir } = await makeDataDir(v1({ [key]: true }));
    const { warnings, config } = await load(dataDir);
    expect(warnings).toMatchObject([{ kind: 'misspelled-key', key, suggestion }]);
    expect(warnings[0]?.en).toContain(`looks like a misspelling of ${suggestion}`);
    expect(warnings[0]?.zh).toContain(suggestion);
    expect(config).toEqual(defaultConfig);
  });

  it('are warned of when nothing is like them, and kept', async () => {
    const { dataDir, file } = await makeDataDir('{"my_own_note":{"a":[1]},"注":1,"__proto__":{"addr":":1"}}');
    const { warnings, config } = await load(dataDir);
    expect(warnings.map(({ kind, key }) => [kind, key])).toEqual([
      ['unknown-key', 'my_own_note'],
      ['unknown-key', '__proto__'],
    ]);
    expect(config.addr).toBe(':8080');
    expect(await readFile(file, 'utf8')).toBe(
      `${JSON.stringify(JSON.parse('{"config_version":1,"my_own_note":{"a":[1]},"注":1,"__proto__":{"addr":":1"}}'), null, 2)}\n`,
    );
  });
});

describe('precedence', () => {
  const file = { peers: ['http://file:1'], node_name: 'file', host: 'http://file', addr: ':7' };
  const cases: [string, ConfigFlags, Environment, object, object][] = [
    ['default', {}, {}, { advertise: '' }, { advertise: 'default' }],
    ['file over default', {}, {}, { node_name: 'file' }, { node_name: 'file' }],
    ['variable over file', {}, { SHOAL_NAME: 'env' }, { node_name: 'env' }, { node_name: 'env' }],
    ['option over variable', { name: 'flag' }, { SHOAL_NAME: 'env' }, { node_name: 'flag' }, { node_name: 'flag' }],
    ['an empty variable is none', {}, { SHOAL_NAME: '' }, { node_name: 'file' }, { node_name: 'file' }],
    ['an address', { addr: '[::1]:80' }, { SHOAL_ADDR: ':81' }, { addr: '[::1]:80' }, { addr: 'flag' }],
    [
      'addresses of the cluster',
      { advertise: 'me.example.com:1' },
      { SHOAL_PEER_ADDR: ':2' },
      { advertise: 'me.example.com:1', peer_addr: ':2' },
      { advertise: 'flag', peer_addr: 'env' },
    ],
    [
      'peers of go-fastdfs over file',
      {},
      { GO_FASTDFS_PEERS: 'http://a:1, b:2,' },
      { peers: ['http://a:1', 'http://b:2'] },
      { peers: 'go-fastdfs env' },
    ],
    [
      'our peers over those of go-fastdfs',
      {},
      { SHOAL_PEER: 'c:3', GO_FASTDFS_PEERS: 'a:1' },
      { peers: ['http://c:3'] },
      { peers: 'env' },
    ],
    [
      'peer options',
      { peers: ['x:1', 'y:2'] },
      { SHOAL_PEER: 'c:3' },
      { peers: ['http://x:1', 'http://y:2'] },
      { peers: 'flag' },
    ],
    ['no peer option', { peers: [] }, {}, { peers: ['http://file:1'] }, { peers: 'file' }],
    ['peer id of go-fastdfs', {}, { GO_FASTDFS_PEER_ID: '4' }, { peer_id: '4' }, { peer_id: 'go-fastdfs env' }],
    ['IP of go-fastdfs', {}, { GO_FASTDFS_IP: '10.0.0.9' }, { host: 'http://10.0.0.9:7' }, { host: 'go-fastdfs env' }],
    ['IP with another port', { addr: ':9' }, { GO_FASTDFS_IP: 'fd00::9' }, { host: 'http://[fd00::9]:9' }, {}],
    ['IP that is a URL', {}, { GO_FASTDFS_IP: 'https://a.b/' }, { host: 'https://a.b' }, {}],
  ];
  it.each(cases)('%s', async (_name, flags, env, values, expectedSources) => {
    const { dataDir } = await makeDataDir(v1(file));
    const { config, sources } = await load(dataDir, flags, env);
    expect(config).toMatchObject(values);
    expect(sources).toMatchObject(expectedSources);
  });

  it('names the option or the variable that is wrong', async () => {
    const { dataDir } = await makeDataDir(v1({}));
    expect(await errorOf(() => load(dataDir, { peers: ['ok:1', 'a b'] }))).toMatchObject({
      code: 'FLAG_INVALID',
      details: { flag: '--peer', reason: 'entry 2 must be a URL such as http://10.0.0.2:8080, not "a b"' },
    });
    const error = await errorOf(() => load(dataDir, {}, { SHOAL_ADDR: '8080' }));
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toMatch(/^configuration key addr: SHOAL_ADDR must be host:port .*, not "8080"$/);
  });
});

describe('whatever the file holds', () => {
  const key = fc.oneof(fc.constantFrom(...configKeyNames, '__proto__', 'constructor', '集群'), fc.string());
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(null, -1, 1e308, '', 'a:b', '../x', [''], [null], { user: 1 }),
  );
  const object = fc.array(fc.tuple(key, value)).map((entries) => JSON.stringify(Object.fromEntries(entries)));

  it('ends in a configuration or in a coded error', async () => {
    const outcomes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.oneof({ weight: 4, arbitrary: object }, fc.string()), async (content) => {
        const { dataDir } = await makeDataDir(content);
        try {
          const { config } = await load(dataDir);
          outcomes.add('ok');
          expect(Object.keys(config).sort()).toEqual([...configKeyNames].sort());
          expect((await load(dataDir)).config).toEqual(config);
        } catch (error) {
          if (!(error instanceof ShoalError)) throw error;
          expect(error.code).toMatch(/^CONFIG_(INVALID|UNREADABLE|TOO_NEW)$/);
          outcomes.add(error.code);
        }
      }),
      { numRuns: 300 },
    );
    expect([...outcomes]).toEqual(expect.arrayContaining(['ok', 'CONFIG_INVALID', 'CONFIG_UNREADABLE']));
  });
});
