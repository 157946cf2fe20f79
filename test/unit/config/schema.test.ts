import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { redactConfig } from '../../../node-core/config/redact.ts';
import { configGroups, configKeys, configSchema, defaultConfig } from '../../../node-core/config/schema.ts';
import { isAccepted } from '../../../node-core/config/unknown-keys.ts';
import { checkValue, validateConfig } from '../../../node-core/config/validate.ts';
import { ShoalError } from '../../../node-core/domain/errors.ts';
import { fixture } from './config-folder.ts';

describe('the table of keys', () => {
  it('has defaults that are valid and in their usual form', () => {
    for (const { key, default: value } of configKeys)
      expect([key, checkValue(key, value)]).toEqual([key, { ok: true, value }]);
    expect(configSchema.parse({})).toEqual(defaultConfig);
    expect(Object.isFrozen(defaultConfig.admin_ips)).toBe(true);
  });

  it('explains every key in both languages and lists it by group', () => {
    for (const { key, en, zh } of configKeys) {
      expect([key, en]).toEqual([key, expect.stringMatching(/^[^\p{Script=Han}]{10,}\.$/u)]);
      expect([key, zh]).toEqual([key, expect.stringMatching(/\p{Script=Han}.*。$/u)]);
    }
    const order = configKeys.map(({ group }) => configGroups.indexOf(group));
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it.each(['go-fastdfs-cfg.json', 'go-fastdfs-generated-cfg.json'])('knows every key of %s', async (name) => {
    const keys = Object.keys(JSON.parse(await readFile(fixture(name), 'utf8')));
    expect(keys.filter((key) => !isAccepted(key))).toEqual([]);
  });
});

describe('values', () => {
  const good: [string, unknown, unknown][] = [
    ['addr', '0.0.0.0:0', '0.0.0.0:0'],
    ['addr', '[fe80::1]:65535', '[fe80::1]:65535'],
    ['advertise', 'node-1.lan:8443', 'node-1.lan:8443'],
    ['admin_ips', ['0.0.0.0', '10.0.0.0/8', '::1', 'fd00::/8'], ['0.0.0.0', '10.0.0.0/8', '::1', 'fd00::/8']],
    ['admin_ips', null, []],
    ['scenes', ['图片', 'video:N7IET373HB2C5M6D'], ['图片', 'video:N7IET373HB2C5M6D']],
    ['extensions', ['.JPG', '.tar.gz'], ['.jpg', '.tar.gz']],
    ['trusted_hosts', ['Files.Example.com', '例子.cn'], ['files.example.com', 'xn--fsqu00a.cn']],
    ['host', '10.0.0.1:8080', 'http://10.0.0.1:8080'],
    ['download_domain', 'https://cdn.example.com/files/', 'https://cdn.example.com/files'],
    ['auth_url', 'http://user:pass@auth/check?token=1', 'http://user:pass@auth/check?token=1'],
    ['mail', null, { user: '', password: '', host: '' }],
    ['mail', { host: 'smtp.example.com' }, { user: '', password: '', host: 'smtp.example.com' }],
    ['group', '组', '组'],
    ['max_upload_bytes', 2 ** 40, 2 ** 40],
  ];
  it.each(good)('%s takes %j', (key, value, result) => {
    expect(validateConfig({ [key]: value })).toMatchObject({ [key]: result });
  });

  const bad: [string, unknown][] = [
    ...['8080', ':65536', ':-1', '1.2.3:80', '::1:80', '[1.2.3.4]:80', 'a b:80', 'http://a:80', '', 80, null].map(
      (value): [string, unknown] => ['addr', value],
    ),
    ...[':8443', 'a:0', 'a'].map((value): [string, unknown] => ['advertise', value]),
    ...['localhost', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/08', '1.2.3', 'fd00::/129', 'fe80::1%eth0', ''].map(
      (value): [string, unknown] => ['admin_ips', [value]],
    ),
    ...['', '.', '..', 'a/b', 'a\\b', 'a?b', 'a%2f', 'a\u0000', ' a', 'a ', 'a.', '_tmp', 'x'.repeat(256)].map(
      (value): [string, unknown] => ['group', value],
    ),
    ...['a:', 'a:b:c', ':AAAA', 'a:0189', '../a', 7].map((value): [string, unknown] => ['scenes', [value]]),
    ...['jpg', '.', '', '.a/b'].map((value): [string, unknown] => ['extensions', [value]]),
    ...['ftp://a', 'http://', 'http://a b', 'http://a/\r\nX: y', 'http://u:p@a', 'http://a?b', 'http://a/"'].map(
      (value): [string, unknown] => ['download_domain', value],
    ),
    ['trash_days', 1.5],
    ['trash_days', '30'],
    ['durability', 'some'],
    ['log_level', 'INFO'],
    ['read_only', 0],
    ['peers', 'http://a'],
    ['node_name', 'two\nlines'],
    ['mail', { host: 'smtp:25:25' }],
    ['mail', { user: 'a\r\nBcc: b' }],
    ['mail', []],
    ['alarm_receivers', ['nobody']],
    ['trusted_hosts', ['a:80']],
    ['read_timeout', 2_147_484],
  ];
  it.each(bad)('%s refuses %j', (key, value) => {
    expect(() => validateConfig({ [key]: value })).toThrow(new RegExp(`^configuration key ${key}: .*must be `));
  });
});

describe('secrets', () => {
  const secret = 'S3CRET';
  const broken = {
    ...{ admin_key: `${secret}\n`, scenes: [`a:${secret}!`], auth_url: `${secret}://`, alarm_url: secret },
  };

  it('stand in no message', () => {
    const values = Object.entries({ ...broken, mail: { password: `${secret}\n` } });
    for (const [key, value] of values) {
      const error = (() => {
        try {
          validateConfig({ [key]: value });
        } catch (thrown) {
          if (thrown instanceof ShoalError) return thrown;
        }
        throw new Error(`${key} was accepted`);
      })();
      expect(JSON.stringify([error.message, error.details, String(error.cause)])).not.toContain(secret);
    }
  });

  it('stand in no redacted configuration, and one sees which are set', () => {
    const config = validateConfig({
      admin_key: secret,
      scenes: ['open', 'video:SECRETAA'],
      auth_url: `http://${secret}@auth.example.com/${secret}?x=${secret}`,
      alarm_url: `https://hooks.example.com/${secret}`,
      mail: { user: 'me@example.com', password: secret, host: 'smtp.example.com:25' },
    });
    const redacted = redactConfig(config);
    expect(JSON.stringify(redacted)).not.toMatch(/S3CRET|SECRETAA/i);
    expect(redacted).toEqual({
      ...config,
      admin_key: '***',
      scenes: ['open', 'video:***'],
      auth_url: 'http://auth.example.com/***',
      alarm_url: 'https://hooks.example.com/***',
      mail: { user: 'me@example.com', password: '***', host: 'smtp.example.com:25' },
    });
    expect(redactConfig(defaultConfig)).toEqual(defaultConfig);
  });

  it('are hidden in every key that is marked as secret', () => {
    for (const { key } of configKeys.filter((info) => info.secret)) {
      const value = { scenes: ['a:AAAA'], mail: { password: 'x' } }[key as string] ?? 'http://a/b';
      const config = validateConfig({ [key]: value });
      expect([key, redactConfig(config)[key]]).not.toEqual([key, config[key]]);
    }
  });
});
