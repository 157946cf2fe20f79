// `npm run desktop`: builds what changed, finds an Electron or sets one up, says which, and starts the app. What is given
// behind `--` goes to the app.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) {
  console.error('There is no display to show the desktop app on. Run the node alone: npm run server');
  process.exit(1);
}

// A fresh clone: one command does it all.
if (!existsSync(path.join(root, 'node_modules', 'esbuild'))) {
  console.error('Installing the packages (npm ci) ...');
  const { status } = spawnSync('npm', ['ci'], { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) process.exit(status ?? 1);
}
const { buildIfChanged } = await import('../../build.mjs');
await buildIfChanged();
const { describeRuntime, findRuntime } = await import('./runtime.mjs');
const runtime = await findRuntime().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
console.error(describeRuntime(runtime));
const flags = [];
// Chromium has no sandbox for root.
if (process.platform === 'linux' && process.getuid?.() === 0) flags.push('--no-sandbox');
const app = spawn(runtime.executable, [...flags, path.join(root, 'dist', 'main'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  // The node runs on the Node that runs this.
  env: { ...process.env, SHOAL_NODE: process.execPath },
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => app.kill(signal));
app.once('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
