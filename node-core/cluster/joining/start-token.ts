/** The token of an invite that a start was given (`--join`): it is tried until it is used, or good for nothing. */
import { ShoalError } from '../../domain/errors.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { MemberList } from '../members/member-list.ts';
import { readToken } from './invites.ts';
import type { Joiner } from './joiner.ts';

/** Pause between two tries, in milliseconds. */
const retryMs = 2000;

/** Refusals after which a token is given up. */
const finalRefusals = ['JOIN_PROOF_WRONG', 'JOIN_NOT_POSSIBLE', 'CLUSTERS_DIFFER', 'PEER_PROTOCOL'];

/** Uses the token. */
export class StartToken {
  readonly #token: string | undefined;
  readonly #members: MemberList;
  readonly #joiner: Joiner;
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @throws ShoalError INVITE_INVALID when it is no token. */
  constructor(token: string | undefined, members: MemberList, joiner: Joiner, logger: Logger) {
    if (token !== undefined) readToken(token);
    this.#token = token;
    this.#members = members;
    this.#joiner = joiner;
    this.#logger = logger;
  }

  /** Begins to try, if there is one. */
  start(): void {
    void this.#try();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #try(): Promise<void> {
    const token = this.#token;
    if (token === undefined || this.#stopped) return;
    if (this.#members.isMember(readToken(token).inviter)) return;
    try {
      const joined = await this.#joiner.byInvite(token);
      if (joined) this.#logger.info({ node: joined.node, name: joined.name }, 'joined by invite');
    } catch (error) {
      const code = error instanceof ShoalError ? String(error.details.code ?? error.code) : '';
      if (finalRefusals.includes(code)) this.#logger.error({ err: error }, 'the invite was not accepted');
      else if (!this.#stopped) this.#timer = setTimeout(() => void this.#try(), retryMs).unref();
    }
  }
}
