// `npm run simulate:mutants [-- NAME ...]`: applies each stored patch (mutants/*.patch) to a copy of the sources and runs the
// simulation on it. Each must turn some seed red: a simulation that cannot fail proves nothing.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSimulation } from './simulation/build.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '..', '..');
const folder = path.join(here, 'mutants');
const maxSeeds = Number(process.env.SHOAL_MUTANT_SEEDS ?? 600);
const named = process.argv.slice(2);
const patches = readdirSync(folder)
  .filter((name) => name.endsWith('.patch'))
  .map((name) => name.replace(/\.patch$/, ''))
  .filter((name) => named.length === 0 || named.includes(name));
const work = mkdtempSync(path.join(os.tmpdir(), 'shoal-mutants-'));
const survivors = [];

/** Builds one mutant and runs seeds until one is red. Returns what it printed last. */
async function run(name) {
  const copy = path.join(work, name);
  for (const part of ['node-core', 'test']) cpSync(path.join(root, part), path.join(copy, part), { recursive: true });
  for (const file of ['package.json', 'tsconfig.json']) cpSync(path.join(root, file), path.join(copy, file));
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  const patched = spawnSync('git', ['apply', '--unsafe-paths', path.join(folder, `${name}.patch`)], {
    cwd: copy,
    encoding: 'utf8',
    env: { ...process.env, GIT_CEILING_DIRECTORIES: work },
  });
  if (patched.status !== 0) return { red: false, line: `the patch does not fit any more: ${patched.stderr.trim()}` };
  const program = path.join(copy, 'main.mjs');
  await buildSimulation(copy, program);
  const child = spawn(process.execPath, [program, '--seeds', String(maxSeeds), '--fail-fast'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  const status = await new Promise((resolve) => child.once('exit', resolve));
  return { red: status === 1 && output.includes(' broken'), line: output.split('\n')[0] };
}

async function worker(queue) {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const { red, line } = await run(name);
    console.log(`${red ? 'red ' : 'ALIVE'} ${name}: ${line}`);
    if (!red) survivors.push(name);
  }
}

try {
  const queue = [...patches];
  await Promise.all(Array.from({ length: Math.min(2, os.availableParallelism()) }, () => worker(queue)));
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log(`${patches.length - survivors.length} of ${patches.length} mutants were found`);
process.exitCode = survivors.length === 0 && patches.length > 0 ? 0 : 1;
