import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { languageOf } from '../../../node-core/http/language.ts';

describe('languageOf, by RFC 9110, 12.5.4', () => {
  it.each([
    [undefined, 'en'],
    ['', 'en'],
    ['*', 'en'],
    ['de', 'en'],
    ['zh', 'zh'],
    ['zh-CN', 'zh'],
    ['ZH-hans', 'zh'],
    ['zh-CN,zh;q=0.9,en;q=0.8', 'zh'],
    ['en-US,en;q=0.9,zh;q=0.8', 'en'],
    ['en;q=0.5, zh;q=0.7', 'zh'],
    ['en ; q=0.5 , zh ; q=0.7', 'zh'],
    ['de, zh;q=0.1', 'zh'],
    ['zh;q=0', 'en'],
    ['zh;q=0, en', 'en'],
    ['zh;q=rubbish', 'en'],
    ['zh, en', 'zh'],
    [`${'x,'.repeat(100_000)}zh`, 'en'],
  ])('%j: %s', (header, expected) => {
    const request = { headers: header === undefined ? {} : { 'accept-language': header } } as IncomingMessage;
    expect(languageOf(request)).toBe(expected);
  });
});
