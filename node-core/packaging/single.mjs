// `npm run build:single [-- ARCH]`: the headless program as one executable for servers (Node's single executable
// applications), for Linux on this machine's architecture or the one that is named. Written to dist/single/shoal-linux-<arch>.
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import { build } from 'esbuild';
import { inject } from 'postject';
import { buildIfChanged } from '../../build.mjs';
import { run } from './package-cache.mjs';
import { putNode } from './shipped-node.mjs';
import { stageNode } from './stage.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, '..', '..');
const out = path.join(root, 'dist', 'single');
const [arch = process.arch] = process.argv.slice(2);

await buildIfChanged();
const work = path.join(out, `work-${arch}`);
await rm(work, { recursive: true, force: true });
await mkdir(work, { recursive: true });
try {
  const program = path.join(work, 'program');
  await stageNode('linux', arch, program);
  const assets = await pack(program);
  await build({
    entryPoints: { main: path.join(here, 'single-main.ts') },
    outdir: work,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    logLevel: 'warning',
  });
  const blob = path.join(work, 'blob');
  const config = path.join(work, 'sea.json');
  await writeFile(
    config,
    JSON.stringify({ main: 'main.cjs', output: blob, disableExperimentalSEAWarning: true, assets }),
  );
  // The blob is made by the very version of Node that it is put into, on this machine.
  const maker = await putNode(process.platform, process.arch, path.join(work, 'maker'));
  await run(maker, ['--experimental-sea-config', config], { cwd: work });
  const single = path.join(work, 'single');
  await copyFile(path.join(program, 'shoal-node'), single);
  await chmod(single, 0o755);
  await inject(single, 'NODE_SEA_BLOB', await readFile(blob), {
    sentinelFuse: 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2',
  });
  const made = path.join(out, `shoal-linux-${arch}`);
  await rename(single, made);
  console.log(`${path.relative(root, made)}: ${((await stat(made)).size / 1024 / 1024).toFixed(1)} MiB`);
} finally {
  await rm(work, { recursive: true, force: true });
}

/** Packs all files of a folder but the Node. @returns the assets of the executable by their names. */
async function pack(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .filter((name) => name !== 'shoal-node')
    .sort();
  const files = [];
  const parts = [];
  for (const name of names) {
    const file = path.join(folder, name);
    const bytes = await readFile(file);
    const executable = ((await stat(file)).mode & 0o100) !== 0;
    files.push({ path: name, size: bytes.byteLength, ...(executable && { executable }) });
    parts.push(bytes);
  }
  const bytes = Buffer.concat(parts);
  const digest = createHash('sha256').update(JSON.stringify(files)).update(bytes).digest('hex');
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 6, [constants.BROTLI_PARAM_LGWIN]: 24 };
  const contents = {
    id: `shoal-${version}-${digest.slice(0, 16)}`,
    files: JSON.stringify(files),
    bytes: await promisify(brotliCompress)(bytes, { params }),
  };
  const assets = {};
  for (const [name, content] of Object.entries(contents)) {
    assets[name] = path.join(work, `asset-${name}`);
    await writeFile(assets[name], content);
  }
  return assets;
}
