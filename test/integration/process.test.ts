import { once } from 'node:events';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  boundary,
  call,
  download,
  expectRefusal,
  formTail,
  json,
  listAll,
  parseRaw,
  partHead,
  rawConnection,
  remove,
  sendUpload,
  totals,
  upload,
} from '../support/http-client.ts';
import { writeConfig } from '../support/node-in-process.ts';
import { type NodeProcess, runToEnd, serverArguments, startNodeProcess } from '../support/node-process.ts';
import { stagedNames, storedFiles, untilStaged } from '../support/store-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const fixtures = path.join(import.meta.dirname, '..', 'fixtures', 'config');
const stopped = { code: 0, signal: null };

describe('starting', () => {
  it('ends in one line with the address, in the language of LANG', async () => {
    const dataDir = await temporaryFolder();
    const english = await startNodeProcess(dataDir);
    expect(english.stdout()).toMatch(
      /^configuration written: .*cfg\.json\nShoal is ready: http:\/\/127\.0\.0\.1:\d+\/\n$/,
    );
    expect(english.stderr()).toBe('');
    expect((await call(`${english.origin}/healthz`)).status).toBe(200);
    expect(await english.kill('SIGTERM')).toEqual(stopped);
    const chinese = await startNodeProcess(dataDir, { LANG: 'zh_CN.UTF-8' });
    expect(chinese.stdout()).toMatch(/^Shoal 已就绪:http:\/\/127\.0\.0\.1:\d+\/\n$/);
    expect(await chinese.kill('SIGINT')).toEqual(stopped);
  });

  it('makes the layout of the data folder', async () => {
    const node = await startNodeProcess(path.join(await temporaryFolder(), 'made', 'by', 'the node'));
    expect((await readdir(node.dataDir)).sort()).toEqual(['conf', 'data', 'files', 'log']);
    expect(await node.kill('SIGTERM')).toEqual(stopped);
  });

  it('is refused on a data folder that another node uses', async () => {
    const first = await startNodeProcess(await temporaryFolder());
    await upload(first, 'before the second');
    for (const [LANG, words] of [
      ['en_US.UTF-8', /another node is running on the data folder/],
      ['zh_CN.UTF-8', /另一个节点正在使用数据目录/],
    ] as const) {
      const second = await runToEnd(serverArguments(first.dataDir), { LANG });
      expect(second).toMatchObject({ code: 1, stdout: '' });
      expectOneLine(second.stderr, words);
      expect(second.stderr).toContain(first.dataDir);
    }
    expect((await upload(first, 'after the second')).size).toBe(16);
    expect(await first.kill('SIGTERM')).toEqual(stopped);
    // The log of the first was not harmed by the second either.
    expect(await readLogs(first.dataDir)).toContain('"stopped"');
  });

  it('is refused on a port that is taken', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as AddressInfo;
    const dataDir = await temporaryFolder();
    const ended = await runToEnd(['--server', '--data', dataDir, '--addr', `127.0.0.1:${port}`]);
    expect(ended).toMatchObject({ code: 1 });
    expectOneLine(ended.stderr, new RegExp(`127\\.0\\.0\\.1:${port} is in use`));
    blocker.close();
    // Nothing stays locked or half-made: the next start works.
    const node = await startNodeProcess(dataDir);
    expect(await node.kill('SIGTERM')).toEqual(stopped);
  });

  const broken: readonly (readonly [what: string, text: string, words: RegExp])[] = [
    ['no JSON', '{"addr": ', /cfg\.json/],
    ['no object', '[1, 2]', /cfg\.json/],
    ['a wrong type', '{"read_only": "yes"}', /read_only/],
    ['a wrong value', '{"durability": "sometimes"}', /durability/],
    ['a newer format', '{"config_version": 999}', /999/],
  ];
  it.each(broken)('is refused with a configuration that is %s', async (_what, text, words) => {
    const dataDir = await temporaryFolder();
    await mkdir(path.join(dataDir, 'conf'));
    const file = path.join(dataDir, 'conf', 'cfg.json');
    await writeFile(file, text);
    for (const LANG of ['C', 'zh_CN.UTF-8']) {
      const ended = await runToEnd(serverArguments(dataDir), { LANG });
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expectOneLine(ended.stderr, words);
      expect(/[一-鿿]/.test(ended.stderr)).toBe(LANG !== 'C');
    }
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  it('is refused when the data folder is a file, or lies below one', async () => {
    const file = path.join(await temporaryFolder(), 'a-file');
    await writeFile(file, 'not a folder');
    for (const dataDir of [file, path.join(file, 'below')]) {
      const ended = await runToEnd(serverArguments(dataDir));
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expectOneLine(ended.stderr, /cannot be used/);
    }
  });

  it.each(['files', 'log', 'data', 'conf'])('is refused in one line when %s is a file', async (name) => {
    const dataDir = await temporaryFolder();
    await writeFile(path.join(dataDir, name), 'in the way');
    const ended = await runToEnd(serverArguments(dataDir));
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expectOneLine(ended.stderr, /^shoal: /);
  });

  it.each([
    [['--server', '--no-such-option'], /--no-such-option/],
    [['--server', '--addr', 'nonsense'], /--addr/],
    [['no-such-command'], /no-such-command/],
  ] as const)('is refused with the command line %j', async (args, words) => {
    const ended = await runToEnd(args, { SHOAL_DATA: await temporaryFolder() });
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expectOneLine(ended.stderr, words);
  });

  it('shows help and version and starts nothing', async () => {
    const help = await runToEnd(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('--server');
    expect((await runToEnd(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
  });

  it.each(['go-fastdfs-cfg.json', 'go-fastdfs-generated-cfg.json'])(
    'takes the configuration of go-fastdfs as it is: %s',
    async (fixture) => {
      const dataDir = await temporaryFolder();
      await mkdir(path.join(dataDir, 'conf'));
      const file = path.join(dataDir, 'conf', 'cfg.json');
      await copyFile(path.join(fixtures, fixture), file);
      const original = await readFile(file, 'utf8');
      const node = await startNodeProcess(dataDir);
      expect(node.stderr()).toBe('');
      const { path: stored } = await upload(node, 'migrated');
      expect((await download(node, stored)).text).toBe('migrated');
      const kept = (await readdir(path.dirname(file))).filter((name) => name.startsWith('cfg.json.bak-'));
      expect(kept.length).toBe(1);
      expect(await readFile(path.join(path.dirname(file), kept[0] ?? ''), 'utf8')).toBe(original);
      const { addr, admin_ips, group } = JSON.parse(original) as Readonly<Record<string, unknown>>;
      expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ addr, admin_ips, group });
      expect(await node.kill('SIGTERM')).toEqual(stopped);
    },
  );

  it('names a key that looks like a misspelling, and goes on', async () => {
    const dataDir = await temporaryFolder();
    await writeConfig(dataDir, { read_onyl: true } as object);
    const node = await startNodeProcess(dataDir);
    expectOneLine(node.stderr(), /read_onyl.*read_only/);
    expect(await node.kill('SIGTERM')).toEqual(stopped);
  });
});

function expectOneLine(text: string, words: RegExp): void {
  expect(text).toMatch(/^shoal: [^\n]+\n$/);
  expect(text).toMatch(words);
}

async function readLogs(dataDir: string): Promise<string> {
  const folder = path.join(dataDir, 'log');
  const names = await readdir(folder);
  return (await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')))).join('');
}

describe('stopping', () => {
  it('waits for a download that is under way', async () => {
    const node = await startNodeProcess(await temporaryFolder());
    const content = Buffer.alloc(40_000_000, 'd');
    const { url } = await upload(node, content);
    const response = await new Promise<IncomingMessage>((resolve, reject) => get(url, resolve).on('error', reject));
    // Not read yet: the node waits for this client with most of the file in hand.
    response.pause();
    const ended = node.kill('SIGTERM');
    await untilRefused(node);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
    expect(await ended).toEqual(stopped);
  });

  it('waits for an upload that is under way, which is then kept', async () => {
    const dataDir = await temporaryFolder();
    const node = await startNodeProcess(dataDir);
    const { socket, received } = rawConnection(node.port);
    const half = Buffer.alloc(1_000_000, 'u');
    const head = partHead({ name: 'file', fileName: 'slow.txt', bytes: half });
    const length = Buffer.byteLength(head) + 2 * half.length + Buffer.byteLength(formTail);
    socket.write(
      `POST /group1/upload HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n` +
        `Content-Type: multipart/form-data; boundary=${boundary}\r\n\r\n${head}`,
    );
    socket.write(half);
    await untilStaged(dataDir, (names) => names.length > 0);
    const ended = node.kill('SIGTERM');
    await untilRefused(node);
    socket.write(half);
    socket.write(formTail);
    const answer = parseRaw(await received);
    expect(answer.status, answer.text).toBe(200);
    expect(await ended).toEqual(stopped);
    const again = await startNodeProcess(dataDir);
    const found = await call(answer.text.replace('http://x', again.origin));
    expect(found.body.equals(Buffer.concat([half, half]))).toBe(true);
    expect(await again.kill('SIGTERM')).toEqual(stopped);
  });

  it('does not wait for idle connections', async () => {
    const node = await startNodeProcess(await temporaryFolder());
    const silent = rawConnection(node.port);
    const kept = rawConnection(node.port);
    kept.socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(kept.socket, 'data');
    const began = performance.now();
    expect(await node.kill('SIGTERM')).toEqual(stopped);
    expect(performance.now() - began).toBeLessThan(5000);
    await Promise.all([silent.received, kept.received]);
  });

  it('cuts what has not ended after ten seconds, and leaves nothing of it', async () => {
    const dataDir = await temporaryFolder();
    const node = await startNodeProcess(dataDir);
    const { socket, received } = rawConnection(node.port);
    socket.write(
      'POST /group1/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n' +
        `Content-Type: multipart/form-data; boundary=${boundary}\r\n\r\n`,
    );
    socket.write(partHead({ name: 'file', fileName: 'never.txt', bytes: Buffer.alloc(0) }));
    socket.write(Buffer.alloc(1_000_000, 'n'));
    await untilStaged(dataDir, (names) => names.length > 0);
    expect(await node.kill('SIGTERM')).toEqual(stopped);
    await received;
    expect(await stagedNames(dataDir)).toEqual([]);
  });

  it('keeps everything for the next start', async () => {
    const dataDir = await temporaryFolder();
    const first = await startNodeProcess(dataDir);
    const contents = ['one', 'two', '', 'x'.repeat(5_000_000)];
    const answers = [];
    for (const content of contents)
      answers.push(await upload(first, content, { fields: { path: `k/${content.length}` } }));
    await upload(first, 'to be deleted', { fields: { path: 'k' } });
    await remove(first, '/group1/k/a.txt');
    const before = { totals: await totals(first), listed: await listAll(first) };
    expect(await first.kill('SIGTERM')).toEqual(stopped);
    const second = await startNodeProcess(dataDir);
    expect({ totals: await totals(second), listed: await listAll(second) }).toEqual(before);
    for (const [index, answer] of answers.entries()) {
      expect((await download(second, answer.path)).text).toBe(contents[index]);
      expect((await call(`${second.group}/check_file_exist?md5=${answer.md5}`)).text).toContain(answer.md5);
    }
    expect((await download(second, '/group1/k/a.txt')).status).toBe(404);
    expect(await second.kill('SIGTERM')).toEqual(stopped);
  });
});

/** Resolves when a node takes no new connections any more. */
async function untilRefused(node: NodeProcess): Promise<void> {
  for (;;) {
    try {
      await call(`${node.origin}/healthz`);
    } catch {
      return;
    }
  }
}

describe('a store that is not there', () => {
  const content = 'on the missing disk';

  it.each(['missing', 'foreign', 'of another node'])('stops writes and never means deletes: %s', async (how) => {
    const node = await startNodeProcess(await temporaryFolder());
    const { path: stored, md5 } = await upload(node, content, { fields: { path: 's' } });
    const files = path.join(node.dataDir, 'files');
    const away = path.join(node.dataDir, 'away');
    await rename(files, away);
    if (how !== 'missing') await makeForeignStore(files);
    if (how === 'of another node') {
      for (const folder of ['_tmp', '_alt', '_trash', 's']) await mkdir(path.join(files, folder));
    }

    // At once: what is acknowledged now would be on the wrong disk.
    expectRefusal(await sendUpload(node, 'refused'), 503, 'STORE_MISSING');
    expectRefusal(await remove(node, stored), 503, 'STORE_MISSING');
    expectRefusal(await download(node, stored), 503, 'STORE_MISSING');
    await expectNotReady(node);
    expect(await totals(node)).toEqual({ files: 1, bytes: content.length });
    if (how === 'missing') expect(await readdir(node.dataDir)).not.toContain('files');
    else expect(await storedFiles(node.dataDir)).toEqual(['theirs.txt']);

    // The disk is back: everything is as it was, without a restart.
    await rm(files, { recursive: true, force: true });
    await rename(away, files);
    expect((await download(node, stored)).text).toBe(content);
    expect((await call(`${node.origin}/readyz`)).status).toBe(200);
    expect((await upload(node, 'written again', { fields: { path: 's2' } })).size).toBe(13);
    expect((await call(`${node.group}/check_file_exist?md5=${md5}`)).text).toContain(md5);
    expect(await node.kill('SIGTERM')).toEqual(stopped);
  });

  it('without its marker stops writes within moments, and still serves', async () => {
    const node = await startNodeProcess(await temporaryFolder());
    const { path: stored } = await upload(node, content, { fields: { path: 's' } });
    const marker = path.join(node.dataDir, 'files', '.shoal-store');
    const text = await readFile(marker, 'utf8');
    await rm(marker);
    const next = (number: number) => sendUpload(node, `upload ${number}`, { fields: { path: 'moments' } });
    let taken = 0;
    let answer = await next(taken);
    for (; answer.status === 200; answer = await next(taken)) taken += 1;
    expectRefusal(answer, 503, 'STORE_MISSING');
    expectRefusal(await remove(node, stored), 503, 'STORE_MISSING');
    await expectNotReady(node);
    expect((await download(node, stored)).text).toBe(content);
    await writeFile(marker, text);
    expect((await call(`${node.origin}/readyz`)).status).toBe(200);
    expect((await totals(node)).files).toBe(1 + taken);
    expect((await remove(node, stored)).status).toBe(200);
    expect(await node.kill('SIGTERM')).toEqual(stopped);
  });

  it.each(['missing', 'foreign'])(
    'is waited for when a node starts without it: %s',
    async (how) => {
      const dataDir = await temporaryFolder();
      const first = await startNodeProcess(dataDir);
      const { path: stored } = await upload(first, content, { fields: { path: 's' } });
      expect(await first.kill('SIGTERM')).toEqual(stopped);
      const files = path.join(dataDir, 'files');
      const away = path.join(dataDir, 'away');
      await rename(files, away);
      if (how === 'foreign') await makeForeignStore(files);

      const node = await startNodeProcess(dataDir);
      expectRefusal(await sendUpload(node, 'refused'), 503, 'STORE_MISSING');
      expectRefusal(await download(node, stored), 503, 'STORE_MISSING');
      expectRefusal(await remove(node, stored), 503, 'STORE_MISSING');
      expect((await call(`${node.origin}/readyz`)).status).toBe(503);
      expect(await totals(node)).toEqual({ files: 1, bytes: content.length });
      if (how === 'foreign') expect((await readdir(files)).sort()).toEqual(['.shoal-store', 'theirs.txt']);

      await rm(files, { recursive: true, force: true });
      await rename(away, files);
      // The node looks for its store every few seconds; readyz tells when it has found it.
      await untilReady(node);
      expect((await download(node, stored)).text).toBe(content);
      expect((await upload(node, 'written again')).size).toBe(13);
      expect(await node.kill('SIGTERM')).toEqual(stopped);
    },
    30_000,
  );
});

/** Not ready with a reason, but alive: a supervisor must not restart it for this. */
async function expectNotReady(node: NodeProcess): Promise<void> {
  const ready = await call(`${node.origin}/readyz`);
  expect(ready.status).toBe(503);
  expect(json<{ reasons: string[] }>(ready).reasons.length).toBeGreaterThan(0);
  expect((await call(`${node.origin}/healthz`)).status).toBe(200);
}

/** A folder with the marker of another node and somebody's file. */
async function makeForeignStore(folder: string): Promise<void> {
  await mkdir(folder);
  await writeFile(path.join(folder, '.shoal-store'), '00000000-0000-4000-8000-000000000000\n');
  await writeFile(path.join(folder, 'theirs.txt'), 'not ours');
}

async function untilReady(node: NodeProcess): Promise<void> {
  while ((await call(`${node.origin}/readyz`)).status !== 200) {
    // Asked again at once: the request itself takes the time that passes.
  }
}

describe('a disk that is nearly full', () => {
  it('takes nothing, writes nothing, and still serves and deletes', async () => {
    const dataDir = await temporaryFolder();
    const roomy = await startNodeProcess(dataDir);
    const { path: stored } = await upload(roomy, 'was there before');
    expect(await roomy.kill('SIGTERM')).toEqual(stopped);
    await writeConfig(dataDir, { free_space_floor_mb: 1_000_000_000 });
    const node = await startNodeProcess(dataDir);
    const before = await storedFiles(dataDir);
    expectRefusal(await sendUpload(node, 'no room'), 507, 'DISK_FULL');
    expectRefusal(await sendUpload(node, Buffer.alloc(3_000_000)), 507, 'DISK_FULL');
    expect(await stagedNames(dataDir)).toEqual([]);
    expect(await storedFiles(dataDir)).toEqual(before);
    expect((await call(`${node.origin}/readyz`)).status).toBe(503);
    expect((await download(node, stored)).text).toBe('was there before');
    expect((await remove(node, stored)).status).toBe(200);
    expect(await node.kill('SIGTERM')).toEqual(stopped);
  });
});

describe('the log', () => {
  it('fault 29: holds an access line for each request, and no secret of any kind', async () => {
    const dataDir = await temporaryFolder();
    const secrets = {
      admin_key: 'admin-key-7f3b9c',
      mail: { user: 'alarms@example.com', password: 'mail-password-41aa', host: 'smtp.example.com:25' },
      scenes: ['pics:JBSWY3DPEHPK3PXP', 'default'],
      alarm_url: 'http://alarms.example/hook?key=alarm-token-c2d4',
      auth_url: '',
    };
    await writeConfig(dataDir, { ...secrets, log_level: 'trace' });
    const node = await startNodeProcess(dataDir);
    const { url } = await upload(node, 'logged', { headers: { 'auth-token': 'header-token-88e1' } });
    await call(`${url}&token=query-token-9d0c&code=123456`);
    await call(`${node.group}/delete?path=/none&key=query-key-5566`, {
      headers: { authorization: 'Bearer bearer-5a5a', cookie: 'session=cookie-6b6b' },
    });
    await sendUpload(node, 'x', {
      fields: { output: 'none', code: 'field-code-1234', auth_token: 'field-token-7777' },
    });
    expect(await node.kill('SIGTERM')).toEqual(stopped);
    const log = await readLogs(dataDir);
    const lines = log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    const accesses = lines.filter(({ method }) => method !== undefined);
    expect(accesses.map(({ method, status }) => [method, status])).toEqual([
      ['POST', 200],
      ['GET', 200],
      // A bearer token that is none of ours is not made good by the address.
      ['GET', 403],
      ['POST', 400],
    ]);
    const hidden = /7f3b9c|41aa|JBSWY3DP|c2d4|88e1|9d0c|123456|5566|5a5a|6b6b|field-code|7777/;
    expect(hidden.exec(`${log}${node.stdout()}${node.stderr()}`)?.[0]).toBeUndefined();
  });

  it('is rotated, and only so many files are kept', async () => {
    const dataDir = await temporaryFolder();
    await writeConfig(dataDir, { log_max_mb: 1, log_files: 2 });
    const node = await startNodeProcess(dataDir);
    const target = `${node.group}/${'long-name-'.repeat(90)}`;
    for (let round = 0; round < 100; round += 1) {
      await Promise.all(Array.from({ length: 40 }, () => call(target)));
    }
    expect(await node.kill('SIGTERM')).toEqual(stopped);
    const names = (await readdir(path.join(dataDir, 'log'))).filter((name) => name.startsWith('shoal.'));
    expect(names.length).toBeGreaterThan(1);
    expect(names.length).toBeLessThanOrEqual(3);
  });
});

describe('the configuration of a running node', () => {
  it('is readable by its owner only', async () => {
    const node = await startNodeProcess(await temporaryFolder());
    const { mode } = await stat(path.join(node.dataDir, 'conf', 'cfg.json'));
    expect(mode & 0o777).toBe(0o600);
    const text = await readFile(path.join(node.dataDir, 'conf', 'cfg.json'), 'utf8');
    expect(JSON.parse(text)).toMatchObject({ admin_key: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(await node.kill('SIGTERM')).toEqual(stopped);
  });
});
