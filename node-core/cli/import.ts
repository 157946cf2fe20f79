/** `shoal import`: takes in a go-fastdfs store or a folder tree, while the node serves or while none runs. */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  type ImportPlan,
  type ImportReport,
  type Preparation,
  prepareFolderInPlace,
  prepareGoFastdfsImport,
  runDryImport,
  ShoalError,
} from '../index.ts';
import type { Command, CommandContext } from './command.ts';
import { printImport } from './import-report.ts';
import { holdsNode, type NodeClient, withNode } from './node-client.ts';
import { Progress } from './progress.ts';

/** How often the node is asked how far it is, in milliseconds. */
const pollMs = 300;

interface Asked {
  readonly plan: ImportPlan;
  readonly dataDir: string;
  readonly json: boolean;
}

export const importCommand: Command = {
  name: 'import',
  usage: '(go-fastdfs | folder) <dir> [--in-place | --link | --copy] [--into PATH] [--dry-run] [--json]',
  en: 'take in a stopped go-fastdfs store, or any folder',
  zh: '迁入已停止的 go-fastdfs 存储或任意目录',
  async run(context) {
    const asked = readArguments(context);
    const { plan, dataDir, json } = asked;
    const prepared = await prepare(asked);
    const progress = new Progress(context.language);
    const tell = ({ done, total }: ImportReport) => progress.show(done, total);
    let report: ImportReport;
    try {
      const isOffline = plan.dryRun && !(await holdsNode(dataDir));
      report = isOffline
        ? await runDryImport(plan, tell)
        : await withNode({ dataDir, language: context.language }, (node) => follow(node, plan, tell), true);
    } finally {
      progress.end();
    }
    const setAside = [...prepared.setAside, ...report.setAside];
    if (json)
      context.print(JSON.stringify({ ...report, setAside, dataFolder: dataDir, config: prepared.config }, null, 2));
    else printImport({ report: { ...report, setAside }, config: prepared.config, dataDir }, context);
    return isClean(report) ? 0 : 1;
  },
};

/** Begins the import and waits for its end. */
async function follow(node: NodeClient, plan: ImportPlan, tell: (report: ImportReport) => void): Promise<ImportReport> {
  const { kind, source, mode, into, dryRun } = plan;
  let report = await node.call<ImportReport>('POST', '/imports', { kind, source, mode, into, dryRun });
  while (report.state === 'counting' || report.state === 'running') {
    tell(report);
    await sleep(pollMs);
    const state = await node.call<{ import?: ImportReport }>('GET', '/imports');
    if (!state.import) throw new ShoalError('NOT_READY', { details: { reason: 'the node was restarted' } });
    report = state.import;
  }
  return report;
}

async function prepare({ plan, dataDir }: Asked): Promise<Preparation> {
  const { kind, source, mode, dryRun } = plan;
  if (kind === 'go-fastdfs') return prepareGoFastdfsImport({ source, dataDir, inPlace: mode === 'in-place', dryRun });
  if (mode === 'in-place' && !dryRun) await prepareFolderInPlace(source, dataDir);
  return { config: [], setAside: [] };
}

function isClean({ state, damaged, reasons }: ImportReport): boolean {
  const lost = ['UNREADABLE', 'CHANGING', 'TARGET_EXISTS', 'RECORD_UNREADABLE'] as const;
  return state === 'finished' && damaged === 0 && lost.every((reason) => (reasons[reason] ?? 0) === 0);
}

const options = {
  'in-place': { type: 'boolean' },
  link: { type: 'boolean' },
  copy: { type: 'boolean' },
  into: { type: 'string' },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

function readArguments({ args, dataDir }: CommandContext): Asked {
  const { values, positionals } = parse(args);
  const [kind, folder, ...rest] = positionals;
  if (kind !== 'go-fastdfs' && kind !== 'folder') {
    throw invalid(kind ?? 'import', 'it is import go-fastdfs <dir> or import folder <dir>');
  }
  if (folder === undefined) throw invalid(`import ${kind}`, 'it needs a folder');
  if (rest[0] !== undefined) throw invalid(rest[0], 'there is one folder too many');
  const modes = (['in-place', 'link', 'copy'] as const).filter((mode) => values[mode] === true);
  if (modes.length > 1) throw invalid(`--${modes[1]}`, `it does not go together with --${modes[0]}`);
  const mode = modes[0] ?? 'link';
  if (values.into !== undefined && (kind !== 'folder' || mode === 'in-place')) {
    throw invalid(
      '--into',
      kind === 'folder' ? 'files that stay in place keep their paths' : 'old URLs keep their paths',
    );
  }
  const source = path.resolve(folder);
  return {
    plan: { kind, source, mode, into: values.into ?? '', dryRun: values['dry-run'] === true },
    // In place the source becomes the data folder.
    dataDir: kind === 'go-fastdfs' && mode === 'in-place' ? source : dataDir,
    json: values.json === true,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    // Node's messages name the option and what is wrong with it.
    throw invalid('import', error instanceof Error ? error.message : String(error));
  }
}

function invalid(flag: string, reason: string): ShoalError {
  return new ShoalError('FLAG_INVALID', { details: { flag, reason } });
}
