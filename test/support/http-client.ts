/** Clients: an exact one over node:http, one for uploads, and a bare socket for requests that no library would send. */
import { createHash } from 'node:crypto';
import { type Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect } from 'vitest';
import type { UploadAnswer } from '../../node-core/http/compat/answers.ts';
import type { TestNode } from './node-in-process.ts';

export type { FileInfo, UploadAnswer } from '../../node-core/http/compat/answers.ts';

/** An answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

/** The envelope of go-fastdfs. */
export interface Envelope<T = unknown> {
  readonly status: 'ok' | 'fail';
  readonly message: string;
  readonly data: T;
  readonly code?: string;
}

/** What is sent. Headers go out as they are given; `host` may be anything. */
export interface CallOptions {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Buffer | string;
  readonly agent?: Agent;
}

/** Sends one request on a connection of its own (or the agent's) and reads the whole answer. */
export function call(url: string, options: CallOptions = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, agent } = options;
  return new Promise((resolve, reject) => {
    const target = new URL(url);
    const sent = request(
      {
        host: target.hostname,
        port: target.port,
        // As it stands in the text: URL would tidy `..` and stray characters away.
        path: url.slice(url.indexOf(target.host) + target.host.length) || '/',
        method,
        headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
        agent: agent ?? false,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const whole = Buffer.concat(chunks);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: whole,
            text: whole.toString('utf8'),
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** The body of an answer as JSON. */
export function json<T>(answer: Answer): T {
  try {
    return JSON.parse(answer.text) as T;
  } catch {
    throw new Error(`no JSON: ${answer.status} ${answer.text.slice(0, 500)}`);
  }
}

/** The `data` of a successful envelope. */
export function dataOf<T>(answer: Answer): T {
  expect(answer.status, answer.text).toBe(200);
  const envelope = json<Envelope<T>>(answer);
  expect(envelope.status).toBe('ok');
  return envelope.data;
}

/** Expects a refusal in the shape of go-fastdfs, with a stable code. */
export function expectRefusal(answer: Answer, status: number, code: string): void {
  expect(answer.text.startsWith('{'), `${answer.status} ${answer.text.slice(0, 500)}`).toBe(true);
  const envelope = json<Envelope>(answer);
  expect({ status: answer.status, code: envelope.code }).toEqual({ status, code });
  expect(envelope).toMatchObject({ status: 'fail', data: null });
  expect(envelope.message).not.toBe('');
  expect(answer.headers['content-type']).toMatch(/^application\/json/);
}

/** One part of a form. */
export type FormPart =
  | { readonly name: string; readonly value: string | Buffer }
  | { readonly name: string; readonly fileName: string; readonly bytes: Buffer };

/** Boundary of all forms here. */
export const boundary = 'shoal-test-boundary-5f1c';

/** Bytes before the content of a part: its delimiter and its headers. */
export function partHead(part: FormPart): string {
  const file = 'fileName' in part ? `; filename="${part.fileName.replaceAll('"', '%22')}"` : '';
  const type = 'fileName' in part ? 'Content-Type: application/octet-stream\r\n' : '';
  return `--${boundary}\r\nContent-Disposition: form-data; name="${part.name}"${file}\r\n${type}\r\n`;
}

/** The end of a form. */
export const formTail = `\r\n--${boundary}--\r\n`;

/** Encodes a form as browsers and curl do. */
export function encodeForm(parts: readonly FormPart[]): {
  readonly body: Buffer;
  readonly headers: OutgoingHttpHeaders;
} {
  const chunks: Buffer[] = [];
  for (const part of parts) {
    chunks.push(Buffer.from(partHead(part)));
    chunks.push(Buffer.from('fileName' in part ? part.bytes : part.value), Buffer.from('\r\n'));
  }
  chunks.push(Buffer.from(`--${boundary}--\r\n`));
  return { body: Buffer.concat(chunks), headers: { 'content-type': `multipart/form-data; boundary=${boundary}` } };
}

/** How a file is uploaded. */
export interface UploadOptions {
  readonly name?: string;
  /** Fields before the file. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Fields behind the file. */
  readonly fieldsAfter?: Readonly<Record<string, string>>;
  readonly headers?: OutgoingHttpHeaders;
  readonly agent?: Agent;
}

type Target = Pick<TestNode, 'group'>;

/** Uploads and returns whatever is answered. */
export function sendUpload(node: Target, content: Buffer | string, options: UploadOptions = {}): Promise<Answer> {
  const { name = 'a.txt', fields = {}, fieldsAfter = {}, headers = {}, agent } = options;
  const textParts = (texts: Readonly<Record<string, string>>) =>
    Object.entries(texts).map(([field, value]) => ({ name: field, value }));
  const file = { name: 'file', fileName: name, bytes: Buffer.from(content) };
  const form = encodeForm([...textParts(fields), file, ...textParts(fieldsAfter)]);
  return call(`${node.group}/upload`, {
    method: 'POST',
    headers: { ...form.headers, ...headers },
    body: form.body,
    ...(agent && { agent }),
  });
}

/** Uploads, expects success, and returns the answer of `output=json`. */
export async function upload(
  node: Target,
  content: Buffer | string,
  options: UploadOptions = {},
): Promise<UploadAnswer> {
  const answer = await sendUpload(node, content, { ...options, fields: { output: 'json', ...options.fields } });
  expect(answer.status, answer.text.slice(0, 500)).toBe(200);
  return json<UploadAnswer>(answer);
}

/** Downloads a path of the answer of an upload. */
export function download(node: Pick<TestNode, 'origin'>, path: string, headers: OutgoingHttpHeaders = {}) {
  return call(`${node.origin}${path.split('/').map(encodeURIComponent).join('/')}`, { headers });
}

/** Deletes by path. */
export function remove(node: Target, path: string): Promise<Answer> {
  return call(`${node.group}/delete?path=${encodeURIComponent(path)}`);
}

/** Files and bytes that `stat` counts. */
export async function totals(node: Target): Promise<{ readonly files: number; readonly bytes: number }> {
  const rows = dataOf<{ date: string; totalSize: number; fileCount: number }[]>(await call(`${node.group}/stat`));
  const all = rows.find(({ date }) => date === 'all');
  return { files: all?.fileCount ?? -1, bytes: all?.totalSize ?? -1 };
}

/** One entry of `list_dir`. */
export interface ListedEntry {
  readonly name: string;
  readonly md5: string;
  readonly path: string;
  readonly size: number;
  readonly mtime: number;
  readonly is_dir: boolean;
}

/** Everything below a folder, found by listing folder after folder. */
export async function listAll(node: Target, folder = ''): Promise<ListedEntry[]> {
  const entries = dataOf<ListedEntry[]>(await call(`${node.group}/list_dir?dir=${encodeURIComponent(folder)}`));
  const found: ListedEntry[] = [];
  for (const entry of entries) {
    if (entry.is_dir) found.push(...(await listAll(node, entry.path)));
    else found.push(entry);
  }
  return found;
}

/** A connection on which anything can be said. */
export interface RawConnection {
  readonly socket: Socket;
  /** Everything received when the other side has closed. */
  readonly received: Promise<string>;
}

/** Opens a bare connection. A reset counts as closed. */
export function rawConnection(port: number): RawConnection {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  const received = new Promise<string>((resolve) => socket.once('close', () => resolve(text)));
  return { socket, received };
}

/** Sends bytes as they are, ends the sending side if asked, and returns what came until the node closed. */
export function sendRaw(port: number, bytes: string | Buffer, end = false): Promise<string> {
  const { socket, received } = rawConnection(port);
  socket.write(bytes);
  if (end) socket.end();
  return received;
}

/** Status and body of the first answer in received text. */
export function parseRaw(received: string): Answer {
  const [head = '', ...rest] = received.split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const headers: IncomingHttpHeaders = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const body = Buffer.from(rest.join('\r\n\r\n'), 'latin1');
  return { status: Number(first.split(' ')[1]), headers, body, text: body.toString('utf8') };
}

/** Hex digest of a content. */
export function digest(algorithm: 'md5' | 'sha1' | 'sha256', content: Buffer | string): string {
  return createHash(algorithm).update(content).digest('hex');
}
