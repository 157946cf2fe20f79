import { access, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ResumableUploads } from '../../../node-core/files/resumable-uploads.ts';
import { UploadRegistry } from '../../../node-core/files/uploads.ts';
import { digestsOf } from '../domain/versions.ts';
import { Bench, Fuse, StepFailure } from './fixture.ts';
import { forEveryStep, told } from './interrupt.ts';

const hour = 3_600_000;
const content = 'the whole content of an upload';
const plan = () => ({ path: 'd/a.txt', name: 'a.txt', scene: 's', occupied: 'number' as const, by: 'test' });

function uploadsOf(bench: Bench): ResumableUploads {
  return new ResumableUploads(bench.context, bench.storer, new UploadRegistry(bench.clock.now), {
    algorithm: () => 'md5',
    durable: false,
    expirationHours: () => 1,
    onError: (error) => {
      throw error;
    },
  });
}

async function* pieces(text: string, failAfter = Number.POSITIVE_INFINITY): AsyncGenerator<Buffer> {
  for (const [index, character] of [...text].entries()) {
    if (index === failAfter) throw new Error('the client went away');
    yield Buffer.from(character);
  }
}

/** An upload whose bytes have all arrived. */
async function arrived(bench: Bench): Promise<ResumableUploads> {
  const uploads = uploadsOf(bench);
  await uploads.create({ id: 'up', metadata: {}, by: 'test', size: content.length });
  await uploads.append('up', 0, pieces(content));
  return uploads;
}

const growing = (bench: Bench) => bench.pathOf('_big/up');

describe('ResumableUploads', () => {
  it('keeps what came before a client went away, and hashes the whole right', async () => {
    const bench = await Bench.open();
    const uploads = uploadsOf(bench);
    await uploads.create({ id: 'up', metadata: {}, by: 'test', size: content.length });
    await expect(uploads.append('up', 0, pieces(content, 7))).rejects.toThrow('went away');
    expect(uploads.find('up')?.safe).toBe(7);
    await uploads.append('up', 7, pieces(content.slice(7)));
    const { file } = await uploads.complete('up', plan);
    const { size, sha256, md5 } = digestsOf(content);
    expect(file.version).toMatchObject({ size, sha256, md5 });
    expect(await bench.read('d/a.txt')).toBe(content);
    await bench.expectConsistent();
  });

  it('cuts off what a part left beyond its safe offset', async () => {
    const bench = await Bench.open();
    const uploads = uploadsOf(bench);
    await uploads.create({ id: 'up', metadata: {}, by: 'test', size: content.length });
    await uploads.append('up', 0, pieces('the '));
    await writeFile(growing(bench), 'the garbage that a crash left, longer than all that is coming');
    const again = uploadsOf(bench);
    await again.append('up', 4, pieces(content.slice(4)));
    await again.complete('up', plan);
    expect(await bench.read('d/a.txt')).toBe(content);
    await bench.expectConsistent();
  });

  it('completes once, however many ask', async () => {
    const bench = await Bench.open();
    const uploads = await arrived(bench);
    const all = await Promise.all(Array.from({ length: 5 }, () => uploads.complete('up', plan)));
    expect(new Set(all.map(({ file }) => file.path))).toEqual(new Set(['d/a.txt']));
    expect((await uploads.complete('up', plan)).existed).toBe(true);
    expect(await bench.liveFiles()).toEqual(['d/a.txt']);
    expect(bench.committed).toEqual(['d/a.txt']);
  });

  it('can be completed again after the store refused', async () => {
    const bench = await Bench.open();
    await bench.upload('d/a.txt', 'in the way');
    const uploads = await arrived(bench);
    const refusing = () => ({ ...plan(), occupied: 'refuse' as const });
    await expect(uploads.complete('up', refusing)).rejects.toMatchObject({ code: 'TARGET_EXISTS' });
    await uploads.complete('up', () => ({ ...plan(), path: 'd/b.txt' }));
    expect(await bench.read('d/b.txt')).toBe(content);
    await bench.expectConsistent();
  });

  it('joins parts in order, and removes them with the same commit', async () => {
    const bench = await Bench.open();
    const uploads = uploadsOf(bench);
    for (const [id, text] of [
      ['one', 'abc'],
      ['two', 'defg'],
    ] as const) {
      await uploads.create({ id, metadata: {}, by: 'test', size: text.length, concatenation: 'partial' });
      await uploads.append(id, 0, pieces(text));
    }
    await uploads.create({
      id: 'up',
      metadata: {},
      by: 'test',
      size: 11,
      concatenation: 'final',
      parts: ['two', 'one', 'two'],
    });
    await uploads.concatenate(
      'up',
      ['two', 'one', 'two'].map((id) => uploads.bytesOf(id)),
    );
    await uploads.complete('up', plan);
    expect(await bench.read('d/a.txt')).toBe('defgabcdefg');
    expect([uploads.find('one'), uploads.find('two')]).toEqual([undefined, undefined]);
    await bench.expectConsistent();
  });

  it('sweeps what is over and what belongs to nobody, never what is finished or still in time', async () => {
    const bench = await Bench.open();
    const uploads = await arrived(bench);
    await uploads.complete('up', plan);
    await uploads.create({ id: 'old', metadata: {}, by: 'test', size: 5 });
    bench.clock.ms += hour;
    await uploads.create({ id: 'fresh', metadata: {}, by: 'test', size: 5 });
    await writeFile(bench.pathOf('_big/garbage'), 'x');
    bench.clock.ms += 1;
    expect(await uploads.sweep()).toBe(1);
    expect([uploads.find('old'), uploads.find('fresh')?.id, uploads.find('up')?.id]).toEqual([
      undefined,
      'fresh',
      'up',
    ]);
    for (const gone of ['garbage', 'old']) await expect(access(bench.pathOf(`_big/${gone}`))).rejects.toThrow('ENOENT');
    bench.clock.ms += 1000 * hour;
    expect(await uploads.sweep()).toBe(1);
    expect((await uploads.fileOf('up'))?.path).toBe('d/a.txt');
  });
});

const targets = [
  ['a new path', undefined],
  ['a content that is known elsewhere', 'elsewhere'],
] as const;

describe.each(targets)('a crash while an upload becomes a file at %s', (_what, there) => {
  it('leaves an upload that can be completed, or the file', async () => {
    await forEveryStep(async (n) => {
      const bench = await Bench.open();
      if (there !== undefined) await bench.upload(there, content);
      const uploads = await arrived(bench);
      const fuse = new Fuse(n);
      bench.arm(fuse);
      const failure: unknown = await uploads.complete('up', plan).catch((error: unknown) => error);
      if (failure instanceof Error && !(failure instanceof StepFailure)) throw failure;
      await told(fuse, n, async () => {
        const after = await bench.reopen();
        expect(after.recovery?.lost).toEqual([]);
        const again = uploadsOf(after);
        await again.sweep();
        const { file } = await again.complete('up', plan);
        expect(file.path).toBe('d/a.txt');
        expect(await after.read('d/a.txt')).toBe(content);
        await again.sweep();
        await after.expectConsistent();
      });
      return fuse;
    });
  }, 60_000);
});
