/** Starting with the system, hidden: the user's choice, kept where the system looks for it. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { app } from 'electron';

/** Where Linux desktops look (XDG Autostart Specification). */
function autostartFile(): string {
  const config = process.env.XDG_CONFIG_HOME || path.join(homedir(), '.config');
  return path.join(config, 'autostart', 'shoal.desktop');
}

/** Whether the app starts with the system. */
export function isAutostart(): boolean {
  return process.platform === 'linux' ? existsSync(autostartFile()) : app.getLoginItemSettings().openAtLogin;
}

/** Switches it. */
export function setAutostart(on: boolean): void {
  if (process.platform !== 'linux') {
    app.setLoginItemSettings({ openAtLogin: on, args: ['--hidden'] });
    return;
  }
  const file = autostartFile();
  if (!on) {
    rmSync(file, { force: true });
    return;
  }
  mkdirSync(path.dirname(file), { recursive: true });
  // An AppImage runs from a place that is another one each time; the launcher explains what keeps a window from opening.
  const launcher = path.join(path.dirname(process.execPath), 'shoal');
  const program = process.env.APPIMAGE ?? (app.isPackaged ? launcher : process.execPath);
  const words = app.isPackaged ? [program] : [program, app.getAppPath()];
  const command = [...words.map(quoted), '--hidden'].join(' ');
  writeFileSync(file, `[Desktop Entry]\nType=Application\nName=Shoal\nExec=${command}\nTerminal=false\n`);
}

/** Quoting of the Desktop Entry Specification, "The Exec key". */
function quoted(word: string): string {
  return `"${word.replace(/[\\"`$]/g, '\\$&').replace(/%/g, '%%')}"`;
}
