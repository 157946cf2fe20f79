/** Makes a data folder ready to take a go-fastdfs node in, before a node of ours opens it. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { formatConfigFile, readConfigFile, writeConfigFile } from '../../config/config-file.ts';
import type { RawConfig } from '../../config/migrations.ts';
import { defaultConfig } from '../../config/schema.ts';
import { errnoOf } from '../../domain/errors.ts';
import {
  type ConfigDecision,
  type ConfigTransfer,
  hostNetwork,
  type NetworkLook,
  transferConfig,
} from './config-decisions.ts';
import { checkSourceFolder, setUnfinishedAside, unusable } from './source-folder.ts';

/** What is prepared. */
export interface PrepareOptions {
  /** Absolute path of the source. */
  readonly source: string;
  /** Absolute path of the data folder; the source itself for an import in place. */
  readonly dataDir: string;
  /** Whether the source becomes the data folder. */
  readonly inPlace: boolean;
  /** Looks only: nothing is written. */
  readonly dryRun: boolean;
  readonly network?: NetworkLook;
}

/** What became of the configuration, and what was moved out of the way. */
export interface Preparation {
  readonly config: readonly ConfigDecision[];
  /** Of the source, below it. Only for an import in place. */
  readonly setAside: readonly string[];
}

/**
 * Writes the configuration of the source into a data folder that has none, with its certificate, and sets aside what an
 * import in place would sweep. A data folder that has a configuration keeps it.
 * @throws ShoalError SOURCE_IN_USE, SOURCE_UNUSABLE; CONFIG_UNWRITABLE, DISK_FULL.
 */
export async function prepareGoFastdfsImport(options: PrepareOptions): Promise<Preparation> {
  const { source, dataDir, inPlace, dryRun, network = hostNetwork } = options;
  await checkSourceFolder(source);
  if (!inPlace) await checkApart(source, dataDir);
  const raw = await readSourceConfig(source);
  const transfer = raw.config ? await transferConfig(raw.config, network) : { decisions: raw.decisions, values: {} };
  const file = path.join(dataDir, 'conf', 'cfg.json');
  const existing = await readConfigFile(file).catch(() => undefined);
  // In place the file there is the source's own, until it was taken over.
  const isTaken = existing !== undefined && !(inPlace && existing.version === 0);
  if (isTaken) return { config: keptDecisions(transfer, existing.raw), setAside: [] };
  if (dryRun) return { config: transfer.decisions, setAside: [] };
  const setAside = inPlace ? await setUnfinishedAside(source) : [];
  await writeTransfer(file, transfer, inPlace);
  if (!inPlace) await copyCertificate(source, dataDir);
  return { config: transfer.decisions, setAside };
}

/** A source must stay as it is, and a store must not take itself in. */
async function checkApart(source: string, dataDir: string): Promise<void> {
  const [from, to] = [await realPlace(source), await realPlace(dataDir)];
  const isBelow = (inner: string, outer: string) => inner === outer || inner.startsWith(outer + path.sep);
  if (isBelow(to, from) || isBelow(from, to)) {
    throw unusable(source, `it holds the data folder ${dataDir}, or lies in it; --in-place turns it into one`);
  }
}

/** Where a folder really is, or would be once it is made. */
async function realPlace(folder: string): Promise<string> {
  const found = await realpath(folder).catch(() => undefined);
  const parent = path.dirname(folder);
  if (found !== undefined || parent === folder) return found ?? folder;
  return path.join(await realPlace(parent), path.basename(folder));
}

interface SourceConfig {
  readonly config?: RawConfig;
  readonly decisions: readonly ConfigDecision[];
}

/** An import in place that was cut has kept the source's own file as a copy. */
async function readSourceConfig(source: string): Promise<SourceConfig> {
  const file = path.join(source, 'conf', 'cfg.json');
  for (const name of [`${file}.bak-0`, file]) {
    if (!(await stat(name).catch(() => undefined))) continue;
    try {
      const parsed: unknown = JSON.parse((await readFile(name, 'utf8')).replace(/^\uFEFF/, ''));
      if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new Error('it is no object');
      return { config: parsed as RawConfig, decisions: [] };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const words = { en: `cannot be read (${reason}); the defaults count`, zh: `无法读取（${reason}）；使用默认值` };
      return { decisions: [{ key: 'cfg.json', decision: 'ignored', ...words }] };
    }
  }
  const words = { en: 'there is none; the defaults count', zh: '不存在；使用默认值' };
  return { decisions: [{ key: 'cfg.json', decision: 'ignored', ...words }] };
}

async function writeTransfer(file: string, { values }: ConfigTransfer, inPlace: boolean): Promise<void> {
  const { config_version, ...defaults } = defaultConfig;
  const next = { config_version, ...defaults, admin_key: randomUUID(), ...values };
  if (inPlace) {
    const kept = `${file}.bak-0`;
    // A source without a configuration has nothing to keep; a copy that is there is the older, and the source's.
    await copyFile(file, kept, constants.COPYFILE_EXCL).catch((error: unknown) => {
      if (!['ENOENT', 'EEXIST'].includes(errnoOf(error) ?? '')) throw unusable(file, String(error));
    });
  }
  await writeConfigFile(file, formatConfigFile(file, next));
}

/** What `enable_https` needs stands beside the configuration. */
async function copyCertificate(source: string, dataDir: string): Promise<void> {
  for (const name of ['server.crt', 'server.key']) {
    const from = path.join(source, 'conf', name);
    if (!(await stat(from).catch(() => undefined))) continue;
    await mkdir(path.join(dataDir, 'conf'), { recursive: true });
    // Never over one that is there.
    await copyFile(from, path.join(dataDir, 'conf', name), constants.COPYFILE_EXCL).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw unusable(from, String(error));
    });
  }
}

/** A data folder that has settings of its own keeps them; equal ones count as taken. */
function keptDecisions({ decisions, values }: ConfigTransfer, own: RawConfig): ConfigDecision[] {
  const wanted: Readonly<Record<string, unknown>> = values;
  return decisions.map((decision) => {
    if (decision.decision === 'ignored' || wanted[decision.key] === undefined) return decision;
    if (JSON.stringify(wanted[decision.key]) === JSON.stringify(own[decision.key])) return decision;
    const words = { en: 'this data folder has its own', zh: '该数据目录已有自己的设置' };
    return { key: decision.key, decision: 'ignored', ...words };
  });
}
