/** New versions: looked for only where somebody has configured an address, and never in anybody's way. */
import { app } from 'electron';
import type { Say } from './words.ts';

/** How long after the start, in milliseconds: the start itself is for the node. */
const firstLookMs = 60_000;

/** How long a server may take to say what is there, in milliseconds; fetching it may take longer. */
const patienceMs = 30_000;

/** What looking needs of the app. */
export interface UpdateOptions {
  /** Where updates are looked for; empty: nowhere. */
  readonly feed: () => string;
  readonly say: Say;
  /** Tells somebody who waits for an answer. */
  readonly answer: (text: string) => void;
  /** Tells of a new version. */
  readonly tell: (text: string) => void;
}

/** Looks for updates. */
export class Updates {
  /** Changed by the tests that have a server of their own. */
  readonly options: UpdateOptions;

  constructor(options: UpdateOptions) {
    this.options = options;
  }

  /** Looks once, some time after the start. */
  start(): void {
    setTimeout(() => void this.#look(this.options.tell, undefined), firstLookMs).unref();
  }

  /** Looks now, for somebody who has asked: a "no" is an answer, too. Never throws. */
  async look(): Promise<void> {
    await this.#look(this.options.answer, this.options.answer);
  }

  async #look(found: (text: string) => void, otherwise: ((text: string) => void) | undefined): Promise<void> {
    const { feed, say } = this.options;
    const url = feed();
    // Sources are not updated by this.
    if (url === '' || !app.isPackaged) {
      otherwise?.(say('updatesOff'));
      return;
    }
    try {
      const version = await newVersion(url);
      if (version !== undefined) found(say('updateReady', { version }));
      else otherwise?.(say('upToDate'));
    } catch (error) {
      otherwise?.(say('updateFailed', { reason: error instanceof Error ? error.message : String(error) }));
    }
  }
}

/** Looks at the address and fetches what is newer, to be installed when the app is quit. @returns its version. */
async function newVersion(url: string): Promise<string | undefined> {
  const { autoUpdater } = await import('electron-updater');
  autoUpdater.logger = null;
  autoUpdater.setFeedURL({ provider: 'generic', url });
  autoUpdater.autoInstallOnAppQuit = true;
  const found = await withinPatience(autoUpdater.checkForUpdates());
  if (!found?.isUpdateAvailable) return undefined;
  await found.downloadPromise;
  return found.updateInfo.version;
}

/** A server that says nothing is not waited for. */
async function withinPatience<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${patienceMs / 1000} s`)), patienceMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
