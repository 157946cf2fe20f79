// Runs seeds of the simulation: `npm run simulate -- [--seeds N] [--from N] [--seed X]`. One seed prints its trace.
import { runScript, runSeed, scripts } from './world.ts';

function option(name: string, otherwise: number): number {
  const index = process.argv.indexOf(`--${name}`);
  return index < 0 ? otherwise : Number(process.argv[index + 1]);
}

const single = process.argv.includes('--seed');
const from = single ? option('seed', 0) : option('from', 1);
const count = single ? 1 : option('seeds', 100);
const failFast = process.argv.includes('--fail-fast');
const began = Date.now();
let failed = 0;
let operations = 0;
if (!single && from === 1) {
  for (const name of Object.keys(scripts) as (keyof typeof scripts)[]) {
    const { broken } = await runScript(name, false);
    if (broken.length === 0) continue;
    failed += 1;
    console.log(`script "${name}": ${broken.length} broken`);
    for (const line of broken.slice(0, 3)) console.log(`  ${line}`);
  }
}
for (let seed = from; seed < from + count && !(failFast && failed > 0); seed += 1) {
  const report = await runSeed(seed, single);
  operations += report.operations;
  if (single) for (const line of report.trace) console.log(line);
  if (report.broken.length === 0) continue;
  failed += 1;
  console.log(`seed ${seed} (${report.nodes} nodes): ${report.broken.length} broken`);
  for (const line of report.broken.slice(0, single ? 100 : 3)) console.log(`  ${line}`);
  console.log(`  replay: npm run simulate -- --seed ${seed}`);
}
console.log(
  JSON.stringify({ from, seeds: count, failed, operations, seconds: Math.round((Date.now() - began) / 100) / 10 }),
);
process.exitCode = failed > 0 ? 1 : 0;
