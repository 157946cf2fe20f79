import { accessTables } from '../catalog/access-values.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { ShoalError } from '../domain/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { stepOfCode, stepSeconds } from './one-time-codes.ts';
import { callerKey, type RateLimiter } from './rate-limit.ts';
import { digestOf } from './secrets.ts';

/** The part of the configuration that protects scenes. */
export interface ScenePolicy {
  readonly enable_google_auth: boolean;
  readonly scenes: readonly string[];
}

/** What codes of scenes are checked with. */
export interface SceneCodeOptions {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly policy: () => ScenePolicy;
  /** Counts codes that were wrong. */
  readonly attempts: RateLimiter;
}

/**
 * One-time codes of scenes. A code belongs to the address that first used it, for as long as it is good: a download is
 * often several requests, but who overhears a code cannot use it from elsewhere (docs/decisions/012). That is kept on
 * disk, so a restart does not make a code new.
 */
export class SceneCodes {
  readonly #options: SceneCodeOptions;
  #policy: ScenePolicy | undefined;
  #secrets: ReadonlyMap<string, string> = new Map();

  constructor(options: SceneCodeOptions) {
    this.#options = options;
  }

  /** Whether any scene needs codes. */
  get isNeeded(): boolean {
    return this.#current().size > 0;
  }

  /** Whether a scene needs codes. */
  protects(scene: string): boolean {
    return this.#current().has(scene);
  }

  /**
   * Checks the code of a caller for a scene; scenes without a secret need none.
   * @param caller address. @throws ShoalError CODE_REFUSED, TOO_MANY_REQUESTS.
   */
  async check(scene: string, code: string | undefined, caller: string): Promise<void> {
    const secret = this.#current().get(scene);
    if (secret === undefined) return;
    const { clock, attempts } = this.#options;
    attempts.check(caller);
    const step = code === undefined ? undefined : await stepOfCode(secret, code, clock.now());
    if (step !== undefined && (await this.#claim(scene, step, callerKey(caller)))) return;
    attempts.take(caller);
    throw new ShoalError('CODE_REFUSED');
  }

  /** Takes a code for a caller; false when it is another's. The commit decides between two at once. */
  async #claim(scene: string, step: number, caller: string): Promise<boolean> {
    const { catalog, clock } = this.#options;
    const { usedCodes } = accessTables;
    const id = `${digestOf(scene)}.${step}`;
    const known = catalog.row(usedCodes, id);
    if (known) return known.caller === caller;
    const now = clock.now();
    const old: string[] = [];
    for await (const code of catalog.rows(usedCodes)) if (code.expiresMs < now) old.push(code.id);
    return catalog.commit((transaction) => {
      for (const gone of old) transaction.removeRow(usedCodes, gone);
      const taken = transaction.row(usedCodes, id);
      if (taken) return taken.caller === caller;
      // One step late, and one more for a clock that is set back a little.
      transaction.putRow(usedCodes, id, { id, caller, expiresMs: (step + 3) * stepSeconds * 1000 });
      return true;
    });
  }

  #current(): ReadonlyMap<string, string> {
    const policy = this.#options.policy();
    if (this.#policy === policy) return this.#secrets;
    this.#policy = policy;
    const pairs = policy.enable_google_auth ? policy.scenes.map((entry) => entry.split(':')) : [];
    this.#secrets = new Map(pairs.flatMap(([name, secret]) => (name && secret ? [[name, secret] as const] : [])));
    return this.#secrets;
  }
}
