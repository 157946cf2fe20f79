import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { call, expectRefusal, json, upload } from '../support/http-client.ts';
import { startNode, writeConfig } from '../support/node-in-process.ts';
import { runToEnd, startNodeProcess } from '../support/node-process.ts';
import { storedFiles } from '../support/store-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const tokenFile = (dataDir: string) => path.join(dataDir, 'data', 'local-token');

describe('the local token', () => {
  it('lets its holder manage, through a proxy and from a page too, and is gone after the stop', async () => {
    const node = await startNode();
    const { mode } = await stat(tokenFile(node.dataDir));
    expect(mode & 0o777).toBe(0o600);
    const { token, url, pid } = JSON.parse(await readFile(tokenFile(node.dataDir), 'utf8'));
    expect([url, pid]).toEqual([`${node.origin}/`, process.pid]);
    const health = (headers: Record<string, string>) => call(`${node.origin}/api/v1/health`, { headers });
    // A proxy in between makes a caller a stranger, whatever its address.
    const proxied = { via: '1.1 somewhere' };
    expectRefusal(await health(proxied), 403, 'MANAGEMENT_REFUSED');
    expect((await health({ ...proxied, authorization: `Bearer ${token}` })).status).toBe(200);
    for (const wrong of ['x', `${token}x`, token.slice(0, -1), '']) {
      expectRefusal(await health({ ...proxied, authorization: `Bearer ${wrong}` }), 403, 'MANAGEMENT_REFUSED');
    }
    expectRefusal(await health({ ...proxied, authorization: `Basic ${token}` }), 403, 'MANAGEMENT_REFUSED');
    await node.node.stop();
    await expect(stat(tokenFile(node.dataDir))).rejects.toThrow(/ENOENT/);
    const again = await startNode({}, node.dataDir);
    expect(JSON.parse(await readFile(tokenFile(again.dataDir), 'utf8')).token).not.toBe(token);
  });
});

describe('shoal status', () => {
  it('tells a running node from none, also from one that was killed', async () => {
    const dataDir = await temporaryFolder();
    expect(await runToEnd(['status', '--data', dataDir])).toMatchObject({ code: 3, stderr: '' });
    const node = await startNodeProcess(dataDir);
    await upload(node, 'hello');
    const text = await runToEnd(['status', '--data', dataDir], { LANG: 'zh_CN.UTF-8' });
    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toMatch(/状态\s+就绪\n/);
    const asJson = await runToEnd(['status', '--data', dataDir, '--json']);
    expect(JSON.parse(asJson.stdout)).toMatchObject({ running: true, ready: true, files: 1, bytes: 5 });
    await node.kill('SIGKILL');
    const after = await runToEnd(['status', '--data', dataDir, '--json']);
    expect([after.code, JSON.parse(after.stdout)]).toEqual([3, { running: false }]);
  });

  it('gives its token to nobody else who listens where a killed node did', async () => {
    const dataDir = await temporaryFolder();
    const killed = await startNodeProcess(dataDir);
    const left = await readFile(tokenFile(dataDir), 'utf8');
    await killed.kill('SIGTERM');
    const other = await startNode();
    await writeFile(tokenFile(dataDir), left.replace(killed.origin, other.origin), { mode: 0o600 });
    expect((await runToEnd(['status', '--data', dataDir])).code).toBe(3);
  });
});

describe('shoal pack', () => {
  const fill = async (dataDir: string) => {
    const node = await startNodeProcess(dataDir);
    for (let number = 0; number < 20; number += 1)
      await upload(node, `content ${number}`, { fields: { path: 'd', filename: `${number}.txt` } });
    return node;
  };
  const plainFiles = async (dataDir: string) =>
    (await storedFiles(dataDir)).filter((name) => name.startsWith('d/')).length;

  it('moves small files into packs while the node serves', async () => {
    const dataDir = await temporaryFolder();
    const node = await fill(dataDir);
    expect(await plainFiles(dataDir)).toBe(20);
    const ended = await runToEnd(['pack', '--data', dataDir]);
    expect(ended).toMatchObject({ code: 0, stderr: '', stdout: '20 of 20 small files are in packs now\n' });
    expect(await plainFiles(dataDir)).toBe(0);
    expect((await call(`${node.group}/d/7.txt`)).text).toBe('content 7');
  });

  it('starts the node by itself when none runs, and leaves none behind', async () => {
    const dataDir = await temporaryFolder();
    await (await fill(dataDir)).kill('SIGTERM');
    const ended = await runToEnd(['pack', '--data', dataDir], { LANG: 'zh_CN.UTF-8' });
    expect(ended).toMatchObject({ code: 0, stderr: '', stdout: '20 个小文件中有 20 个已存入合并文件\n' });
    expect(await plainFiles(dataDir)).toBe(0);
    const node = await startNodeProcess(dataDir);
    expect((await call(`${node.group}/d/7.txt`)).text).toBe('content 7');
  });

  it('is refused in one line where no node has run, where the node refuses, and with words it does not know', async () => {
    const dataDir = await temporaryFolder();
    const missing = await runToEnd(['pack', '--data', dataDir]);
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toMatch(/^shoal: [^\n]*no node has run here yet[^\n]*\n$/);
    await writeConfig(dataDir, { read_only: true });
    const node = await startNodeProcess(dataDir);
    const refused = await runToEnd(['pack', '--data', dataDir]);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^shoal: [^\n]*read-only[^\n]*\n$/);
    expect((await runToEnd(['pack', 'everything', '--data', dataDir])).stderr).toMatch(/^shoal: [^\n]*everything/);
    const help = await runToEnd(['pack', '--help']);
    expect(help.stdout).toMatch(/^Usage:\n {2}shoal pack \[--data DIR\]\n/);
    expect(json<{ status: string }>(await call(`${node.group}/stat`)).status).toBe('ok');
  });
});
