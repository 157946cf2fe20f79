/** What the tests of the configuration share: a temporary data folder and the error that a call ended with. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach } from 'vitest';
import { ShoalError } from '../../../node-core/domain/errors.ts';

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** A new data folder, removed after the test; with `content`, its `conf/cfg.json` holds that. */
export async function makeDataDir(content?: string | Uint8Array): Promise<{ dataDir: string; file: string }> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'shoal-config-'));
  folders.push(dataDir);
  const file = path.join(dataDir, 'conf', 'cfg.json');
  if (content !== undefined) {
    await mkdir(path.dirname(file));
    await writeFile(file, content);
  }
  return { dataDir, file };
}

/** The file of one of the fixtures. */
export function fixture(name: string): string {
  return path.join(import.meta.dirname, '..', '..', 'fixtures', 'config', name);
}

/** The coded error that the work ends with; anything else fails the test. */
export async function errorOf(work: () => unknown): Promise<ShoalError> {
  let result: unknown;
  try {
    result = await work();
  } catch (error) {
    if (error instanceof ShoalError) return error;
    throw error;
  }
  throw new Error(`a coded error was expected, not the result ${JSON.stringify(result)}`);
}
