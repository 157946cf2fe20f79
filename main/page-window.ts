/** A small window with a page of our own: text, choices, and nothing that runs. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { app, BrowserWindow } from 'electron';
import { type PageAction, plainPage } from './pages.ts';
import { iconFile } from './place.ts';

/** What it shows. */
export interface PageWindowOptions<Choice extends string> {
  /** Its file in the profile, without the ending. */
  readonly name: string;
  readonly title: string;
  readonly text: string;
  readonly actions: readonly (PageAction & { readonly id: Choice })[];
  /** Shown as they are, in a box. */
  readonly lines: string;
  readonly height: number;
}

/** Shows it. @param onChoice is given the window, to close it or not. */
export function showPage<Choice extends string>(
  options: PageWindowOptions<Choice>,
  onChoice: (choice: Choice, window: BrowserWindow) => void,
): BrowserWindow {
  const { name, title, text, actions, lines, height } = options;
  const window = new BrowserWindow({
    title,
    width: 640,
    height,
    icon: iconFile('icon.png'),
    webPreferences: { sandbox: true, contextIsolation: true, nodeIntegration: false, javascript: false },
  });
  window.setMenuBarVisibility(false);
  window.webContents.on('did-navigate-in-page', (_event, url) => {
    const chosen = actions.find(({ id }) => `#${id}` === new URL(url).hash);
    if (chosen) onChoice(chosen.id, window);
  });
  // A file, because a page at a `data:` address cannot even go to a place in itself.
  const folder = app.getPath('userData');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${name}.html`);
  writeFileSync(file, plainPage(title, text, actions, lines));
  void window.loadFile(file);
  return window;
}
