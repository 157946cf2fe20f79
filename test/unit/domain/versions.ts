/** Made-up versions for the tests of records and of the catalogue. */
import { createHash } from 'node:crypto';
import type { ContentDigests } from '../../../node-core/domain/digests.ts';
import type { FileVersion } from '../../../node-core/domain/file-record.ts';
import { hybridTime } from '../../../node-core/domain/hybrid-clock.ts';
import type { Dot } from '../../../node-core/domain/version.ts';

/** A node id made of one letter's digest. */
export function nodeId(name: string): string {
  return createHash('sha256').update(name).digest('hex');
}

/** An epoch that belongs to a node's n-th start. */
export function epochOf(name: string, start = 0): string {
  return createHash('sha256').update(`${name} ${start}`).digest('hex').slice(0, 12);
}

/** A dot of a node named by a letter. */
export function dot(name: string, number: number, start = 0): Dot {
  return { node: nodeId(name), epoch: epochOf(name, start), number };
}

/** Digests of a text, as the hasher would find them. */
export function digestsOf(text: string): ContentDigests {
  const sha256 = createHash('sha256').update(text).digest();
  return {
    size: Buffer.byteLength(text),
    sha256: sha256.toString('hex'),
    md5: createHash('md5').update(text).digest('hex'),
    blockRoot: createHash('sha256')
      .update(text === '' ? '' : sha256)
      .digest('hex'),
  };
}

/** A version with a dot and a time; its content is the text, by default a different one for every dot. */
export function version(at: Dot, wallMs: number, changes: Partial<FileVersion> & { text?: string } = {}): FileVersion {
  const { text = `${at.node}.${at.epoch}.${at.number}`, ...rest } = changes;
  return {
    ...digestsOf(text),
    dot: at,
    clock: hybridTime(wallMs, 0),
    kind: 'file',
    name: 'name.txt',
    scene: 'default',
    mtimeMs: wallMs,
    storedMs: wallMs,
    ...rest,
  };
}
