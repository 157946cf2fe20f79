/**
 * What is shipped to servers, on systems that have nothing but a Debian: the Dockerfile's steps executed in throw-away
 * roots (no engine is needed), the compose file's three nodes from that image, and the single executable.
 */
import { type ChildProcess, execFile } from 'node:child_process';
import { chmod, chown, copyFile, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { validate } from 'dockerfile-utils';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildDockerfile, type Image } from '../support/dockerfile.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import {
  copyRoot,
  debianRoot,
  executeIn,
  noRoots,
  putNodeInto,
  signalIn,
  startIn,
  usualPath,
} from '../support/throwaway-root.ts';

const root = path.join(import.meta.dirname, '..', '..');
const run = promisify(execFile);
const user = 10_001;
const children = new Set<ChildProcess>();
let debian = '';

/** A node in a container of its own. */
interface Contained {
  readonly child: ChildProcess;
  readonly url: string;
  readonly ended: Promise<number | null>;
}

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** A folder as a volume of an image is: it belongs to the image's user. */
async function volume(): Promise<string> {
  const folder = path.join(await temporaryFolder(), 'volume');
  await mkdir(folder);
  await chown(folder, user, user);
  return folder;
}

/** Starts a container and waits until its node answers. */
async function start(
  command: readonly string[],
  env: NodeJS.ProcessEnv,
  options: Omit<Parameters<typeof startIn>[2], 'env'>,
  where: string,
): Promise<Contained> {
  const addresses = { SHOAL_ADDR: '127.0.0.1:0', SHOAL_PEER_ADDR: '127.0.0.1:0', SHOAL_NO_DISCOVERY: '1' };
  const child = startIn(where, command, { ...options, env: { ...env, ...addresses } });
  children.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += text));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const url = () => /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
  await eventually(
    () => {
      if (child.exitCode !== null) throw new Error(`it has ended: ${output}`);
      return url() !== undefined;
    },
    'the node is ready',
    60_000,
  );
  return { child, url: url() ?? '', ended };
}

async function upload(url: string, content: string | Uint8Array<ArrayBuffer>, name: string): Promise<string> {
  const body = new FormData();
  body.set('file', new Blob([content]), name);
  body.set('path', 'from/outside');
  const answer = await fetch(`${url}/group1/upload?output=json`, { method: 'POST', body });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { path: string }).path;
}

