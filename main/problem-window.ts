/** The window that says why the node does not run, with what it printed last and the ways on. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { app, BrowserWindow } from 'electron';
import type { NodeFailure } from './node/node-host.ts';
import { type PageAction, plainPage } from './pages.ts';
import { iconFile } from './place.ts';
import type { Say } from './words.ts';

/** What the user can choose. */
export type ProblemChoice = 'again' | 'safe-mode' | 'other-ports' | 'log' | 'quit';

/** Shows it. @param onChoice `log` leaves the window open; everything else closes it. */
export function showProblem(
  failure: NodeFailure,
  output: readonly string[],
  language: 'en' | 'zh-CN',
  say: Say,
  onChoice: (choice: ProblemChoice) => void,
): BrowserWindow {
  const window = new BrowserWindow({
    title: say('failedTitle'),
    width: 640,
    height: 560,
    icon: iconFile('icon.png'),
    webPreferences: { sandbox: true, contextIsolation: true, nodeIntegration: false, javascript: false },
  });
  window.setMenuBarVisibility(false);
  window.webContents.on('did-navigate-in-page', (_event, url) => {
    const choice = new URL(url).hash.slice(1) as ProblemChoice;
    if (choice !== 'log') window.destroy();
    onChoice(choice);
  });
  const isPort = failure.kind === 'failed' && failure.code === 'ADDRESS_IN_USE';
  const actions: (PageAction & { readonly id: ProblemChoice })[] = [
    { id: 'again', label: say('again') },
    ...(isPort ? [{ id: 'other-ports', label: say('otherPorts'), note: say('otherPortsNote') } as const] : []),
    { id: 'safe-mode', label: say('safeMode') },
    { id: 'log', label: say('showLog') },
    { id: 'quit', label: say('quit') },
  ];
  const lines = output.length === 0 ? '' : `${say('lastLines')}:\n${output.slice(-30).join('\n')}`;
  // A file, because a page at a `data:` address cannot even go to a place in itself.
  const file = path.join(app.getPath('userData'), 'problem.html');
  writeFileSync(file, plainPage(say('failedTitle'), reasonOf(failure, language, say), actions, lines));
  void window.loadFile(file);
  return window;
}

function reasonOf(failure: NodeFailure, language: 'en' | 'zh-CN', say: Say): string {
  if (failure.kind === 'died') return say('failedDied', { how: failure.signal ?? failure.code ?? '?' });
  const { message, hint } = failure.words[language === 'en' ? 'en' : 'zh'];
  return hint === undefined ? message : `${message} ${hint}`;
}
