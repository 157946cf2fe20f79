import { describe, expect, it } from 'vitest';
import {
  describeError,
  type ErrorCode,
  type ErrorDefinition,
  errnoOf,
  errorDefinitions,
  ShoalError,
  toShoalError,
} from '../../../node-core/domain/errors.ts';

const entries = Object.entries(errorDefinitions) as [ErrorCode, ErrorDefinition][];
const places = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

describe('the registry of errors', () => {
  it.each(entries)('%s has a status, and the same places in both languages', (code, definition) => {
    expect(code).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/);
    // The one success that says that something is still missing.
    if (code === 'REPLICAS_PENDING') expect(definition.status).toBe(202);
    else expect(definition.status).toBeGreaterThanOrEqual(400);
    expect(definition.status).toBeLessThan(600);
    expect(definition.en.trim()).not.toBe('');
    expect(definition.zh).toMatch(/\p{Script=Han}/u);
    expect(places(definition.zh)).toEqual(places(definition.en));
    if (definition.hint) {
      expect(definition.hint.en.trim()).not.toBe('');
      expect(definition.hint.zh.trim()).not.toBe('');
      expect(places(definition.hint.zh)).toEqual(places(definition.hint.en));
    }
  });

  it.each(entries)('%s is described with every place filled', (code, definition) => {
    const texts = [definition.en, definition.hint?.en ?? ''];
    const details = Object.fromEntries(texts.flatMap(places).map((name) => [name, `<${name} $& 1>`]));
    const error = new ShoalError(code, { details, cause: 'why' });
    for (const language of ['en', 'zh'] as const) {
      const described = describeError(error, language);
      expect(described).toMatchObject({ code, status: definition.status });
      const filled = `${described.message}${described.hint ?? ''}`;
      expect(filled).not.toMatch(/\{\w+\}/);
      for (const value of Object.values(details)) expect(filled).toContain(value);
    }
    expect(error.message).toBe(describeError(error, 'en').message);
    expect([error.status, error.cause]).toEqual([definition.status, 'why']);
  });

  it('leaves a place as it is when nothing fills it, and fills in false and 0', () => {
    expect(new ShoalError('FILE_NOT_FOUND').message).toContain('{what}');
    expect(new ShoalError('FILE_TOO_LARGE', { details: { maxBytes: 0 } }).message).toContain(' 0 bytes');
  });
});

describe('toShoalError', () => {
  const system = (code: string) => Object.assign(new Error(code), { code });

  it.each([
    ['a coded error', new ShoalError('READ_ONLY'), 'READ_ONLY'],
    ['a full disk', system('ENOSPC'), 'DISK_FULL'],
    ['a used-up quota', system('EDQUOT'), 'DISK_FULL'],
    ['any other system error', system('EIO'), 'INTERNAL'],
    ['a text', 'thrown', 'INTERNAL'],
    ['nothing', undefined, 'INTERNAL'],
  ])('gives %s its code and keeps the cause', (_what, thrown, code) => {
    const error = toShoalError(thrown);
    expect(error.code).toBe(code);
    if (thrown !== error) expect(error.cause).toBe(thrown);
  });

  it('reads only codes that are text', () => {
    expect([{ code: 'EIO' }, { code: 5 }, null, 'EIO', new Error('x')].map(errnoOf)).toEqual([
      'EIO',
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
