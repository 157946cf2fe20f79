import type { FilesContext } from './context.ts';
import { redoIntent } from './placement.ts';

/** What a start had to mend. */
export interface RecoveryReport {
  /** Commits whose bytes had not reached their place. */
  readonly redone: number;
  /** Commits whose bytes are nowhere: only possible with durability "os" after a power loss, or a meddled store. */
  readonly lost: readonly string[];
  /** Staged files of unfinished uploads. */
  readonly swept: number;
}

/**
 * Finishes what a crash interrupted, before anything is served: intents are redone, then staged and trashed files that
 * nothing refers to are removed. Everything else in the store stays untouched: it may be somebody else's.
 */
export async function recoverFiles(context: FilesContext): Promise<RecoveryReport> {
  const lost: string[] = [];
  const intents = await context.catalog.intents();
  for (const intent of intents) {
    if (!(await redoIntent(context, intent))) lost.push(intent.path);
  }
  const swept = await context.staging.sweep(() => false);
  const known = new Set<string>();
  for await (const entry of context.catalog.trash()) known.add(entry.id);
  for (const id of await context.store.idsIn('trash')) {
    if (!known.has(id)) await context.store.remove(`_trash/${id}`);
  }
  return { redone: intents.length, lost, swept };
}
