/** The kinds of values a configuration key can have. A message says what the value must be and never repeats it. */
import { z } from 'zod';
import {
  isAddressOrRange,
  isHostName,
  isHttpUrl,
  normalizeBaseUrl,
  normalizeHostName,
  tryParseListenAddress,
} from './addresses.ts';

/** How a settings page shows a key. */
export type FieldKind = 'boolean' | 'integer' | 'text' | 'choice' | 'list' | 'mail';

/** The type of a key: how it is checked and what a settings page has to know to edit it. */
export interface Field<T> {
  readonly kind: FieldKind;
  readonly schema: z.ZodType<T>;
  /** The possible values of a choice. */
  readonly choices?: readonly string[];
  /** Smallest value of an integer. */
  readonly min?: number;
  /** Largest value of an integer. */
  readonly max?: number;
}

/** The mail account that alarms are sent from. Empty strings: not set. */
export interface MailAccount {
  readonly user: string;
  readonly password: string;
  /** `host` or `host:port` of the SMTP server. */
  readonly host: string;
}

/** The most seconds a timer can wait: Node counts milliseconds in 31 bits. */
export const maxTimerSeconds = 2_147_483;

const emptyMail: MailAccount = { user: '', password: '', host: '' };

/** true or false. */
export function flag(): Field<boolean> {
  return { kind: 'boolean', schema: z.boolean({ error: 'must be true or false' }) };
}

/** A whole number between two bounds, both included. */
export function integer(min: number, max: number): Field<number> {
  const error = `must be a whole number from ${min} to ${max}`;
  return {
    kind: 'integer',
    schema: z.number({ error }).int({ error }).min(min, { error }).max(max, { error }),
    min,
    max,
  };
}

/** One of a few words. */
export function choice<const T extends readonly [string, ...string[]]>(choices: T): Field<T[number]> {
  const error = `must be ${choices.map((word) => `"${word}"`).join(' or ')}`;
  return { kind: 'choice', schema: z.enum(choices, { error }), choices };
}

/** Text on one line, of a bounded length in characters. */
export function text(maxLength: number): Field<string> {
  return { kind: 'text', schema: line(maxLength) };
}

/** `[host]:port`, see {@link tryParseListenAddress}. */
export function listenAddress(): Field<string> {
  const error = 'must be host:port or :port, with a port from 0 to 65535 and an IPv6 address in brackets';
  const schema = z.string({ error }).refine((value) => tryParseListenAddress(value) !== undefined, { error });
  return { kind: 'text', schema };
}

/** `host:port` that others can connect to, or nothing. */
export function reachableAddress(): Field<string> {
  const error = 'must be empty or host:port, with a port from 1 to 65535 and an IPv6 address in brackets';
  const valid = (value: string): boolean => {
    const address = tryParseListenAddress(value);
    return address?.host !== undefined && address.port > 0;
  };
  return { kind: 'text', schema: z.string({ error }).refine((value) => value === '' || valid(value), { error }) };
}

/** The beginning of URLs, without query and credentials, or nothing. A bare `host:port` becomes http. */
export function baseUrl(): Field<string> {
  const error = 'must be empty or a URL such as http://files.example.com, without user name, query and fragment';
  const schema = z.string({ error }).overwrite(normalizeBaseUrl);
  return {
    kind: 'text',
    schema: schema.refine((value) => value === '' || isHttpUrl(value, { mayHoldSecrets: false }), { error }),
  };
}

/** The URL of a service that the node calls, or nothing. */
export function serviceUrl(): Field<string> {
  const error = 'must be empty or a URL that begins with http:// or https://';
  const valid = (value: string): boolean => value === '' || isHttpUrl(value, { mayHoldSecrets: true });
  return { kind: 'text', schema: z.string({ error }).refine(valid, { error }) };
}

/** One segment of a path in the store or in a URL; `mayBeEmpty` allows nothing too. */
export function segment(mayBeEmpty: boolean): Field<string> {
  const error = `must be ${mayBeEmpty ? 'empty or ' : ''}one name without / \\ : * ? " < > | # % and control characters`;
  const valid = (value: string): boolean => (value === '' ? mayBeEmpty : isCleanSegment(value));
  return { kind: 'text', schema: z.string({ error }).refine(valid, { error }) };
}

