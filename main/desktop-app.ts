/** The parts of the app, built in order: what each does stands in its own file. */
import path from 'node:path';
import { app, clipboard, dialog, nativeImage, nativeTheme, session, shell } from 'electron';
import { showAbout } from './about-window.ts';
import { isAutostart, setAutostart } from './autostart.ts';
import { type Handlers, serveBridge } from './bridge/serve.ts';
import { diagnosticsOf } from './diagnostics.ts';
import { FetchedFiles } from './drag-out.ts';
import { guardPages, guardSession } from './guards.ts';
import { setUpMenu } from './menu.ts';
import { NodeApi } from './node/node-api.ts';
import { NodeEvents } from './node/node-events.ts';
import { type NodeFailure, NodeHost, type NodeStart } from './node/node-host.ts';
import { keptPorts, pickPorts } from './node/ports.ts';
import { Notifier } from './notifications.ts';
import { iconFile, nodeProgram } from './place.ts';
import { followInterruptions, Wakefulness } from './power.ts';
import { type ProblemChoice, showProblem } from './problem-window.ts';
import { Quitting } from './quit.ts';
import type { SettingsFile } from './settings.ts';
import { Sharing } from './sharing.ts';
import { StatusWatch } from './status.ts';
import { TrayIcon } from './tray.ts';
import { Updates } from './updates.ts';
import { MainWindow } from './window.ts';
import { sayer } from './words.ts';

