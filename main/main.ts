/** The desktop app: where it keeps things, that it runs once, then its parts. */
import path from 'node:path';
import { app } from 'electron';
import { hashOf, linkIn } from './deep-links.ts';
import { DesktopApp } from './desktop-app.ts';
import { sandboxDenied, showSandboxRemedy } from './sandbox-denied.ts';
import { SettingsFile } from './settings.ts';

app.setName('Shoal');
// Chromium has no sandbox for root, who says so by this switch.
if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();
// A profile of its own is an app of its own: with another node, beside the first.
const profile = app.commandLine.getSwitchValue('profile') || process.env.SHOAL_DESKTOP_PROFILE;
app.setPath('userData', profile ? path.resolve(profile) : path.join(app.getPath('appData'), 'Shoal'));

// Electron would show a box that blocks everything, the node's watch included.
process.on('uncaughtException', (error) => console.error(error));
process.on('unhandledRejection', (error) => console.error(error));

if (app.commandLine.hasSwitch(sandboxDenied)) void showSandboxRemedy();
else if (app.requestSingleInstanceLock()) void run();
else app.quit();

async function run(): Promise<void> {
  const settings = new SettingsFile(app.getPath('userData'));
  const dataDir = settings.current.dataDir ?? (process.env.SHOAL_DATA || path.join(app.getPath('userData'), 'store'));
  const desktop = new DesktopApp(settings, path.resolve(dataDir));
  // For the tests that drive the app: pages cannot reach what belongs to this process.
  Object.assign(globalThis, { shoal: desktop });
  if (process.defaultApp !== true && app.isPackaged) app.setAsDefaultProtocolClient('shoal');
  const follow = (link: string | undefined) => {
    const hash = link === undefined ? undefined : hashOf(link);
    if (hash === undefined) desktop.window.show();
    else desktop.window.go(hash);
  };
  app.on('second-instance', (_event, argv) => follow(linkIn(argv)));
  app.on('open-url', (_event, link) => follow(link));
  app.on('activate', () => desktop.window.show());
  // The node goes on without a window; the tray, or another start, opens one.
  app.on('window-all-closed', () => undefined);
  await app.whenReady();
  const first = linkIn(process.argv);
  await desktop.start(process.argv.includes('--hidden'), first === undefined ? undefined : hashOf(first));
}
