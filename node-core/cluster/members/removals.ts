/** Follows the list of members: when somebody was removed, what it did beyond its cut is taken back here. */
import type { RemovalCuts } from '../../domain/removal-cut.ts';
import type { RemovedMembers } from '../../files/removed-members.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { MemberList } from './member-list.ts';

/** What it works with. */
export interface RemovalsOptions {
  readonly members: MemberList;
  readonly removed: RemovedMembers;
  /** Told when everything was held against new cuts: members are to be read anew. */
  readonly onDone: () => void;
  readonly logger: Logger;
}

/** How far the commits of removed members count. A node does not judge itself. */
export function cutsOf(members: MemberList): RemovalCuts {
  const { removed } = members.current;
  return new Map([...removed].filter(([id]) => id !== members.self).map(([id, { cut }]) => [id, cut]));
}

/** Applies the cuts, one change of the list after the other. */
export class Removals {
  readonly #options: RemovalsOptions;
  #work: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: RemovalsOptions) {
    this.#options = options;
  }

  /** Applies the cuts as they are now, after what is under way. @returns when that is done; failures are logged. */
  follow(): Promise<void> {
    this.#work = this.#work.then(() => this.#apply());
    return this.#work;
  }

  /** @returns when what is under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#work;
  }

  async #apply(): Promise<void> {
    const { members, removed, onDone, logger } = this.#options;
    try {
      if (this.#stopped || members.isRemoved) return;
      const changed = await removed.apply(members.others());
      if (changed === undefined) return;
      if (changed > 0) logger.warn({ records: changed }, 'changes of a removed member were taken back');
      if (!this.#stopped) onDone();
    } catch (error) {
      logger.error({ err: error }, 'changes of removed members could not be taken back');
    }
  }
}
