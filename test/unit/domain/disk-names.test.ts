import { describe, expect, it } from 'vitest';
import { canStandOnDisk } from '../../../node-core/domain/disk-names.ts';

describe('canStandOnDisk', () => {
  it.each([
    ['a/b.txt', true, true],
    ['console.txt', true, true],
    ['.profile', true, true],
    ['é 文件 🐟', true, true],
    ['n'.repeat(255), true, true],
    ['n'.repeat(256), false, false],
    ['文'.repeat(85), true, true],
    ['文'.repeat(86), false, false],
    [`${'d/'.repeat(1749)}a`, true, true],
    [`${'d/'.repeat(1750)}a`, false, false],
    ['CON', true, false],
    ['a/con.txt/b', true, false],
    ['Aux.tar.gz', true, false],
    ['com1', true, false],
    ['LPT¹.x', true, false],
    ['conin$', true, false],
    ['a:stream', true, false],
    ['what?', true, false],
    ['a|b', true, false],
    ['a<b', true, false],
    ['a"b', true, false],
    ['a*b', true, false],
    ['tab\tbed', true, false],
    ['ends.', true, false],
    ['ends /b', true, false],
  ])('%j: posix %s, windows %s', (path, posix, windows) => {
    expect([canStandOnDisk(path, 'posix'), canStandOnDisk(path, 'windows')]).toEqual([posix, windows]);
  });
});
