/** How transfers ended: the latest of each content, bounded, in pages. */
import { expect, it } from 'vitest';
import type { Want } from '../../../node-core/catalog/replication-values.ts';
import { TransferHistory } from '../../../node-core/cluster/transport/transfer-history.ts';
import { ShoalError } from '../../../node-core/domain/errors.ts';
import type { StagedFile } from '../../../node-core/storage/staging.ts';

const staged = {} as StagedFile;

/** A history, and tries of contents that end as the test says. */
function open() {
  let now = 1000;
  const history = new TransferHistory(() => now);
  const tryOnce = async (sha256: string, outcome: StagedFile | undefined | Error, asked = true) => {
    const progress = { sha256, size: 5, done: 0, state: 'running', bytesPerSecond: 0 } as const;
    const transfers = history.remembering({
      fetch: async () => {
        if (asked) {
          history.progressed({ ...progress, from: [] });
          now += 40;
          history.progressed({ ...progress, from: ['one', 'two'] });
        }
        if (outcome instanceof Error) throw outcome;
        return outcome;
      },
    });
    await transfers.fetch({ sha256, size: 5 } as Want).catch(() => undefined);
  };
  return { history, tryOnce };
}

it('tells the latest first, from whom, how long, and why not', async () => {
  const { history, tryOnce } = open();
  await tryOnce('a', staged);
  await tryOnce('b', undefined);
  await tryOnce('c', new ShoalError('DISK_FULL'));
  await tryOnce('d', new Error('ECONNRESET'));
  expect(history.list(10).map(({ sha256, state, failure }) => [sha256, state, failure?.code])).toEqual([
    ['d', 'failed', 'TRANSFER_BROKE_OFF'],
    ['c', 'failed', 'DISK_FULL'],
    ['b', 'failed', 'PEER_HAS_NOT'],
    ['a', 'done', undefined],
  ]);
  expect(history.list(10).at(-1)).toMatchObject({ from: ['one', 'two'], tookMs: 40, size: 5, tries: 1, endedMs: 1040 });
});

it('counts the tries of a content in one entry', async () => {
  const { history, tryOnce } = open();
  await tryOnce('a', undefined);
  await tryOnce('b', staged);
  await tryOnce('a', undefined);
  await tryOnce('a', staged);
  expect(history.list(10).map(({ sha256, state, tries }) => [sha256, state, tries])).toEqual([
    ['a', 'done', 3],
    ['b', 'done', 1],
  ]);
  await tryOnce('a', staged);
  expect(history.list(1)[0]?.tries).toBe(1);
});

it('does not take it for a try when nobody could be asked', async () => {
  const { history, tryOnce } = open();
  await tryOnce('a', undefined, false);
  expect(history.list(10)).toEqual([]);
  expect(history.latest).toBe(0);
});

it('remembers a thousand, in pages without gaps and doubles', async () => {
  const { history, tryOnce } = open();
  for (let number = 0; number < 1100; number += 1) await tryOnce(String(number), staged);
  const seen: string[] = [];
  for (let before: number | undefined; ; ) {
    const page = history.list(64, before);
    if (page.length === 0) break;
    seen.push(...page.map(({ sha256 }) => sha256));
    before = page.at(-1)?.number;
  }
  expect(seen).toEqual(Array.from({ length: 1000 }, (_, index) => String(1099 - index)));
  history.clear();
  expect(history.list(10)).toEqual([]);
  expect(history.latest).toBeGreaterThan(1100);
});
