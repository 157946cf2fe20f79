/** New versions: looked for only where somebody has configured an address, and never in anybody's way. */
import { app } from 'electron';
import type { Say } from './words.ts';

/** How long after the start, in milliseconds: the start itself is for the node. */
const firstLookMs = 60_000;

/** Looks once after the start, when a feed is configured. */
export function startUpdates(feed: () => string, say: Say, tell: (text: string) => void): void {
  if (!app.isPackaged || feed() === '') return;
  setTimeout(() => void lookForUpdate(feed(), say, tell, false), firstLookMs).unref();
}

/** Looks for a newer version. @param asked somebody waits for an answer, also for a "no". Never throws. */
export async function lookForUpdate(
  feed: string,
  say: Say,
  tell: (text: string) => void,
  asked: boolean,
): Promise<void> {
  if (feed === '' || !app.isPackaged) {
    if (asked) tell(say('updatesOff'));
    return;
  }
  try {
    const { autoUpdater } = await import('electron-updater');
    autoUpdater.setFeedURL({ provider: 'generic', url: feed });
    autoUpdater.autoInstallOnAppQuit = true;
    const found = await autoUpdater.checkForUpdates();
    await found?.downloadPromise;
    if (found?.downloadPromise) tell(say('updateReady', { version: found.updateInfo.version }));
    else if (asked) tell(say('upToDate'));
  } catch (error) {
    if (asked) tell(say('updateFailed', { reason: error instanceof Error ? error.message : String(error) }));
  }
}
