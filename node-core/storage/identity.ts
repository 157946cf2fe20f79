import { type BigIntStats, lstatSync } from 'node:fs';
import { errnoOf } from '../domain/errors.ts';

/**
 * What tells whether a file on disk is still the one that was recorded.
 *
 * `size` and `mtimeNs` survive a copy that keeps times (a store moved to a new disk); `ino` and `ctimeNs` do not, and
 * guard hard links (replication.md, 10). Device numbers change over reboots and are left out. Decimal strings, since
 * nanoseconds and inodes exceed 2^53.
 */
export interface FileIdentity {
  /** Bytes. */
  readonly size: number;
  readonly ino: string;
  readonly mtimeNs: string;
  readonly ctimeNs: string;
}

/** The identity that a stat tells. */
export function identityOf(stats: BigIntStats): FileIdentity {
  return {
    size: Number(stats.size),
    ino: String(stats.ino),
    mtimeNs: String(stats.mtimeNs),
    ctimeNs: String(stats.ctimeNs),
  };
}

/**
 * Identity of a regular file; undefined when there is none (links are not followed: the store holds none). Synchronous:
 * a stat takes microseconds, handing it to another thread takes ten times as long.
 */
export function identify(file: string): FileIdentity | undefined {
  try {
    const stats = lstatSync(file, { bigint: true, throwIfNoEntry: false });
    return stats?.isFile() ? identityOf(stats) : undefined;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Whether the bytes can be taken for the recorded ones without hashing them: same length, not written since. */
export function sameContent(found: FileIdentity, recorded: FileIdentity): boolean {
  return found.size === recorded.size && found.mtimeNs === recorded.mtimeNs;
}

/** Whether nothing at all happened to the file since it was recorded. */
export function untouched(found: FileIdentity, recorded: FileIdentity): boolean {
  return sameContent(found, recorded) && found.ino === recorded.ino && found.ctimeNs === recorded.ctimeNs;
}

/** True for the errors that mean "there is no such file". */
export function isAbsent(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
