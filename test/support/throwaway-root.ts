/**
 * Roots of a whole Debian in a folder, and what is executed in them: for what is shipped to machines that have nothing but
 * such a system. Root on Linux with debootstrap is needed; containers are made of namespaces, without any engine.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from './temporary-folder.ts';

const run = promisify(execFile);

/** Why there can be no such roots here; undefined when there can. The checks install what is needed. */
export function noRoots(): string | undefined {
  const missing =
    process.platform !== 'linux' || process.getuid?.() !== 0
      ? 'it takes root on Linux'
      : ['debootstrap', 'unshare', 'setpriv'].find(
          (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
        );
  if (missing !== undefined && process.env.SHOAL_TEST_ALL === '1') throw new Error(`no throw-away root: ${missing}`);
  return missing;
}

/** A new Debian as small as it comes. @returns its folder, removed when the test file is done. */
export async function debianRoot(): Promise<string> {
  const root = path.join(await temporaryFolder(), 'root');
  await run('debootstrap', ['--variant=minbase', 'bookworm', root], { maxBuffer: 64 * 1024 * 1024 });
  // What no image has.
  await rm(path.join(root, 'var', 'cache', 'apt'), { recursive: true, force: true });
  return root;
}

/** A copy that can be changed. */
export async function copyRoot(root: string): Promise<string> {
  const copy = path.join(await temporaryFolder(), 'root');
  await run('cp', ['-a', '--reflink=auto', root, copy]);
  return copy;
}

/** Puts a Node with npm and this host's way to the registry into a root, as images of Node have them. */
export async function putNodeInto(root: string, node: string): Promise<NodeJS.ProcessEnv> {
  const bin = path.join(root, 'usr', 'local', 'bin');
  await copyFile(node, path.join(bin, 'node'));
  const { stdout: modules } = await run('npm', ['root', '-g']);
  const lib = path.join(root, 'usr', 'local', 'lib', 'node_modules');
  await mkdir(lib, { recursive: true });
  await run('cp', ['-aL', path.join(modules.trim(), 'npm'), path.join(lib, 'npm')]);
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', path.join(bin, 'npm'));
  await copyFile('/etc/resolv.conf', path.join(root, 'etc', 'resolv.conf'));
  const env: NodeJS.ProcessEnv = {};
  for (const name of ['registry', 'cafile', 'proxy', 'https-proxy']) {
    const { stdout } = await run('npm', ['config', 'get', name]);
    if (!['', 'null', 'undefined'].includes(stdout.trim())) env[`npm_config_${name.replace('-', '_')}`] = stdout.trim();
  }
  for (const file of [env.npm_config_cafile, process.env.NODE_EXTRA_CA_CERTS]) {
    if (file === undefined) continue;
    await mkdir(path.join(root, path.dirname(file)), { recursive: true });
    await writeFile(path.join(root, file), await readFile(file));
    env.NODE_EXTRA_CA_CERTS = file;
  }
  return env;
}

/** How a command is executed in a root. */
export interface ExecuteOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Where; a path in the root. */
  readonly folder?: string;
  /** Folders of this host by the path in the root where they are seen, writable. */
  readonly mounts?: Readonly<Record<string, string>>;
  /** `uid:gid`; root when undefined. Others lose every capability. */
  readonly user?: string;
  /** Nothing but mounts and `/tmp` can be written. */
  readonly readOnly?: boolean;
}

/**
 * Starts a command in a root of its own: first process of its own process namespace, on the network of this host. Its output
 * is piped. Whatever it leaves ends with it.
 */
export function startIn(root: string, command: readonly string[], options: ExecuteOptions): ChildProcess {
  const { env, folder = '/', mounts = {}, user, readOnly = false } = options;
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const at = (inside: string) => quoted(path.join(root, inside));
  const [uid = '0', gid = '0'] = (user ?? '').split(':');
  const drop =
    user === undefined
      ? ''
      : `setpriv --reuid ${uid} --regid ${gid} --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs `;
  const script = [
    'set -e',
    `mount --bind ${at('/')} ${at('/')}`,
    `mount -t proc proc ${at('proc')}`,
    `mount --rbind /dev ${at('dev')}`,
    ...Object.entries(mounts).map(([inside, outside]) => `mount --bind ${quoted(outside)} ${at(inside)}`),
    ...(readOnly ? [`mount -t tmpfs tmpfs ${at('tmp')}`, `mount -o remount,bind,ro ${at('/')}`] : []),
    `cd ${at('/')}`,
    // The program that drops rights is the root's own: it is a part of every Debian.
    `exec chroot . /usr/bin/env -C ${quoted(folder)} ${drop}${command.map(quoted).join(' ')}`,
  ].join('\n');
  const args = ['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private', 'sh', '-c', script];
  return spawn('unshare', args, { env: { PATH: usualPath, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Where programs are looked for, as images say. */
export const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Executes a command to its end. @returns what it printed. @throws with what it printed when it fails. */
export async function executeIn(root: string, command: readonly string[], options: ExecuteOptions): Promise<string> {
  const child = startIn(root, command, options);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}:\n${output.slice(-4000)}`);
  return output;
}

/** Sends a signal to the command itself: to the first process of its namespace. */
export async function signalIn(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
  process.kill(Number(children.trim().split(' ')[0]), signal);
}
