/** A large upload that is interrupted: by a node that is killed, by a page that is loaded anew. It goes on where it was. */
import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { openWindow } from '../support/browser.ts';
import { call, json } from '../support/http-client.ts';
import { readyOrigin, runCommand, startNodeProcess } from '../support/node-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const megabyte = 1024 * 1024;
const size = 240 * megabyte;

/** A file that no digest is known of. */
async function largeFile(): Promise<{ readonly file: string; readonly sha256: string }> {
  const file = path.join(await temporaryFolder(), 'film.bin');
  const bytes = Buffer.alloc(size, randomBytes(megabyte));
  await writeFile(file, bytes);
  return { file, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** Slows the page's uploads down, so that there is a middle to break them in. */
async function slowDown(page: Page): Promise<() => Promise<void>> {
  const session = await page.context().newCDPSession(page);
  const limit = (bytes: number) =>
    session.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: bytes,
    });
  await limit(30 * megabyte);
  return async () => {
    await limit(-1);
  };
}

/** Waits until the node has got some of it. */
async function untilHalfway(origin: string): Promise<void> {
  const received = async () => {
    const { uploads } = json<{ uploads: { received: number }[] }>(await call(`${origin}/api/v1/uploads`));
    return uploads[0]?.received ?? 0;
  };
  await expect.poll(received, { interval: 50 }).toBeGreaterThan(70 * megabyte);
}

const storedDigest = async (origin: string) =>
  json<{ sha256?: string }>(await call(`${origin}/api/v1/files/stat?path=film.bin`)).sha256;

/** Uploads that were begun, and where parts went on. */
function follow(page: Page): { begun: number; offsets: number[] } {
  const seen = { begun: 0, offsets: [] as number[] };
  page.on('request', (request) => {
    if (!request.url().includes('/big/upload')) return;
    if (request.method() === 'POST') seen.begun += 1;
    if (request.method() === 'PATCH') seen.offsets.push(Number(request.headers()['upload-offset']));
  });
  return seen;
}

describe('a large upload', () => {
  it('goes on after the node was killed and started anew', async () => {
    const { file, sha256 } = await largeFile();
    const dataDir = await temporaryFolder();
    const node = await startNodeProcess(dataDir);
    const page = await openWindow(node.origin, { expectedErrors: /ERR_|net::/ });
    const seen = follow(page);
    await page.goto(`${node.origin}/#/files`);
    await page.getByText('This folder is empty').waitFor();
    const speedUp = await slowDown(page);
    await page.getByTestId('choose-files').setInputFiles(file);
    await untilHalfway(node.origin);
    await node.kill('SIGKILL');
    await page.getByText('The connection to the node is broken').waitFor();
    await speedUp();
    const again = runCommand(['--server', '--data', dataDir, '--addr', `127.0.0.1:${node.port}`]);
    await readyOrigin(again);
    await expect.poll(() => storedDigest(node.origin), { timeout: 90_000 }).toBe(sha256);
    expect(seen.begun).toBe(1);
    expect(Math.max(...seen.offsets)).toBeGreaterThan(0);
    // The page is in touch with the node again, by itself.
    await page.getByRole('row', { name: 'film.bin' }).waitFor();
    await again.kill('SIGTERM');
  });

  it('goes on after the page was loaded anew', async () => {
    const { file, sha256 } = await largeFile();
    const node = await startNodeProcess(await temporaryFolder());
    const page = await openWindow(node.origin);
    const seen = follow(page);
    await page.goto(`${node.origin}/#/files`);
    await page.getByText('This folder is empty').waitFor();
    const speedUp = await slowDown(page);
    await page.getByTestId('choose-files').setInputFiles(file);
    await untilHalfway(node.origin);
    await page.reload();
    await speedUp();
    await expect.poll(() => storedDigest(node.origin), { timeout: 90_000 }).toBe(sha256);
    expect(seen.begun).toBe(1);
    await node.kill('SIGTERM');
  });

  it('is paused, and can be ended: nothing of it stays', async () => {
    const { file } = await largeFile();
    const node = await startNodeProcess(await temporaryFolder());
    const page = await openWindow(node.origin);
    await page.goto(`${node.origin}/#/files`);
    await page.getByText('This folder is empty').waitFor();
    await slowDown(page);
    await page.getByTestId('choose-files').setInputFiles(file);
    await page.getByRole('link', { name: 'Transfers' }).click();
    await untilHalfway(node.origin);
    await page.getByRole('button', { name: 'Pause', exact: true }).first().click();
    await page.locator('[data-upload="paused"]').waitFor();
    await page.getByRole('button', { name: 'Cancel this upload' }).click();
    await page.getByText('Nothing is on its way').waitFor();
    expect((await call(`${node.origin}/api/v1/files/stat?path=film.bin`)).status).toBe(404);
    await node.kill('SIGTERM');
  });
});
