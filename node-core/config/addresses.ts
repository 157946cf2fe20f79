/** Network addresses as they stand in the configuration: listen addresses, IP ranges, host names, base URLs. */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { ShoalError } from '../domain/errors.ts';

/** Where a server listens. Without `host` it listens on every address of the machine. */
export interface ListenAddress {
  /** IP address without brackets, or a host name. */
  readonly host?: string;
  /** 0 to 65535; 0 lets the system choose. */
  readonly port: number;
}

/**
 * Reads `[host]:port`: `:8080`, `127.0.0.1:8080`, `localhost:8080`, `[::1]:8080`.
 *
 * @throws ShoalError PARAMETER_INVALID when the value is anything else; a value of a loaded {@link Config} never is.
 */
export function parseListenAddress(value: string): ListenAddress {
  const address = tryParseListenAddress(value);
  if (address) return address;
  throw new ShoalError('PARAMETER_INVALID', { details: { name: 'address', reason: 'it must be host:port or :port' } });
}

/** Like {@link parseListenAddress}, but answers undefined instead of throwing. */
export function tryParseListenAddress(value: string): ListenAddress | undefined {
  const parts = /^(?<host>\[[^\]]*\]|[^[\]:]*):(?<port>\d{1,5})$/.exec(value)?.groups;
  const port = Number(parts?.port ?? Number.NaN);
  const written = parts?.host;
  if (written === undefined || !(port <= 65_535)) return undefined;
  if (written === '') return { port };
  if (!written.startsWith('[')) return isIPv4(written) || isHostName(written) ? { host: written, port } : undefined;
  const host = written.slice(1, -1);
  return isIPv6(host) ? { host, port } : undefined;
}

/** Whether the value is an IP address, or a range in CIDR notation such as `10.0.0.0/8` or `fd00::/8`. */
export function isAddressOrRange(value: string): boolean {
  const slash = value.indexOf('/');
  const address = slash < 0 ? value : value.slice(0, slash);
  const family = address.includes('%') ? 0 : isIP(address);
  if (family === 0 || slash < 0) return family !== 0;
  const prefix = value.slice(slash + 1);
  return /^(0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}

/** Whether the value is a host name in ASCII: labels of letters, digits, `-` and `_`; never a mistyped IPv4 address. */
export function isHostName(value: string): boolean {
  if (
    value.length > 253 ||
    !/^[a-z0-9_]([a-z0-9_-]{0,62}(?<!-))?(\.[a-z0-9_]([a-z0-9_-]{0,62}(?<!-))?)*$/i.test(value)
  ) {
    return false;
  }
  return !/(^|\.)\d+$/.test(value);
}

/** The host name in lower-case ASCII (`例子.cn` becomes punycode); what cannot be one is returned as it is. */
export function normalizeHostName(value: string): string {
  return domainToASCII(value) || value;
}

/**
 * A base URL in its usual form: with scheme and without trailing slash. The original accepts a bare `host:port` and
 * means http, so that is completed here. Validity is not checked.
 */
export function normalizeBaseUrl(value: string): string {
  if (value === '') return '';
  const complete = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  return complete.replace(/\/+$/, '');
}

/** Rules for {@link isHttpUrl}. */
export interface HttpUrlRules {
  /** Whether user:password, a query and a fragment may be part of it. */
  readonly mayHoldSecrets: boolean;
}

/** Whether the value is an absolute http or https URL without white space or quotes. */
export function isHttpUrl(value: string, rules: HttpUrlRules): boolean {
  // URL drops tabs and line breaks in silence: they would reach headers and pages if only URL judged.
  if (/[\s<>"\\\p{Cc}]/u.test(value) || !/^https?:\/\//i.test(value) || !URL.canParse(value)) return false;
  if (rules.mayHoldSecrets) return true;
  const url = new URL(value);
  return url.username === '' && url.password === '' && !/[?#]/.test(value);
}
