import { spawn } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = import.meta.dirname;

/** Runs a program of this folder to its end. */
function run(
  program: string,
  args: readonly string[] = [],
): Promise<{ readonly code: number | null; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(folder, program), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += String(chunk);
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, text }));
  });
}

describe('the simulated cluster', () => {
  it('keeps every promise through 500 storms', async () => {
    const halves = await Promise.all([
      run('simulate.mjs', ['--from', '1', '--seeds', '250']),
      run('simulate.mjs', ['--from', '251', '--seeds', '250']),
    ]);
    for (const { code, text } of halves) {
      expect(code, text).toBe(0);
      expect(JSON.parse(text.trim().split('\n').at(-1) ?? '')).toMatchObject({ seeds: 250, failed: 0 });
    }
  });

  it('repeats a seed to the last line', async () => {
    const [first, second] = await Promise.all([
      run('simulate.mjs', ['--seed', '7']),
      run('simulate.mjs', ['--seed', '7']),
    ]);
    const trace = (text: string) => text.split('\n').filter((line) => !line.includes('"seconds"'));
    expect(trace(first.text).length).toBeGreaterThan(20);
    expect(trace(first.text)).toEqual(trace(second.text));
  });

  it('finds every stored mutant', async () => {
    const { code, text } = await run('mutants.mjs');
    expect(code, text).toBe(0);
    expect((text.match(/^red /gm) ?? []).length).toBeGreaterThanOrEqual(8);
  });
});
