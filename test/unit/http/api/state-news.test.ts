/** States are told when they have changed, no more often than they may be, and less often while nothing happens. */
import { expect, it } from 'vitest';
import { type FollowedState, StateNews } from '../../../../node-core/http/api/state-news.ts';

/** States with a clock of the test's. */
function follow(state: Partial<FollowedState> & Pick<FollowedState, 'read'>) {
  const told: unknown[] = [];
  const errors: unknown[] = [];
  const everyMs = (idle: number) => (idle < 2 ? 1000 : 5000);
  const news = new StateNews(
    [{ type: 'state', everyMs, ...state }],
    (_type, data) => told.push(data),
    (error) => errors.push(error),
  );
  let now = 0;
  /** Looks every half second, as the stream does. */
  const pass = async (ms: number) => {
    for (const end = now + ms; now < end; now += 500) {
      news.look(now);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { told, errors, news, pass };
}

it('is told once, and again only when it has changed; a time of telling is no change', async () => {
  const state = { value: 1, atMs: 0 };
  const { told, pass } = follow({
    read: () => {
      state.atMs += 1;
      return { ...state };
    },
  });
  await pass(3000);
  expect(told).toMatchObject([{ value: 1 }]);
  state.value = 2;
  await pass(6000);
  expect(told).toMatchObject([{ value: 1 }, { value: 2 }]);
});

it('is not told more often than it may be, however often it changes', async () => {
  let value = 0;
  const { told, pass } = follow({
    read: () => {
      value += 1;
      return { value };
    },
  });
  await pass(10_000);
  expect(told).toHaveLength(10);
});

it('is looked at less often while nothing happens, and soon when something does', async () => {
  let looks = 0;
  const { pass, news } = follow({
    read: () => {
      looks += 1;
      return { value: 1 };
    },
  });
  await pass(23_000);
  expect(looks).toBeLessThanOrEqual(8);
  const before = looks;
  news.stir();
  await pass(1500);
  expect(looks).toBeGreaterThan(before);
});

it('is told anew to somebody new', async () => {
  const { told, pass, news } = follow({ read: () => ({ value: 1 }) });
  await pass(2000);
  news.renew();
  await pass(500);
  expect(told).toHaveLength(2);
});

it('is not read again while it is being read, and a failure is told to whoever watches over it', async () => {
  let finish: (() => void)[] = [];
  const { told, errors, pass } = follow({
    read: () =>
      new Promise((resolve, reject) => {
        finish.push(() => (told.length === 0 ? resolve({ value: 1 }) : reject(new Error('gone'))));
      }),
  });
  await pass(5000);
  expect(finish).toHaveLength(1);
  finish[0]?.();
  await pass(500);
  expect(told).toHaveLength(1);
  finish = [];
  await pass(1500);
  finish[0]?.();
  await pass(1000);
  expect(errors).toMatchObject([{ message: 'gone' }]);
});

it('says nothing while there is nothing to say', async () => {
  const { told, pass } = follow({ read: () => undefined });
  await pass(3000);
  expect(told).toEqual([]);
});
