// `npm run screenshots:desktop -- FOLDER`: pictures of every window of the desktop app.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const folder = path.resolve(process.argv[2] ?? 'dist/screenshots-desktop');
const { status } = spawnSync(
  process.execPath,
  [path.join('node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', 'desktop', 'test/desktop/look.test.ts'],
  { stdio: 'inherit', env: { ...process.env, SHOAL_SCREENSHOTS: folder } },
);
console.log(`Screenshots: ${folder}`);
process.exitCode = status ?? 1;