/** That a node stores, serves and scales, which takes all of its native parts. */
async function expectToWork(url: string): Promise<void> {
  expect(await (await fetch(`${url}${await upload(url, 'hello', '你好.txt')}`)).text()).toBe('hello');
  const picture = await sharp({ create: { width: 400, height: 300, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer();
  const small = await fetch(`${url}${await upload(url, new Uint8Array(picture), 'red.jpg')}?width=40&format=webp`);
  expect(await sharp(Buffer.from(await small.arrayBuffer())).metadata()).toMatchObject({ width: 40, format: 'webp' });
  expect(
    (await fetch(url, { headers: { accept: 'text/html', 'user-agent': 'Mozilla/5.0' } })).headers.get('content-type'),
  ).toMatch(/html/);
}

it('the Dockerfile has nothing that its linter minds', async () => {
  expect(validate(await readFile(path.join(root, 'Dockerfile'), 'utf8'))).toEqual([]);
});

describe.skipIf(noRoots() !== undefined)('on a Debian and nothing else', () => {
  beforeAll(async () => {
    debian = await debianRoot();
  }, 300_000);

  describe('the image', () => {
    let image: Image;

    beforeAll(async () => {
      const nodeFolder = await temporaryFolder();
      await run(process.execPath, [path.join(root, 'node-core', 'packaging', 'shipped-node.mjs'), nodeFolder]);
      const node = path.join(nodeFolder, 'shoal-node');
      const { stdout: npmCache } = await run('npm', ['config', 'get', 'cache']);
      image = await buildDockerfile({
        context: root,
        base: async (name) => {
          const copy = await copyRoot(debian);
          if (name.startsWith('debian:')) return { root: copy, env: {} };
          await mkdir(path.join(copy, 'root', '.npm'), { recursive: true });
          return { root: copy, env: await putNodeInto(copy, node) };
        },
        mounts: { '/root/.npm': npmCache.trim() },
      });
    }, 900_000);

    const container = (data: string) => ({ user: image.user ?? '', readOnly: true, mounts: { '/data': data } });
    const startImage = (data: string, env: NodeJS.ProcessEnv = {}) =>
      start([...image.entrypoint, ...image.command], { ...image.env, ...env }, container(data), image.root);
    const healthcheck = (data: string) =>
      executeIn(image.root, image.healthcheck, { env: image.env, ...container(data) });

    it('serves on a read-only system without rights, tells its health, and stops when it is told to', async () => {
      expect(image).toMatchObject({ user: `${user}:${user}`, volumes: ['/data'], stopSignal: 'SIGTERM' });
      const data = await volume();
      const node = await startImage(data);
      await expectToWork(node.url);
      expect((await stat(path.join(data, 'files', 'from', 'outside', '你好.txt'))).uid).toBe(user);
      expect(await healthcheck(data)).toMatch(/ready/);
      const asked = performance.now();
      await signalIn(node.child, 'SIGTERM');
      expect(await node.ended).toBe(0);
      // Docker kills after ten seconds.
      expect(performance.now() - asked).toBeLessThan(10_000);
      await expect(healthcheck(data)).rejects.toThrow();
      const again = await startImage(data);
      expect(await (await fetch(`${again.url}/group1/from/outside/你好.txt`)).text()).toBe('hello');
    });

    it('takes the variables of go-fastdfs', async () => {
      const data = await volume();
      const node = await startImage(data, {
        GO_FASTDFS_DIR: '/data/old',
        GO_FASTDFS_IP: '10.1.2.3',
        GO_FASTDFS_PEER_ID: '7',
      });
      await upload(node.url, 'hello', 'a.txt');
      expect((await stat(path.join(data, 'old', 'files', 'from', 'outside', 'a.txt'))).size).toBe(5);
    });

    it('holds the program and nothing that built it', async () => {
      const added = await readdir(path.join(image.root, 'opt', 'shoal'));
      expect(added.sort()).toEqual(['LICENSE.node.txt', 'dist', 'node_modules', 'shoal-node']);
      expect(await readdir(path.join(image.root, 'opt', 'shoal', 'node_modules'))).not.toContain('typescript');
      const { stdout } = await run('du', ['-sm', path.join(image.root, 'opt', 'shoal')]);
      console.log(`The program takes ${stdout.split('\t')[0]} MiB of the image.`);
    });

    it('makes three nodes of one cluster of the compose file', async () => {
      const text = await readFile(path.join(root, 'docs', 'deploy', 'compose.yaml'), 'utf8');
      const { services } = parse(text, { merge: true }) as {
        services: Record<
          string,
          { read_only: boolean; tmpfs: string[]; volumes: string[]; environment: NodeJS.ProcessEnv }
        >;
      };
      const key = (
        await executeIn(image.root, ['/usr/local/bin/shoal', 'key'], { env: image.env, user: image.user ?? '' })
      ).trim();
      const nodes: Contained[] = [];
      for (const [name, service] of Object.entries(services)) {
        expect(service).toMatchObject({ read_only: true, tmpfs: ['/tmp'], volumes: [`${name}:/data`] });
        const { SHOAL_CLUSTER_KEY = '', SHOAL_PEER = '' } = service.environment;
        expect(SHOAL_CLUSTER_KEY).toMatch(/^\$\{SHOAL_CLUSTER_KEY:\?/);
        // All are on this host's network: its address stands for the service's name.
        const peer = nodes[0] ? SHOAL_PEER.replace('http://node1:8080', nodes[0].url) : undefined;
        const env = { ...service.environment, SHOAL_CLUSTER_KEY: key, SHOAL_PEER: peer };
        nodes.push(await startImage(await volume(), env));
      }
      expect(nodes).toHaveLength(3);
      const [first, , third] = nodes as [Contained, Contained, Contained];
      const stored = await upload(first.url, 'for all', 'all.txt');
      await eventually(async () => {
        const answer = await fetch(`${third.url}${stored}`);
        return answer.ok && (await answer.text()) === 'for all';
      }, 'the third has it');
    });
  });

  describe('the single executable', () => {
    let system = '';

    beforeAll(async () => {
      await run(process.execPath, [path.join(root, 'node-core', 'packaging', 'single.mjs')], { cwd: root });
      system = await copyRoot(debian);
      const made = path.join(root, 'dist', 'single', `shoal-linux-${process.arch}`);
      await copyFile(made, path.join(system, 'usr', 'local', 'bin', 'shoal'));
      for (const folder of ['data', 'cache', 'open']) await mkdir(path.join(system, folder));
      await chown(path.join(system, 'data'), user, user);
      await chown(path.join(system, 'cache'), user, user);
      await chmod(path.join(system, 'open'), 0o777);
    }, 600_000);

    const own = `${user}:${user}`;

    it('runs where there is no Node, with everything inside', async () => {
      await expect(executeIn(system, ['/bin/sh', '-c', 'command -v node'], { env: {} })).rejects.toThrow();
      const env = { PATH: usualPath, HOME: '/data' };
      const node = await start(
        ['/usr/local/bin/shoal', '--server', '--data', '/data/store'],
        env,
        { user: own },
        system,
      );
      await expectToWork(node.url);
      expect(
        await executeIn(system, ['/usr/local/bin/shoal', 'status', '--data', '/data/store'], { env, user: own }),
      ).toMatch(/ready/);
      await signalIn(node.child, 'SIGTERM');
      expect(await node.ended).toBe(0);
    });

    it('lays itself down once, whoever starts at the same time, and where it is told to', async () => {
      const env = { SHOAL_CACHE: '/cache' };
      const version = () => executeIn(system, ['/usr/local/bin/shoal', '--version'], { env, user: own });
      expect(new Set(await Promise.all([version(), version(), version()])).size).toBe(1);
      expect(await readdir(path.join(system, 'cache'))).toHaveLength(1);
    });

    it('runs nothing out of a folder that others can write, and says what to do', async () => {
      const command = ['/usr/local/bin/shoal', '--version'];
      const refused = executeIn(system, command, { env: { SHOAL_CACHE: '/open' }, user: own });
      await expect(refused).rejects.toThrow(/SHOAL_CACHE[\s\S]*\/open: others can write into it/);
      const chinese = executeIn(system, command, {
        env: { SHOAL_CACHE: '/dev/null/x', LANG: 'zh_CN.UTF-8' },
        user: own,
      });
      await expect(chinese).rejects.toThrow(/请用环境变量 SHOAL_CACHE/);
    });
  });
});
