/** The headless program: `shoal --server ...` and `shoal <command> ...`. */
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { commandOf, commandSummaries, usageOf } from './cli/commands.ts';
import { RefusedByNode } from './cli/node-client.ts';
import { closedDoors, followParent, hasParent, tellFailure, tellReady } from './cli/parent.ts';
import {
  type CommandName,
  createNode,
  type DeviceKind,
  describeError,
  helpText,
  type Language,
  parseCommandLine,
  resolveDataDir,
  ShoalError,
  type StorageNode,
  toShoalError,
  version,
} from './index.ts';

const language: Language = /^zh/i.test(process.env.LC_ALL || process.env.LC_MESSAGES || process.env.LANG || '')
  ? 'zh'
  : 'en';

const words = {
  en: {
    ready: 'Shoal is ready: {url}',
    generated: 'configuration written: {file}',
    stopping: 'Stopping ...',
    setup: 'Open this link to make the first administrator: {url}',
    near: '{count} nodes are near and not connected. To connect them: run `shoal invite` here and `shoal join TOKEN` there, or start all with one --cluster-key (`shoal key` makes one).',
    nearOne:
      'One node is near and not connected. To connect it: run `shoal invite` here and `shoal join TOKEN` there, or start both with one --cluster-key (`shoal key` makes one).',
  },
  zh: {
    ready: 'Shoal 已就绪:{url}',
    generated: '已生成配置文件:{file}',
    stopping: '正在停止……',
    setup: '打开此链接创建第一个管理员:{url}',
    near: '附近有 {count} 个未连接的节点。连接方法：在此执行 `shoal invite`、在对方执行 `shoal join TOKEN`，或用同一 --cluster-key 启动所有节点（`shoal key` 可生成）。',
    nearOne:
      '附近有 1 个未连接的节点。连接方法：在此执行 `shoal invite`、在对方执行 `shoal join TOKEN`，或用同一 --cluster-key 启动两个节点（`shoal key` 可生成）。',
  },
} as const;

async function main(): Promise<void> {
  const commandLine = parseCommandLine(process.argv.slice(2), process.env);
  switch (commandLine.kind) {
    case 'help':
      process.stdout.write(helpText(language, commandSummaries(language)));
      return;
    case 'version':
      process.stdout.write(`${version}\n`);
      return;
    case 'command':
      process.exitCode = await runCommand(commandLine.command, commandLine.args, dataDirOf(commandLine.dataDir));
      return;
    case 'server': {
      const dataDir = dataDirOf(commandLine.dataDir);
      const { flags, configFile, joining } = commandLine;
      const stopping = stopOnSignals();
      const parent = hasParent(process.env);
      if (parent) followParent(stopping.ask);
      const node = await createNode({
        dataDir,
        flags,
        env: process.env,
        onTerminal: process.stdout.isTTY === true,
        ...(parent && { generatedWith: closedDoors, device: desktopKind() }),
        ...(configFile !== undefined && { configFile }),
        ...(joining && { joining }),
      });
      stopping.node = node;
      // From here on memory is for the work; the start made do with little (build.mjs).
      setFlagsFromString('--semi-space-growth-factor=2');
      announce(node);
      if (stopping.asked) stopping.stop();
      else if (parent) await tellReady(node, dataDir);
    }
  }
}

/** With a window around it a node is what people see: their computer. */
function desktopKind(): DeviceKind {
  return process.platform === 'win32' ? 'windows' : process.platform === 'darwin' ? 'mac' : 'linux';
}

function dataDirOf(given: string | undefined): string {
  return path.resolve(resolveDataDir(given, process.env, process.env.SHOAL_DEFAULT_DATA ?? 'shoal-data'));
}

/** @returns the exit code. */
async function runCommand(name: CommandName, args: readonly string[], dataDir: string): Promise<number> {
  const command = commandOf(name);
  // Every command that exists is named by the help; the others are as unknown as any other word.
  if (!command) throw new ShoalError('COMMAND_UNKNOWN', { details: { command: name } });
  if (args.includes('--help')) {
    print(usageOf(command, language));
    return 0;
  }
  return command.run({ args, dataDir, language, print, terminal: process.stdout.isTTY === true });
}

function announce(node: StorageNode): void {
  const { configuration } = node;
  for (const warning of configuration.warnings) process.stderr.write(`shoal: ${warning[language]}\n`);
  if (configuration.generated) print(words[language].generated.replace('{file}', configuration.file));
  print(words[language].ready.replace('{url}', node.url));
  let most = 0;
  node.onNear((count) => {
    // Said again only when there are more: nodes come and go.
    if (count > most) print(words[language][count === 1 ? 'nearOne' : 'near'].replace('{count}', String(count)));
    most = Math.max(most, count);
  });
  const setup = node.setupUrl();
  // Elsewhere than on a terminal it would end in logs: the node has written it into a file.
  if (setup !== undefined && process.stdout.isTTY) print(words[language].setup.replace('{url}', setup));
}

/** How the node is asked to stop. */
interface Stopping {
  node?: StorageNode;
  asked: boolean;
  /** Stops the node, as soon as there is one. */
  readonly ask: () => void;
  readonly stop: () => void;
}

/** Listens for signals from before the start on: one that comes too early stops the node as soon as it is there. */
function stopOnSignals(): Stopping {
  const state: Stopping = {
    asked: false,
    ask: () => {
      if (state.asked) return;
      state.asked = true;
      if (state.node) state.stop();
    },
    stop: () => {
      print(words[language].stopping);
      state.node?.stop().then(
        () => process.exit(0),
        (error: unknown) => fail(error),
      );
    },
  };
  const onSignal = () => {
    // A second signal does not wait.
    if (state.asked) process.exit(1);
    state.ask();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return state;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** One clear line, exit 1. */
function fail(thrown: unknown): never {
  if (thrown instanceof RefusedByNode) {
    process.stderr.write(`shoal: ${thrown.message}\n`);
    process.exit(1);
  }
  const error = toShoalError(thrown);
  const { message, hint } = describeError(error, language);
  process.stderr.write(`shoal: ${message}${hint === undefined ? '' : ` (${hint})`}\n`);
  if (error.code === 'INTERNAL')
    process.stderr.write(`${String(error.cause instanceof Error ? error.cause.stack : error.cause)}\n`);
  process.exit(1);
}

main().catch(async (thrown: unknown) => {
  if (hasParent(process.env)) await tellFailure(toShoalError(thrown));
  fail(thrown);
});
