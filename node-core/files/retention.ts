/** Rules by age: files older than so many days go to the trash. Many at once ask a person first. */
import { randomBytes } from 'node:crypto';
import type { CataloguedFile } from '../catalog/catalog.ts';
import { type RetentionRule, type RetentionState, retentionTables } from '../catalog/retention-values.ts';
import { ShoalError } from '../domain/errors.ts';
import { isMassDeletion } from '../domain/mass-deletion.ts';
import type { Service } from '../runtime/service.ts';
import type { FilesContext } from './context.ts';
import type { FileRemover } from './remove-file.ts';

/** What a rule is about, and how long files of it are kept. */
export interface RetentionRequest {
  /** Normalized; the root is empty. Exactly one of both. */
  readonly folder?: string;
  readonly scene?: string;
  readonly days: number;
}

/** What a rule would remove now. */
export interface RetentionPreview {
  readonly files: number;
  readonly bytes: number;
  /** Some of them, oldest first among those looked at. */
  readonly examples: readonly CataloguedFile[];
  /** So many that the rule would wait for somebody to say yes. */
  readonly needsConfirmation: boolean;
}

const dayMs = 24 * 60 * 60 * 1000;
const intervalMs = 60 * 60 * 1000;
const firstRunMs = 60 * 1000;
const maxExamples = 100;
const noState: RetentionState = { removed: 0 };

/** A confirmation holds for as many files as were shown, and some that grew old since. */
const confirmedGrowth = 1.1;

/** Keeps the rules and runs them. */
export class RetentionKeeper implements Service {
  readonly name = 'retention';
  readonly #context: FilesContext;
  readonly #remover: FileRemover;
  readonly #now: () => number;
  readonly #onError: (error: unknown) => void;
  #mayRun: () => boolean = () => true;
  #timers: NodeJS.Timeout[] = [];
  #running: Promise<unknown> = Promise.resolve();
  #stopped = false;

  /** @param now the time that ages are told by (deletion-clock.ts). */
  constructor(context: FilesContext, remover: FileRemover, now: () => number, onError: (error: unknown) => void) {
    this.#context = context;
    this.#remover = remover;
    this.#now = now;
    this.#onError = onError;
  }

  /** In a cluster one member runs the rules by itself (replication.md, 19). */
  runsOnlyIf(mayRun: () => boolean): void {
    this.#mayRun = mayRun;
  }

