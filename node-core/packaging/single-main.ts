/**
 * What runs first in the single executable: it holds the whole program, native parts included, which no system loads out of
 * another file. The first start of a version therefore lays it down in a folder that only its user can write; every
 * start runs it from there. Everything here is synchronous: the pool of threads gets its size by what is run (build.mjs).
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { getAsset, getRawAsset } from 'node:sea';
import { pathToFileURL } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

/** What is inside, in the order of the bytes. Paths are relative, with slashes. */
interface PackedFile {
  readonly path: string;
  readonly size: number;
  readonly executable?: true;
}

/** Versions that were not started for so long are removed, in milliseconds. */
const unusedMs = 30 * 24 * 60 * 60 * 1000;

function main(): void {
  const id = getAsset('id', 'utf8');
  const folder = path.join(programsFolder(), id);
  if (!existsSync(folder)) layDown(folder);
  else utimesSync(folder, new Date(), new Date());
  // A process of the program's own (image work) is this executable again, told what to run.
  const [, , told] = process.argv;
  if (told !== undefined && path.isAbsolute(told) && path.dirname(told) === path.join(folder, 'dist', 'node-core')) {
    process.argv.splice(1, 1);
    run(folder, told);
    return;
  }
  run(folder, path.join(folder, 'dist', 'node-core', 'shoal.cjs'));
}

function run(folder: string, file: string): void {
  const require = createRequire(pathToFileURL(path.join(folder, 'dist', 'node-core', 'shoal.cjs')));
  require(file);
}

/** Where programs are laid down: `SHOAL_CACHE`, the user's cache, or a folder of the user's own below the temporary one. */
function programsFolder(): string {
  const { SHOAL_CACHE, XDG_CACHE_HOME } = process.env;
  const home = homeFolder();
  const chosen = SHOAL_CACHE || (XDG_CACHE_HOME && path.join(XDG_CACHE_HOME, 'shoal'));
  const user = process.getuid?.() ?? 0;
  const candidates = chosen
    ? [chosen]
    : [...(home !== undefined ? [path.join(home, '.cache', 'shoal')] : []), path.join(tmpdir(), `shoal-${user}`)];
  const problems: string[] = [];
  for (const candidate of candidates) {
    const problem = unusable(path.resolve(candidate), user);
    if (problem === undefined) return path.resolve(candidate);
    problems.push(`${candidate}: ${problem}`);
  }
  return fail(problems);
}

/** The user's; undefined for users that the system does not know, as in containers, and for those of services. */
function homeFolder(): string | undefined {
  try {
    const home = homedir();
    return home === '' || home === '/' ? undefined : home;
  } catch {
    return undefined;
  }
}

/** Makes the folder if need be. @returns why programs cannot stand there. */
function unusable(folder: string, user: number): string | undefined {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const stats = lstatSync(folder);
    if (!stats.isDirectory()) return 'it is no folder';
    // Whoever can write there could have other programs run.
    if (process.platform !== 'win32' && (stats.uid !== user || (stats.mode & 0o022) !== 0))
      return 'others can write into it';
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function layDown(folder: string): void {
  const parent = path.dirname(folder);
  const making = path.join(parent, `making-${randomBytes(6).toString('hex')}`);
  try {
    const files = JSON.parse(getAsset('files', 'utf8')) as readonly PackedFile[];
    const bytes = brotliDecompressSync(getRawAsset('bytes') as ArrayBuffer);
    let from = 0;
    for (const { path: name, size, executable } of files) {
      const file = path.join(making, ...name.split('/'));
      mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
      writeFileSync(file, bytes.subarray(from, from + size));
      if (executable) chmodSync(file, 0o755);
      from += size;
    }
    renameSync(making, folder);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    // Another start of the same version was faster.
    if (existsSync(folder)) return;
    fail([`${parent}: ${error instanceof Error ? error.message : String(error)}`]);
  }
  removeUnused(parent);
}

function removeUnused(parent: string): void {
  for (const name of readdirSync(parent)) {
    const folder = path.join(parent, name);
    const isOld = Date.now() - (lstatSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > unusedMs;
    if (isOld && /^(making|shoal)-/.test(name)) rmSync(folder, { recursive: true, force: true });
  }
}

function fail(problems: readonly string[]): never {
  const isChinese = /^zh/i.test(process.env.LC_ALL || process.env.LC_MESSAGES || process.env.LANG || '');
  const hint = isChinese
    ? 'shoal：没有可写的文件夹存放程序文件。请用环境变量 SHOAL_CACHE 指定一个只有您可写的文件夹。'
    : 'shoal: there is no folder to lay the program down in. Set SHOAL_CACHE to one that only you can write.';
  process.stderr.write(`${[hint, ...problems].join('\n  ')}\n`);
  process.exit(1);
}

main();
