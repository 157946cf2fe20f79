/** Download tokens of go-fastdfs: `token=md5(<md5 of the file> + <timestamp>)`, `timestamp` in unix seconds. */
import { createHash } from 'node:crypto';
import { isSameSecret } from './secrets.ts';

/** What a caller sends. */
export interface DownloadToken {
  readonly token: string | undefined;
  readonly timestamp: string | undefined;
}

/** Stands for the digest of a file that does not exist: checking it costs the same, and nothing matches it. */
const nobodysDigest = 'f'.repeat(32);

/**
 * Whether a token is good for a file now.
 * @param digest md5 of the file, or sha1 in stores that go by it; undefined when there is no such file.
 * @param expireSeconds how far the timestamp may be from now, each way.
 */
export function isGoodToken(
  { token, timestamp }: DownloadToken,
  digest: string | undefined,
  nowMs: number,
  expireSeconds: number,
): boolean {
  if (token === undefined || timestamp === undefined || !/^\d{1,12}$/.test(timestamp)) return false;
  const expected = createHash('md5')
    .update((digest ?? nobodysDigest) + timestamp)
    .digest('hex');
  const isRight = isSameSecret(token.toLowerCase(), expected);
  return isRight && digest !== undefined && Math.abs(nowMs / 1000 - Number(timestamp)) <= expireSeconds;
}
