import { describe, expect, it } from 'vitest';
import { type ImageRecipe, recipeOf, resultKey } from '../../../node-core/images/image-recipe.ts';

const bounds = { image_max_width: 2000, image_max_height: 1000 };
const read = (query: string, accept?: string) => recipeOf(new URLSearchParams(query), accept, bounds);
const plain: ImageRecipe = { fit: 'fill', format: 'same', quality: 80, maxWidth: 2000, maxHeight: 1000 };

describe('what a query asks for', () => {
  it.each([
    'download=1',
    'name=a&width=&height=',
    'width=0',
    'width=0&height=0',
    'quality=50',
    'fit=cover&quality=50',
    'format=',
  ])('%s asks for no image work', (query) => {
    expect(read(query)).toBeUndefined();
  });

  it.each<[string, Partial<ImageRecipe>]>([
    ['width=100', { width: 100 }],
    ['height=90', { height: 90 }],
    ['width=100&height=0', { width: 100 }],
    ['width=100&height=50&fit=cover', { width: 100, height: 50, fit: 'cover' }],
    ['width=99999&height=99999', { width: 2000, height: 1000 }],
    ['format=jpg', { format: 'jpeg' }],
    ['format=png&width=5&quality=1', { format: 'png', width: 5, quality: 1 }],
    ['width=0&format=webp', { format: 'webp' }],
  ])('%s', (query, expected) => {
    expect(read(query)).toEqual({ ...plain, ...expected });
  });

  it.each([
    ['image/avif,image/webp,*/*', 'webp'],
    ['image/webp;q=0.8', 'webp'],
    ['image/webp;q=0', 'same'],
    ['image/webp; q=0.000, image/png', 'same'],
    ['image/webpx', 'same'],
    ['*/*', 'same'],
    [undefined, 'same'],
  ])('format=auto with Accept %s is %s', (accept, format) => {
    expect(read('format=auto', accept)?.format).toBe(format);
  });

  it.each([
    'width=-1',
    'width=1.5',
    'height=abc',
    'width=1e3',
    'width=5&quality=101',
    'width=5&fit=outside',
    'format=bmp',
  ])('%s is refused', (query) => {
    expect(() => read(query)).toThrow(expect.objectContaining({ code: 'PARAMETER_INVALID' }));
  });
});

describe('the key of a result', () => {
  it('differs with the content and with everything in the recipe', () => {
    const variants: Partial<ImageRecipe>[] = [
      {},
      { width: 1 },
      { height: 1 },
      { width: 1, height: 1 },
      { fit: 'cover' },
      { format: 'png' },
      { quality: 81 },
      { maxWidth: 1999 },
      { maxHeight: 999 },
    ];
    const keys = variants.map((variant) => resultKey('a'.repeat(64), { ...plain, ...variant }));
    keys.push(resultKey('b'.repeat(64), plain));
    expect(new Set(keys).size).toBe(keys.length);
    expect(resultKey('a'.repeat(64), { ...plain })).toBe(keys[0]);
  });
});
