/** The menu of the window, with the shortcuts that each platform expects. */
import { app, Menu, type MenuItemConstructorOptions } from 'electron';
import { screens } from './screens.ts';
import type { Say } from './words.ts';

/** What the entries do. */
export interface MenuActions {
  go(hash: string): void;
  addFiles(): void;
  openDataFolder(): void;
  isAutostart(): boolean;
  setAutostart(on: boolean): void;
  copyDiagnostics(): void;
  checkUpdates(): void;
  about(): void;
}

/** Puts the menu up; again when the language has changed. */
export function setUpMenu(say: Say, actions: MenuActions): void {
  const isMac = process.platform === 'darwin';
  const about: MenuItemConstructorOptions = { id: 'about', label: say('about'), click: () => actions.about() };
  const template: MenuItemConstructorOptions[] = [
    ...(isMac ? [macMenu(say, about)] : []),
    {
      label: say('file'),
      submenu: [
        { id: 'add-files', label: say('addFiles'), accelerator: 'CmdOrCtrl+O', click: () => actions.addFiles() },
        { label: say('dataFolder'), click: () => actions.openDataFolder() },
        { type: 'separator' },
        {
          id: 'autostart',
          label: say('autostart'),
          type: 'checkbox',
          checked: actions.isAutostart(),
          click: ({ checked }) => actions.setAutostart(checked),
        },
        { type: 'separator' },
        { role: 'close' },
        ...(isMac ? [] : [{ label: say('quit'), accelerator: 'CmdOrCtrl+Q', click: () => app.quit() }]),
      ],
    },
    { label: say('edit'), role: 'editMenu' },
    { label: say('view'), role: 'viewMenu' },
    { label: say('go'), submenu: places(say, actions) },
    {
      label: say('help'),
      role: 'help',
      submenu: [
        { id: 'diagnostics', label: say('diagnostics'), click: () => actions.copyDiagnostics() },
        { id: 'updates', label: say('checkUpdates'), click: () => actions.checkUpdates() },
        ...(isMac ? [] : [about]),
      ],
    },
  ];
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}

/** The app's own menu, as macOS has it. */
function macMenu(say: Say, about: MenuItemConstructorOptions): MenuItemConstructorOptions {
  return {
    label: 'Shoal',
    submenu: [
      about,
      { type: 'separator' },
      { role: 'services' },
      { type: 'separator' },
      { role: 'hide' },
      { role: 'hideOthers' },
      { role: 'unhide' },
      { type: 'separator' },
      { label: say('quit'), accelerator: 'Cmd+Q', click: () => app.quit() },
    ],
  };
}

function places(say: Say, actions: MenuActions): MenuItemConstructorOptions[] {
  return screens.map((screen, index) => ({
    id: `go-${screen}`,
    label: say(screen),
    accelerator: screen === 'settings' ? 'CmdOrCtrl+,' : `CmdOrCtrl+${index + 1}`,
    click: () => actions.go(`#/${screen}`),
  }));
}
