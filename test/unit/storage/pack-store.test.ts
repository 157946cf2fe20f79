import { createHash, randomBytes } from 'node:crypto';
import { appendFile, open as openFile, readdir, rm, stat, truncate } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FolderSync } from '../../../node-core/storage/folder-sync.ts';
import { type FrameLocation, PackStore } from '../../../node-core/storage/pack-store.ts';
import { errorOf, makeFolder } from '../temp-folder.ts';

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');
const stores: PackStore[] = [];

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

/** A pack store with an index in memory, as the catalogue keeps one. */
async function makeStore(folder?: string, segmentBytes?: number) {
  const index = new Map<string, FrameLocation>();
  const where = folder ?? path.join(await makeFolder(), '_pack');
  const store = new PackStore({
    folder: where,
    durable: true,
    folderSync: new FolderSync(true),
    locate: (digest) => index.get(digest),
    ...(segmentBytes !== undefined && { segmentBytes }),
  });
  stores.push(store);
  await store.open();
  const put = async (content: Buffer) => {
    const digest = sha256(content);
    index.set(digest, await store.append(digest, content, { path: 'p/文件', name: '文件', scene: 's', mtimeMs: 5 }));
    return digest;
  };
  const fileOf = (segment: string) => path.join(where, `${segment}.pack`);
  return { folder: where, store, index, put, fileOf };
}

async function damage(file: string, position: number): Promise<void> {
  const handle = await openFile(file, 'r+');
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, position);
  byte.writeUInt8(byte.readUInt8(0) ^ 0xff);
  await handle.write(byte, 0, 1, position);
  await handle.close();
}

