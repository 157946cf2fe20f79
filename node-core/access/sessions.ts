import { accessTables, type Session } from '../catalog/access-values.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { ShoalError } from '../domain/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Service } from '../runtime/service.ts';
import { digestOf, newSecretText } from './secrets.ts';

export type { Session };

/** Most logins at once; a new one ends the one that was not seen for the longest time. */
const maxSessions = 200;

/** How old the time of the last request may be on disk, in milliseconds. */
const seenPrecisionMs = 60_000;

/** How long a login lasts. */
export interface SessionTerms {
  readonly session_idle_minutes: number;
  readonly session_max_days: number;
}

/** What sessions are kept with. */
export interface SessionOptions {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly terms: () => SessionTerms;
  readonly onError: (error: unknown) => void;
}

/** Who opened a session, from where. */
export interface NewSession {
  readonly name: string;
  readonly by: Session['by'];
  readonly address: string;
  readonly agent: string;
}

/**
 * Logins. The cookie holds a random text of 256 bits, the catalogue its digest: who reads the data folder cannot sign in
 * with what is found there. They outlive a restart.
 */
export class SessionKeeper implements Service {
  readonly name = 'sessions';
  readonly #options: SessionOptions;
  readonly #sessions = new Map<string, Session>();

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Reads what was kept. Comes after the catalogue. */
  async start(): Promise<void> {
    for await (const session of this.#options.catalog.rows(accessTables.sessions)) {
      this.#sessions.set(session.hash, session);
    }
  }

  async stop(): Promise<void> {
    this.#sessions.clear();
  }

  /** Opens a session; the returned text goes into the cookie and nowhere else. */
  async open(from: NewSession): Promise<string> {
    const text = newSecretText();
    const now = this.#options.clock.now();
    const session: Session = {
      ...from,
      agent: from.agent.slice(0, 200),
      hash: digestOf(text),
      createdMs: now,
      seenMs: now,
    };
    await this.endAllOf([...this.#sessions.values()].filter((other) => !this.#isGood(other, now)));
    const bySeen = [...this.#sessions.values()].sort((a, b) => b.seenMs - a.seenMs);
    await this.endAllOf(bySeen.slice(maxSessions - 1));
    await this.#options.catalog.commit((transaction) =>
      transaction.putRow(accessTables.sessions, session.hash, session),
    );
    this.#sessions.set(session.hash, session);
    return text;
  }

  /** The session of a cookie's text, if it is still good; notes that it was seen. */
  find(text: string): Session | undefined {
    const session = this.#sessions.get(digestOf(text));
    const now = this.#options.clock.now();
    if (!session || !this.#isGood(session, now)) return undefined;
    if (Math.abs(now - session.seenMs) > seenPrecisionMs) this.#noteSeen({ ...session, seenMs: now });
    return session;
  }

  /** Sessions that are good, seen last first. */
  list(): Session[] {
    const now = this.#options.clock.now();
    const good = [...this.#sessions.values()].filter((session) => this.#isGood(session, now));
    return good.sort((a, b) => b.seenMs - a.seenMs);
  }

  /** Ends one session. @param id see {@link sessionId}. @throws ShoalError SESSION_NOT_FOUND. */
  async end(id: string): Promise<void> {
    const session = [...this.#sessions.values()].find((candidate) => sessionId(candidate) === id);
    if (!session) throw new ShoalError('SESSION_NOT_FOUND');
    await this.endAllOf([session]);
  }

  /** Ends all sessions, or all but one. */
  async endAll(except?: Session): Promise<void> {
    await this.endAllOf([...this.#sessions.values()].filter(({ hash }) => hash !== except?.hash));
  }

  /** Ends these sessions. No request gets in with them from now on, whatever becomes of the write. */
  async endAllOf(sessions: readonly Session[]): Promise<void> {
    if (sessions.length === 0) return;
    for (const { hash } of sessions) this.#sessions.delete(hash);
    await this.#options.catalog.commit((transaction) => {
      for (const { hash } of sessions) transaction.removeRow(accessTables.sessions, hash);
    });
  }

  #noteSeen(session: Session): void {
    this.#sessions.set(session.hash, session);
    this.#options.catalog
      .commit((transaction) => {
        // It may have been ended since.
        if (transaction.row(accessTables.sessions, session.hash))
          transaction.putRow(accessTables.sessions, session.hash, session);
      })
      .catch(this.#options.onError);
  }

  /** A clock that was set back ends nothing: times ahead of now count as now. */
  #isGood({ createdMs, seenMs }: Session, now: number): boolean {
    const { session_idle_minutes: idle, session_max_days: days } = this.#options.terms();
    return now - seenMs <= idle * 60_000 && now - createdMs <= days * 86_400_000;
  }
}

/** What a session is called in lists and logs: nobody gets in with it. */
export function sessionId({ hash }: Session): string {
  return hash.slice(0, 16);
}
