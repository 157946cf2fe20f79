/**
 * What a node says of itself by multicast DNS, and how it is written there (RFC 6763): the instance is named after the
 * node's id, SRV holds the port for peers, TXT the rest. A receiver takes nothing of it as true.
 */
import { z } from 'zod';

/** Type of the service, as bonjour-service wants it and as it stands in packets. */
export const serviceType = 'shoal';
export const serviceName = '_shoal._tcp.local';

/** What is announced. */
export interface Announcement {
  /** Node id: 64 hex digits. */
  readonly id: string;
  /** Name of the device; cut where it is too long. */
  readonly name: string;
  /** Where peers connect. */
  readonly port: number;
  /** Where browsers connect. */
  readonly httpPort?: number | undefined;
  /** Tells members of one cluster from others, and nothing else: at most 64 letters, digits, `-`, `_`. */
  readonly tag?: string | undefined;
}

/** What TXT says. */
export interface AnnouncedText {
  /** Empty when none was announced. */
  readonly name: string;
  readonly httpPort?: number;
  readonly tag?: string;
}

/** A string of TXT holds 255 bytes with its key; longer ones make a packet that nobody understands. */
const maxNameBytes = 200;
const maxNameLetters = 64;

/** A label of DNS holds 63 bytes, the id has 64 digits: it is written to the base 32, which takes 52. */
const labelLength = 52;

/** The instance name of a node: its id to the base 32 (`0-9a-v`). @param id 64 hex digits. */
export function labelOf(id: string): string {
  return BigInt(`0x${id}`).toString(32).padStart(labelLength, '0');
}

/** The id in an instance name, 64 hex digits; undefined when the label is none that {@link labelOf} makes. */
export function idOf(label: string): string | undefined {
  if (!/^[0-9a-v]{52}$/i.test(label)) return undefined;
  let value = 0n;
  for (const digit of label) value = value * 32n + BigInt(Number.parseInt(digit, 32));
  const id = value.toString(16).padStart(64, '0');
  return id.length === 64 ? id : undefined;
}

/** The strings of TXT, as bonjour-service takes them. Together under 400 bytes. */
export function writeText(announcement: Announcement): Record<string, string> {
  return {
    v: '1',
    name: cut(announcement.name),
    ...(announcement.httpPort === undefined ? {} : { http: String(announcement.httpPort) }),
    ...(announcement.tag === undefined ? {} : { tag: announcement.tag }),
  };
}

const strings = z.array(z.instanceof(Uint8Array)).max(64);
const portNumber = z
  .string()
  .regex(/^\d{1,5}$/)
  .transform(Number)
  .pipe(z.number().min(1).max(65_535));
const tagText = z.string().regex(/^[\w-]{1,64}$/);

/**
 * Reads the strings of TXT. Of a key that stands there twice the first counts (RFC 6763, 6.4); what is not understood is
 * left out, so any packet gives some answer.
 * @param data what the decoder made of TXT: an array of byte strings, if nobody has tampered with it.
 */
export function readText(data: unknown): AnnouncedText {
  const values = new Map<string, string>();
  for (const bytes of strings.safeParse(data).data ?? []) {
    const text = Buffer.from(bytes).toString('utf8');
    const equals = text.indexOf('=');
    const key = text.slice(0, Math.max(0, equals)).toLowerCase();
    if (equals > 0 && !values.has(key)) values.set(key, text.slice(equals + 1));
  }
  const httpPort = portNumber.safeParse(values.get('http')).data;
  const tag = tagText.safeParse(values.get('tag')).data;
  return {
    name: cut(values.get('name') ?? ''),
    ...(httpPort === undefined ? {} : { httpPort }),
    ...(tag === undefined ? {} : { tag }),
  };
}

/** A name that can stand in a list: one line, no control characters or marks that turn the line around, not too long. */
function cut(name: string): string {
  const plain = name
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\ufeff\ufffd]/gu, '')
    .trim();
  let kept = '';
  for (const letter of [...plain].slice(0, maxNameLetters)) {
    if (Buffer.byteLength(kept) + Buffer.byteLength(letter) > maxNameBytes) break;
    kept += letter;
  }
  return kept;
}
