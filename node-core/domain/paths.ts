/**
 * Logical paths: how a file is named inside the cluster.
 *
 * A logical path is relative, separated by `/`, in Unicode NFC, without group and without `files/` (replication.md, 6).
 * Where its bytes stand on a disk is decided elsewhere (disk-names.ts, storage/); the two may differ.
 */
import { ShoalError } from './errors.ts';

/** Longest logical path, in bytes of UTF-8. */
export const maxPathBytes = 4096;

/** Top-level names that the store keeps for itself; compared without case. */
export const reservedTopNames: readonly string[] = [
  '_tmp',
  '_trash',
  '_alt',
  '_big',
  '_pack',
  '_part',
  '_damaged',
  '.shoal-store',
];

/**
 * Brings a path from outside into its one logical form.
 *
 * Leading, trailing and doubled slashes are dropped.
 * @throws ShoalError PATH_INVALID for `.`, `..`, NUL, a backslash, lone surrogates or nothing at all; PATH_TOO_LONG; PATH_RESERVED.
 */
export function normalizePath(input: string): string {
  const path = normalizeFolder(input);
  if (path === '') throw new ShoalError('PATH_INVALID', { details: { reason: 'it is empty' } });
  return path;
}

/** Like {@link normalizePath}, but nothing at all means the root, which is `''`. */
export function normalizeFolder(input: string): string {
  if (input.includes('\0')) throw invalid('it contains a NUL');
  // One member's name would be another member's folders.
  if (input.includes('\\')) throw invalid('it contains a backslash');
  if (!input.isWellFormed()) throw invalid('it is not valid Unicode');
  const segments = input
    .normalize('NFC')
    .split('/')
    .filter((segment) => segment !== '');
  for (const segment of segments) {
    if (segment === '.' || segment === '..') throw invalid(`it contains "${segment}"`);
  }
  const top = segments[0];
  if (top !== undefined && reservedTopNames.includes(top.toLowerCase())) {
    throw new ShoalError('PATH_RESERVED', { details: { segment: top } });
  }
  const path = segments.join('/');
  if (Buffer.byteLength(path) > maxPathBytes) {
    throw new ShoalError('PATH_TOO_LONG', { details: { maxBytes: maxPathBytes } });
  }
  return path;
}

/** True when the path is already in its logical form; for data from disk and from peers. */
export function isLogicalPath(path: string): boolean {
  try {
    return normalizePath(path) === path;
  } catch {
    return false;
  }
}

/** The folder that holds a path; `''` is the root. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** The last segment of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Joins logical parts, leaving out empty ones. */
export function joinPath(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('/');
}

/** Splits a name before its last dot; a leading dot is part of the stem (`.profile` has no extension). */
export function splitExtension(name: string): { readonly stem: string; readonly extension: string } {
  const dot = name.lastIndexOf('.');
  if (dot <= 0) return { stem: name, extension: '' };
  return { stem: name.slice(0, dot), extension: name.slice(dot) };
}

/**
 * The form in which two paths are equal when some disk cannot tell them apart (letter case, Unicode composition).
 * Locks use it, so that `A.txt` and `a.txt` are never placed at the same time.
 */
export function foldPath(path: string): string {
  return path.normalize('NFC').toLowerCase().normalize('NFC');
}

/** The last segment of a name as clients send it: old browsers send a whole path, with either slash. */
export function clientFileName(input: string): string {
  return input.slice(Math.max(input.lastIndexOf('/'), input.lastIndexOf('\\')) + 1);
}

/**
 * Strips white space and the special characters that go-fastdfs strips (`enable_trim_file_name_special_char`).
 * May leave nothing, or an extension alone: the caller then chooses a name.
 */
export function trimSpecialCharacters(name: string): string {
  return name.replace(/[/\\:*?"<>|()[\]{},;'#@%&$^~=+\-!`\s]/gu, '');
}

function invalid(reason: string): ShoalError {
  return new ShoalError('PATH_INVALID', { details: { reason } });
}
