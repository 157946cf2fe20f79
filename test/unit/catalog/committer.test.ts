import { Level } from 'level';
import { describe, expect, it } from 'vitest';
import { Committer, type Database, Overlay } from '../../../node-core/catalog/committer.ts';
import { makeFolder } from '../temp-folder.ts';

interface Bench {
  readonly db: Database;
  readonly committer: Committer;
  /** Keys of every batch that was written. */
  readonly batches: string[][];
  readonly failures: unknown[];
}

async function open(): Promise<Bench> {
  const db: Database = new Level<string, string>(await makeFolder(), { keyEncoding: 'utf8', valueEncoding: 'utf8' });
  await db.open();
  const batches: string[][] = [];
  const failures: unknown[] = [];
  const committer = new Committer({
    db,
    sync: false,
    onCommitted: (keys) => batches.push([...keys]),
    onFailed: (error) => failures.push(error),
  });
  return { db, committer, batches, failures };
}

describe('Overlay', () => {
  it('shows what was written over what is below, deletes included', () => {
    const overlay = new Overlay((key) => (key === 'gone' || key === 'kept' ? 'old' : undefined));
    overlay.put('new', '1');
    overlay.del('gone');
    expect(['kept', 'gone', 'new', 'none'].map((key) => overlay.get(key))).toEqual(['old', undefined, '1', undefined]);
    expect([...overlay.entries()]).toEqual([
      ['new', '1'],
      ['gone', undefined],
    ]);
  });
});

describe('Committer', () => {
  it('writes everything that was asked for in one turn as one batch', async () => {
    const { db, committer, batches } = await open();
    const answers = Array.from({ length: 100 }, (_, i) =>
      committer.commit((overlay) => {
        overlay.put(`k${i}`, String(i));
        return i;
      }),
    );
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(batches).toHaveLength(1);
    expect(db.getSync('k99')).toBe('99');
    await db.close();
  });

  it('runs work in order, each seeing what those before it wrote', async () => {
    const { db, committer } = await open();
    const count = (overlay: Overlay) => {
      const next = Number(overlay.get('n') ?? 0) + 1;
      overlay.put('n', String(next));
      return next;
    };
    const answers: Promise<number>[] = [];
    for (let i = 0; i < 300; i += 1) {
      answers.push(committer.commit(count));
      if (i % 7 === 0) await answers[i - 3];
    }
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    expect(db.getSync('n')).toBe('300');
    await db.close();
  });

  it('writes nothing of work that throws, and leaves the others of its group alone', async () => {
    const { db, committer, batches } = await open();
    const before = committer.commit((overlay) => overlay.put('a', '1'));
    const broken = committer.commit((overlay) => {
      overlay.put('a', 'wrong');
      overlay.put('b', 'wrong');
      throw new Error('no');
    });
    const after = committer.commit((overlay) => [overlay.get('a'), overlay.get('b')]);
    await expect(broken).rejects.toThrow('no');
    await before;
    expect(await after).toEqual(['1', undefined]);
    expect(batches).toEqual([['a']]);
    await db.close();
  });

  it('has written before it answers', async () => {
    const { db, committer } = await open();
    await committer.commit((overlay) => overlay.put('a', '1'));
    expect(db.getSync('a')).toBe('1');
    await committer.commit((overlay) => overlay.del('a'));
    expect(db.getSync('a')).toBeUndefined();
    await db.close();
  });

  it('writes no batch for work that only reads', async () => {
    const { db, committer, batches } = await open();
    expect(await committer.commit((overlay) => overlay.get('a'))).toBeUndefined();
    expect(batches).toEqual([]);
    await db.close();
  });

  it('waits at close for what was queued, and takes nothing more', async () => {
    const { db, committer } = await open();
    let done = 0;
    for (let i = 0; i < 20; i += 1) {
      void committer
        .commit((overlay) => overlay.put(`k${i}`, ''))
        .then(() => {
          done += 1;
        });
    }
    await committer.close();
    expect(done).toBe(20);
    await expect(committer.commit(() => 1)).rejects.toThrow('closed');
    await db.close();
  });

  it('tells everybody of a group when its batch cannot be written, and goes on', async () => {
    const { db, committer, failures, batches } = await open();
    const first = [1, 2].map((i) => committer.commit((overlay) => overlay.put(`k${i}`, '')));
    // Closed after the work was queued and before the group is written.
    const closing = db.close();
    const answers = await Promise.allSettled(first);
    await closing;
    expect(answers.map((answer) => answer.status)).toEqual(['rejected', 'rejected']);
    expect(failures).toHaveLength(1);
    await db.open();
    await committer.commit((overlay) => overlay.put('k3', ''));
    expect(batches).toEqual([['k3']]);
    await db.close();
  });
});
