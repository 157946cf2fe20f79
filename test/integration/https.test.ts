/** `enable_https`: the same interface behind a certificate that is taken anew when its files change. */
import { spawnSync } from 'node:child_process';
import { watch } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import path from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { encodeForm, rawConnection } from '../support/http-client.ts';
import { startNode, type TestNode, writeConfig } from '../support/node-in-process.ts';
import { runCommand, runToEnd, serverArguments } from '../support/node-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Writes a new self-signed pair; each file takes its name when it is complete. */
async function writeCertificate(dataDir: string, name: string): Promise<void> {
  const conf = path.join(dataDir, 'conf');
  await mkdir(conf, { recursive: true });
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', `/CN=${name}`, '-keyout', path.join(conf, 'new.key'), '-out', path.join(conf, 'new.crt')],
  ]);
  expect(made.status, String(made.stderr)).toBe(0);
  await rename(path.join(conf, 'new.key'), path.join(conf, 'server.key'));
  await rename(path.join(conf, 'new.crt'), path.join(conf, 'server.crt'));
}

async function startSecure(name = 'first'): Promise<TestNode> {
  const dataDir = await temporaryFolder();
  await writeCertificate(dataDir, name);
  return startNode({ enable_https: true }, dataDir);
}

/** The name in the certificate that a new connection is shown. */
function shownName(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

interface SecureAnswer {
  readonly status: number;
  readonly text: string;
  readonly certificate: string;
}

function callSecure(url: string, agent?: Agent, form?: ReturnType<typeof encodeForm>): Promise<SecureAnswer> {
  return new Promise((resolve, reject) => {
    const options = { rejectUnauthorized: false, agent: agent ?? false, ...(form && { method: 'POST', ...form }) };
    const sent = request(url, options, (response) => {
      const certificate = String((response.socket as TLSSocket).getPeerCertificate().subject.CN);
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, certificate }));
    });
    sent.on('error', reject);
    sent.end(form?.body);
  });
}

describe('https', () => {
  it('stores and serves, and links begin with https', async () => {
    const node = await startSecure();
    expect(node.origin).toMatch(/^https:/);
    const form = encodeForm([{ name: 'file', fileName: 'a.txt', bytes: Buffer.from('secret') }]);
    const uploaded = await callSecure(`${node.group}/upload`, undefined, form);
    expect(uploaded.status, uploaded.text).toBe(200);
    expect(uploaded.text).toMatch(new RegExp(`^${node.group}/default/`));
    expect((await callSecure(uploaded.text)).text).toBe('secret');
  });

  it('has its address in the ready line', async () => {
    const dataDir = await temporaryFolder();
    await writeCertificate(dataDir, 'ready');
    await writeConfig(dataDir, { enable_https: true });
    const started = runCommand(serverArguments(dataDir));
    const url = await new Promise<string>((resolve, reject) => {
      started.child.stdout?.on('data', () => {
        const found = /https:\/\/127\.0\.0\.1:\d+\/\n/.exec(started.stdout())?.[0];
        if (found !== undefined) resolve(found.trim());
      });
      void started.ended.then(() => reject(new Error(started.stderr())));
    });
    expect((await callSecure(`${url}healthz`)).status).toBe(200);
    expect(await started.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it.each([
    ['server.crt', 'missing', 'it does not exist'],
    ['server.key', 'missing', 'it does not exist'],
    ['server.crt', 'no certificate', 'it is not a PEM certificate'],
    ['server.key', 'no key', 'it is not a PEM private key'],
    ['server.key', 'of another', 'it is not the key of the certificate'],
  ])('does not start when %s is %s, and says why in one line', async (file, what, reason) => {
    const dataDir = await temporaryFolder();
    await writeCertificate(dataDir, 'broken');
    await writeConfig(dataDir, { enable_https: true });
    const target = path.join(dataDir, 'conf', file);
    if (what === 'missing') await rm(target);
    else if (what === 'of another') {
      const other = await temporaryFolder();
      await writeCertificate(other, 'other');
      await writeFile(target, await readFile(path.join(other, 'conf', file)));
    } else await writeFile(target, what);
    const ending = await runToEnd(serverArguments(dataDir));
    expect(ending.code).toBe(1);
    expect(ending.stderr).toContain(`conf/${file} cannot be used: ${reason}`);
    expect(ending.stderr.trim().split('\n')).toHaveLength(1);
  });

  it('takes a new certificate without dropping connections', async () => {
    const node = await startSecure('first');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      expect((await callSecure(`${node.origin}/healthz`, agent)).certificate).toBe('first');
      await writeCertificate(node.dataDir, 'second');
      await untilLogged(node.dataDir, 'the certificate was taken anew');
      expect(await shownName(node.port)).toBe('second');
      // The connection from before goes on with what it was opened with.
      expect(await callSecure(`${node.origin}/healthz`, agent)).toMatchObject({ status: 200, certificate: 'first' });
    } finally {
      agent.destroy();
    }
  });

  it('keeps the old certificate when the new one is broken, and recovers', async () => {
    const node = await startSecure('first');
    await writeFile(path.join(node.dataDir, 'conf', 'server.crt'), 'broken');
    await untilLogged(node.dataDir, 'the old certificate stays');
    expect(await shownName(node.port)).toBe('first');
    await writeCertificate(node.dataDir, 'third');
    await untilLogged(node.dataDir, 'the certificate was taken anew');
    expect(await shownName(node.port)).toBe('third');
  });

  it('ends connections that do not speak TLS, and goes on', async () => {
    const node = await startSecure();
    const { socket, received } = rawConnection(node.port);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await received).not.toContain('HTTP/1.1 200');
    expect((await callSecure(`${node.origin}/healthz`)).status).toBe(200);
  });

  it('stops at once although connections are idle or have not shaken hands', async () => {
    const node = await startSecure();
    const agent = new Agent({ keepAlive: true });
    await callSecure(`${node.origin}/healthz`, agent);
    const silent = rawConnection(node.port);
    await new Promise((resolve) => silent.socket.once('connect', resolve));
    const began = performance.now();
    await node.node.stop();
    expect(performance.now() - began).toBeLessThan(5000);
    await silent.received;
    agent.destroy();
  });
});

/** Resolves once the log of a node holds a text; told by the file system, not by a timer. */
async function untilLogged(dataDir: string, text: string): Promise<void> {
  const folder = path.join(dataDir, 'log');
  const watcher = watch(folder);
  try {
    await new Promise<void>((resolve, reject) => {
      const look = () =>
        void readFile(path.join(folder, 'shoal.1.log'), 'utf8').then((log) => {
          if (log.includes(text)) resolve();
        }, reject);
      watcher.on('change', look);
      watcher.on('error', reject);
      look();
    });
  } finally {
    watcher.close();
  }
}
