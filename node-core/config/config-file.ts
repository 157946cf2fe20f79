/** The configuration file on disk: reading, atomic writing, the copy before an upgrade, one writer at a time. */
import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf, ShoalError, toShoalError } from '../domain/errors.ts';
import { findJsonSyntaxError } from './json-text.ts';
import { currentConfigVersion, migrate, type RawConfig } from './migrations.ts';

/** Largest configuration file in bytes that is read or written. */
export const maxConfigBytes = 1024 * 1024;

/** Secrets stand in the file: nobody but its owner may read it. */
const ownerOnly = 0o600;

/** A configuration file as it stands on disk. */
export interface ConfigFile {
  readonly bytes: Uint8Array;
  /** The parsed object, brought to the current version but not validated. */
  readonly raw: RawConfig;
  /** Version that the file has on disk; below the current one it still has to be upgraded there. */
  readonly version: number;
}

/**
 * Reads and parses a configuration file; undefined when there is none.
 *
 * @throws ShoalError CONFIG_UNREADABLE, CONFIG_TOO_NEW, or CONFIG_INVALID for its `config_version`.
 */
export async function readConfigFile(file: string): Promise<ConfigFile | undefined> {
  const bytes = await readBounded(file);
  if (!bytes) return undefined;
  const raw = parseObject(file, decode(file, bytes));
  const version = versionOf(raw);
  if (version > currentConfigVersion) {
    throw new ShoalError('CONFIG_TOO_NEW', { details: { file, found: version, known: currentConfigVersion } });
  }
  return { bytes, raw: version < currentConfigVersion ? migrate(raw, version) : raw, version };
}

/** The text of a configuration file: JSON for people, with a line break at its end. */
export function formatConfigFile(file: string, raw: RawConfig): string {
  let text: string;
  try {
    text = `${JSON.stringify(raw, undefined, 2)}\n`;
  } catch (cause) {
    // JSON.stringify is recursive, JSON.parse is not: a file can be read that cannot be written.
    throw unreadable(file, 'it is nested too deeply', cause);
  }
  if (Buffer.byteLength(text) > maxConfigBytes) throw unreadable(file, 'it is larger than 1 MiB');
  return text;
}

/**
 * Replaces the file, or creates it and its folder: a reader, or a crash at any point, sees the old content or the new.
 * A symbolic link stays one, the owner is kept where the system allows it, and the mode becomes 0600.
 *
 * @throws ShoalError DISK_FULL or CONFIG_UNWRITABLE; the old file is untouched then.
 */
export async function writeConfigFile(file: string, text: string): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    const target = await realpath(file).catch(() => file);
    const temporary = `${target}.tmp-${randomUUID()}`;
    await writeDurably(temporary, text, await statOrUndefined(target));
    try {
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
    await syncFolder(path.dirname(target));
  } catch (error) {
    throw unwritable(file, error);
  }
}

/**
 * Keeps the bytes of a file before an upgrade as `<file>.bak-<version>`. An existing copy with other content is never
 * overwritten: `.1`, `.2` ... is added then. Returns the path of the copy.
 *
 * @throws ShoalError DISK_FULL or CONFIG_UNWRITABLE.
 */
export async function backUpConfigFile(file: string, { bytes, version }: ConfigFile): Promise<string> {
  try {
    const like = await statOrUndefined(file);
    for (let attempt = 0; ; attempt += 1) {
      const copy = `${file}.bak-${version}${attempt === 0 ? '' : `.${attempt}`}`;
      const taken = await writeDurably(copy, bytes, like).then(() => false, isTaken);
      if (!taken) await syncFolder(path.dirname(file));
      if (!taken || (await holds(copy, bytes))) return copy;
    }
  } catch (error) {
    throw unwritable(file, error);
  }
}

/** The last turn of each file that has one. An entry leaves when nobody waits behind it. */
const turns = new Map<string, Promise<unknown>>();

