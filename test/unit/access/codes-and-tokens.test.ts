import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cookieOf, setCookie } from '../../../node-core/access/cookies.ts';
import { isGoodToken } from '../../../node-core/access/download-token.ts';
import { isTokenOf, readToken, writeToken } from '../../../node-core/access/link-token.ts';
import { codeOf, stepOfCode } from '../../../node-core/access/one-time-codes.ts';
import { requestFrom } from './request.ts';

describe('stepOfCode', () => {
  const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

  it('knows the codes of RFC 6238, appendix B', async () => {
    for (const [seconds, code] of [
      [59, '287082'],
      [1_111_111_109, '081804'],
      [1_234_567_890, '005924'],
      [2_000_000_000, '279037'],
    ] as const) {
      expect(await codeOf(secret, seconds * 1000)).toBe(code);
      expect(await stepOfCode(secret, code, seconds * 1000)).toBe(Math.floor(seconds / 30));
    }
  });

  it.each([-2, -1, 0, 1, 2])('takes one step each way: %i', async (steps) => {
    for (const second of [0, 1, 29]) {
      const nowMs = (1_700_000_010 + second) * 1000;
      const code = await codeOf(secret, nowMs + steps * 30_000);
      const present = Math.floor(nowMs / 30_000);
      expect(await stepOfCode(secret, code, nowMs)).toBe(Math.abs(steps) <= 1 ? present + steps : undefined);
    }
  });

  it.each(['', '12345', '1234567', 'abcdef', '١٢٣٤٥٦', '-12345', '12 34 5x'])('takes %j for no code', async (code) => {
    expect(await stepOfCode(secret, code, 0)).toBeUndefined();
  });

  it('takes secrets and codes as people write them', async () => {
    const code = await codeOf('gezd gnbv-gy3tqojq', 59_000);
    expect(await stepOfCode('GEZDGNBVGY3TQOJQ====', `${code.slice(0, 3)} ${code.slice(3)}`, 59_000)).toBe(1);
  });
});

describe('isGoodToken', () => {
  const md5 = '0cc175b9c0f1b6a831c399e269772661';
  const now = 1_700_000_000_000;
  const made = (digest: string, timestamp: string) => ({
    token: createHash('md5')
      .update(digest + timestamp)
      .digest('hex'),
    timestamp,
  });

  it.each([
    ['now', '1700000000', true],
    ['just in time', '1699999400', true],
    ['just in time, ahead', '1700000600', true],
    ['too old', '1699999399', false],
    ['too far ahead', '1700000601', false],
    ['no number', 'now', false],
    ['a fraction', '1700000000.5', false],
    ['negative', '-1700000000', false],
    ['empty', '', false],
    ['far too long', '1'.repeat(400), false],
  ])('%s', (_what, timestamp, expected) => {
    expect(isGoodToken(made(md5, timestamp), md5, now, 600)).toBe(expected);
  });

  it('is for one file, and for none that does not exist', () => {
    const token = made(md5, '1700000000');
    expect(isGoodToken(token, md5.replace('0', '1'), now, 600)).toBe(false);
    expect(isGoodToken(token, undefined, now, 600)).toBe(false);
    expect(isGoodToken(made('f'.repeat(32), '1700000000'), undefined, now, 600)).toBe(false);
    expect(isGoodToken({ ...token, token: undefined }, md5, now, 600)).toBe(false);
    expect(isGoodToken({ ...token, timestamp: undefined }, md5, now, 600)).toBe(false);
  });
});

describe('tokens of links', () => {
  const hex = (digits: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`));
  const link = fc.record(
    {
      id: hex(24),
      key: hex(8),
      kind: fc.constantFrom('file' as const, 'folder' as const, 'upload' as const),
      path: fc.string({ unit: 'binary' }).filter((path) => path.isWellFormed()),
      expiresMs: fc.nat(),
    },
    { requiredKeys: ['id', 'key', 'kind', 'path'] },
  );
  const secret = Buffer.alloc(32, 7).toString('base64');

  it('are read back, and are those of their link and of no other, whatever differs', () => {
    fc.assert(
      fc.property(link, link, (one, other) => {
        const token = readToken(writeToken(one, secret));
        expect(token).toMatchObject({ id: one.id, key: one.key });
        if (!token) return;
        expect(isTokenOf(token, one, secret)).toBe(true);
        const changes = { ...one, path: `${one.path}x` };
        const timed = { ...one, expiresMs: (one.expiresMs ?? 0) + 1 };
        for (const wrong of [changes, timed, { ...one, id: other.id }, { ...one, key: other.key }]) {
          const isSame = wrong.id === one.id && wrong.key === one.key && wrong !== changes && wrong !== timed;
          expect(isTokenOf(token, wrong, secret)).toBe(isSame);
        }
        expect(isTokenOf(token, one, Buffer.alloc(32, 8).toString('base64'))).toBe(false);
      }),
    );
  });

  it('are not taken for what is none', () => {
    for (const text of ['', 'x', 'A'.repeat(47), 'A'.repeat(49), `${'A'.repeat(47)}=`, `${'A'.repeat(47)}/`]) {
      expect(readToken(text)).toBeUndefined();
    }
  });
});

describe('cookies', () => {
  it.each([
    ['a=1', '1'],
    ['b=2; a=1', '1'],
    [' a = 1 ;b=2', '1'],
    ['a=1; a=2', '1'],
    ['aa=1', undefined],
    ['xa=1; ba=2', undefined],
    ['a', undefined],
    ['', undefined],
    ['a=', ''],
    ['a=x=y', 'x=y'],
  ])('%j holds %j', (cookie, expected) => {
    expect(cookieOf(requestFrom('10.0.0.1', { cookie }), 'a')).toBe(expected);
    expect(cookieOf(requestFrom('10.0.0.1'), 'a')).toBeUndefined();
  });

  it('are kept from scripts and from other sites', () => {
    const options = { path: '/s/x', maxAgeSeconds: 9 };
    expect(setCookie('n', 'v', { ...options, sameSite: 'strict', secure: true })).toBe(
      'n=v; Path=/s/x; Max-Age=9; HttpOnly; SameSite=Strict; Secure',
    );
    expect(setCookie('n', 'v', { ...options, sameSite: 'lax', secure: false })).toBe(
      'n=v; Path=/s/x; Max-Age=9; HttpOnly; SameSite=Lax',
    );
  });
});
