import { stat } from 'node:fs/promises';
import { Agent } from 'node:http';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { call, download, remove, sendUpload, totals, upload } from '../support/http-client.ts';
import { startNode } from '../support/node-in-process.ts';
import { stagedNames, storedFiles } from '../support/store-folder.ts';

const many = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('different contents for one path at the same time', () => {
  it('fault 30: all stay readable under addresses of their own while names are numbered', async () => {
    const node = await startNode({ enable_distinct_file: true });
    const contents = many(20).map((index) => `distinct ${index} `.repeat(1 + index * 500));
    const answers = await Promise.all(contents.map((content) => upload(node, content, { fields: { path: 'same' } })));
    expect(new Set(answers.map((answer) => answer.path)).size).toBe(contents.length);
    for (const [index, answer] of answers.entries()) {
      expect((await call(answer.url)).text).toBe(contents[index]);
    }
    const bytes = contents.reduce((sum, content) => sum + content.length, 0);
    expect(await totals(node)).toEqual({ files: contents.length, bytes });
    expect((await storedFiles(node.dataDir)).length).toBe(contents.length);
    expect(await stagedNames(node.dataDir)).toEqual([]);
  });

  it('fault 30: end in one of them, whole, while they replace each other', async () => {
    const node = await startNode({ enable_distinct_file: false });
    const contents = many(20).map((index) => `replace ${index} `.repeat(1 + index * 500));
    const answers = await Promise.all(contents.map((content) => upload(node, content, { fields: { path: 'same' } })));
    expect(new Set(answers.map((answer) => answer.path))).toEqual(new Set(['/group1/same/a.txt']));
    const shown = (await download(node, '/group1/same/a.txt')).text;
    expect(contents).toContain(shown);
    expect(await totals(node)).toEqual({ files: 1, bytes: shown.length });
    expect(await storedFiles(node.dataDir)).toEqual(['same/a.txt']);
    expect(await stagedNames(node.dataDir)).toEqual([]);
  });

  it('fault 30: paths that differ only in case never mix', async () => {
    const node = await startNode({ enable_distinct_file: false });
    const names = ['case.txt', 'CASE.txt', 'Case.txt', 'cASE.TXT'];
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(names.map((name) => upload(node, `${name} ${round}`, { name, fields: { path: 'c' } })));
    }
    for (const name of names) expect((await download(node, `/group1/c/${name}`)).text).toBe(`${name} 4`);
  });
});

describe('one content many times at the same time', () => {
  it('is stored once and answered a hundred times', async () => {
    const node = await startNode();
    const content = 'a hundred times '.repeat(1000);
    const answers = await Promise.all(many(100).map(() => upload(node, content, { fields: { path: 'once' } })));
    expect(new Set(answers.map((answer) => answer.path))).toEqual(new Set(['/group1/once/a.txt']));
    expect(await totals(node)).toEqual({ files: 1, bytes: content.length });
    expect((await download(node, '/group1/once/a.txt')).text).toBe(content);
    expect(await stagedNames(node.dataDir)).toEqual([]);
  });

  it('stands under a hundred paths with its bytes on disk once', async () => {
    const node = await startNode();
    const content = 'a hundred paths '.repeat(1000);
    const answers = await Promise.all(
      many(100).map((index) => upload(node, content, { fields: { path: `links/${index}` } })),
    );
    expect(new Set(answers.map((answer) => answer.path)).size).toBe(100);
    expect(await totals(node)).toEqual({ files: 100, bytes: 100 * content.length });
    const inodes = new Set<number>();
    for (const file of await storedFiles(node.dataDir)) {
      inodes.add((await stat(path.join(node.dataDir, 'files', file))).ino);
    }
    expect(inodes.size).toBe(1);
    for (const { url } of answers) expect((await call(url)).text).toBe(content);
    expect(await stagedNames(node.dataDir)).toEqual([]);
  });

  it('without a path is one file, whoever came first', async () => {
    const node = await startNode();
    const answers = await Promise.all(
      many(100).map((index) => upload(node, 'no path at all', { name: `${index}.txt` })),
    );
    for (const { url } of answers) expect((await call(url)).text).toBe('no path at all');
    // Those that were under way together may have got a path each; every later one is answered with one of them.
    const later = await upload(node, 'no path at all', { name: 'later.txt' });
    expect(answers.map((answer) => answer.path)).toContain(later.path);
    expect(await stagedNames(node.dataDir)).toEqual([]);
  });
});

