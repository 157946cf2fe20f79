/** Digests of contents. sha256 is the identity of bytes; md5 or sha1 serve the go-fastdfs interface. */

/** Digest of the compatible interface, `file_sum_arithmetic`. */
export type CompatibleAlgorithm = 'md5' | 'sha1';

/** Any digest that the catalogue can look contents up by. */
export type DigestAlgorithm = 'sha256' | CompatibleAlgorithm;

/** Size of one block of the block list, in bytes (replication.md, 12). */
export const blockBytes = 4 * 1024 * 1024;

/** What one pass over a content finds out. All digests are lower-case hex. */
export interface ContentDigests {
  /** Size in bytes. */
  readonly size: number;
  readonly sha256: string;
  readonly md5?: string;
  readonly sha1?: string;
  /** sha256 over the concatenated raw sha256 of every 4 MiB block. */
  readonly blockRoot: string;
}

const hexLength: Readonly<Record<DigestAlgorithm, number>> = { md5: 32, sha1: 40, sha256: 64 };

/** Lower-case form of a digest from outside, with its algorithm told by its length; undefined when it is none. */
export function parseDigest(text: string): { readonly algorithm: DigestAlgorithm; readonly hex: string } | undefined {
  const hex = text.trim().toLowerCase();
  if (!/^[0-9a-f]+$/.test(hex)) return undefined;
  for (const algorithm of ['md5', 'sha1', 'sha256'] as const) {
    if (hex.length === hexLength[algorithm]) return { algorithm, hex };
  }
  return undefined;
}

/** The digest of that algorithm, when the content has it. */
export function digestOf(digests: ContentDigests, algorithm: DigestAlgorithm): string | undefined {
  return digests[algorithm];
}
