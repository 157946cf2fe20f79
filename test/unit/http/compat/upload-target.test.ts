import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Config, defaultConfig } from '../../../../node-core/config/schema.ts';
import { datedFolder } from '../../../../node-core/domain/days.ts';
import { isLogicalPath } from '../../../../node-core/domain/paths.ts';
import { type UploadFields, uploadTarget } from '../../../../node-core/http/compat/upload-target.ts';
import { errorOf } from '../../temp-folder.ts';

const now = Date.UTC(2026, 4, 6, 7, 8);
const dated = datedFolder(now);
const base: Config = {
  ...defaultConfig,
  default_scene: 'default',
  scenes: [],
  extensions: [],
  enable_custom_path: true,
  enable_trim_file_name_special_char: false,
  rename_file: false,
};

const target = (original: string, fields: UploadFields = {}, changes: Partial<Config> = {}) =>
  uploadTarget(original, fields, { ...base, ...changes }, 'peer1', now);

describe('uploadTarget', () => {
  it.each<[string, string, UploadFields, Partial<Config>, string]>([
    ['a dated folder', 'a.txt', {}, {}, `default/${dated}/peer1/a.txt`],
    ['a scene', 'a.txt', { scene: 'pics' }, {}, `pics/${dated}/peer1/a.txt`],
    ['a scene with a secret', 'a.txt', { scene: 'pics' }, { scenes: ['pics:SECRET'] }, `pics/${dated}/peer1/a.txt`],
    ['a path', 'a.txt', { path: 'x/y' }, {}, 'x/y/a.txt'],
    ['a path with slashes', 'a.txt', { path: '/x//y/' }, {}, 'x/y/a.txt'],
    ['the root as a path', 'a.txt', { path: '/' }, {}, `default/${dated}/peer1/a.txt`],
    [
      'a path where they are off',
      'a.txt',
      { path: 'x' },
      { enable_custom_path: false },
      `default/${dated}/peer1/a.txt`,
    ],
    ['a name', 'a.txt', { filename: 'b c.txt', path: 'x' }, {}, 'x/b c.txt'],
    ['a name with folders: its last part', 'a.txt', { filename: '../../b.txt', path: 'x' }, {}, 'x/b.txt'],
    ['a name as old browsers send it', 'C:\\docs\\a.txt', { path: 'x' }, {}, 'x/a.txt'],
    ['trimmed names', 'a b(1)-2.txt', { path: 'x' }, { enable_trim_file_name_special_char: true }, 'x/ab12.txt'],
    [
      'a chosen name, which is not trimmed',
      'a.txt',
      { path: 'x', filename: 'b (1).txt' },
      { enable_trim_file_name_special_char: true },
      'x/b (1).txt',
    ],
    ['a chosen name, which is not renamed', 'a', { path: 'x', filename: 'b' }, { rename_file: true }, 'x/b'],
  ])('goes by %s', (_what, original, fields, changes, path) => {
    expect(target(original, fields, changes).path).toBe(path);
  });

  it('keeps the name that the uploader gave for display', () => {
    expect(target('d/e\u0301 (1).txt', {}, { rename_file: true }).name).toBe('é (1).txt');
    expect(target('', { filename: 'b.txt' }).name).toBe('b.txt');
  });

  it.each([
    ['a.TXT', { rename_file: true }, /\/[0-9a-f]{32}\.TXT$/],
    ['none', { rename_file: true }, /\/[0-9a-f]{32}$/],
    ['a.t x/t', { rename_file: true }, /\/[0-9a-f]{32}$/],
    ['(-).txt', { enable_trim_file_name_special_char: true }, /\/[0-9a-f]{32}\.txt$/],
    ['()', { enable_trim_file_name_special_char: true }, /\/[0-9a-f]{32}$/],
    ['..(.)', { enable_trim_file_name_special_char: true }, /\/[0-9a-f]{32}$/],
  ])('gives %j a unique name', (original, changes, pattern) => {
    expect(target(original, {}, changes).path).toMatch(pattern);
    expect(target(original, {}, changes).path).not.toBe(target(original, {}, changes).path);
  });

  it.each<[string, UploadFields]>([
    ['a.txt', { filename: '/' }],
    ['a.txt', { filename: 'b/' }],
    ['a.txt', { filename: 'b\\', path: 'x' }],
    ['a/', {}],
    ['', {}],
  ])('never names a file %j with %j like its folder', async (original, fields) => {
    const folder = fields.path ?? `default/${dated}/peer1`;
    const path = await Promise.resolve()
      .then(() => target(original, fields).path)
      .catch((error: { code?: unknown }) => error.code);
    if (path !== 'PATH_INVALID') expect(path).toMatch(new RegExp(`^${folder}/[^/]+$`));
  });

  it('says what the caller chose', () => {
    expect(target('a').chosen).toEqual({ place: false, scene: false });
    expect(target('a', { path: 'x' }).chosen).toEqual({ place: true, scene: false });
    expect(target('a', { filename: 'x' }).chosen).toEqual({ place: true, scene: false });
    expect(target('a', { scene: 'x' }).chosen).toEqual({ place: false, scene: true });
    expect(target('a', { path: 'x' }, { enable_custom_path: false }).chosen.place).toBe(false);
  });

  it.each<[string, string, UploadFields, Partial<Config>, string]>([
    ['a path that climbs', 'a', { path: '../x' }, {}, 'PATH_INVALID'],
    ['a scene that climbs', 'a', { scene: '..' }, {}, 'PATH_INVALID'],
    ['a scene of folders', 'a', { scene: 'a/b' }, {}, 'PATH_INVALID'],
    ['a reserved scene', 'a', { scene: '_tmp' }, {}, 'PATH_RESERVED'],
    ['a reserved path', 'a', { path: '_trash' }, {}, 'PATH_RESERVED'],
    ['an unknown scene', 'a', { scene: 'x' }, { scenes: ['y:K'] }, 'SCENE_UNKNOWN'],
    ['a scene that is part of one', 'a', { scene: 'pic' }, { scenes: ['pics'] }, 'SCENE_UNKNOWN'],
    ['a name that is a folder', 'a', { filename: '..', path: 'x' }, {}, 'PATH_INVALID'],
    ['a name with a NUL', 'a', { filename: 'a\0.txt' }, {}, 'PATH_INVALID'],
    ['another extension', 'a.exe', {}, { extensions: ['.jpg'] }, 'EXTENSION_REFUSED'],
    ['no extension', 'a', {}, { extensions: ['.jpg'] }, 'EXTENSION_REFUSED'],
    ['a good name for a bad file', 'a.exe', { filename: 'a.jpg' }, { extensions: ['.jpg'] }, 'EXTENSION_REFUSED'],
    ['a bad name for a good file', 'a.jpg', { filename: 'a.exe' }, { extensions: ['.jpg'] }, 'EXTENSION_REFUSED'],
    ['an extension behind a folder', 'a.jpg', { filename: 'x.jpg/a' }, { extensions: ['.jpg'] }, 'EXTENSION_REFUSED'],
    ['an overlong path', 'a', { path: 'x/'.repeat(3000) }, {}, 'PATH_TOO_LONG'],
  ])('refuses %s', async (_what, original, fields, changes, code) => {
    expect((await errorOf(() => target(original, fields, changes))).code).toBe(code);
  });

  it('takes the default scene and allowed extensions in any case', () => {
    expect(target('a.JPG', {}, { extensions: ['.jpg'], scenes: ['pics'] }).scene).toBe('default');
  });

  it('gives a logical path of a file below its folder, or an error, for anything that is sent', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom('..', '/', '.'),
    );
    const some = fc.option(text, { nil: undefined });
    const fields = fc.record({ scene: some, path: some, filename: some.filter((name) => name !== '') });
    const changes = fc.record({ rename_file: fc.boolean(), enable_trim_file_name_special_char: fc.boolean() });
    fc.assert(
      fc.property(
        text.filter((name) => name !== ''),
        fields,
        changes,
        (original, sent, config) => {
          let path: string;
          try {
            path = target(original, sent, config).path;
          } catch (error) {
            expect(error).toMatchObject({ name: 'ShoalError' });
            return;
          }
          expect(isLogicalPath(path)).toBe(true);
          expect(path.endsWith('/peer1'), `the name is part of ${path}`).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });
});
