import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';

/** Most bytes read from the end of one log file. */
const tailBytes = 1024 * 1024;

const levels = { debug: 20, info: 30, warn: 40, error: 50 } as const;

/**
 * The newest lines of a log at a level or above, newest first. Lines that are not JSON are left out.
 * @param name beginning of its files' names.
 */
export async function readLog(
  folder: string,
  name: 'shoal' | 'audit',
  limit: number,
  level: keyof typeof levels,
): Promise<Record<string, unknown>[]> {
  const names = (await readdir(folder)).filter((file) => file.startsWith(`${name}.`) && file.endsWith('.log'));
  const files = await Promise.all(
    names.map(async (file) => ({
      file: path.join(folder, file),
      mtimeMs: (await stat(path.join(folder, file))).mtimeMs,
    })),
  );
  const lines: Record<string, unknown>[] = [];
  for (const { file } of files.sort((a, b) => b.mtimeMs - a.mtimeMs)) {
    for (const line of (await readTail(file)).reverse()) {
      if (Number(line.level) >= levels[level]) lines.push(line);
      if (lines.length === limit) return lines;
    }
  }
  return lines;
}

async function readTail(file: string): Promise<Record<string, unknown>[]> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - tailBytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
    const lines = buffer.subarray(0, bytesRead).toString('utf8').split('\n');
    return lines.slice(start > 0 ? 1 : 0).flatMap(parseLine);
  } finally {
    await handle.close();
  }
}

function parseLine(line: string): Record<string, unknown>[] {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? [value as Record<string, unknown>] : [];
  } catch {
    return [];
  }
}
