// Bundles the simulation. Chance comes from the seed: what node:crypto would draw comes from `globalThis.simulatedRandom`
// instead, which each seed sets, so that it repeats to the last id.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));

const seededCrypto = {
  name: 'seeded-crypto',
  setup(bundler) {
    bundler.onResolve({ filter: /^node:crypto$/ }, (args) =>
      args.namespace === 'seeded' ? { path: 'node:crypto', external: true } : { path: 'crypto', namespace: 'seeded' },
    );
    bundler.onLoad({ filter: /.*/, namespace: 'seeded' }, () => ({
      contents: `export * from 'node:crypto';
export function randomBytes(length) {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i += 1) bytes[i] = Math.floor(globalThis.simulatedRandom() * 256);
  return bytes;
}
export function randomUUID() { return randomBytes(16).toString('hex'); }`,
      resolveDir: here,
    }));
  },
};

/** @param root folder that holds node-core/ and test/. @param out file to write. */
export async function buildSimulation(root, out) {
  mkdirSync(path.dirname(out), { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: [path.join(root, 'test', 'cluster', 'simulation', 'main.ts')],
    outfile: out,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'warning',
    plugins: [seededCrypto],
  });
}
