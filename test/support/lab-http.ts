/**
 * A client in a host of a LAN: one question a line on its input, one answer a line on its output, as JSON. A question names a
 * file of so many bytes to upload by a seed, so that large ones need not travel through the pipe.
 */
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';

/** What is asked. */
export interface LabQuestion {
  readonly id: number;
  readonly method: string;
  readonly url: string;
  readonly json?: unknown;
  /** Sent as the file of a form, under a name; every answer of the same seed and size is the same. */
  readonly file?: { readonly name: string; readonly seed: string; readonly bytes: number };
}

/** What came back. */
export interface LabAnswer {
  readonly id: number;
  /** 0: there was no answer. */
  readonly status: number;
  readonly sha256: string;
  /** Only of answers that are short. */
  readonly text: string;
}

/** Bytes that follow from a seed. */
export function seededBytes(seed: string, bytes: number): Buffer<ArrayBuffer> {
  const filled = Buffer.alloc(bytes);
  for (let offset = 0, block = 0; offset < bytes; offset += 32, block += 1)
    createHash('sha256').update(`${seed} ${block}`).digest().copy(filled, offset);
  return filled;
}

async function answer({ id, method, url, json, file }: LabQuestion): Promise<LabAnswer> {
  try {
    let body: FormData | string | undefined;
    if (file) {
      body = new FormData();
      body.append('file', new Blob([seededBytes(file.seed, file.bytes)]), file.name);
      body.append('output', 'json');
    } else if (json !== undefined) body = JSON.stringify(json);
    const response = await fetch(url, {
      method,
      ...(body !== undefined && { body }),
      signal: AbortSignal.timeout(120_000),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { id, status: response.status, sha256, text: bytes.length > 1_000_000 ? '' : bytes.toString() };
  } catch (error) {
    return { id, status: 0, sha256: '', text: String(error) };
  }
}

if (process.argv[1]?.includes('lab-http')) {
  for await (const line of createInterface({ input: process.stdin }))
    void answer(JSON.parse(line) as LabQuestion).then((answered) => console.log(JSON.stringify(answered)));
}
