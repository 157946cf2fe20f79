/** The imports of a running node: one at a time, told how far they are, stopped before the node is. */
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import type { CompatibleAlgorithm } from '../domain/digests.ts';
import { ShoalError, toShoalError } from '../domain/errors.ts';
import { normalizeFolder } from '../domain/paths.ts';
import type { FilesContext } from '../files/context.ts';
import type { FileStorer } from '../files/store-file.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Service } from '../runtime/service.ts';
import type { Staging } from '../storage/staging.ts';
import { FolderSource } from './folder-source.ts';
import { GoFastdfsSource } from './go-fastdfs/source.ts';
import { setContainersAside } from './go-fastdfs/source-folder.ts';
import { type ImportPlan, type ImportReport, ReportWriter } from './import-report.ts';
import type { ImportSource } from './import-source.ts';
import { DryTarget, type ImportTarget, StoreTarget } from './import-target.ts';
import { runImport } from './run-import.ts';

/** How often listeners are told how far an import is, in milliseconds. */
const tellMs = 2000;

/** What the runner works with. */
export interface ImportRunnerOptions {
  readonly context: FilesContext;
  readonly storer: FileStorer;
  /** Stages a file of a source as a hard link. */
  readonly link: Staging['link'];
  /** Digest that is computed where the source names none. */
  readonly algorithm: () => CompatibleAlgorithm;
  /** Absolute path of the data folder. */
  readonly dataFolder: string;
  readonly logger: Logger;
}

/** What is asked of {@link ImportRunner.begin}. */
export interface ImportRequest extends ImportPlan {
  /** Who asks, for the records. */
  readonly by: string;
}

/** Runs imports. */
export class ImportRunner implements Service {
  readonly name = 'imports';
  readonly #options: ImportRunnerOptions;
  #last: ReportWriter | undefined;
  #running: Promise<void> | undefined;
  #stopping = false;
  #cancelled = false;

  constructor(options: ImportRunnerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  /** The import under way, or the last one of this start of the node. */
  get report(): ImportReport | undefined {
    return this.#last?.report;
  }

  /**
   * Begins an import; {@link report} tells how it goes.
   * @throws ShoalError IMPORT_RUNNING, SOURCE_IN_USE, SOURCE_UNUSABLE, STORE_MISSING, PATH_INVALID: nothing has begun then.
   */
  async begin(request: ImportRequest): Promise<ImportReport> {
    if (this.#running) throw running(this.#last?.report.source ?? '');
    this.#cancelled = false;
    const { by, ...asked } = request;
    const plan: ImportPlan = { ...asked, into: normalizeFolder(asked.into) };
    const report = new ReportWriter(plan, this.#options.context.clock.now());
    let opened = () => {};
    // Taken before anything is awaited: of two that begin at once, one is refused.
    this.#running = new Promise((resolve) => {
      opened = resolve;
    });
    try {
      await this.#options.context.guard.checkStore();
      const source = await this.#open(plan);
      this.#last = report;
      this.#running = this.#run(source, this.#targetOf(plan, source, by), report).finally(() => {
        this.#running = undefined;
      });
    } catch (error) {
      this.#running = undefined;
      throw error;
    } finally {
      opened();
    }
    return report.report;
  }

  /** Ends the import under way at the next good moment, and resolves when it has ended. */
  async cancel(): Promise<void> {
    this.#cancelled = true;
    await this.#running;
  }

  async #run(source: ImportSource, target: ImportTarget, report: ReportWriter): Promise<void> {
    const stopping = () => this.#stopping || this.#cancelled;
    const control = {
      get stopping() {
        return stopping();
      },
    };
    const { clock, events } = this.#options.context;
    const timer = setInterval(() => events.emit('import-progress', summaryOf(report.report)), tellMs).unref();
    try {
      await runImport(source, target, report, control);
      if (!control.stopping) await this.#tidy(report);
      report.change({ state: control.stopping ? 'stopped' : 'finished' });
    } catch (error) {
      this.#options.logger.error({ err: error }, 'the import failed');
      report.change({ state: 'failed', error: toShoalError(error).code });
    } finally {
      clearInterval(timer);
      await source.close().catch((error: unknown) => this.#options.logger.warn({ err: error }, 'a source stays open'));
      report.change({ endedMs: clock.now() });
      const { left: _left, ...counts } = report.report;
      this.#options.logger.info(counts, 'import ended');
      events.emit('import-progress', summaryOf(report.report));
    }
  }

  /** In place, the containers of merged files leave `files/` once what is in them has been taken in as far as it can be. */
  async #tidy(report: ReportWriter): Promise<void> {
    const { kind, mode, dryRun, source } = report.report;
    if (kind !== 'go-fastdfs' || mode !== 'in-place' || dryRun) return;
    if (await setContainersAside(source)) report.change({ setAside: ['files/haystack'] });
  }

  #targetOf({ mode, into, dryRun }: ImportPlan, { keepsDeletions }: ImportSource, by: string): ImportTarget {
    const { context, storer, algorithm, link } = this.#options;
    const store = new StoreTarget(context, storer, { mode, into, keepsDeletions, algorithm, link, by });
    return dryRun ? new DryTarget(into, store) : store;
  }

  async #open({ kind, source, mode, into }: ImportPlan): Promise<ImportSource> {
    const refuse = (reason: string) => new ShoalError('SOURCE_UNUSABLE', { details: { folder: source, reason } });
    if (!path.isAbsolute(source)) throw refuse('its path is not absolute');
    const real = await realpath(source).catch(() => {
      throw refuse('there is no such folder');
    });
    const { dataFolder, context } = this.#options;
    const store = await realpath(context.store.pathOf('.'));
    const own = await realpath(dataFolder);
    if (mode === 'in-place' && into !== '')
      throw refuse('files that stay where they are cannot go into another folder');
    if (kind === 'folder') {
      const below = path.relative(store, real);
      const isInside = below === '' || !(below.startsWith('..') || path.isAbsolute(below));
      if (mode !== 'in-place' && (isInside || isBelow(store, real))) throw refuse('it holds the store, or lies in it');
      if (mode === 'in-place' && !isInside) throw refuse('in place means: in the folder files/ of this node');
      return FolderSource.open(real, mode === 'in-place' ? below.split(path.sep).join('/') : '');
    }
    if (mode === 'in-place' && real !== own) throw refuse('in place means: it is the data folder of this node');
    if (mode !== 'in-place' && (real === own || isBelow(own, real) || isBelow(real, own)))
      throw refuse('it holds the data folder of this node, or lies in it; --in-place turns it into one');
    return GoFastdfsSource.open(real, path.join(dataFolder, 'data'));
  }
}

/** What is told while an import runs: without the files that were left. */
function summaryOf({ left: _left, ...summary }: ImportReport): Omit<ImportReport, 'left'> {
  return summary;
}

function isBelow(inner: string, outer: string): boolean {
  return inner.startsWith(outer.endsWith(path.sep) ? outer : outer + path.sep);
}

function running(source: string): ShoalError {
  return new ShoalError('IMPORT_RUNNING', { details: { source } });
}
