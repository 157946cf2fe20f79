// `npm run simulate -- [--seeds N] [--from N] [--seed X] [--fail-fast]`: builds and runs the simulation.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSimulation } from './simulation/build.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
// Several runs may be built at once.
const program = path.join(root, 'dist', 'simulation', `main-${process.pid}.mjs`);
await buildSimulation(root, program);
const { status } = spawnSync(process.execPath, ['--enable-source-maps', program, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
rmSync(program, { force: true });
process.exitCode = status ?? 1;
