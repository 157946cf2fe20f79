/** About: the versions of everything, and under which licences it is given. The systems' own panels show too little of that. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { app, type BrowserWindow, shell } from 'electron';
import { showPage } from './page-window.ts';
import { licencesFile } from './place.ts';
import type { Say } from './words.ts';

/** What it needs of the app. */
export interface AboutOptions {
  readonly say: Say;
  readonly copyDiagnostics: () => void;
}

/** Shows it. */
export function showAbout({ say, copyDiagnostics }: AboutOptions): BrowserWindow {
  const { electron, chrome, node } = process.versions;
  const versions = `Electron ${electron}, Chromium ${chrome}, Node ${node}`;
  const chromium = path.join(path.dirname(process.execPath), 'LICENSES.chromium.html');
  const actions = [
    { id: 'diagnostics', label: say('diagnostics') } as const,
    ...(existsSync(chromium) ? [{ id: 'chromium', label: say('chromiumLicences') } as const] : []),
  ];
  const lines = `${versions}\n\n${say('parts')}:\n${readFileSync(licencesFile, 'utf8')}`;
  const title = `Shoal ${app.getVersion()}`;
  const page = { name: 'about', title, text: say('licences'), actions, lines, height: 520 };
  return showPage<'diagnostics' | 'chromium'>(page, (choice) => {
    if (choice === 'chromium') void shell.openPath(chromium);
    else copyDiagnostics();
  });
}
