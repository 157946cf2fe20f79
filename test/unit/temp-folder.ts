/** What every unit test may need: a temporary folder that goes with its test, and the coded error that a call ends with. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach } from 'vitest';
import { ShoalError } from '../../node-core/domain/errors.ts';

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** A new folder of its own, removed after the test. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'shoal-unit-'));
  folders.push(folder);
  return folder;
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
