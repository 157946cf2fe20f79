/** The icon beside the clock: how the node is, and the few things that need no window. */
import { Menu, type MenuItemConstructorOptions, nativeImage, Tray } from 'electron';
import { iconFile } from './place.ts';
import type { StatusWatch } from './status.ts';
import type { Say } from './words.ts';

/** What the entries do. */
export interface TrayActions {
  open(): void;
  openFile(path: string): void;
  copyLastLink(): void;
  hasLink(): boolean;
  quit(): void;
}

/** Shows the tray icon and keeps it true. */
export class TrayIcon {
  readonly #tray: Tray;
  readonly #watch: StatusWatch;
  readonly #say: Say;
  readonly #actions: TrayActions;
  #menu = Menu.buildFromTemplate([]);

  constructor(watch: StatusWatch, say: Say, actions: TrayActions) {
    this.#watch = watch;
    this.#say = say;
    this.#actions = actions;
    this.#tray = new Tray(imageOf(watch));
    this.#tray.on('click', () => actions.open());
    watch.on('change', () => this.refresh());
    this.refresh();
  }

  /** The menu as it is now. */
  get menu(): Menu {
    return this.#menu;
  }

  /** What the icon says when the mouse rests on it. */
  get text(): string {
    const { status, waiting } = this.#watch;
    const words = {
      ready: 'stateReady',
      working: 'stateWorking',
      paused: 'statePaused',
      offline: 'stateOffline',
      problem: 'stateProblem',
    } as const;
    return this.#say(words[status], { count: waiting });
  }

  /** Draws it anew. */
  refresh(): void {
    this.#tray.setImage(imageOf(this.#watch));
    this.#tray.setToolTip(`Shoal – ${this.text}`);
    this.#menu = Menu.buildFromTemplate(this.#template());
    this.#tray.setContextMenu(this.#menu);
  }

  /** Takes the icon away. */
  remove(): void {
    this.#tray.destroy();
  }

  #template(): MenuItemConstructorOptions[] {
    const say = this.#say;
    const { paused, recent, status } = this.#watch;
    const files = recent.map((path) => ({ label: labelOf(path), click: () => this.#actions.openFile(path) }));
    return [
      { label: this.text, enabled: false },
      { type: 'separator' },
      { id: 'open', label: say('open'), click: () => this.#actions.open() },
      {
        id: 'recent',
        label: say('recent'),
        submenu: files.length > 0 ? files : [{ label: say('none'), enabled: false }],
      },
      {
        id: 'copy-last-link',
        label: say('copyLastLink'),
        enabled: this.#actions.hasLink(),
        click: () => this.#actions.copyLastLink(),
      },
      {
        id: 'pause',
        label: say(paused ? 'resume' : 'pause'),
        enabled: status !== 'offline',
        // A node that is just going cannot be paused; its next start says how it is.
        click: () => void this.#watch.pause(!paused).catch(() => undefined),
      },
      { type: 'separator' },
      { id: 'quit', label: say('quit'), click: () => this.#actions.quit() },
    ];
  }
}

function imageOf({ status }: StatusWatch): Electron.NativeImage {
  return nativeImage.createFromPath(iconFile(`tray-${status}.png`));
}

/** Long names would make the menu as wide as the screen; `&` would mark a key. */
function labelOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return (name.length > 48 ? `${name.slice(0, 30)}…${name.slice(-15)}` : name).replaceAll('&', '&&');
}
