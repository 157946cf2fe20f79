/** A node that another program has started with a channel: the desktop app. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type MessageToParent, readLocalAccess } from '../../node-core/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const command = path.join(import.meta.dirname, '..', '..', 'dist', 'node-core', 'shoal.cjs');
const env = { ...process.env, SHOAL_PARENT: '1', SHOAL_NO_DISCOVERY: '1', SHOAL_PEER_ADDR: '127.0.0.1:0' };

function start(dataDir: string, addr = '127.0.0.1:0'): ChildProcess {
  const child = fork(command, ['--server', '--data', dataDir, '--addr', addr], { env, silent: true, execArgv: [] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function told(child: ChildProcess): Promise<MessageToParent> {
  const [message] = (await once(child, 'message')) as [MessageToParent];
  return message;
}

it('tells when it is ready, lets its parent manage, and stops when it is asked', async () => {
  const child = start(await temporaryFolder());
  const ready = await told(child);
  if (ready.kind !== 'ready') throw new Error(JSON.stringify(ready));
  expect(ready.port).toBe(Number(new URL(ready.url).port));
  const settings = `${ready.url}api/v1/settings`;
  const withToken = await fetch(settings, { headers: { Authorization: `Bearer ${ready.token}`, Host: 'elsewhere' } });
  expect(withToken.status).toBe(200);
  const wrong = await fetch(settings, { headers: { Authorization: `Bearer ${ready.token.slice(1)}x` } });
  expect(wrong.status).toBe(403);
  child.send({ kind: 'stop' });
  expect(await once(child, 'exit')).toEqual([0, null]);
});

it('says why it cannot start', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  onTestFinished(() => void taken.close());
  const child = start(await temporaryFolder(), `127.0.0.1:${(taken.address() as AddressInfo).port}`);
  const exit = once(child, 'exit');
  expect(await told(child)).toMatchObject({
    kind: 'failed',
    code: 'ADDRESS_IN_USE',
    words: { en: { message: expect.stringMatching(/\w/) }, zh: { message: expect.stringMatching(/\p{Script=Han}/u) } },
  });
  expect(await exit).toEqual([1, null]);
});

it('ends well when its parent is killed, and leaves its store free', async () => {
  const folder = await temporaryFolder();
  const dataDir = path.join(folder, 'store');
  // The parent tells what it hears, and is killed then: its pipes and its channel break at once.
  const script = path.join(folder, 'parent.cjs');
  await writeFile(
    script,
    `const child = require('node:child_process').fork(process.argv[2], ['--server', '--data', process.argv[3], '--addr', '127.0.0.1:0'], { silent: true, execArgv: [] });
     child.on('message', () => console.log(child.pid));`,
  );
  const parent = spawn(process.execPath, [script, command, dataDir], { env });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  expect(pid).toBeGreaterThan(0);
  parent.kill('SIGKILL');
  await expect.poll(() => isAlive(pid), { timeout: 15_000 }).toBe(false);
  // It has ended by itself, not by a broken pipe: what it takes away at its end is gone.
  expect(await readLocalAccess(dataDir)).toBeUndefined();
  const next = start(dataDir);
  expect((await told(next)).kind).toBe('ready');
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
