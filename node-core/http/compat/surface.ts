import type { Config } from '../../config/schema.ts';
import { ShoalError } from '../../domain/errors.ts';

/** Actions of go-fastdfs: names below the group that are never files. */
export const actionNames: ReadonlySet<string> = new Set([
  'upload',
  'delete',
  'get_file_info',
  'check_file_exist',
  'check_files_exist',
  'list_dir',
  'search',
  'stat',
  'repair_stat',
  'status',
  'sync',
  'repair',
  'repair_fileinfo',
  'remove_empty_dir',
  'backup',
  'get_md5s_by_date',
  'receive_md5s',
  'syncfile_info',
  'reload',
  'gen_google_secret',
  'gen_google_code',
  'report',
  'upload.html',
  'big',
]);

/** Names at the root that are never files, whatever the group is. */
const rootNames: ReadonlySet<string> = new Set(['api', 'healthz', 'readyz', 'metrics', 'favicon.ico', '']);

/** Pages at the root: what stands below a folder of such a name is files all the same. */
const rootPages: ReadonlySet<string> = new Set(['login', 'logout', 'setup']);

/** Share links at the root: folders called `s` hold files unless a token follows (access/link-token.ts). */
const linkPattern = /^s\/[\w-]{48}(\/|$)/;

/** Where the compatible interface stands: `/<group>`, percent-encoded, or nothing (`G` in its description). */
export function groupPrefix(config: Config): string {
  if (!config.support_group_manage) return '';
  // What encodeURIComponent leaves alone and routes give a meaning to.
  const rest = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return `/${encodeURIComponent(config.group).replace(/[!'()*]/g, rest)}`;
}

/** The same as people read it: paths in answers begin with it. */
export function groupFolder(config: Config): string {
  return config.support_group_manage ? `/${config.group}` : '';
}

/** Percent-encoding may be written in small letters too (RFC 3986, 2.1). */
function isBelow(target: string, prefix: string): boolean {
  if (target.startsWith(prefix)) return true;
  return prefix.includes('%') && upper(target.slice(0, prefix.length)) === prefix;
}

function upper(text: string): string {
  return text.replace(/%[0-9a-f]{2}/gi, (encoded) => encoded.toUpperCase());
}

/**
 * The path that a download URL names, percent-decoded, or undefined when the URL is not a file's: an action, a page or
 * another part of the node.
 * @param target path of the URL as it came, without its query. @throws ShoalError PATH_INVALID for broken encoding.
 */
export function downloadTarget(target: string, prefix: string): string | undefined {
  const start = prefix.length + 1;
  if (target.charCodeAt(prefix.length) !== 47 || !isBelow(target, prefix)) return undefined;
  const rest = target.slice(start);
  const slash = rest.indexOf('/');
  const first = slash < 0 ? rest : rest.slice(0, slash);
  if (first === '' || actionNames.has(first) || (prefix === '' && isTakenAtRoot(first, rest))) return undefined;
  return decode(rest);
}

function isTakenAtRoot(first: string, rest: string): boolean {
  return rootNames.has(first) || rootPages.has(rest) || linkPattern.test(rest);
}

/** Percent-decodes a path. An encoded separator is refused: what one part took for a name another would take for folders. */
export function decode(raw: string): string {
  const text = withRawUtf8(raw);
  if (!text.includes('%')) return text;
  if (/%2f|%5c/i.test(text))
    throw new ShoalError('PATH_INVALID', { details: { reason: 'it has an encoded separator' } });
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new ShoalError('PATH_INVALID', { details: { reason: 'its encoding is broken' }, cause: error });
  }
}

/** Addresses of go-fastdfs hold raw UTF-8, and curl sends it as it is: Node hands the bytes on as one character each. */
function withRawUtf8(text: string): string {
  if (!/[\u0080-\u00ff]/.test(text)) return text;
  const decoded = Buffer.from(text, 'latin1').toString('utf8');
  if (decoded.includes('\ufffd')) throw new ShoalError('PATH_INVALID', { details: { reason: 'it is not UTF-8' } });
  return decoded;
}

/** The path of a `path` parameter: `/group1/a/b`, `group1/a/b`, `files/a/b` or `a/b`, not yet normalized. */
export function parameterPath(value: string, config: Config): string {
  const path = value.replace(/^\/+/, '');
  const group = `${config.group}/`;
  if (config.support_group_manage && path.startsWith(group)) return path.slice(group.length);
  return path.startsWith('files/') && value.startsWith('files/') ? path.slice('files/'.length) : path;
}

/** A logical path as the path of a URL: every segment percent-encoded (RFC 3986, 3.3). */
export function urlPath(prefix: string, path: string): string {
  return `${prefix}/${path.split('/').map(encodeURIComponent).join('/')}`;
}
