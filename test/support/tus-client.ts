/** tus 1.0.0 by hand: every header is what the test says. */
import { type ClientRequest, type OutgoingHttpHeaders, request } from 'node:http';
import path from 'node:path';
import { expect } from 'vitest';
import { type Answer, call } from './http-client.ts';
import type { TestNode } from './node-in-process.ts';

type Target = Pick<TestNode, 'group'>;

/** Media type of a part. */
export const partType = 'application/offset+octet-stream';

/** Headers that every request of the protocol has. */
export const tusHeaders = { 'tus-resumable': '1.0.0' } as const;

/** The header Upload-Metadata. */
export function metadataHeader(metadata: Readonly<Record<string, string>>): string {
  return Object.entries(metadata)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
    .join(',');
}

/** Sends a POST to the place of new uploads and returns whatever is answered. */
export function sendCreate(node: Target, headers: OutgoingHttpHeaders, body: Buffer | string = ''): Promise<Answer> {
  return call(`${node.group}/big/upload/`, { method: 'POST', headers: { ...tusHeaders, ...headers }, body });
}

/** Begins an upload and returns its address. */
export async function create(
  node: Target,
  size: number,
  metadata: Readonly<Record<string, string>> = { filename: 'a.bin' },
  headers: OutgoingHttpHeaders = {},
): Promise<string> {
  const answer = await sendCreate(node, {
    'upload-length': size,
    'upload-metadata': metadataHeader(metadata),
    ...headers,
  });
  return locationOf(answer);
}

/** Address of an upload that was just begun. */
export function locationOf(answer: Answer): string {
  expect(answer.status, answer.text).toBe(201);
  expect(answer.headers['tus-resumable']).toBe('1.0.0');
  return String(answer.headers.location);
}

/** Sends a part and returns whatever is answered. */
export function sendPart(
  url: string,
  offset: number,
  part: Buffer | string,
  headers: OutgoingHttpHeaders = {},
): Promise<Answer> {
  return call(url, {
    method: 'PATCH',
    headers: { ...tusHeaders, 'content-type': partType, 'upload-offset': offset, ...headers },
    body: part,
  });
}

/** Sends a part that must be taken, and checks the new offset. */
export async function append(url: string, offset: number, part: Buffer | string): Promise<void> {
  const answer = await sendPart(url, offset, part);
  expect(answer.status, answer.text).toBe(204);
  expect(answer.headers['upload-offset']).toBe(String(offset + Buffer.byteLength(part)));
}

/** Asks how an upload is. */
export function sendHead(url: string): Promise<Answer> {
  return call(url, { method: 'HEAD', headers: tusHeaders });
}

/** Offset of an upload that is there. */
export async function offsetOf(url: string): Promise<number> {
  const answer = await sendHead(url);
  expect(answer.status).toBe(200);
  return Number(answer.headers['upload-offset']);
}

/** Gives an upload up and returns whatever is answered. */
export function terminate(url: string): Promise<Answer> {
  return call(url, { method: 'DELETE', headers: tusHeaders });
}

/** Uploads a whole content in one part. @returns the address of the upload. */
export async function uploadWhole(
  node: Target,
  content: Buffer | string,
  metadata: Readonly<Record<string, string>> = { filename: 'a.bin' },
): Promise<string> {
  const url = await create(node, Buffer.byteLength(content), metadata);
  await append(url, 0, content);
  return url;
}

/** Begins a part of an announced length without sending it. The answer, if any, is not looked at. */
export function beginPart(url: string, offset: number, announced: number): ClientRequest {
  const sent = request(url, {
    method: 'PATCH',
    agent: false,
    headers: { ...tusHeaders, 'content-type': partType, 'upload-offset': offset, 'content-length': announced },
  });
  sent.on('error', () => undefined);
  sent.on('response', (response) => response.resume());
  sent.flushHeaders();
  return sent;
}

/** Id of an upload. */
export function idOf(url: string): string {
  return url.split('/').at(-1) ?? '';
}

/** Where the bytes of an unfinished upload grow. */
export function growingFile(dataDir: string, url: string): string {
  return path.join(dataDir, 'files', '_big', idOf(url));
}
