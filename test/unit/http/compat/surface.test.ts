import { describe, expect, it } from 'vitest';
import { type Config, defaultConfig } from '../../../../node-core/config/schema.ts';
import {
  actionNames,
  decode,
  downloadTarget,
  groupPrefix,
  parameterPath,
  urlPath,
} from '../../../../node-core/http/compat/surface.ts';
import { errorOf } from '../../temp-folder.ts';

const grouped: Config = { ...defaultConfig, group: 'group1', support_group_manage: true };
const bare: Config = { ...grouped, support_group_manage: false };

describe('downloadTarget', () => {
  it('stands below the group, or at the root', () => {
    expect([groupPrefix(grouped), groupPrefix(bare)]).toEqual(['/group1', '']);
  });

  it.each<[string, string | undefined]>([
    ['/group1/a/b.txt', 'a/b.txt'],
    ['/group1/a%20b', 'a b'],
    ['/group1/%E6%96%87', '文'],
    ['/group1/a+b', 'a+b'],
    ['/group1/upload2', 'upload2'],
    ['/group1/a/upload', 'a/upload'],
    ['/group1/..%2e/x', '.../x'],
    ['/group1/', undefined],
    ['/group1', undefined],
    ['/group12/a', undefined],
    ['/other/a', undefined],
    ['/group1//a', undefined],
    ['/', undefined],
    ...[...actionNames].map((name): [string, undefined] => [`/group1/${name}`, undefined]),
    ['/group1/upload/x', undefined],
  ])('with a group, %s is %j', (target, expected) => {
    expect(downloadTarget(target, '/group1')).toBe(expected);
  });

  it.each([
    ['/a/b', 'a/b'],
    ['/upload', undefined],
    ['/api/v1/x', undefined],
    ['/healthz', undefined],
    ['/metrics', undefined],
    ['/', undefined],
  ])('without a group, %s is %j', (target, expected) => {
    expect(downloadTarget(target, '')).toBe(expected);
  });

  it.each(['/group1/a%2Fb', '/group1/a%5cb', '/group1/%', '/group1/%ff', '/group1/%zz'])(
    'refuses %s',
    async (target) => {
      expect((await errorOf(() => downloadTarget(target, '/group1'))).code).toBe('PATH_INVALID');
    },
  );
});

describe('decode and urlPath', () => {
  it.each(['a/b.txt', 'ü b/文件 (1).txt', 'a?b#c%d', 'a+b&c', '🐟', "it's"])('take %j there and back', (path) => {
    const url = urlPath('/group1', path);
    expect(url).toMatch(/^\/group1\/[\x21-\x7e]+$/);
    expect(url).not.toMatch(/[?#]/);
    expect(decode(url.slice('/group1/'.length))).toBe(path);
  });
});

describe('parameterPath', () => {
  it.each([
    ['/group1/a/b', 'a/b', 'group1/a/b'],
    ['group1/a/b', 'a/b', 'group1/a/b'],
    ['files/a/b', 'a/b', 'a/b'],
    ['/files/a/b', 'files/a/b', 'files/a/b'],
    ['a/b', 'a/b', 'a/b'],
    ['/a/b', 'a/b', 'a/b'],
    ['group12/a', 'group12/a', 'group12/a'],
  ])('%s names %s with a group, %s without', (value, withGroup, without) => {
    expect([parameterPath(value, grouped), parameterPath(value, bare)]).toEqual([withGroup, without]);
  });
});
