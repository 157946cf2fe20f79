// `npm run bench:cluster [-- FILES GIGABYTES]`: three nodes of one cluster as processes on this host. Ten thousand small files and
// one large one are put into the first while the third is killed twice; then everything must be on all, byte by byte.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfChanged } from '../../build.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const program = path.join(root, 'dist', 'node-core', 'shoal.cjs');
const [files = 10_000, gigabytes = 2] = process.argv.slice(2).map(Number);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'shoal-bench-'));
const key = randomBytes(20).toString('hex');
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
const nodes = [];
const seconds = (since) => ((performance.now() - since) / 1000).toFixed(1);

/** Starts a node, or starts it again on the ports that it had. */
async function start(index) {
  const before = nodes[index];
  const data = path.join(folder, `n${index}`);
  const options = ['--addr', `127.0.0.1:${before?.port ?? 0}`, '--peer-addr', `127.0.0.1:${before?.peerPort ?? 0}`];
  const peers = nodes[0] && index > 0 ? ['--peer', nodes[0].url] : [];
  const child = spawn(
    process.execPath,
    [program, '--server', '--data', data, '--no-discovery', '--cluster-key', key, ...options, ...peers],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const url = await new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`node ${index} ended with ${code}`)));
    child.stdout.on('data', (text) => {
      const match = /(http:\/\/127\.0\.0\.1:\d+)\//.exec(String(text));
      if (match) resolve(match[1]);
    });
  });
  const { port: peerPort } = await json(`${url}/api/v1/peer-hint`);
  nodes[index] = { child, url, port: Number(new URL(url).port), peerPort, index };
  return nodes[index];
}

function ask(method, url, headers = {}, write = (request) => request.end()) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, agent }, (response) => {
      const chunks = [];
      const hash = createHash('sha256');
      response.on('data', (chunk) => {
        hash.update(chunk);
        if (chunks.length < 64) chunks.push(chunk);
      });
      response.on('end', () =>
        resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString(), sha256: hash.digest('hex') }),
      );
      response.on('error', reject);
    });
    request.on('error', reject);
    write(request);
  });
}

async function json(url) {
  return JSON.parse((await ask('GET', url)).text);
}

function put(node, name, bytes) {
  return ask('PUT', `${node.url}/api/v1/files/content?path=${encodeURIComponent(name)}`, {}, (request) =>
    request.end(bytes),
  );
}

async function until(what, holds, ms = 600_000) {
  const end = performance.now() + ms;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const allThere = () =>
  until('all members are there', async () => {
    for (const { url } of nodes) {
      const { members } = await json(`${url}/api/v1/members`);
      if (members.length !== nodes.length || members.some(({ online }) => !online)) return false;
    }
    return true;
  });

const memory = ({ child }) =>
  Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

/** How long until a small file is on both other nodes, verified: the upload waits for that. */
async function latency() {
  const times = [];
  for (let index = 0; index < 60; index += 1) {
    const began = performance.now();
    const url = `${nodes[0].url}/api/v1/files/content?path=latency%2F${index}&minReplicas=3`;
    const { status } = await ask('PUT', url, {}, (request) => request.end(randomBytes(1024)));
    if (status !== 200) throw new Error(`status ${status}`);
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  console.log(
    `small file, until it is on all three: median ${times[30].toFixed(1)} ms, most ${times.at(-1).toFixed(1)} ms`,
  );
}

async function small() {
  const began = performance.now();
  const digests = new Map();
  const next = { index: 0 };
  const worker = async () => {
    for (let index = next.index++; index < files; index = next.index++) {
      const bytes = randomBytes(4096);
      const name = `small/${index % 100}/${index}`;
      const { status } = await put(nodes[0], name, bytes);
      if (status !== 200) throw new Error(`${name}: ${status}`);
      digests.set(name, createHash('sha256').update(bytes).digest('hex'));
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  console.log(`${files} files of 4 KiB put into one node in ${seconds(began)} s`);
  return digests;
}

async function large() {
  const began = performance.now();
  const block = randomBytes(1024 * 1024);
  const hash = createHash('sha256');
  let left = gigabytes * 1024;
  await ask('PUT', `${nodes[0].url}/api/v1/files/content?path=large.bin`, {}, (request) => {
    const push = () => {
      while (left > 0) {
        left -= 1;
        block.writeDoubleLE(left);
        const copy = Buffer.from(block);
        hash.update(copy);
        if (!request.write(copy)) return request.once('drain', push);
      }
      request.end();
    };
    push();
  });
  console.log(`one file of ${gigabytes} GiB put into it in ${seconds(began)} s`);
  return hash.digest('hex');
}

try {
  await buildIfChanged();
  for (const index of [0, 1, 2]) await start(index);
  await allThere();
  console.log(`memory, idle: ${nodes.map((node) => `${memory(node).toFixed(0)} MiB`).join(', ')}`);
  await latency();
  const began = performance.now();
  const peaks = [0, 0, 0];
  const watch = setInterval(() => {
    for (const node of nodes)
      if (node.child.exitCode === null && node.child.signalCode === null)
        peaks[node.index] = Math.max(peaks[node.index], memory(node));
  }, 500);
  const kill = async (afterMs) => {
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    const { child } = nodes[2];
    child.removeAllListeners('exit');
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    await start(2);
  };
  const [digests, whole] = await Promise.all([small(), large(), kill(3000).then(() => kill(4000))]);
  for (const node of nodes) {
    for (const [name, sha256] of digests)
      await until(`${name} is on node ${node.index}`, async () => {
        const stat = await json(`${node.url}/api/v1/files/stat?path=${encodeURIComponent(name)}`);
        return stat.here === true && stat.sha256 === sha256;
      });
    await until(
      `the large file is on node ${node.index}`,
      async () => (await json(`${node.url}/api/v1/files/stat?path=large.bin`)).here === true,
    );
    const { sha256 } = await ask('GET', `${node.url}/api/v1/files/content?path=large.bin`);
    if (sha256 !== whole) throw new Error(`the large file differs on node ${node.index}`);
  }
  clearInterval(watch);
  console.log(`everything on all three, the third killed twice, after ${seconds(began)} s`);
  console.log(`memory, at most: ${peaks.map((peak) => `${peak.toFixed(0)} MiB`).join(', ')}`);
} finally {
  for (const { child } of nodes) {
    child.removeAllListeners('exit');
    child.kill('SIGKILL');
  }
  agent.destroy();
  fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
