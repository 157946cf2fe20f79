// `npm run screenshots -- FOLDER`: pictures of every screen in both themes, both languages and three widths.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const folder = path.resolve(process.argv[2] ?? 'dist/screenshots');
const { status } = spawnSync(
  process.execPath,
  [path.join('node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', 'e2e', 'test/e2e/look.test.ts'],
  { stdio: 'inherit', env: { ...process.env, SHOAL_SCREENSHOTS: folder } },
);
console.log(`Screenshots: ${folder}`);
process.exitCode = status ?? 1;
