import { chmod, rm, utimes, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { isIntact, settled } from '../../../node-core/files/integrity.ts';
import { Bench } from './fixture.ts';

describe('isIntact', () => {
  it('takes untouched bytes for sound, and hashes touched ones once', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'right');
    const before = bench.file('a');
    expect(await isIntact(bench.context, before)).toBe(true);
    expect(bench.file('a')).toEqual(before);
    await utimes(bench.pathOf('a'), new Date(5000), new Date(5000));
    bench.clock.ms += 5;
    expect(await isIntact(bench.context, before)).toBe(true);
    expect(bench.file('a').local).toMatchObject({ verifiedMs: bench.clock.ms, identity: { mtimeNs: '5000000000' } });
  });

  it('tells damage by an event, absence by its answer', async () => {
    const bench = await Bench.open();
    await bench.upload('a', 'right');
    await chmod(bench.pathOf('a'), 0o644);
    await writeFile(bench.pathOf('a'), 'wrong');
    expect(await isIntact(bench.context, bench.file('a'))).toBe(false);
    expect(bench.damaged).toEqual([{ path: 'a', place: 'a' }]);
    await rm(bench.pathOf('a'));
    expect(await isIntact(bench.context, bench.file('a'))).toBe(false);
  });

  it('hashes contents longer than its buffer to the end', async () => {
    const bench = await Bench.open();
    const long = Buffer.alloc(5 * 1024 * 1024 + 7, 'x');
    await bench.upload('a', long);
    await utimes(bench.pathOf('a'), new Date(0), new Date(0));
    expect(await isIntact(bench.context, bench.file('a'))).toBe(true);
    long[long.byteLength - 1] = 0;
    await chmod(bench.pathOf('a'), 0o644);
    await writeFile(bench.pathOf('a'), long);
    expect(await isIntact(bench.context, bench.file('a'))).toBe(false);
  });
});

describe('settled', () => {
  it('waits for the path, then says whether the file is still the one that shows', async () => {
    const bench = await Bench.open();
    const { file } = await bench.upload('a', 'one');
    expect(await settled(bench.context, file)).toBe(true);
    const [answer] = await Promise.all([
      bench.upload('a', 'two').then(() => settled(bench.context, file)),
      bench.remover.removePath('a', 'me'),
    ]);
    expect(answer).toBe(false);
  });
});
