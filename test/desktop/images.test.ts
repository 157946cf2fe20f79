/** Pictures in the desktop's own node, on Linux: hundreds are made smaller, and its processes stay as large as they were. */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { nodePid, processesWith, startDesktop } from '../support/desktop.ts';

const formats = ['jpeg', 'png', 'webp', 'gif', 'avif'] as const;

/** A picture with as much in it as a photo: what is one colour costs nobody anything. */
async function photo(format: (typeof formats)[number]): Promise<Buffer> {
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
  const picture = sharp({ create: { width: 1200, height: 900, channels: 3, background: 'teal', noise } }).blur(2);
  return picture.toFormat(format).toBuffer();
}

/** Memory of a process and of those it has started, in MiB. One that is ending, as idle image processes do, has none. */
async function memoryOf(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const below = await Promise.all(
    children
      .trim()
      .split(' ')
      .filter(Boolean)
      .map((one) => memoryOf(Number(one))),
  );
  const [, kib = 0] = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')) ?? [];
  return Number(kib) / 1024 + below.reduce((sum, one) => sum + one, 0);
}

it.skipIf(process.platform !== 'linux')(
  'pictures of every kind are made smaller hundreds of times in flat memory',
  async () => {
    const running = await startDesktop();
    const { origin, profile } = running;
    for (const format of formats) {
      const body = await photo(format);
      const put = await fetch(`${origin}/api/v1/files/content?path=a.${format}`, { method: 'PUT', body });
      expect(put.status).toBeLessThan(300);
    }
    const pid = await nodePid(running);
    // Downloads need a token here, or to be the app.
    const token = await running.app.evaluate(
      () => (globalThis as unknown as { shoal: { host: { ready: { token: string } } } }).shoal.host.ready.token,
    );
    const headers = { Authorization: `Bearer ${token}` };
    // Each size once: what was made before comes from a cache. Returns the most memory that was seen meanwhile.
    const round = async (from: number, count: number) => {
      let most = 0;
      for (let index = 0; index < count; index += 1) {
        await Promise.all(
          formats.map(async (format) => {
            const answer = await fetch(`${origin}/group1/a.${format}?width=${from + index}`, { headers });
            expect(answer.status).toBe(200);
            const made = sharp(Buffer.from(await answer.arrayBuffer()), { animated: false });
            expect((await made.metadata()).width).toBe(from + index);
          }),
        );
        most = Math.max(most, await memoryOf(pid));
      }
      return most;
    };
    const before = await round(100, 20);
    const after = await round(120, 60);
    expect(before).toBeGreaterThan(50);
    console.log(
      `400 pictures: at most ${before.toFixed(0)} MiB for the first 100, ${after.toFixed(0)} MiB for the others`,
    );
    expect(after).toBeLessThan(before * 1.2 + 30);
    // It is the very process of before, and it has printed nothing of what pictures in Electron's processes do.
    expect(await nodePid(running)).toBe(pid);
    expect(await processesWith(`--data ${profile}/store`)).toEqual([pid]);
    const printed = await running.app.evaluate(
      () => (globalThis as unknown as { shoal: { host: { output: string[] } } }).shoal.host.output,
    );
    expect(printed.filter((line) => /GLib|GObject|CRITICAL/.test(line))).toEqual([]);
  },
);