describe('PackStore', () => {
  it('gives back what was appended, of every size, after a restart as well', async () => {
    const { folder, store, index, put } = await makeStore();
    const contents = [0, 1, 47, 48, 4096, 70_000, 1024 * 1024].map((size) => randomBytes(size));
    const digests = await Promise.all(contents.map(put));
    await store.close();
    const again = await makeStore(folder);
    for (const [digest, location] of index) again.index.set(digest, location);
    for (const [number, digest] of digests.entries()) {
      expect((await again.store.read(digest))?.equals(contents[number] as Buffer)).toBe(true);
    }
    expect(await readdir(folder)).toHaveLength(1);
  });

  it('keeps what is appended at once in one segment, in order, without gaps', async () => {
    const { store, put } = await makeStore();
    await Promise.all(Array.from({ length: 200 }, (_, number) => put(Buffer.from(`content ${number}`))));
    const [segment = ''] = await store.segments();
    const frames: FrameLocation[] = [];
    await store.scan(segment, ({ location }) => frames.push(location));
    expect(frames).toHaveLength(200);
    for (const [number, { offset }] of frames.entries()) {
      const before = frames[number - 1];
      if (before) expect(offset).toBe(before.offset + before.length);
    }
    expect(await store.sizeOf(segment)).toBe((frames.at(-1)?.offset ?? 0) + (frames.at(-1)?.length ?? 0));
  });

  it('begins a new segment when one is full, and goes on in the last after a restart', async () => {
    const { folder, store, put } = await makeStore(undefined, 1000);
    for (let number = 0; number < 10; number += 1) await put(Buffer.alloc(300, number));
    const segments = await store.segments();
    expect(segments.length).toBeGreaterThan(3);
    for (const segment of segments) expect(await store.sizeOf(segment)).toBeLessThanOrEqual(1000);
    await store.close();
    const again = await makeStore(folder, 1_000_000);
    await again.put(Buffer.from('more'));
    expect(await again.store.segments()).toEqual(segments);
  });

  it('cuts off a torn frame at the end, wherever it was torn', async () => {
    const { folder, store, put, fileOf } = await makeStore();
    await put(Buffer.from('whole'));
    const [segment = ''] = await store.segments();
    const sound = await store.sizeOf(segment);
    const torn = randomBytes(500);
    await put(torn);
    await store.close();
    const full = (await stat(fileOf(segment))).size;
    for (const size of [full - 1, full - 3, full - 300, sound + 50, sound + 10, sound + 1]) {
      await truncate(fileOf(segment), size);
      const again = await makeStore(folder);
      expect((await stat(fileOf(segment))).size).toBe(sound);
      expect(await again.store.read(sha256(Buffer.from('whole')))).toEqual(Buffer.from('whole'));
      expect(await again.store.read(sha256(torn))).toBeUndefined();
      await again.put(torn);
      await again.store.close();
    }
  });

  it('cuts off zeros at the end, as a power loss leaves them', async () => {
    const { folder, store, put, fileOf } = await makeStore();
    await put(Buffer.from('whole'));
    const [segment = ''] = await store.segments();
    await store.close();
    const { size } = await stat(fileOf(segment));
    await appendFile(fileOf(segment), Buffer.alloc(4096));
    await makeStore(folder);
    expect((await stat(fileOf(segment))).size).toBe(size);
  });

  it('keeps the frames behind a damaged one, and appends to such a segment no more', async () => {
    const { folder, store, index, put, fileOf } = await makeStore();
    const digests: string[] = [];
    for (const name of ['one', 'two', 'three']) digests.push(await put(Buffer.from(name.repeat(50))));
    const [segment = ''] = await store.segments();
    const second = index.get(digests[1] ?? '') as FrameLocation;
    await store.close();
    const { size } = await stat(fileOf(segment));
    await damage(fileOf(segment), second.offset + 20);
    const again = await makeStore(folder);
    expect((await stat(fileOf(segment))).size).toBe(size);
    expect(await again.store.read(digests[0] ?? '')).toBeDefined();
    expect(await again.store.read(digests[1] ?? '')).toBeUndefined();
    expect(await again.store.read(digests[2] ?? '')).toBeDefined();
    await again.put(Buffer.from('four'));
    expect(await again.store.segments()).toHaveLength(2);
  });

  it('never answers with other bytes: a damaged frame is none, and another copy serves', async () => {
    const { store, index, put, fileOf } = await makeStore();
    const content = randomBytes(1000);
    const digest = await put(content);
    const first = index.get(digest) as FrameLocation;
    await damage(fileOf(first.segment), first.offset + first.length - 100);
    expect(await store.read(digest)).toBeUndefined();
    await store.append(digest, content);
    expect((await store.read(digest))?.equals(content)).toBe(true);
  });

  it('finds a content by a scan when the index is wrong or empty', async () => {
    const { store, index, put } = await makeStore();
    const digest = await put(Buffer.from('here'));
    const other = await put(Buffer.from('other'));
    index.set(digest, index.get(other) as FrameLocation);
    expect(await store.read(digest)).toEqual(Buffer.from('here'));
    index.clear();
    expect(await store.read(digest)).toEqual(Buffer.from('here'));
    expect(await store.read(sha256(Buffer.from('never')))).toBeUndefined();
  });

  it('is not misled by contents that look like frames', async () => {
    const { folder, store, index, put, fileOf } = await makeStore();
    const inner = await put(Buffer.from('inner'));
    const { segment, offset, length } = index.get(inner) as FrameLocation;
    const handle = await openFile(fileOf(segment));
    const frame = Buffer.alloc(length);
    await handle.read(frame, 0, length, offset);
    await handle.close();
    const outer = await put(Buffer.concat([frame.subarray(0, 20), Buffer.from('SHPF'), frame.subarray(0, 60)]));
    await store.close();
    const again = await makeStore(folder);
    const seen: string[] = [];
    await again.store.scan(segment, (found) => seen.push(found.sha256));
    expect(seen).toEqual([inner, outer]);
  });

  it('lets reads of a removed segment end well', async () => {
    const { store, put, index } = await makeStore(undefined, 1);
    const digests = await Promise.all(Array.from({ length: 20 }, (_, number) => put(Buffer.alloc(10_000, number))));
    const reads = digests.map((digest) => store.readAt(index.get(digest) as FrameLocation, digest));
    const first = index.get(digests[0] ?? '') as FrameLocation;
    await store.removeSegment(first.segment);
    const results = await Promise.all(reads);
    expect(results.filter((content) => content === undefined).length).toBeLessThanOrEqual(1);
    expect(await store.readAt(first, digests[0] ?? '')).toBeUndefined();
  });

  it('marks deleted contents, and refuses to append once it is closed', async () => {
    const { store, put } = await makeStore();
    const digest = await put(Buffer.from('gone'));
    await store.markDeleted(digest);
    const [segment = ''] = await store.segments();
    const kinds: string[] = [];
    await store.scan(segment, ({ kind, sha256: of }) => kinds.push(`${kind} ${of === digest}`));
    expect(kinds).toEqual(['content true', 'deleted true']);
    await store.close();
    expect((await errorOf(() => put(Buffer.from('late')))).code).toBe('SHUTTING_DOWN');
  });

  it('tells everybody who waits when the disk fails, and goes on when it works again', async () => {
    const { folder, store, put } = await makeStore();
    await rm(folder, { recursive: true });
    const failed = await Promise.allSettled([put(Buffer.from('a')), put(Buffer.from('b'))]);
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await store.open();
    const digest = await put(Buffer.from('c'));
    expect(await store.read(digest)).toEqual(Buffer.from('c'));
  });
});
