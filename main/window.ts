/** The window: the web app of the own node. Closing hides it; its place and size are kept. */
import { BrowserWindow, type IpcMainInvokeEvent, type Rectangle, screen } from 'electron';
import type { DesktopCommand } from './bridge/contract.ts';
import { commandChannel } from './bridge/contract.ts';
import { plainPage } from './pages.ts';
import { iconFile, preloadFile } from './place.ts';
import type { SettingsFile } from './settings.ts';
import { parseUrl } from './urls.ts';
import type { Say } from './words.ts';

/** What the window needs of the app. */
export interface WindowOptions {
  readonly settings: SettingsFile;
  readonly say: Say;
  /** Closing hides the window as long as this says so. */
  readonly staysHidden: () => boolean;
  /** Told when the window was hidden instead of closed. */
  readonly onHidden: () => void;
}

/** So many crashes within so many milliseconds are no accident any more. */
const mostCrashes = 3;
const crashWindowMs = 60_000;

/** The one window of the app. */
export class MainWindow {
  readonly #options: WindowOptions;
  #window: BrowserWindow | undefined;
  /** Address of the node's page, once the node was ready. */
  #origin: string | undefined;
  #firstHash: string;
  /** When pages have crashed lately. */
  #crashes: readonly number[] = [];

  constructor(options: WindowOptions) {
    this.#options = options;
    // Who starts for the first time is welcomed.
    this.#firstHash = options.settings.fresh ? '#/welcome' : '';
  }

  get window(): BrowserWindow | undefined {
    return this.#window;
  }

  /** Whether an address belongs to the own node. */
  isOwnUrl = (url: string): boolean => {
    return this.#origin !== undefined && parseUrl(url)?.origin === this.#origin;
  };

  /** Whether a message comes from the page of the own node in this window, not from a frame in it. */
  isOwnPage = ({ sender, senderFrame }: IpcMainInvokeEvent): boolean => {
    if (!this.#window || sender !== this.#window.webContents) return false;
    return senderFrame !== null && senderFrame === sender.mainFrame && this.isOwnUrl(senderFrame.url);
  };

  /** Shows the page of a node that has become ready. The page of a node at the same address goes on by itself. */
  connect(url: string): void {
    const origin = new URL(url).origin;
    const same = this.#origin === origin;
    this.#origin = origin;
    if (!this.#window || (same && this.isOwnUrl(this.#window.webContents.getURL()))) return;
    void this.#window.loadURL(`${origin}/${this.#takeHash()}`);
  }

  /** Opens the window, or brings it to the front. */
  show(): void {
    const window = this.#open();
    if (window.isMinimized()) window.restore();
    window.show();
    window.focus();
  }

  /** Goes to a place in the app: its address behind `#`. */
  go(hash: string): void {
    const command: DesktopCommand = { kind: 'go', hash };
    if (this.#window && this.isOwnUrl(this.#window.webContents.getURL())) {
      this.#window.webContents.send(commandChannel, command);
    } else this.#firstHash = hash;
    this.show();
  }

  #open(): BrowserWindow {
    if (this.#window) return this.#window;
    const { settings, say } = this.#options;
    const kept = visible(settings.current.window);
    const window = new BrowserWindow({
      title: 'Shoal',
      width: 1180,
      height: 780,
      ...kept,
      minWidth: 400,
      minHeight: 300,
      show: false,
      icon: iconFile('icon.png'),
      webPreferences: {
        preload: preloadFile,
        contextIsolation: true,
        sandbox: true,
        nodeIntegration: false,
        nodeIntegrationInSubFrames: false,
        webviewTag: false,
        spellcheck: false,
      },
    });
    this.#window = window;
    if (settings.current.window?.maximized) window.maximize();
    window.on('close', (event) => {
      this.#keepPlace(window);
      if (!this.#options.staysHidden()) return;
      event.preventDefault();
      window.hide();
      this.#options.onHidden();
    });
    window.webContents.on('render-process-gone', (_event, { reason }) => this.#afterCrash(window, reason));
    window.on('closed', () => {
      this.#window = undefined;
    });
    const starting = `data:text/html;charset=utf-8,${encodeURIComponent(plainPage('Shoal', say('starting')))}`;
    const page = this.#origin === undefined ? starting : `${this.#origin}/${this.#takeHash()}`;
    // A node that goes away while its page is loaded shows the page again when it is back: see connect().
    window.loadURL(page).catch(() => undefined);
    return window;
  }

  /** A page that crashed is shown anew; one that does nothing else is left alone. */
  #afterCrash(window: BrowserWindow, reason: string): void {
    if (reason === 'clean-exit' || this.#origin === undefined) return;
    const now = performance.now();
    this.#crashes = [...this.#crashes.filter((at) => now - at < crashWindowMs), now];
    if (this.#crashes.length <= mostCrashes) window.webContents.reload();
  }

  #takeHash(): string {
    const hash = this.#firstHash;
    this.#firstHash = '';
    return hash;
  }

  #keepPlace(window: BrowserWindow): void {
    const maximized = window.isMaximized();
    this.#options.settings.change({ window: { ...window.getNormalBounds(), maximized } });
  }
}

/** A kept place, if a screen still shows enough of it to take hold of the window. */
function visible(place: Rectangle | undefined): Rectangle | undefined {
  if (!place) return undefined;
  const { x, y, width, height } = place;
  const { workArea } = screen.getDisplayMatching(place);
  const across = Math.min(x + width, workArea.x + workArea.width) - Math.max(x, workArea.x);
  const down = Math.min(y + height, workArea.y + workArea.height) - Math.max(y, workArea.y);
  return across >= 100 && down >= 100 ? { x, y, width, height } : undefined;
}
