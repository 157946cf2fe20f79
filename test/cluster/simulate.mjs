// `npm run simulate -- [--seeds N] [--from N] [--seed X] [--fail-fast]`: builds and runs the simulation.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSimulation } from './simulation/build.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const program = path.join(root, 'dist', 'simulation', 'main.mjs');
await buildSimulation(root, program);
const { status } = spawnSync(process.execPath, ['--enable-source-maps', program, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
