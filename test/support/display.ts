/** A display for the windows of the tests where there is none, and a word on the Electron that the tests drive. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export async function setup(): Promise<() => void> {
  const module = new URL('../../main/tools/runtime.mjs', import.meta.url).href;
  const { describeRuntime, findRuntime } = (await import(module)) as {
    describeRuntime(runtime: { readonly dist: string }): string;
    findRuntime(): Promise<{ readonly dist: string }>;
  };
  const runtime = await findRuntime();
  console.log(`The desktop tests drive ${describeRuntime(runtime)}`);
  process.env.SHOAL_ELECTRON_DIST = runtime.dist;
  if (process.platform !== 'linux') return () => undefined;
  // Always one of its own: the windows of the tests would get in the way of whoever works here.
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1400x1000x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const [number] = (await Promise.race([
    once(server.stdio[3] as NodeJS.ReadableStream, 'data'),
    once(server, 'error').then(([error]) => Promise.reject(error)),
  ])) as [Buffer];
  process.env.DISPLAY = `:${number.toString().trim()}`;
  delete process.env.WAYLAND_DISPLAY;
  return () => void server.kill();
}
