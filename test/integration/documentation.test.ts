/** What README and the quick starts tell people to type works as it stands there. */
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { commandBlocks, type Follower, newFollower } from '../support/documented-commands.ts';
import { realStore } from '../support/go-fastdfs-store.ts';

const root = path.join(import.meta.dirname, '..', '..');
const password = 'correct horse battery staple';

/** Names that pages use for what is different for every reader. */
const adminKey = 'k'.repeat(40);

/** The same in Chinese pages. */
const placeholders = [
  ['主机:8080', 'HOST:8080'],
  ['/s/令牌', '/s/TOKEN'],
  ['Bearer 密钥', 'Bearer KEY'],
] as const;

async function pages(): Promise<string[]> {
  const guides = await readdir(path.join(root, 'docs'), { recursive: true });
  const followed = guides
    .filter((name) =>
      /(^|\/)(guide\/[\w-]+|operations\/backup|reference\/access)\.md$|^operations\/drills\.md$/.test(name),
    )
    .map((name) => path.join('docs', name));
  return ['README.md', 'README.zh-CN.md', ...followed.sort()];
}

/** What a reader has before the first command: photos, pictures, a store of go-fastdfs, a report. */
async function prepare(follower: Follower): Promise<void> {
  const picture = await sharp({ create: { width: 600, height: 400, channels: 3, background: 'teal' } })
    .jpeg()
    .toBuffer();
  const pictures = path.join(follower.folder, '..', 'home', 'Pictures');
  await mkdir(pictures);
  await writeFile(path.join(pictures, 'holiday.jpg'), picture);
  await writeFile(path.join(follower.folder, 'a.jpg'), picture);
  await writeFile(path.join(follower.folder, 'report.pdf'), 'a report');
  const conf = path.join(follower.folder, 'shoal-data', 'conf');
  await mkdir(conf, { recursive: true });
  await writeFile(
    path.join(conf, 'cfg.json'),
    JSON.stringify({ admin_key: adminKey, alarm_url: await alarmReceiver() }),
  );
}

/** Takes alarms. @returns its address. */
async function alarmReceiver(): Promise<string> {
  const server = http.createServer((request, response) => {
    request.resume();
    response.end('ok');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  afterAll(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** A page's block as a reader would type it: with the own address, key, link and folders. */
async function asTyped(block: string, follower: Follower): Promise<string> {
  let text = block;
  for (const [chinese, english] of placeholders) text = text.replaceAll(chinese, english);
  // Before the page has started a node nothing is reached: the usual port may be somebody else's.
  const origin = await follower.origin().catch(() => 'http://127.0.0.1:1');
  const api = async (address: string, body: unknown) => {
    const answer = await fetch(`${origin}/api/v1/${address}`, { method: 'POST', body: JSON.stringify(body) });
    expect(answer.ok).toBe(true);
    return (await answer.json()) as { url: string };
  };
  if (text.includes('/path/to/go-fastdfs')) {
    const { dir } = await realStore();
    text = text.replaceAll('/path/to/go-fastdfs', dir);
  }
  for (const place of ['/s/TOKEN/?zip=1', '/s/TOKEN']) {
    if (!text.includes(place)) continue;
    const asked = place.includes('zip')
      ? { path: 'docs/2026', password: 'not a secret' }
      : { path: 'inbox', upload: true };
    const { url } = await api('links', asked);
    text = text.replaceAll(place, place.replace('/s/TOKEN', new URL(url).pathname.replace(/\/$/, '')));
  }
  return text
    .replaceAll('http://127.0.0.1:8080', origin)
    .replaceAll('http://HOST:8080', origin)
    .replaceAll('Bearer KEY', `Bearer ${adminKey}`)
    .replaceAll('"password":"..."', `"password":"${password}"`)
    .replaceAll('/backups/', `${follower.folder}/../backups/`)
    .replaceAll('/new/data', `${follower.folder}/../new-data`);
}

/** Ports that nobody uses at the moment, for those that a page names. */
async function freePorts(named: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const taken = await Promise.all(
    named.map(async (name) => {
      const server = http.createServer();
      await once(server.listen(0, '127.0.0.1'), 'listening');
      return { name, server, port: (server.address() as AddressInfo).port };
    }),
  );
  for (const { server } of taken) server.close();
  return new Map(taken.map(({ name, port }) => [name, port]));
}

function freely(text: string, ports: ReadonlyMap<string, number>): string {
  return text.replace(/\b8[14]8[1-4]\b/g, (port) => String(ports.get(port) ?? port));
}

/** The first administrator: on the host itself it takes no link. */
async function makeAdministrator(follower: Follower): Promise<void> {
  const body = JSON.stringify({ name: 'admin', password });
  const answer = await fetch(`${await follower.origin()}/api/v1/setup`, { method: 'POST', body });
  expect(answer.ok, await answer.clone().text()).toBe(true);
}

const followed = await pages();

it('there are quick starts, in both languages', () => {
  for (const page of ['desktop', 'server', 'docker', 'from-go-fastdfs']) {
    expect(followed).toContain(`docs/guide/${page}.md`);
    expect(followed).toContain(`docs/zh/guide/${page}.md`);
  }
});

it('the Chinese drills are those that are walked through', async () => {
  const commands = async (page: string) =>
    commandBlocks(await readFile(path.join(root, 'docs', page), 'utf8')).map(({ text }) => text);
  expect(await commands('zh/operations/drills.md')).toEqual(await commands('operations/drills.md'));
});

it.each(followed)('%s: every command does what it should', { timeout: 480_000 }, async (page) => {
  const blocks = commandBlocks(await readFile(path.join(root, page), 'utf8'));
  const follower = await newFollower();
  await prepare(follower);
  let isAdministered = false;
  const ports = await freePorts(['8181', '8182', '8183', '8184', '8481', '8482', '8483', '8484']);
  for (const { text, line, elsewhere } of blocks) {
    if (elsewhere) continue;
    if (text.includes('/api/v1/login') && !isAdministered) {
      await makeAdministrator(follower);
      isAdministered = true;
    }
    const typed = freely(await asTyped(text, follower), ports);
    await follower.follow(typed).catch((error: unknown) => {
      throw new Error(`${page}, line ${line}: ${error instanceof Error ? error.message : String(error)}`);
    });
  }
  // A page whose commands are all for elsewhere tests nothing.
  expect(blocks.filter(({ elsewhere }) => !elsewhere).length).toBeGreaterThan(0);
});
