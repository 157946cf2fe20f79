import { rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { FolderSync } from '../../../node-core/storage/folder-sync.ts';
import { makeFolder } from '../temp-folder.ts';

describe('FolderSync', () => {
  it('lets calls during a sync share the one that follows it', async () => {
    const sync = new FolderSync(true);
    const folder = await makeFolder();
    const first = sync.sync(folder);
    const second = sync.sync(folder);
    expect(second, 'a name made during a sync is not covered by it').not.toBe(first);
    expect(sync.sync(folder)).toBe(second);
    const order: string[] = [];
    await Promise.all([first.then(() => order.push('first')), second.then(() => order.push('second'))]);
    expect(order).toEqual(['first', 'second']);
    // Nothing runs any more: the next call begins a sync of its own.
    const third = sync.sync(folder);
    expect(third).not.toBe(second);
    await third;
  });

  it('does not make one folder wait for another', async () => {
    const sync = new FolderSync(true);
    const [a, b] = [await makeFolder(), await makeFolder()];
    await Promise.all([sync.sync(a), sync.sync(b), sync.sync(a), sync.sync(b)]);
  });

  it('tells an error to everybody who waits, and works again afterwards', async () => {
    const sync = new FolderSync(true);
    const folder = path.join(await makeFolder(), 'gone');
    const answers = await Promise.allSettled([sync.sync(folder), sync.sync(folder), sync.sync(folder)]);
    expect(answers.map((answer) => answer.status)).toEqual(['rejected', 'rejected', 'rejected']);
    await expect(sync.sync(folder)).rejects.toMatchObject({ code: 'ENOENT' });
    await sync.sync(path.dirname(folder));
  });

  it('does nothing when it is off', async () => {
    const folder = await makeFolder();
    await rm(folder, { recursive: true });
    await new FolderSync(false).sync(folder);
  });
});
