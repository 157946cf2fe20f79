/** An import that changes nothing and needs no node: for a data folder that does not exist yet. */
import { tmpdir } from 'node:os';
import { FolderSource } from './folder-source.ts';
import { GoFastdfsSource } from './go-fastdfs/source.ts';
import { type ImportPlan, type ImportReport, ReportWriter } from './import-report.ts';
import { DryTarget } from './import-target.ts';
import { runImport } from './run-import.ts';

/**
 * Reads and checks all that an import into an empty store would take.
 * @param tell called with every change of the report. @throws ShoalError SOURCE_IN_USE, SOURCE_UNUSABLE.
 */
export async function runDryImport(
  plan: Omit<ImportPlan, 'dryRun'>,
  tell: (report: ImportReport) => void,
): Promise<ImportReport> {
  const { kind, source: folder, into } = plan;
  const source = kind === 'go-fastdfs' ? await GoFastdfsSource.open(folder, tmpdir()) : await FolderSource.open(folder);
  const report = new ReportWriter({ ...plan, dryRun: true }, Date.now(), tell);
  try {
    await runImport(source, new DryTarget(into), report, { stopping: false });
    report.change({ state: 'finished', endedMs: Date.now() });
    return report.report;
  } finally {
    await source.close();
  }
}
