/** The window that says why the node does not run, with what it printed last and the ways on. */
import type { BrowserWindow } from 'electron';
import type { NodeFailure } from './node/node-host.ts';
import { showPage } from './page-window.ts';
import type { PageAction } from './pages.ts';
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
  const isPort = failure.kind === 'failed' && failure.code === 'ADDRESS_IN_USE';
  const actions: (PageAction & { readonly id: ProblemChoice })[] = [
    { id: 'again', label: say('again') },
    ...(isPort ? [{ id: 'other-ports', label: say('otherPorts'), note: say('otherPortsNote') } as const] : []),
    { id: 'safe-mode', label: say('safeMode') },
    { id: 'log', label: say('showLog') },
    { id: 'quit', label: say('quit') },
  ];
  const lines = output.length === 0 ? '' : `${say('lastLines')}:\n${output.slice(-30).join('\n')}`;
  const page = { name: 'problem', title: say('failedTitle'), text: reasonOf(failure, language, say) };
  return showPage({ ...page, actions, lines, height: 560 }, (choice, window) => {
    if (choice !== 'log') window.destroy();
    onChoice(choice);
  });
}

function reasonOf(failure: NodeFailure, language: 'en' | 'zh-CN', say: Say): string {
  if (failure.kind === 'died')
    return say('failedDied', { how: failure.reason ?? failure.signal ?? failure.code ?? '?' });
  const { message, hint } = failure.words[language === 'en' ? 'en' : 'zh'];
  return hint === undefined ? message : `${message} ${hint}`;
}
