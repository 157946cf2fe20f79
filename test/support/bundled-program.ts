import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll } from 'vitest';

/** Bundles a program of this folder, so that plain Node runs it. @returns the file, gone after the tests of the file. */
export async function bundleProgram(source: string): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'shoal-program-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, `${path.parse(source).name}.mjs`);
  await build({
    entryPoints: [path.join(import.meta.dirname, source)],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  return file;
}
