/** Takes everything of a source into a target: counted first, several files at once, what is there already left alone. */
import type { RunControl } from '../runtime/shared-run.ts';
import type { ReportWriter } from './import-report.ts';
import type { ImportSource } from './import-source.ts';
import type { ImportTarget } from './import-target.ts';

/** Files in work at once: their commits share one write to the disk. */
const filesAtOnce = 8;

/**
 * Runs an import to its end, or until the node stops. A run that was cut goes on where it was: what has come in is known.
 * @throws whatever keeps the target from taking files. The report then says how far it came.
 */
export async function runImport(
  source: ImportSource,
  target: ImportTarget,
  report: ReportWriter,
  control: RunControl,
): Promise<void> {
  const total = await source.count();
  report.change({ state: 'running', total });
  let failed = false;
  const items = source.items();
  const work = async () => {
    for (;;) {
      const { value: item, done } = await items.next();
      if (done || failed || control.stopping) return;
      if (item.kind === 'unusable') {
        report.leave(item.path, item.reason);
        continue;
      }
      const outcome = await target.take(item, control);
      if (outcome === undefined) {
        if (control.stopping) return;
        // It went while it was read.
        report.count(item.path, item.size, 'MISSING');
      } else report.count(item.path, item.size, outcome);
    }
  };
  const workers = Array.from({ length: filesAtOnce }, () =>
    work().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  // All have ended before the run has, whatever happened to one of them.
  const ends = await Promise.allSettled(workers);
  await items.return(undefined);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  for await (const alias of source.aliases()) {
    if (control.stopping) return;
    if (await target.alias(alias)) report.countUploadId();
  }
}