describe('an upload while the same file is deleted', () => {
  for (const enable_distinct_file of [true, false]) {
    it(`leaves it gone or whole (enable_distinct_file ${enable_distinct_file})`, async () => {
      const node = await startNode({ enable_distinct_file });
      const content = 'gone or whole '.repeat(5000);
      const where = '/group1/race/a.txt';
      await upload(node, content, { fields: { path: 'race' } });
      for (let round = 0; round < 50; round += 1) {
        const [uploaded, removed] = await Promise.all([
          sendUpload(node, content, { fields: { path: 'race', output: 'json' } }),
          remove(node, where),
          call(`${node.group}/check_file_exist?path=${where}`),
          download(node, where),
        ]);
        expect(uploaded.status, uploaded.text).toBe(200);
        expect([200, 404]).toContain(removed.status);
        const found = await download(node, where);
        if (found.status === 200) expect(found.text).toBe(content);
        else expect(found.status, found.text).toBe(404);
        const { files } = await totals(node);
        expect(files).toBe(found.status === 200 ? 1 : 0);
        expect((await storedFiles(node.dataDir)).length).toBe(files);
      }
      expect(await stagedNames(node.dataDir)).toEqual([]);
    });
  }

  it('by its digest, while it arrives under several paths, leaves every path gone or whole', async () => {
    const node = await startNode();
    const content = 'several paths '.repeat(3000);
    const { md5 } = await upload(node, content, { fields: { path: 's/0' } });
    for (let round = 0; round < 30; round += 1) {
      await Promise.all([
        ...many(5).map((index) => upload(node, content, { fields: { path: `s/${index}` } })),
        call(`${node.group}/delete?md5=${md5}`),
      ]);
      let alive = 0;
      for (const index of many(5)) {
        const found = await download(node, `/group1/s/${index}/a.txt`);
        if (found.status === 200) {
          alive += 1;
          expect(found.text).toBe(content);
        } else expect(found.status, found.text).toBe(404);
      }
      expect(await totals(node)).toEqual({ files: alive, bytes: alive * content.length });
      expect((await storedFiles(node.dataDir)).length).toBe(alive);
    }
    expect(await stagedNames(node.dataDir)).toEqual([]);
  });
});

describe('reads while a file is replaced', () => {
  for (const [kind, bytes] of [
    ['small', 2000],
    ['large', 600_000],
  ] as const) {
    it(`always see one whole version: ${kind}`, async () => {
      const node = await startNode({ enable_distinct_file: false });
      const version = (index: number) => Buffer.alloc(bytes + index, String.fromCharCode(97 + (index % 26)));
      await upload(node, version(0), { fields: { path: 'v' } });
      let writing = true;
      const readers = many(4).map(async () => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        let reads = 0;
        while (writing) {
          const answer = await call(`${node.group}/v/a.txt`, { agent });
          expect(answer.status, answer.status === 200 ? '' : answer.text).toBe(200);
          const index = answer.body.length - bytes;
          expect(answer.body.equals(version(index))).toBe(true);
          reads += 1;
        }
        agent.destroy();
        return reads;
      });
      for (let index = 1; index <= 40; index += 1) await upload(node, version(index), { fields: { path: 'v' } });
      writing = false;
      const counts = await Promise.all(readers);
      expect(Math.min(...counts)).toBeGreaterThan(0);
      expect((await download(node, '/group1/v/a.txt')).body.equals(version(40))).toBe(true);
    });
  }

  it('that began before go on with the old version to its end', async () => {
    const node = await startNode({ enable_distinct_file: false });
    const old = Buffer.alloc(30_000_000, 'o');
    await upload(node, old, { fields: { path: 'v' } });
    const response = await fetch(`${node.group}/v/a.txt`);
    await upload(node, Buffer.alloc(1_000_000, 'n'), { fields: { path: 'v' } });
    expect((await remove(node, '/group1/v/a.txt')).status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer()).equals(old)).toBe(true);
  });
});

describe('everything at once', () => {
  it('keeps counts, listing and disk in agreement', async () => {
    const node = await startNode({ enable_distinct_file: false });
    await Promise.all(
      many(8).map(async (client) => {
        for (let round = 0; round < 25; round += 1) {
          const file = `p${(client * 7 + round * 3) % 11}`;
          const content = `content ${(client + round) % 5} `.repeat(200);
          if ((client + round) % 4 === 0) await remove(node, `/group1/mix/${file}/a.txt`);
          else await upload(node, content, { fields: { path: `mix/${file}` } });
        }
      }),
    );
    const stored = await storedFiles(node.dataDir);
    let bytes = 0;
    for (const file of stored) {
      const answer = await download(node, `/group1/${file}`);
      expect(answer.status, file).toBe(200);
      expect(answer.text).toMatch(/^(content \d )\1{199}$/);
      bytes += answer.body.length;
    }
    expect(await totals(node)).toEqual({ files: stored.length, bytes });
    expect(await stagedNames(node.dataDir)).toEqual([]);
  });
});
