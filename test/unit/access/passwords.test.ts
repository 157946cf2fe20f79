import { describe, expect, it } from 'vitest';
import { PasswordHasher } from '../../../node-core/access/passwords.ts';
import { errorOf } from '../temp-folder.ts';

describe('PasswordHasher', () => {
  const hasher = new PasswordHasher();

  it('knows a password again, in any normal form, and no other', async () => {
    const kept = await hasher.hash('pässword 马');
    expect(kept).toMatch(/^scrypt\$15\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
    expect(await hasher.verify('pässword 马'.normalize('NFD'), kept)).toBe(true);
    for (const wrong of ['', 'Pässword 马', 'pässword 马 ', 'pässword', 'x'.repeat(5000)]) {
      expect(await hasher.verify(wrong, kept)).toBe(false);
    }
    expect(await hasher.hash('pässword 马')).not.toBe(kept);
  });

  it('goes by the parameters that stand with the hash, and takes as long where there is none', async () => {
    // scrypt of RFC 7914, 12: N = 16384, r = 8, p = 1, made shorter to our length.
    const kept = 'scrypt$14$8$1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046_2o-7qQT44-qbVD9lRdofI';
    expect(await hasher.verify('pleaseletmein', kept)).toBe(true);
    const took = async (hash: string | undefined) => {
      const began = performance.now();
      expect(await hasher.verify('some password', hash)).toBe(false);
      return performance.now() - began;
    };
    const known = await took(await hasher.hash('another one'));
    expect(await took(undefined)).toBeGreaterThan(known / 4);
  });

  it.each(['', 'short', 'seven77', 'x'.repeat(1025)])('refuses %j', async (password) => {
    expect((await errorOf(() => hasher.hash(password))).code).toBe('PASSWORD_UNFIT');
  });

  it.each(['plain', 'scrypt$30$8$1$AA$AA', 'scrypt$15$8$1$AA$AA', 'scrypt$1.5$8$1$AA$AA', 'bcrypt$15$8$1$AA$AA'])(
    'takes a damaged hash for what it is: %s',
    async (kept) => {
      await expect(hasher.verify('some password', kept)).rejects.toThrow(/damaged/);
    },
  );

  it('works on a few at a time, and turns away what would wait too long', async () => {
    const busy = new PasswordHasher({ atOnce: 1, maxWaiting: 2 });
    const results = await Promise.allSettled(Array.from({ length: 6 }, () => busy.verify('some password', undefined)));
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
    ]);
    expect(await busy.verify('some password', undefined)).toBe(false);
  });
});