/** Scenes: `name`, or `name:SECRET` with a base32 secret. */
export function sceneList(): Field<readonly string[]> {
  return list('a name, or name:SECRET with a base32 secret', (value) => {
    const [name = '', secret, ...rest] = value.split(':');
    return isCleanSegment(name) && rest.length === 0 && (secret === undefined || /^[A-Z2-7]+=*$/i.test(secret));
  });
}

/** File name extensions with their dot, in lower case. */
export function extensionList(): Field<readonly string[]> {
  const valid = (value: string): boolean => /^\.[^\s/\\\p{Cc}]+$/u.test(value);
  return list('an extension that begins with a dot, such as ".jpg"', valid, (value) => value.toLowerCase());
}

/** IP addresses and CIDR ranges. */
export function addressList(): Field<readonly string[]> {
  return list('an IP address or a range such as 10.0.0.0/8', isAddressOrRange);
}

/** Host names without port, in lower-case ASCII. */
export function hostNameList(): Field<readonly string[]> {
  return list('a host name without port', isHostName, normalizeHostName);
}

/** Base URLs of other nodes. A bare `host:port` becomes http. */
export function peerList(): Field<readonly string[]> {
  const valid = (value: string): boolean => isHttpUrl(value, { mayHoldSecrets: false });
  return list('a URL such as http://10.0.0.2:8080', valid, normalizeBaseUrl);
}

/** Mail addresses. */
export function mailAddressList(): Field<readonly string[]> {
  return list('a mail address', isMailAddress);
}

/** One mail address, or nothing. */
export function mailAddress(): Field<string> {
  const error = 'must be empty or a mail address';
  return { kind: 'text', schema: line(256).refine((value) => value === '' || isMailAddress(value), { error }) };
}

/** Whether a text is a bare mail address, as far as its form tells. */
export function isMailAddress(value: string): boolean {
  return /^[^\s@<>,;\p{Cc}]+@[^\s@<>,;\p{Cc}]+$/u.test(value);
}

/** The mail account. The placeholder that the original generates means not set, as does null. */
export function mailAccount(): Field<MailAccount> {
  const hostError = 'must be empty, host or host:port';
  const validHost = (value: string): boolean => {
    if (value === '' || isHostName(value)) return true;
    return tryParseListenAddress(value.includes(':') ? value : `${value}:25`)?.host !== undefined;
  };
  const account = z.object(
    {
      user: line(256).default(''),
      password: line(1024).default(''),
      host: z.string({ error: hostError }).refine(validHost, { error: hostError }).default(''),
    },
    { error: 'must be an object with user, password and host' },
  );
  const schema = z.preprocess((value) => value ?? emptyMail, account);
  return { kind: 'mail', schema: schema.overwrite((value) => (isPlaceholder(value) ? { ...emptyMail } : value)) };
}

function isPlaceholder(mail: MailAccount): boolean {
  return mail.user === 'abc@163.com' && mail.host === 'smtp.163.com:25';
}

function line(maxLength: number): z.ZodType<string> {
  const error = `must be text on one line, of at most ${maxLength} characters`;
  return z
    .string({ error })
    .max(maxLength, { error })
    .regex(/^\P{Cc}*$/u, { error });
}

/** null is an empty list: Go writes an empty list so. `one` names an entry in messages. */
function list(one: string, valid: (value: string) => boolean, normalize?: (value: string) => string) {
  const error = `must be ${one}`;
  const text = z.string({ error });
  const entry = (normalize ? text.overwrite(normalize) : text).refine(valid, { error });
  const schema = z.preprocess((value) => (value === null ? [] : value), z.array(entry, { error: 'must be a list' }));
  return { kind: 'list', schema } satisfies Field<readonly string[]>;
}

/** Whether a name can be a folder on every system and a URL segment that needs no escaping of its own syntax. */
function isCleanSegment(value: string): boolean {
  if (Buffer.byteLength(value) > 255 || /[/\\:*?"<>|#%\p{Cc}]/u.test(value)) return false;
  // The store keeps its own work in these two; a trailing dot or space is lost on Windows.
  return value !== '' && value !== '_tmp' && value !== '_big' && !/^\.+$|^\s|[\s.]$/.test(value);
}
