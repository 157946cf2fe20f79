// `npm run bench [-- get upload records tus]`. See README.md beside this file.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIfChanged } from '../../build.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '..', '..');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'shoal-bench-'));
// nginx's workers may be another user.
fs.chmodSync(folder, 0o755);
const children = new Set();
const parts = new Set(process.argv.slice(2).length > 0 ? process.argv.slice(2) : ['get', 'upload', 'records', 'tus']);
const has = (name) => spawnSync(name, ['-v'], { stdio: 'ignore' }).error === undefined;
const withNginx = has('nginx');
const withWrk = has('wrk');

function launch(command, args, ready) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${command} ended with ${code}`)));
    child.stdout.on('data', (text) => {
      const match = ready.exec(String(text));
      if (match) resolve({ child, port: Number(match[1]) });
    });
  });
}

async function startNode(name, settings) {
  const data = path.join(folder, name);
  fs.mkdirSync(path.join(data, 'conf'), { recursive: true });
  const file = path.join(data, 'conf', 'cfg.json');
  if (!fs.existsSync(file)) fs.writeFileSync(file, JSON.stringify({ config_version: 1, ...settings }));
  const began = performance.now();
  const args = [
    path.join(root, 'dist/node-core/shoal.cjs'),
    '--server',
    '--data',
    data,
    '--addr',
    '127.0.0.1:0',
    '--peer-addr',
    '127.0.0.1:0',
  ];
  const node = await launch(process.execPath, args, /http:\/\/127\.0\.0\.1:(\d+)\//);
  return { ...node, startMs: performance.now() - began, url: `http://127.0.0.1:${node.port}` };
}

async function stop({ child }) {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

async function startBare(files) {
  const script = path.join(folder, 'bare.mjs');
  fs.writeFileSync(
    script,
    `import http from 'node:http'; import fs from 'node:fs';
const bodies = Object.fromEntries(${JSON.stringify(files)}.map((file) => ['/' + file.split('/').at(-1), fs.readFileSync(file)]));
const server = http.createServer((request, response) => {
  const body = bodies[request.url];
  response.writeHead(200, ['Content-Type', 'application/octet-stream', 'Content-Length', String(body.length)]);
  response.end(body);
}).listen(0, '127.0.0.1', () => console.log('port ' + server.address().port));`,
  );
  return launch(process.execPath, [script], /port (\d+)/);
}

async function startNginx() {
  const port = 20000 + Math.floor(Math.random() * 20000);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  fs.writeFileSync(
    path.join(folder, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/nginx.err;
events { worker_connections 1024; }
http { access_log ${folder}/nginx.log; sendfile on; tcp_nopush on; keepalive_requests 10000000; ${temporary.join(' ')}
server { listen 127.0.0.1:${port}; root ${folder}/www; } }`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', path.join(folder, 'nginx.conf')], { stdio: 'ignore' });
  children.add(child);
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const up = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (up) return { child, port };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('nginx did not start');
}

function requestsPerSecond(url, connections) {
  const seconds = 4;
  if (withWrk) {
    const out = execFileSync('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, url], { encoding: 'utf8' });
    return Number(/Requests\/sec:\s+([\d.]+)/.exec(out)[1]);
  }
  return Number(
    execFileSync(process.execPath, [path.join(here, 'load.mjs'), url, String(connections), String(seconds)]),
  );
}

/** Downloads in a process of its own, several times; MB/s of the median. */
function downloadSpeed(url) {
  const script = `const http=require('node:http');const t=process.hrtime.bigint();let n=0;
http.get(${JSON.stringify(url)},(r)=>{r.on('data',(c)=>{n+=c.length});r.on('end',()=>console.log(n/1e6/(Number(process.hrtime.bigint()-t)/1e9)))});`;
  const speeds = [1, 2, 3, 4, 5].map(() => {
    if (spawnSync('curl', ['--version'], { stdio: 'ignore' }).error)
      return Number(execFileSync(process.execPath, ['-e', script]));
    return Number(execFileSync('curl', ['-s', '-o', os.devNull, '-w', '%{speed_download}', url])) / 1e6;
  });
  return speeds.sort((a, b) => a - b)[2];
}

function multipart(body, fields) {
  const boundary = 'bench-boundary';
  const head = Object.entries(fields)
    .map(([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
    .join('');
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    head: Buffer.from(
      `${head}--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${fields.filename}"\r\n\r\n`,
    ),
    body,
    tail: Buffer.from(`\r\n--${boundary}--\r\n`),
  };
}

function upload(agent, base, body, fields) {
  const form = multipart(body, fields);
  const length = form.head.length + body.length + form.tail.length;
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': form.type, 'Content-Length': length };
    const request = http.request(`${base}/group1/upload`, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.on('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`)),
      );
    });
    request.on('error', reject);
    request.write(form.head);
    request.write(form.body);
    request.end(form.tail);
  });
}

async function uploadMany(base, count, connections, make) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  let next = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (let index = next++; index < count; index = next++) {
        const { body, fields } = make(index);
        await upload(agent, base, body, fields);
      }
    }),
  );
  agent.destroy();
  return count / ((performance.now() - began) / 1000);
}

