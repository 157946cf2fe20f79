import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { get, type IncomingMessage, request } from 'node:http';
import { finished, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect, it } from 'vitest';
import { type Answer, boundary, formTail, json, partHead, remove, type UploadAnswer } from '../support/http-client.ts';
import { writeConfig } from '../support/node-in-process.ts';
import { type NodeProcess, startNodeProcess } from '../support/node-process.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const megabyte = 1024 * 1024;
const fileBytes = 2048 * megabyte;
const limitBytes = 200 * megabyte;

/** Two gigabytes that never stand in memory: one pseudo-random piece with a counter in front of each repetition. */
function* hugeContent(mark: number): Generator<Buffer> {
  const piece = new SeededRandom(mark).content(megabyte);
  for (let index = 0; index < fileBytes / megabyte; index += 1) {
    const chunk = Buffer.from(piece);
    chunk.writeUInt32BE(index);
    yield chunk;
  }
}

/** Uploads a huge content as a stream. */
async function uploadHuge(node: NodeProcess, mark: number): Promise<UploadAnswer> {
  const output = `${partHead({ name: 'output', value: 'json' })}json\r\n`;
  const head = output + partHead({ name: 'file', fileName: `${mark}.bin`, bytes: Buffer.alloc(0) });
  const sent = request(`${node.group}/upload`, {
    method: 'POST',
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': Buffer.byteLength(head) + fileBytes + Buffer.byteLength(formTail),
    },
  });
  const answered = new Promise<Answer>((resolve, reject) => {
    sent.once('error', reject);
    sent.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      finished(response, () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.from(text), text }),
      );
    });
  });
  const parts = function* () {
    yield Buffer.from(head);
    yield* hugeContent(mark);
    yield Buffer.from(formTail);
  };
  await pipeline(Readable.from(parts(), { objectMode: false, highWaterMark: megabyte }), sent);
  const answer = await answered;
  expect(answer.status, answer.text).toBe(200);
  return json<UploadAnswer>(answer);
}

/** Downloads and hashes without keeping anything. */
async function downloadDigest(url: string): Promise<{ readonly md5: string; readonly size: number }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => get(url, resolve).on('error', reject));
  const hash = createHash('md5');
  let size = 0;
  for await (const chunk of response) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  return { md5: hash.digest('hex'), size };
}

/** The most memory that a process ever had, in bytes. */
async function peakMemory(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(text)?.[1]) * 1024;
}

// Only Linux tells the peak of another process; elsewhere this test has no measure.
it.skipIf(!existsSync('/proc/self/status'))(
  'peak memory stays below 200 MB while 2 GB go up and another 2 GB come down (needs /proc)',
  async () => {
    const dataDir = await temporaryFolder();
    await writeConfig(dataDir, { trash_days: 0 });
    const node = await startNodeProcess(dataDir);
    const first = await uploadHuge(node, 1);
    expect(first.size).toBe(fileBytes);
    const [second, down] = await Promise.all([uploadHuge(node, 2), downloadDigest(first.url)]);
    expect(second.size).toBe(fileBytes);
    expect(down).toEqual({ md5: first.md5, size: fileBytes });
    const peak = await peakMemory(node.pid);
    console.log(`memory test: peak ${Math.round(peak / megabyte)} MiB`);
    expect(peak).toBeLessThan(limitBytes);
    for (const { path } of [first, second]) expect((await remove(node, path)).status).toBe(200);
    expect(await node.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  },
  10 * 60_000,
);
