import { type Administrator, accessTables } from '../catalog/access-values.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogTransaction } from '../catalog/transaction.ts';
import { ShoalError } from '../domain/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { enrolmentUri, newSecret, stepOfCode } from './one-time-codes.ts';
import type { PasswordHasher } from './passwords.ts';
import { isSameSecret } from './secrets.ts';

/** Name of the administrator when none is given. */
export const defaultName = 'admin';

/** How long a secret that was shown can be confirmed, in milliseconds. */
const offerMs = 15 * 60_000;

/** What somebody signs in with. */
export interface Credentials {
  readonly name: string;
  /** The administrator's password, or the admin_key of the configuration. */
  readonly password: string;
  /** One-time code; needed once the second factor is on. */
  readonly code?: string | undefined;
}

/** What the keeper works with. */
export interface AdministratorOptions {
  readonly catalog: Catalog;
  readonly hasher: PasswordHasher;
  readonly clock: Clock;
  /** admin_key of the configuration; empty: no key is accepted. */
  readonly adminKey: () => string;
}

const { administrator: table } = accessTables;
const rowId = 'admin';

/** The administrator of this node: password and second factor, kept in the catalogue and never sent anywhere. */
export class AdministratorKeeper {
  readonly #options: AdministratorOptions;

  constructor(options: AdministratorOptions) {
    this.#options = options;
  }

  /** The administrator, once there is one. */
  get current(): Administrator | undefined {
    return this.#options.catalog.row(table, rowId);
  }

  /** Makes the first administrator. @throws ShoalError SETUP_DONE, PASSWORD_UNFIT, TOO_MANY_REQUESTS. */
  async setUp(name: string, password: string): Promise<void> {
    if (this.current) throw new ShoalError('SETUP_DONE');
    const hash = await this.#options.hasher.hash(password);
    const now = this.#options.clock.now();
    await this.#options.catalog.commit((transaction) => {
      // Two may have come with the same link at the same time.
      if (transaction.row(table, rowId)) throw new ShoalError('SETUP_DONE');
      transaction.putRow(table, rowId, { name, password: hash, createdMs: now, changedMs: now });
    });
  }

  /**
   * Checks a name and password, or the admin_key, and the second factor. Takes as long for a wrong name as for a wrong
   * password. A one-time code is used up by it.
   * @returns what the caller proved to know. @throws ShoalError LOGIN_REFUSED, LOGIN_CODE_NEEDED, TOO_MANY_REQUESTS.
   */
  async authenticate({ name, password, code }: Credentials): Promise<'password' | 'key'> {
    const known = this.current;
    const hash = known !== undefined && isSameSecret(name, known.name) ? known.password : undefined;
    const isPassword = await this.#options.hasher.verify(password, hash);
    const isKey = isSameSecret(password, this.#options.adminKey());
    if (!isPassword && !isKey) throw new ShoalError('LOGIN_REFUSED');
    if (known?.secondFactor) await this.#useCode(known.secondFactor.secret, code ?? '');
    return isPassword ? 'password' : 'key';
  }

  /** Sets a new password. @param current the old one, or the admin_key; undefined when the caller need not know it. */
  async changePassword(current: string | undefined, next: string): Promise<void> {
    const known = this.#required();
    if (current !== undefined) {
      const right = await this.#options.hasher.verify(current, known.password);
      if (!right && !isSameSecret(current, this.#options.adminKey())) throw new ShoalError('LOGIN_REFUSED');
    }
    const password = await this.#options.hasher.hash(next);
    const changedMs = this.#options.clock.now();
    await this.#change((administrator) => ({ ...administrator, password, changedMs }));
  }

  /** Offers a new secret; it counts once it is confirmed. @throws ShoalError SECOND_FACTOR_ON. */
  async offerSecondFactor(issuer: string): Promise<{ readonly secret: string; readonly uri: string }> {
    const secret = newSecret();
    const atMs = this.#options.clock.now();
    const { name } = await this.#change((administrator) => {
      if (administrator.secondFactor) throw new ShoalError('SECOND_FACTOR_ON');
      return { ...administrator, offered: { secret, atMs } };
    });
    return { secret, uri: enrolmentUri(secret, issuer, name) };
  }

  /** Switches the second factor on. @throws ShoalError SECOND_FACTOR_NOT_OFFERED, LOGIN_CODE_NEEDED. */
  async confirmSecondFactor(code: string): Promise<void> {
    const now = this.#options.clock.now();
    const offered = this.#required().offered;
    if (!offered || Math.abs(now - offered.atMs) > offerMs) throw new ShoalError('SECOND_FACTOR_NOT_OFFERED');
    const step = await stepOfCode(offered.secret, code, now);
    if (step === undefined) throw new ShoalError('LOGIN_CODE_NEEDED');
    await this.#change(({ offered: still, ...rest }) => {
      // Another offer may have come in between: the code is not of its secret.
      if (still?.secret !== offered.secret) throw new ShoalError('SECOND_FACTOR_NOT_OFFERED');
      return { ...rest, secondFactor: { secret: offered.secret, lastStep: step } };
    });
  }

  /** Switches the second factor off. @param code of it; undefined when the caller need not have it. */
  async removeSecondFactor(code: string | undefined): Promise<void> {
    const { secondFactor } = this.#required();
    if (!secondFactor) throw new ShoalError('SECOND_FACTOR_OFF');
    if (code !== undefined) await this.#useCode(secondFactor.secret, code);
    await this.#change(({ secondFactor: _gone, offered: _too, ...rest }) => rest);
  }

  /** Takes a code and everything before it out of use, also across a restart: the commit decides between two at once. */
  async #useCode(secret: string, code: string): Promise<void> {
    const step = await stepOfCode(secret, code, this.#options.clock.now());
    if (step === undefined) throw new ShoalError('LOGIN_CODE_NEEDED');
    await this.#change((administrator) => {
      const { secondFactor } = administrator;
      if (secondFactor?.secret !== secret || step <= secondFactor.lastStep) throw new ShoalError('LOGIN_CODE_NEEDED');
      return { ...administrator, secondFactor: { secret, lastStep: step } };
    });
  }

  #change(work: (administrator: Administrator) => Administrator): Promise<Administrator> {
    return this.#options.catalog.commit((transaction: CatalogTransaction) => {
      const known = transaction.row(table, rowId);
      if (!known) throw new ShoalError('NO_ADMINISTRATOR');
      const changed = work(known);
      transaction.putRow(table, rowId, changed);
      return changed;
    });
  }

  #required(): Administrator {
    const known = this.current;
    if (!known) throw new ShoalError('NO_ADMINISTRATOR');
    return known;
  }
}
