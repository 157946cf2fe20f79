/** Passwords: kept as scrypt hashes (RFC 7914) with their parameters beside them. */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import PQueue from 'p-queue';
import { ShoalError } from '../domain/errors.ts';

/** Length of a password in bytes of UTF-8. */
export const passwordBytes = { min: 8, max: 1024 } as const;

/** Cost of new hashes: 32 MiB and some 80 ms each. */
const cost = { logN: 15, r: 8, p: 1 } as const;

/** Most that a stored hash may ask for: a damaged one must not eat the memory. */
const maxCost = { logN: 18, r: 16, p: 4 } as const;

const hashBytes = 32;

/** Seconds after which who was turned away may come back. */
const retryAfterSeconds = 5;

/**
 * Hashes and compares passwords, a few at a time: guesses from the network can take neither the memory nor the threads
 * that the node reads and writes files with.
 */
export class PasswordHasher {
  readonly #queue: PQueue;
  readonly #maxWaiting: number;

  constructor(options: { readonly atOnce?: number; readonly maxWaiting?: number } = {}) {
    this.#queue = new PQueue({ concurrency: options.atOnce ?? 2 });
    this.#maxWaiting = options.maxWaiting ?? 16;
  }

  /**
   * The text to keep of a password: `scrypt$logN$r$p$salt$hash`.
   * @throws ShoalError PASSWORD_UNFIT, TOO_MANY_REQUESTS.
   */
  async hash(password: string): Promise<string> {
    checkPassword(password);
    const salt = randomBytes(16);
    const { logN, r, p } = cost;
    const hash = await this.#derive(password, salt, cost);
    return ['scrypt', logN, r, p, salt.toString('base64url'), hash.toString('base64url')].join('$');
  }

  /**
   * Whether a password is the one that was hashed. Without a hash it takes as long and is wrong.
   * @throws ShoalError TOO_MANY_REQUESTS; Error for a stored text that is no hash.
   */
  async verify(password: string, kept: string | undefined): Promise<boolean> {
    const expected = kept === undefined ? undefined : parse(kept);
    const { parameters = cost, salt = Buffer.alloc(16), hash = Buffer.alloc(hashBytes) } = expected ?? {};
    // A longer one is nobody's password.
    const given = Buffer.byteLength(password) > passwordBytes.max ? '' : password;
    const actual = await this.#derive(given, salt, parameters);
    return timingSafeEqual(actual, hash) && expected !== undefined && given !== '';
  }

  async #derive(password: string, salt: Buffer, { logN, r, p }: Cost): Promise<Buffer> {
    if (this.#queue.size >= this.#maxWaiting) {
      throw new ShoalError('TOO_MANY_REQUESTS', { details: { retryAfterSeconds } });
    }
    const N = 2 ** logN;
    const options: ScryptOptions = { N, r, p, maxmem: 128 * N * r * p + 1024 * 1024 };
    // The same letters typed on different keyboards are one password.
    const text = password.normalize('NFC');
    return this.#queue.add(
      () =>
        new Promise<Buffer>((resolve, reject) => {
          scrypt(text, salt, hashBytes, options, (error, key) => (error ? reject(error) : resolve(key)));
        }),
    );
  }
}

/** @throws ShoalError PASSWORD_UNFIT. */
export function checkPassword(password: string): void {
  const length = Buffer.byteLength(password);
  if (length < passwordBytes.min || length > passwordBytes.max) {
    throw new ShoalError('PASSWORD_UNFIT', { details: { ...passwordBytes } });
  }
}

interface Cost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

function parse(kept: string): { readonly parameters: Cost; readonly salt: Buffer; readonly hash: Buffer } {
  const [kind, logN, r, p, salt = '', hash = ''] = kept.split('$');
  const parameters = { logN: Number(logN), r: Number(r), p: Number(p) };
  const bytes = Buffer.from(hash, 'base64url');
  const fits = (Object.keys(maxCost) as (keyof Cost)[]).every(
    (name) => Number.isInteger(parameters[name]) && parameters[name] >= 1 && parameters[name] <= maxCost[name],
  );
  if (kind !== 'scrypt' || !fits || bytes.byteLength !== hashBytes) throw new Error('a kept password hash is damaged');
  return { parameters, salt: Buffer.from(salt, 'base64url'), hash: bytes };
}