  async start(): Promise<void> {
    const run = () => void this.runAll().catch(this.#onError);
    this.#timers = [setTimeout(run, firstRunMs).unref(), setInterval(run, intervalMs).unref()];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#running;
  }

  /** All rules with how they fare, oldest first. */
  async list(): Promise<{ readonly rule: RetentionRule; readonly state: RetentionState }[]> {
    const found: { readonly rule: RetentionRule; readonly state: RetentionState }[] = [];
    for await (const rule of this.#context.catalog.rows(retentionTables.rules))
      if (rule.endedMs === undefined) found.push({ rule, state: this.#stateOf(rule.id) });
    return found.sort((a, b) => a.rule.createdMs - b.rule.createdMs);
  }

  /** Adds a rule; its first run comes by itself. */
  add({ folder, scene, days }: RetentionRequest, by: string): Promise<RetentionRule> {
    const { catalog, clock } = this.#context;
    return catalog.commit((transaction) => {
      const rule: RetentionRule = {
        id: randomBytes(8).toString('hex'),
        format: 1,
        ...transaction.stamp(),
        ...(folder !== undefined && { folder }),
        ...(scene !== undefined && { scene }),
        days,
        createdMs: clock.now(),
        by,
      };
      transaction.putRow(retentionTables.rules, rule.id, rule);
      return rule;
    });
  }

  /** Ends a rule. What it removed stays in the trash. @throws ShoalError RULE_NOT_FOUND. */
  async remove(id: string): Promise<void> {
    const { catalog, clock } = this.#context;
    await catalog.commit((transaction) => {
      const rule = transaction.row(retentionTables.rules, id);
      if (!rule || rule.endedMs !== undefined) throw new ShoalError('RULE_NOT_FOUND', { details: { id } });
      // It stays as one that has ended, so that all members hear of it.
      transaction.putRow(retentionTables.rules, id, { ...rule, ...transaction.stamp(rule), endedMs: clock.now() });
      transaction.removeRow(retentionTables.states, id);
    });
  }

  /** What a rule would remove now. Changes nothing. */
  async preview(request: RetentionRequest): Promise<RetentionPreview> {
    const examples: CataloguedFile[] = [];
    let files = 0;
    let bytes = 0;
    for await (const file of this.#expired(request)) {
      files += 1;
      bytes += file.version.size;
      if (examples.length < maxExamples) examples.push(file);
    }
    examples.sort((a, b) => a.version.storedMs - b.version.storedMs);
    return { files, bytes, examples, needsConfirmation: isMassDeletion(files, this.#context.catalog.totals().files) };
  }

  /** Runs all rules, if it is this node that does. One run at a time. */
  async runAll(): Promise<void> {
    if (!this.#mayRun()) return;
    for (const { rule } of await this.list()) await this.run(rule.id);
  }

  /**
   * Runs a rule now.
   * @param confirmed so many files may go although they are many: what a person was shown and said yes to.
   * @returns the state afterwards; `waiting` when it asks for a person. @throws ShoalError RULE_NOT_FOUND.
   */
  run(id: string, confirmed = 0): Promise<RetentionState> {
    const run = this.#running.then(() => this.#run(id, confirmed));
    this.#running = run.catch(() => undefined);
    return run;
  }

  async #run(id: string, confirmed: number): Promise<RetentionState> {
    const { catalog, clock, events } = this.#context;
    const rule = catalog.row(retentionTables.rules, id);
    if (!rule || rule.endedMs !== undefined) throw new ShoalError('RULE_NOT_FOUND', { details: { id } });
    await this.#context.guard.checkStore();
    const request = requestOf(rule);
    const state = this.#stateOf(id);
    const { files, bytes, needsConfirmation } = await this.preview(request);
    if (needsConfirmation && files > confirmed * confirmedGrowth) {
      const sinceMs = state.waiting?.sinceMs ?? clock.now();
      const { waiting: _before, ...rest } = state;
      if (!state.waiting) events.emit('deletion-waits', { rule: id, files, bytes });
      return this.#keep(id, { ...rest, waiting: { files, bytes, sinceMs } });
    }
    let removed = 0;
    for await (const file of this.#expired(request)) {
      if (this.#stopped) break;
      if (await this.#remover.removeVersion(file, `retention ${id}`)) removed += 1;
    }
    const { waiting: _done, ...rest } = state;
    return this.#keep(id, { ...rest, ranMs: clock.now(), removed: state.removed + removed });
  }

  async *#expired({ folder, scene, days }: RetentionRequest): AsyncGenerator<CataloguedFile> {
    const { catalog } = this.#context;
    const before = this.#now() - days * dayMs;
    const prefix = folder === undefined || folder === '' ? '' : `${folder}/`;
    for await (const { path } of catalog.walk()) {
      if (this.#stopped) return;
      if (!path.startsWith(prefix)) continue;
      const file = catalog.find(path);
      if (!file || file.version.storedMs > before) continue;
      if (scene === undefined || file.version.scene === scene) yield file;
    }
  }

  #stateOf(id: string): RetentionState {
    return this.#context.catalog.row(retentionTables.states, id) ?? noState;
  }

  async #keep(id: string, state: RetentionState): Promise<RetentionState> {
    await this.#context.catalog.commit((transaction) => {
      // The rule may have been removed meanwhile.
      if (transaction.row(retentionTables.rules, id)) transaction.putRow(retentionTables.states, id, state);
    });
    return state;
  }
}

/** What a rule asks for. */
export function requestOf({ folder, scene, days }: RetentionRule): RetentionRequest {
  return { ...(folder !== undefined && { folder }), ...(scene !== undefined && { scene }), days };
}
