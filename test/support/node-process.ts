/** The built node as a process of its own, as an operator runs it. */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { afterAll } from 'vitest';

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that was started. */
export interface RunningProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<Ending>;
  /** Everything printed so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Sends a signal and waits for the end. */
  readonly kill: (signal: NodeJS.Signals) => Promise<Ending>;
}

/** A node that has said that it is ready. */
export interface NodeProcess extends RunningProcess {
  readonly dataDir: string;
  readonly origin: string;
  readonly port: number;
  /** Address of the compatible interface, with the default group. */
  readonly group: string;
}

const command = path.join(import.meta.dirname, '..', '..', 'dist', 'node-core', 'shoal.cjs');
const running = new Set<RunningProcess>();

afterAll(async () => {
  await Promise.all([...running].map((process) => process.kill('SIGKILL')));
});

/** Runs the command with options; nothing of the environment of the tests configures it. */
export function runCommand(args: readonly string[], env: NodeJS.ProcessEnv = {}): RunningProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(SHOAL_|GO_FASTDFS_|LC_|LANG)/.test(name));
  const child = spawn(process.execPath, [command, ...args], {
    env: {
      ...Object.fromEntries(inherited),
      LANG: 'C',
      SHOAL_NO_DISCOVERY: '1',
      SHOAL_PEER_ADDR: '127.0.0.1:0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ending>((resolve, reject) => {
    child.once('error', reject);
    // `close`, not `exit`: everything that it printed has been read then.
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const started: RunningProcess = {
    child,
    pid: child.pid ?? 0,
    ended,
    stdout: () => stdout,
    stderr: () => stderr,
    kill: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
  running.add(started);
  void ended.then(
    () => running.delete(started),
    () => running.delete(started),
  );
  return started;
}

/** Runs a command to its end. */
export async function runToEnd(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ending & { readonly stdout: string; readonly stderr: string }> {
  const started = runCommand(args, env);
  const ending = await started.ended;
  return { ...ending, stdout: started.stdout(), stderr: started.stderr() };
}

/** Starts a node and waits for its ready line. @throws when it ends before, with what it printed. */
export async function startNodeProcess(dataDir: string, env: NodeJS.ProcessEnv = {}): Promise<NodeProcess> {
  const started = runCommand(serverArguments(dataDir), env);
  const origin = await readyOrigin(started);
  return { ...started, dataDir, origin, port: Number(new URL(origin).port), group: `${origin}/group1` };
}

/** The command line of a node on a free port. */
export function serverArguments(dataDir: string): string[] {
  return ['--server', '--data', dataDir, '--addr', '127.0.0.1:0'];
}

/** Waits for the ready line and returns the address in it, without the slash at its end. */
export function readyOrigin(started: RunningProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const url = /(http:\/\/127\.0\.0\.1:\d+)\/\n/.exec(started.stdout())?.[1];
      if (url !== undefined) resolve(url);
    };
    started.child.stdout?.on('data', look);
    look();
    void started.ended.then(
      ({ code, signal }) => reject(new Error(`the node ended (${code ?? signal}): ${started.stderr()}`)),
      reject,
    );
  });
}