/** Seconds that one upload of a file takes; by curl where it is installed, since a client in Node costs as much as the node. */
async function uploadLarge(base, file, filename) {
  if (spawnSync('curl', ['--version'], { stdio: 'ignore' }).error) {
    const rate = await uploadMany(base, 1, 1, () => ({ body: fs.readFileSync(file), fields: { path: 'l', filename } }));
    return 1 / rate;
  }
  const form = ['-F', 'path=l', '-F', `filename=${filename}`, '-F', `file=@${file}`];
  const args = ['-sf', ...form, '-o', os.devNull, '-w', '%{time_total}', `${base}/group1/upload`];
  return Number(execFileSync('curl', args, { encoding: 'utf8' }));
}

const row = (name, ...cells) =>
  console.log([name.padEnd(44), ...cells.map((cell) => String(cell).padStart(16))].join(''));
const number = (value, digits = 0) =>
  value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });

async function benchGet() {
  const www = path.join(folder, 'www');
  fs.mkdirSync(www);
  const sizes = { k1: 1024, k100: 100 * 1024, m100: 100 * 1024 * 1024 };
  for (const [name, size] of Object.entries(sizes)) fs.writeFileSync(path.join(www, name), randomBytes(size));
  const node = await startNode('get', {});
  const agent = new http.Agent();
  for (const name of Object.keys(sizes)) {
    await upload(agent, node.url, fs.readFileSync(path.join(www, name)), { path: 'b', filename: name });
  }
  const bare = await startBare(Object.keys(sizes).map((name) => path.join(www, name)));
  const nginx = withNginx ? await startNginx() : undefined;
  row('GET', 'shoal', 'bare node', 'nginx', 'of bare node', 'of nginx');
  const measure = (name, figure, unit) => {
    // Rounds in turn, so that a noisy moment hits all of them; the median counts.
    const rounds = [1, 2, 3].map(() => [
      figure(`${node.url}/group1/b/${name}`),
      figure(`http://127.0.0.1:${bare.port}/${name}`),
      nginx ? figure(`http://127.0.0.1:${nginx.port}/${name}`) : Number.NaN,
    ]);
    const median = (pick) => rounds.map(pick).sort((a, b) => a - b)[1];
    const cells = [0, 1, 2].map((index) =>
      index === 2 && !nginx ? '-' : `${number(median((round) => round[index]))} ${unit}`,
    );
    const ofNginx = nginx ? median((round) => round[0] / round[2]).toFixed(2) : '-';
    row(
      name === 'm100' ? '100 MiB, 1 connection' : `${name === 'k1' ? '1 KiB' : '100 KiB'}, 32 connections`,
      ...cells,
      median((round) => round[0] / round[1]).toFixed(2),
      ofNginx,
    );
  };
  measure('k1', (url) => requestsPerSecond(url, 32), '/s');
  measure('k100', (url) => requestsPerSecond(url, 32), '/s');
  measure('m100', downloadSpeed, 'MB/s');
  await stop(node);
  bare.child.kill();
  nginx?.child.kill();
}

function hashSpeed(algorithm) {
  const chunk = randomBytes(64 * 1024);
  const hash = createHash(algorithm);
  const began = performance.now();
  for (let done = 0; done < 256 * 1024 * 1024; done += chunk.length) hash.update(chunk);
  return 268.435456 / ((performance.now() - began) / 1000);
}

function syncedCopies(source, count) {
  const began = performance.now();
  for (let index = 0; index < count; index += 1) {
    const target = path.join(folder, `copy-${index}`);
    fs.copyFileSync(source, target);
    const handle = fs.openSync(target, 'r+');
    fs.fsyncSync(handle);
    fs.closeSync(handle);
  }
  const seconds = (performance.now() - began) / 1000;
  for (let index = 0; index < count; index += 1) fs.rmSync(path.join(folder, `copy-${index}`));
  return count / seconds;
}

async function benchUpload() {
  const small = path.join(folder, 'small');
  const large = path.join(folder, 'large');
  fs.writeFileSync(small, randomBytes(10_000));
  fs.writeFileSync(large, randomBytes(100_000_000));
  const copies = syncedCopies(small, 500);
  const largeCopies = syncedCopies(large, 3) * 100;
  row('upload', 'shoal', 'synced copy', 'of the copy');
  for (const durability of ['full', 'os']) {
    const node = await startNode(`upload-${durability}`, { durability });
    const rate = await uploadMany(node.url, 3000, 16, (index) => ({
      body: randomBytes(10_000),
      fields: { path: `s/${index % 100}`, filename: `${index}.bin` },
    }));
    row(
      `10 KB, 16 connections, durability ${durability}`,
      `${number(rate)} /s`,
      `${number(copies)} /s`,
      (rate / copies).toFixed(2),
    );
    const speeds = [];
    for (const index of [0, 1, 2]) {
      // On disk before it is sent: what is timed is not the writing of the source.
      fs.writeFileSync(large, randomBytes(100_000_000), { flush: true });
      speeds.push(100 / (await uploadLarge(node.url, large, `${index}.bin`)));
    }
    const speed = speeds.sort((a, b) => a - b)[1];
    row(
      `100 MB, durability ${durability}`,
      `${number(speed)} MB/s`,
      `${number(largeCopies)} MB/s`,
      (speed / largeCopies).toFixed(2),
    );
    await stop(node);
  }
  row('hashing alone: md5, sha256', `${number(hashSpeed('md5'))} MB/s`, `${number(hashSpeed('sha256'))} MB/s`);
}

