/** The layer rules: documentation, the lint's configuration and the folders say the same. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '..', '..');
const layers = JSON.parse(await readFile(path.join(root, '.layers.json'), 'utf8')) as Record<string, string[]>;

/** The table under the heading `## Layer matrix`. */
async function documentedMatrix(): Promise<Record<string, string[]>> {
  const text = await readFile(path.join(root, 'docs', 'architecture.md'), 'utf8');
  const section = text.split(/^## /m).find((part) => part.startsWith('Layer matrix')) ?? '';
  const rows = [...section.matchAll(/^\| *([a-z][\w-]*) *\| *([^|]+?) *\|$/gm)].filter(([, room]) => room !== 'room');
  return Object.fromEntries(rows.map(([, room, allowed = '']) => [room, allowed === '–' ? [] : allowed.split(/, */)]));
}

describe('the layer matrix', () => {
  it('is the same in docs/architecture.md and in .layers.json', async () => {
    const documented = await documentedMatrix();
    expect(Object.keys(documented)).toEqual(Object.keys(layers));
    expect(documented).toEqual(layers);
  });

  it('names every room of node-core', async () => {
    const entries = await readdir(path.join(root, 'node-core'), { withFileTypes: true });
    // The commands are callers of the whole house, the composition puts it together: each has a rule of its own.
    const outside = ['cli', 'compose', 'packaging'];
    const rooms = entries.filter((entry) => entry.isDirectory() && !outside.includes(entry.name));
    expect(Object.keys(layers)).toEqual(expect.arrayContaining(rooms.map(({ name }) => name)));
  });

  it('has no cycles, and rooms only import rooms that it names', () => {
    const order: string[] = [];
    for (const [room, allowed] of Object.entries(layers)) {
      expect(order, `${room} imports rooms that stand before it`).toEqual(expect.arrayContaining(allowed));
      order.push(room);
    }
  });

  it('is what the sources do', async () => {
    for (const room of Object.keys(layers)) {
      const folder = path.join(root, 'node-core', room);
      const files = await readdir(folder, { recursive: true }).catch(() => []);
      for (const file of files.filter((name) => name.endsWith('.ts'))) {
        const source = await readFile(path.join(folder, file), 'utf8');
        for (const [, specifier = ''] of source.matchAll(/\bfrom '(\.[^']+)'/g)) {
          const imported = path.relative(
            path.join(root, 'node-core'),
            path.join(folder, path.dirname(file), specifier),
          );
          const other = imported.split(path.sep)[0] ?? '';
          expect([room, ...(layers[room] ?? [])], `${room}/${file} imports ${specifier}`).toContain(other);
        }
      }
    }
  });
});
