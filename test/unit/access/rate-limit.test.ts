import { describe, expect, it } from 'vitest';
import { callerKey, RateLimiter } from '../../../node-core/access/rate-limit.ts';
import { UploadSlots } from '../../../node-core/access/upload-slots.ts';
import { errorOf } from '../temp-folder.ts';

class Steps {
  ms = 1000;
  now = () => this.ms;
  monotonic = () => this.ms;
}

describe('RateLimiter', () => {
  const rate = () => ({ burst: 3, perMinute: 6 });

  it('lets a few through at once, then slowly, each caller by itself', async () => {
    const clock = new Steps();
    const limiter = new RateLimiter(clock, rate);
    for (let i = 0; i < 3; i += 1) limiter.take('10.0.0.1');
    const error = await errorOf(() => limiter.take('10.0.0.1'));
    expect([error.code, error.details]).toEqual(['TOO_MANY_REQUESTS', { retryAfterSeconds: 10 }]);
    limiter.take('10.0.0.2');
    clock.ms += 9_000;
    await errorOf(() => limiter.take('10.0.0.1'));
    clock.ms += 1_001;
    limiter.take('10.0.0.1');
    await errorOf(() => limiter.check('10.0.0.1'));
    // Never more than the burst, however long the pause was.
    clock.ms += 10_000_000;
    for (let i = 0; i < 3; i += 1) limiter.take('10.0.0.1');
    await errorOf(() => limiter.take('10.0.0.1'));
  });

  it('gives back what did not count', () => {
    const limiter = new RateLimiter(new Steps(), rate, { burst: 3, perMinute: 1 });
    for (let i = 0; i < 20; i += 1) {
      limiter.take('10.0.0.1');
      limiter.giveBack('10.0.0.1');
    }
  });

  it('bounds all callers together', async () => {
    const clock = new Steps();
    const limiter = new RateLimiter(clock, rate, { burst: 5, perMinute: 60 });
    for (let i = 0; i < 5; i += 1) limiter.take(`10.0.0.${i}`);
    await errorOf(() => limiter.take('10.0.1.1'));
    clock.ms += 1_001;
    limiter.take('10.0.1.1');
  });

  it('goes by the rate of now', async () => {
    let burst = 1;
    const limiter = new RateLimiter(new Steps(), () => ({ burst, perMinute: 1 }));
    limiter.take('a');
    await errorOf(() => limiter.take('a'));
    burst = 5;
    await errorOf(() => limiter.take('a'));
    limiter.take('b');
    limiter.take('b');
  });

  it.each([
    ['10.0.0.1', '10.0.0.2', false],
    ['10.0.0.1', '::ffff:10.0.0.1', true],
    ['2001:db8::1', '2001:db8::ffff:ffff:ffff:ffff', true],
    ['2001:db8::1', '2001:db8:0:1::1', false],
    ['unknown', 'unknown', true],
  ])('takes %s and %s for one caller: %s', (one, other, same) => {
    expect(callerKey(one) === callerKey(other)).toBe(same);
  });
});

describe('UploadSlots', () => {
  it('bounds all and each, and gives slots back once', async () => {
    const slots = new UploadSlots(() => ({ max_concurrent_uploads: 4, max_uploads_per_address: 2 }));
    const first = slots.take('10.0.0.1');
    const second = slots.take('10.0.0.1');
    expect((await errorOf(() => slots.take('10.0.0.1'))).code).toBe('TOO_MANY_REQUESTS');
    slots.take('10.0.0.2');
    slots.take(undefined);
    for (const address of ['10.0.0.3', undefined]) {
      expect((await errorOf(() => slots.take(address))).code).toBe('TOO_MANY_UPLOADS');
    }
    first();
    first();
    slots.take('10.0.0.1');
    expect((await errorOf(() => slots.take('10.0.0.3'))).code).toBe('TOO_MANY_UPLOADS');
    second();
    slots.take('10.0.0.3');
  });
});
