import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyedLock } from '../../../node-core/runtime/keyed-lock.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('KeyedLock', () => {
  it('lets one in at a time, first come first served, with many waiting', async () => {
    // go-fastdfs drops a mutex that others still wait on, and two get in (go-fastdfs-faults, 30).
    const lock = new KeyedLock();
    let inside = 0;
    const order: number[] = [];
    const work = Array.from({ length: 200 }, (_, i) =>
      lock.run('key', async () => {
        inside += 1;
        expect(inside).toBe(1);
        order.push(i);
        if (i % 3 === 0) await turn();
        inside -= 1;
        return i;
      }),
    );
    expect(await Promise.all(work)).toEqual(order);
    expect(order).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(lock.size).toBe(0);
  });

  it('keeps out whoever comes while the last one leaves', async () => {
    const lock = new KeyedLock();
    const first = await lock.acquire('key');
    const second = lock.acquire('key');
    first();
    const third = lock.acquire('key');
    const release = await second;
    let thirdIsIn = false;
    const in3 = third.then((leave) => {
      thirdIsIn = true;
      leave();
    });
    await turn();
    expect(thirdIsIn).toBe(false);
    release();
    await in3;
    expect(lock.size).toBe(0);
  });

  it('is not opened for two when somebody releases twice', async () => {
    const lock = new KeyedLock();
    const first = await lock.acquire('key');
    first();
    const second = await lock.acquire('key');
    first();
    let thirdIsIn = false;
    const third = lock.run('key', async () => {
      thirdIsIn = true;
    });
    await turn();
    expect(thirdIsIn).toBe(false);
    second();
    await third;
  });

  it('is released by work that fails', async () => {
    const lock = new KeyedLock();
    await expect(lock.run('key', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await lock.run('key', async () => 'next')).toBe('next');
    expect(lock.size).toBe(0);
  });

  it('does not make one key wait for another, and keeps only keys in use', async () => {
    const lock = new KeyedLock();
    const release = await lock.acquire('a');
    await lock.run('b', async () => expect(lock.size).toBe(2));
    expect(lock.size).toBe(1);
    release();
    expect(lock.size).toBe(0);
  });

  it('never deadlocks over several keys, in whatever order they are asked for', async () => {
    const keys = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(keys, { maxLength: 20 }), async (wants) => {
        const lock = new KeyedLock();
        const held = new Set<string>();
        const work = wants.map(async (wanted) => {
          const release = await lock.acquireAll(wanted);
          for (const key of new Set(wanted)) {
            expect(held.has(key)).toBe(false);
            held.add(key);
          }
          await turn();
          for (const key of wanted) held.delete(key);
          release();
        });
        await Promise.all(work);
        expect(lock.size).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});
