/**
 * What is shown where the system lets Chromium make no sandbox (Ubuntu since 24.04 for programs that it does not know):
 * the launcher starts the app once more for this window alone, which runs nothing and loads nothing but its own text.
 */
import path from 'node:path';
import { app, BrowserWindow } from 'electron';
import { plainPage } from './pages.ts';
import { iconFile } from './place.ts';
import { sayer } from './words.ts';

/** The switch that asks for it. */
export const sandboxDenied = 'sandbox-denied';

/** Shows it until it is closed. */
export async function showSandboxRemedy(): Promise<void> {
  await app.whenReady();
  const say = sayer(() => (/^zh/i.test(app.getLocale()) ? 'zh-CN' : 'en'));
  const window = new BrowserWindow({
    title: 'Shoal',
    width: 760,
    height: 520,
    icon: iconFile('icon.png'),
    webPreferences: { contextIsolation: true, nodeIntegration: false, javascript: false },
  });
  window.setMenuBarVisibility(false);
  app.on('window-all-closed', () => app.quit());
  const page = plainPage(
    say('sandboxTitle'),
    say('sandboxText'),
    [],
    remedies(say('sandboxOlder'), say('sandboxNode')),
  );
  await window.loadURL(`data:text/html;charset=utf-8,${encodeURIComponent(page)}`);
}

/** Commands for this very folder. */
function remedies(older: string, node: string): string {
  const folder = path.dirname(process.execPath);
  const profile = path.join(process.resourcesPath, 'apparmor-profile');
  return [
    `sed 's#/opt/Shoal#${folder}#' '${profile}' | sudo tee /etc/apparmor.d/shoal`,
    'sudo apparmor_parser --replace /etc/apparmor.d/shoal',
    '',
    `${older}:`,
    `sudo chown root:root '${folder}/chrome-sandbox' && sudo chmod 4755 '${folder}/chrome-sandbox'`,
    '',
    `${node}:`,
    `'${folder}/shoal' --server`,
  ].join('\n');
}
