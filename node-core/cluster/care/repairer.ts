/**
 * Repair: the trees of this node and of every member are compared, now and then and when somebody asks, and what differs is taken in
 * (replication.md, 4). Feeds make it superfluous as long as nothing goes wrong; this is for when something did.
 */
import { ShoalError } from '../../domain/errors.ts';
import type { ComparisonReport } from '../engine/compare.ts';
import type { ReportTrouble, Scheduler } from '../engine/ports.ts';

/** Between two comparisons of all members, in milliseconds, give or take half. */
export const repairMs = 6 * 60 * 60_000;

/** How the comparison with one member went. */
export interface MemberRepair {
  readonly member: string;
  readonly startedMs: number;
  readonly endedMs?: number;
  /** Parts of the tree that differed. */
  readonly buckets?: number;
  /** Records that changed here. */
  readonly changed?: number;
  /** Code of why it did not come to an end. */
  readonly error?: string;
}

/** What the repairer is built with. */
export interface RepairerOptions {
  readonly members: () => readonly string[];
  readonly compare: (member: string) => Promise<ComparisonReport>;
  /** Asks a member to compare with this node in its turn. */
  readonly invite: (member: string) => Promise<unknown>;
  readonly isEnabled: () => boolean;
  readonly scheduler: Scheduler;
  readonly report: ReportTrouble;
  /** Told when a run begins, and when one with a member has ended. */
  readonly onChange: () => void;
}

/** Runs comparisons, with one member at a time. */
export class Repairer {
  readonly #options: RepairerOptions;
  readonly #last = new Map<string, MemberRepair>();
  readonly #waiting = new Set<string>();
  #running: Promise<void> | undefined;
  #current: string | undefined;
  #cancel: (() => void) | undefined;
  #nextMs = 0;
  #stopped = false;

  constructor(options: RepairerOptions) {
    this.#options = options;
  }

  start(): void {
    const { scheduler } = this.#options;
    const ms = repairMs * (0.5 + scheduler.random());
    this.#nextMs = scheduler.now() + ms;
    this.#cancel = scheduler.after(ms, () => {
      if (this.#options.isEnabled()) this.runAll();
      if (!this.#stopped) this.start();
    });
  }

  /** Begins nothing more. @returns when what is under way has ended; the links fail it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    this.#waiting.clear();
    await this.#running;
  }

  /** Whether one is under way, and when all members are compared with by itself, milliseconds since 1970. */
  get state(): { readonly running: boolean; readonly current?: string; readonly nextMs?: number } {
    return {
      running: this.#running !== undefined,
      ...(this.#current !== undefined && { current: this.#current }),
      ...(this.#options.isEnabled() && { nextMs: this.#nextMs }),
    };
  }

  /** How the last comparison with each member went. */
  last(): MemberRepair[] {
    const members = new Set(this.#options.members());
    return [...this.#last.values()].filter(({ member }) => members.has(member));
  }

  /** Compares with all members. @param mutual they compare with this node as well. @returns when it has ended. */
  async runAll(mutual = false): Promise<void> {
    const members = this.#options.members();
    if (mutual)
      for (const member of members)
        this.#options.invite(member).catch((error: unknown) => {
          if (!this.#stopped) this.#options.report('a member could not be asked to compare', member, error);
        });
    await Promise.all(members.map((member) => this.run(member)));
  }

  /** Compares with one member; joins a comparison that has not begun yet. @returns when all that wait have ended. */
  async run(member: string): Promise<void> {
    if (this.#stopped) return;
    this.#waiting.add(member);
    this.#running ??= this.#runWaiting().finally(() => {
      this.#running = undefined;
      this.#options.onChange();
      // Somebody came in the very moment in which it ended.
      const [next] = this.#waiting;
      if (next !== undefined) void this.run(next);
    });
    await this.#running;
  }

  async #runWaiting(): Promise<void> {
    for (const member of this.#waiting) {
      this.#waiting.delete(member);
      this.#current = member;
      await this.#compare(member);
      this.#current = undefined;
    }
  }

  async #compare(member: string): Promise<void> {
    const { compare, report, scheduler, onChange } = this.#options;
    const begun = { member, startedMs: scheduler.now() };
    this.#last.set(member, begun);
    onChange();
    try {
      const { buckets, changed } = await compare(member);
      this.#last.set(member, { ...begun, endedMs: scheduler.now(), buckets, changed });
    } catch (error) {
      const code = error instanceof ShoalError ? error.code : 'INTERNAL';
      this.#last.set(member, { ...begun, endedMs: scheduler.now(), error: code });
      if (!this.#stopped) report('a comparison did not come to an end', member, error);
    }
    onChange();
  }
}
