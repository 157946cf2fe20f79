/** What docs/deploy holds, with the real programs it is for. Skipped where they are not installed, as the checks never are. */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import https from 'node:https';
import path from 'node:path';
import selfsigned from 'selfsigned';
import { afterEach, describe, expect, it } from 'vitest';
import { allSee, type ClusterNode, startCluster } from '../support/cluster-in-process.ts';
import { eventually } from '../support/eventually.ts';
import { encodeForm } from '../support/http-client.ts';
import { startNode } from '../support/node-in-process.ts';
import { behindProxy } from '../support/strangers.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const deploy = path.join(import.meta.dirname, '..', '..', 'docs', 'deploy');
const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** Whether a program is there; the checks install all of them. */
function has(program: string): boolean {
  const found = spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
  if (!found && process.env.SHOAL_TEST_ALL === '1') throw new Error(`${program} is not installed`);
  return found;
}

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
}

/** A request to nginx, whose certificate nobody has signed. */
function ask(port: number, address: string, options: https.RequestOptions = {}, body?: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { host: 'files.example.com', ...options.headers };
    const request = https.request(
      { ...options, headers, host: '127.0.0.1', port, path: address, rejectUnauthorized: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        );
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

/** The example with the ports of real nodes. @returns the port of https. */
async function startNginx(nodes: readonly ClusterNode[], archive: number): Promise<number> {
  const folder = await temporaryFolder();
  const pems = await selfsigned.generate([{ name: 'commonName', value: 'files.example.com' }]);
  await writeFile(path.join(folder, 'site.crt'), pems.cert);
  await writeFile(path.join(folder, 'site.key'), pems.private);
  const [first, second] = nodes;
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const example = await readFile(path.join(deploy, 'nginx.conf'), 'utf8');
  const config = example
    .replace('127.0.0.1:8080', `127.0.0.1:${first?.port}`)
    .replace('127.0.0.1:8081', `127.0.0.1:${second?.port}`)
    .replace('127.0.0.1:8082', `127.0.0.1:${archive}`)
    .replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)
    .replace('/etc/ssl/files.example.com.crt', path.join(folder, 'site.crt'))
    .replace('/etc/ssl/files.example.com.key', path.join(folder, 'site.key'));
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/tmp/${kind};`,
  );
  await mkdir(path.join(folder, 'tmp'));
  const own = `daemon off; user root; pid ${folder}/nginx.pid; error_log ${folder}/error.log;\n`;
  const log = `http {\n    access_log off; ${temp.join(' ')}\n`;
  await writeFile(path.join(folder, 'nginx.conf'), own + config.replace('http {\n', log));
  const nginx = spawn('nginx', ['-c', path.join(folder, 'nginx.conf'), '-p', folder], { stdio: 'inherit' });
  const ended = new Promise<void>((resolve) => nginx.once('close', () => resolve()));
  ends.push(async () => {
    nginx.kill('SIGQUIT');
    await ended;
  });
  await eventually(
    async () => (await ask(port, '/healthz').catch(() => undefined))?.status === 200,
    `nginx answers: ${await readFile(path.join(folder, 'error.log'), 'utf8').catch(() => '')}`,
  );
  return port;
}

describe.skipIf(!has('nginx'))('the nginx example', () => {
  it('passes ranges, large bodies, resumable uploads and addresses on, and goes on when a node is away', async () => {
    const nodes = await startCluster(2, { ...behindProxy, admin_key: 'test-admin-key' });
    const archive = await startNode({ ...behindProxy, group: 'archive' });
    const port = await startNginx(nodes, archive.port);
    await allSee(nodes);

    const content = randomBytes(40 * 1024 * 1024);
    const form = encodeForm([
      { name: 'path', value: 'via/nginx' },
      { name: 'file', fileName: '大文件.bin', bytes: content },
    ]);
    const stored = await ask(port, '/group1/upload', { method: 'POST', headers: form.headers }, form.body);
    expect([stored.status, stored.body.toString()]).toEqual([
      200,
      expect.stringMatching(/^https:\/\/files\.example\.com\/group1\/via\/nginx\//),
    ]);
    const address = new URL(stored.body.toString()).pathname;
    await eventually(async () => (await ask(port, address)).body.equals(content), 'it comes back whole');
    const part = await ask(port, address, { headers: { range: 'bytes=5000000-5000099' } });
    expect([part.status, part.body.equals(content.subarray(5_000_000, 5_000_100))]).toEqual([206, true]);
    const again = { 'if-none-match': String(part.headers.etag) };
    expect((await ask(port, address, { headers: again })).status).toBe(304);

    const tus = { 'tus-resumable': '1.0.0' };
    const metadata = `filename ${Buffer.from('t.bin').toString('base64')}`;
    const created = await ask(port, '/group1/big/upload/', {
      method: 'POST',
      headers: { ...tus, 'upload-length': '6', 'upload-metadata': metadata },
    });
    expect(created.status).toBe(201);
    const upload = new URL(String(created.headers.location));
    expect(upload.origin).toBe('https://files.example.com');
    // Either node answers: whichever it is, the other one may keep the upload.
    for (const [offset, text] of [
      ['0', 'abc'],
      ['3', 'def'],
    ] as const) {
      const headers = { ...tus, 'upload-offset': offset, 'content-type': 'application/offset+octet-stream' };
      const patched = await ask(port, upload.pathname, { method: 'PATCH', headers }, Buffer.from(text));
      expect([patched.status, patched.headers['upload-offset']]).toEqual([204, String(Number(offset) + 3)]);
    }

    const who = await ask(port, '/api/v1/session', { headers: { 'x-forwarded-for': '203.0.113.77' } });
    expect(JSON.parse(who.body.toString())).toMatchObject({ may: false, address: '203.0.113.77' });

    const other = encodeForm([{ name: 'file', fileName: 'a.txt', bytes: Buffer.from('archived') }]);
    const archived = await ask(port, '/archive/upload', { method: 'POST', headers: other.headers }, other.body);
    expect(new URL(archived.body.toString()).pathname).toMatch(/^\/archive\//);

    await nodes[0]?.node.stop();
    for (let index = 0; index < 4; index += 1) expect((await ask(port, address)).status).toBe(200);
  });
});

describe.skipIf(!has('promtool'))('the rules for Prometheus', () => {
  it('are sound, and speak of metrics that a node has', async () => {
    const file = path.join(deploy, 'alerts.yml');
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
    expect(status, stdout + stderr).toBe(0);
    const node = await startNode();
    const metrics = await (await fetch(`${node.origin}/metrics`)).text();
    const named = new Set((await readFile(file, 'utf8')).match(/shoal_[a-z_]+/g));
    expect(named.size).toBeGreaterThan(4);
    for (const name of named) expect(metrics).toMatch(new RegExp(`^${name}[ {]`, 'm'));
  });
});