async function benchRecords() {
  const node = await startNode('records', { durability: 'os', access_log: false });
  const count = 100_000;
  const rate = await uploadMany(node.url, count, 16, (index) => ({
    body: Buffer.from(`content ${index}`),
    fields: { path: index % 2 === 0 ? 'flat' : `deep/${index % 977}`, filename: `file-${index}.txt` },
  }));
  console.log(`100 000 records, filled at ${number(rate)} /s`);
  await stop(node);
  const again = await startNode('records', {});
  row('start', `${number(again.startMs)} ms`);
  const timed = async (name, url) => {
    const times = [];
    for (let round = 0; round < 7; round += 1) {
      const began = performance.now();
      await (await fetch(url)).arrayBuffer();
      times.push(performance.now() - began);
    }
    row(`${name}: first, median`, `${number(times[0], 1)} ms`, `${number(times.sort((a, b) => a - b)[3], 1)} ms`);
  };
  await timed('a page of a listing (1 000 of 50 000)', `${again.url}/group1/flat/`);
  await timed('stat', `${again.url}/group1/stat`);
  await timed('get_file_info', `${again.url}/group1/get_file_info?path=flat/file-4242.txt`);
  await timed('search for a rare name', `${again.url}/group1/search?kw=file-99998`);
  await timed('search that finds nothing', `${again.url}/group1/search?kw=elif-99998`);
  await timed('search for what every name holds', `${again.url}/group1/search?kw=file`);
  await timed('list_dir of 50 000', `${again.url}/group1/list_dir?dir=flat`);
  await stop(again);
}

/** Peak and current memory of a process, in MiB. */
function memoryOf({ pid }) {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  return ['VmHWM', 'VmRSS'].map((name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]) / 1024);
}

/** One file of 10 GB by tus, in PATCHes of 1 GB; its memory must not grow with what has been sent. */
async function benchTus() {
  const node = await startNode('tus', {});
  const total = 10_000_000_000;
  const patchBytes = 1_000_000_000;
  const tus = { 'Tus-Resumable': '1.0.0' };
  const call = (method, url, headers, write) =>
    new Promise((resolve, reject) => {
      const request = http.request(url, { method, headers: { ...tus, ...headers } }, (response) => {
        response.resume();
        response.on('end', () => resolve(response));
      });
      request.on('error', reject);
      if (write) write(request);
      else request.end();
    });
  const metadata = `filename ${Buffer.from('large.bin').toString('base64')}`;
  const created = await call('POST', `${node.url}/group1/big/upload/`, {
    'Upload-Length': total,
    'Upload-Metadata': metadata,
  });
  const block = randomBytes(1_000_000);
  const began = performance.now();
  const resident = [];
  for (let offset = 0; offset < total; offset += patchBytes) {
    const headers = {
      'Upload-Offset': offset,
      'Content-Type': 'application/offset+octet-stream',
      'Content-Length': patchBytes,
    };
    const answer = await call('PATCH', created.headers.location, headers, (request) => {
      let left = patchBytes / block.length;
      const push = () => {
        while (left > 0) {
          left -= 1;
          // Every block differs, so that nothing on the way can take one for another.
          block.writeDoubleLE(offset + left);
          if (!request.write(Buffer.from(block))) return request.once('drain', push);
        }
        request.end();
      };
      push();
    });
    if (answer.statusCode !== 204) throw new Error(`status ${answer.statusCode}`);
    if (fs.existsSync('/proc/self/status')) resident.push(memoryOf(node.child)[1]);
  }
  const seconds = (performance.now() - began) / 1000;
  row('tus, one file of 10 GB', `${number(total / 1e6 / seconds)} MB/s`);
  if (resident.length > 0) {
    row(
      'memory after 1 GB, after 10 GB, at most',
      `${number(resident[0])} MiB`,
      `${number(resident.at(-1))} MiB`,
      `${number(memoryOf(node.child)[0])} MiB`,
    );
  }
  await stop(node);
}

try {
  await buildIfChanged();
  console.log(
    `Node ${process.version}, ${os.cpus().length} cores, load from ${withWrk ? 'wrk' : 'load.mjs'}, nginx ${withNginx ? 'yes' : 'not installed'}\n`,
  );
  if (parts.has('get')) await benchGet();
  if (parts.has('upload')) await benchUpload();
  if (parts.has('records')) await benchRecords();
  if (parts.has('tus')) await benchTus();
} finally {
  for (const child of children) child.kill('SIGKILL');
  fs.rmSync(folder, { recursive: true, force: true });
}