/** Runs `work` after all earlier work on the same file, failed or not: reading, changing and writing belong together. */
export async function inTurn<T>(file: string, work: () => Promise<T>): Promise<T> {
  const key = await realpath(file).catch(() => path.resolve(file));
  const turn = (turns.get(key) ?? Promise.resolve()).then(work, work);
  turns.set(key, turn);
  try {
    return await turn;
  } finally {
    if (turns.get(key) === turn) turns.delete(key);
  }
}

/** The error for a file that is not there or not readable. */
export function unreadable(file: string, reason: string, cause?: unknown): ShoalError {
  return new ShoalError('CONFIG_UNREADABLE', { details: { file, reason }, cause });
}

async function readBounded(file: string): Promise<Uint8Array | undefined> {
  try {
    const { size } = await stat(file);
    if (size > maxConfigBytes) throw unreadable(file, 'it is larger than 1 MiB');
    return await readFile(file);
  } catch (error) {
    if (error instanceof ShoalError) throw error;
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw unreadable(file, errnoOf(error) ?? 'it cannot be opened', error);
  }
}

/** A byte order mark, as editors on Windows write it, is dropped. */
function decode(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unreadable(file, 'it is not UTF-8 text');
  }
}

function parseObject(file: string, text: string): RawConfig {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The error of JSON.parse is no cause to keep: it quotes the text, and so the secrets, into the log.
    const found = findJsonSyntaxError(text);
    throw unreadable(file, found ? `line ${found.line}, column ${found.column}: ${found.problem}` : 'it is not JSON');
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as RawConfig;
  throw unreadable(file, 'it must be a JSON object: { "key": value, ... }');
}

function versionOf(raw: RawConfig): number {
  const version = Object.hasOwn(raw, 'config_version') ? raw.config_version : 0;
  if (Number.isSafeInteger(version) && (version as number) >= 0) return version as number;
  const details = {
    key: 'config_version',
    keys: 'config_version',
    reason: 'must be a whole number; the node writes it',
  };
  throw new ShoalError('CONFIG_INVALID', { details });
}

/** Writes a new file; what cannot be completed is removed again. Fails with EEXIST when the name is taken. */
async function writeDurably(file: string, content: string | Uint8Array, like: Stats | undefined): Promise<void> {
  const handle = await open(file, 'wx', ownerOnly);
  try {
    // Started once as root, the node must not lock its own user out of the file.
    if (like && process.getuid?.() === 0) await handle.chown(like.uid, like.gid).catch(() => undefined);
    await handle.writeFile(content);
    await handle.sync();
  } catch (error) {
    await rm(file, { force: true }).catch(() => undefined);
    throw error;
  } finally {
    await handle.close();
  }
}

/** Whether a write failed because the name exists; any other failure goes on. */
function isTaken(error: unknown): true {
  if (errnoOf(error) === 'EEXIST') return true;
  throw error;
}

/** A file that cannot be read holds something else. */
async function holds(file: string, bytes: Uint8Array): Promise<boolean> {
  const found = await readFile(file).catch(() => undefined);
  return found?.equals(bytes) ?? false;
}

async function statOrUndefined(file: string): Promise<Stats | undefined> {
  return stat(file).catch(() => undefined);
}

/** Makes a rename survive a power cut. Systems that cannot sync a folder (Windows, some network shares) do without. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP'].includes(errnoOf(error) ?? '')) throw error;
  }
}

/** No code of the registry says "the configuration cannot be written"; the folder that holds it is the nearest truth. */
function unwritable(file: string, error: unknown): ShoalError {
  const known = toShoalError(error);
  if (known.code !== 'INTERNAL') return known;
  const errno = errnoOf(error);
  const mounted = 'the configuration file is a mount point of its own, mount its folder instead';
  const reason = errno === 'EBUSY' ? mounted : (errno ?? 'the configuration file cannot be written');
  return new ShoalError('CONFIG_UNWRITABLE', { details: { file, reason }, cause: error });
}