/** The running app. */
export class DesktopApp {
  readonly #settings: SettingsFile;
  readonly #dataDir: string;
  readonly #wakefulness = new Wakefulness();
  #safeMode = false;
  #uploading = 0;
  /** Of the drag that waits for its files. */
  #dragging = new AbortController();
  /** The ports were picked by this start, and no node has run with them: nobody knows them yet. */
  #portsAreNew = false;
  #ports: { readonly http: number; readonly peer: number } | undefined;
  readonly host = new NodeHost(() => this.#nodeStart());
  readonly #language = () => this.#settings.current.language ?? (/^zh/i.test(app.getLocale()) ? 'zh-CN' : 'en');
  readonly #say = sayer(this.#language);
  readonly api = new NodeApi(this.host, this.#language);
  readonly #events = new NodeEvents(this.host, this.api);
  readonly status = new StatusWatch(this.host, this.api, this.#events);
  readonly sharing = new Sharing(this.api);
  readonly #fetched: FetchedFiles;
  readonly window: MainWindow;
  readonly notifier: Notifier;
  readonly updates: Updates;
  #tray: TrayIcon | undefined;
  #quitting: Quitting | undefined;

  /** @param dataDir absolute path of the node's data folder. */
  constructor(settings: SettingsFile, dataDir: string) {
    this.#settings = settings;
    this.#dataDir = dataDir;
    this.#fetched = new FetchedFiles(path.join(app.getPath('userData'), 'fetched'), this.api);
    this.window = new MainWindow({
      settings,
      say: this.#say,
      staysHidden: () => this.#quitting?.isQuitting !== true,
      onHidden: () => this.#tellOfTray(),
    });
    this.updates = new Updates({
      feed: () => this.#settings.current.updateFeed,
      say: this.#say,
      answer: (text) => void dialog.showMessageBox({ message: text }),
      tell: (text) => this.notifier.tell({ title: 'Shoal', body: text }),
    });
    this.notifier = new Notifier(this.api, this.#events, this.#say, (hash) => this.window.go(hash));
  }

  /** The tray icon, for whoever wants to know what it shows. */
  get tray(): TrayIcon | undefined {
    return this.#tray;
  }

  /** Starts everything. @param hidden no window is shown. @param hash where it begins. */
  async start(hidden: boolean, hash: string | undefined): Promise<void> {
    nativeTheme.themeSource = this.#settings.current.theme;
    guardPages(this.window.isOwnUrl);
    guardSession(session.defaultSession, this.window.isOwnUrl);
    serveBridge(this.#handlers(), this.window.isOwnPage);
    await this.#fetched.clear();
    this.#setUpMenu();
    this.#setUpTray();
    this.#followNode();
    followInterruptions(() => void this.api.json('/repair', { method: 'POST' }).catch(() => undefined));
    this.updates.start();
    this.#quitting = new Quitting({ say: this.#say, uploading: () => this.#uploading, stop: () => this.#stop() });
    this.#portsAreNew = this.#settings.current.httpPort === undefined;
    this.#ports = await keptPorts(this.#settings);
    this.host.start();
    if (hash !== undefined) this.window.go(hash);
    else if (!hidden) this.window.show();
  }

  #nodeStart(): NodeStart {
    const { http, peer } = this.#ports ?? { http: 0, peer: 0 };
    const host = this.#safeMode ? '127.0.0.1' : '';
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(ELECTRON_|CHROME_)/.test(name)));
    return {
      ...nodeProgram(),
      args: [
        ...['--server', '--data', this.#dataDir, '--addr', `${host}:${http}`, '--peer-addr', `${host}:${peer}`],
        ...(this.#safeMode ? ['--no-discovery'] : []),
      ],
      env,
    };
  }

  #followNode(): void {
    this.#events.follow();
    this.host.on('ready', ({ url }) => {
      this.#portsAreNew = false;
      this.window.connect(url);
    });
    this.host.on('failed', (failure) => {
      // Another program was faster than the node that was to have the port.
      const isTaken = failure.kind === 'failed' && failure.code === 'ADDRESS_IN_USE';
      if (isTaken && this.#portsAreNew) void this.#solve('other-ports');
      else this.#showProblem(failure);
    });
    this.status.on('change', () => this.#keepAwake());
  }

  #keepAwake(): void {
    this.#wakefulness.set(this.#uploading > 0 || this.status.status === 'working');
  }

  #showProblem(failure: NodeFailure): void {
    showProblem(failure, this.host.output, this.#language(), this.#say, (choice) => void this.#solve(choice));
  }

  async #solve(choice: ProblemChoice): Promise<void> {
    if (choice === 'quit') return app.quit();
    if (choice === 'log') return void shell.openPath(path.join(this.#dataDir, 'log'));
    if (choice === 'other-ports') this.#ports = await pickPorts(this.#settings);
    this.#safeMode = choice === 'safe-mode';
    this.host.start();
  }

  /** The node ends before the app does; it drains first. */
  async #stop(): Promise<void> {
    this.window.window?.hide();
    await this.host.stop();
    this.#tray?.remove();
  }

  #tellOfTray(): void {
    if (this.#settings.current.toldOfTray) return;
    this.#settings.change({ toldOfTray: true });
    this.notifier.tell({ title: this.#say('trayTitle'), body: this.#say('trayText') });
  }

  #setUpTray(): void {
    this.#tray = new TrayIcon(this.status, this.#say, {
      open: () => this.window.show(),
      openFile: (file) => void this.#openFile(file),
      copyLastLink: () => this.sharing.copyAgain(),
      hasLink: () => this.sharing.last !== undefined,
      quit: () => app.quit(),
    });
  }

  #setUpMenu(): void {
    setUpMenu(this.#say, {
      go: (hash) => this.window.go(hash),
      addFiles: () => this.#addFiles(),
      openDataFolder: () => void shell.openPath(this.#dataDir),
      isAutostart,
      setAutostart,
      copyDiagnostics: () => this.#copyDiagnostics(),
      checkUpdates: () => void this.updates.look(),
      about: () => void showAbout({ say: this.#say, copyDiagnostics: () => this.#copyDiagnostics() }),
    });
  }

  #copyDiagnostics(): void {
    clipboard.writeText(diagnosticsOf(this.host, this.#settings.current));
    this.notifier.tell({ title: 'Shoal', body: this.#say('diagnosticsCopied') });
  }

  /** The page's own file chooser opens for a user's deed only: a menu entry is one. */
  #addFiles(): void {
    this.window.go('#/files');
    const code = "document.querySelector('[data-testid=choose-files]')?.click()";
    void this.window.window?.webContents.executeJavaScript(code, true);
  }

  async #openFile(storePath: string): Promise<void> {
    const file = await this.#fetched.fetch(storePath);
    const problem = await shell.openPath(file);
    if (problem !== '') throw new Error(problem);
  }

  #handlers(): Handlers {
    return {
      info: () => ({
        version: app.getVersion(),
        electron: process.versions.electron ?? '',
        platform: process.platform,
        autostart: isAutostart(),
        linkAfterUpload: this.#settings.current.linkAfterUpload,
      }),
      openFile: async ({ path: file }) => {
        await this.#openFile(file);
        return undefined;
      },
      showInFolder: async ({ path: file }) => {
        shell.showItemInFolder(await this.#fetched.fetch(file));
        return undefined;
      },
      startDrag: ({ paths }) => this.#startDrag(paths),
      endDrag: () => {
        this.#dragging.abort();
        return undefined;
      },
      copyLink: async ({ path: target }) => {
        const url = await this.sharing.copyLink(target);
        this.#tray?.refresh();
        return { url };
      },
      uploaded: async ({ paths, folder }) => {
        if (!this.#settings.current.linkAfterUpload) return {};
        const url = await this.sharing.copyLinksTo(paths, folder);
        this.#tray?.refresh();
        return url === undefined ? {} : { url };
      },
      progress: ({ done, left }) => {
        this.window.window?.setProgressBar(done ?? -1);
        app.setBadgeCount(left);
        this.#uploading = left;
        this.#keepAwake();
        return undefined;
      },
      setTheme: ({ theme }) => {
        this.#settings.change({ theme });
        nativeTheme.themeSource = theme;
        return undefined;
      },
      setLanguage: ({ language }) => {
        this.#settings.change({ language });
        this.#setUpMenu();
        this.#tray?.refresh();
        return undefined;
      },
      setAutostart: ({ on }) => {
        setAutostart(on);
        this.#setUpMenu();
        return undefined;
      },
      setLinkAfterUpload: ({ on }) => {
        this.#settings.change({ linkAfterUpload: on });
        return undefined;
      },
    };
  }

  async #startDrag(paths: readonly string[]): Promise<boolean> {
    const contents = this.window.window?.webContents;
    this.#dragging.abort();
    this.#dragging = new AbortController();
    const files = await this.#fetched.forDrag(paths, this.#dragging.signal, () => {
      this.notifier.tell({ title: 'Shoal', body: this.#say('fetched') });
    });
    const [first] = files ?? [];
    if (!files || first === undefined || !contents) return false;
    const icon = nativeImage.createFromPath(iconFile('drag.png'));
    contents.startDrag({ file: first, files: [...files], icon });
    return true;
  }
}
