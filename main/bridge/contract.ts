/**
 * What the page and the app may say to each other: the one list. The preload script makes `window.desktop` of it, the app
 * checks every message against `schemas.ts`, and the page takes its types from here. Nothing else gets across.
 */

/** What the page may ask for, and what it gets. */
export interface DesktopCalls {
  /** What the page cannot know by itself. */
  info: { input: undefined; output: DesktopInfo };
  /** Opens a file of the store with the system's application, fetched first. */
  openFile: { input: { path: string }; output: undefined };
  /** Shows a file of the store in the file manager. */
  showInFolder: { input: { path: string }; output: undefined };
  /** Lets files be dragged out of the window, as soon as they are here. False: the button was let go before they were. */
  startDrag: { input: { paths: string[] }; output: boolean };
  /** The button was let go. */
  endDrag: { input: undefined; output: undefined };
  /** Makes a link to a path and puts it on the clipboard. */
  copyLink: { input: { path: string }; output: { url: string } };
  /** Uploads that were begun together have ended well. `folder`: where they were put. */
  uploaded: { input: { paths: string[]; folder: string }; output: { url?: string } };
  /** How far the uploads of the page are; `done` of 0 to 1, undefined when none runs. */
  progress: { input: { done?: number | undefined; left: number }; output: undefined };
  setTheme: { input: { theme: 'system' | 'light' | 'dark' }; output: undefined };
  setLanguage: { input: { language: 'en' | 'zh-CN' }; output: undefined };
  setAutostart: { input: { on: boolean }; output: undefined };
  /** Whether a link to what was uploaded goes to the clipboard. */
  setLinkAfterUpload: { input: { on: boolean }; output: undefined };
}

/** The state of the app that the page shows. */
export interface DesktopInfo {
  readonly version: string;
  readonly electron: string;
  readonly platform: string;
  readonly autostart: boolean;
  readonly linkAfterUpload: boolean;
}

/** What the app may tell the page. */
export type DesktopCommand = { readonly kind: 'go'; readonly hash: string };

export type CallName = keyof DesktopCalls;

/** Every call, by name. The type demands that none is missing and none is made up. */
export const callNames = Object.keys({
  info: true,
  openFile: true,
  showInFolder: true,
  startDrag: true,
  endDrag: true,
  copyLink: true,
  uploaded: true,
  progress: true,
  setTheme: true,
  setLanguage: true,
  setAutostart: true,
  setLinkAfterUpload: true,
} satisfies Record<CallName, true>) as readonly CallName[];

/** `window.desktop`. */
export type DesktopBridge = {
  readonly [Name in CallName]: DesktopCalls[Name]['input'] extends undefined
    ? () => Promise<DesktopCalls[Name]['output']>
    : (input: DesktopCalls[Name]['input']) => Promise<DesktopCalls[Name]['output']>;
} & {
  /** Hears what the app says. @returns ends it. */
  readonly onCommand: (listener: (command: DesktopCommand) => void) => () => void;
};

/** Name of the channel of a call. */
export function channelOf(name: CallName): string {
  return `desktop:${name}`;
}

/** Channel of {@link DesktopCommand}. */
export const commandChannel = 'desktop-command';
