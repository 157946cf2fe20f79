/** A partial file never claims a block that it does not hold, and goes on where it was. */
import { createHash, randomBytes } from 'node:crypto';
import { readdir, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { PartialFile, type PartialFolder, sweepParts } from '../../../node-core/cluster/transport/partial-file.ts';
import { blockBytes } from '../../../node-core/domain/digests.ts';
import { FolderSync } from '../../../node-core/storage/folder-sync.ts';
import { makeFolder } from '../temp-folder.ts';

const bytes = randomBytes(5 * blockBytes + 3);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const content = { sha256, size: bytes.byteLength, blockRoot: 'r' };
const block = (number: number) => bytes.subarray(number * blockBytes, (number + 1) * blockBytes);

async function place(): Promise<PartialFolder> {
  return { folder: await makeFolder(), durable: false, folderSync: new FolderSync(false) };
}

describe('a partial file', () => {
  it('takes blocks in any order, and is what it should be in the end', async () => {
    const where = await place();
    const first = await PartialFile.open(where, content);
    for (const number of [5, 2]) await first.write(number, block(number));
    expect([first.missing(), first.bytes]).toEqual([[0, 1, 3, 4], blockBytes + 3]);
    await first.save();
    await first.close();
    const second = await PartialFile.open(where, content);
    expect(second.missing()).toEqual([0, 1, 3, 4]);
    for (const number of second.missing()) await second.write(number, block(number));
    expect((await second.hash('md5')).digests).toMatchObject({
      sha256,
      size: bytes.byteLength,
      md5: createHash('md5').update(bytes).digest('hex'),
    });
    await second.close();
    await second.remove();
    expect(await readdir(where.folder)).toEqual([]);
  });

  it.each([
    [
      'the map of another content',
      async (file: string) => writeFile(`${file}.map`, JSON.stringify({ size: 1, blockRoot: 'r', blocks: '/w==' })),
    ],
    ['a broken map', async (file: string) => truncate(`${file}.map`, 5)],
    [
      'a map that is too short',
      async (file: string) => writeFile(`${file}.map`, JSON.stringify({ ...content, blocks: '' })),
    ],
  ])('begins anew with %s', async (_what, damage) => {
    const where = await place();
    const first = await PartialFile.open(where, content);
    await first.write(0, block(0));
    await first.save();
    await first.close();
    await damage(path.join(where.folder, sha256));
    const second = await PartialFile.open(where, content);
    expect(second.missing()).toHaveLength(6);
    await second.close();
  });

  it('without its bytes is empty, whatever the map says; what nobody wants is swept', async () => {
    const where = await place();
    await writeFile(
      path.join(where.folder, `${sha256}.map`),
      JSON.stringify({ size: content.size, blockRoot: 'r', blocks: '/w==' }),
    );
    const file = await PartialFile.open(where, content);
    expect(file.missing()).toHaveLength(6);
    await file.close();
    expect(await sweepParts(where, (one) => one === sha256)).toBe(0);
    expect(await sweepParts(where, () => false)).toBe(1);
    expect(await readdir(where.folder)).toEqual([]);
    expect(await sweepParts({ ...where, folder: path.join(where.folder, 'none') }, () => false)).toBe(0);
  });
});
