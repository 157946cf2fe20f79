/** What no page of the app may do, whatever it has been made to run. Denied by default; the few exceptions stand here. */
import { app, type Session, shell, type WebContents } from 'electron';

/** Permissions that the app's own page has. */
const allowed: ReadonlySet<string> = new Set(['clipboard-sanitized-write', 'fullscreen']);

/** Guards a session. @param isOwnUrl whether an address is one of the app's own node. */
export function guardSession(session: Session, isOwnUrl: (url: string) => boolean): void {
  session.setPermissionRequestHandler((contents, permission, callback) => {
    callback(allowed.has(permission) && isOwnUrl(contents.getURL()));
  });
  session.setPermissionCheckHandler((_contents, permission, origin) => allowed.has(permission) && isOwnUrl(origin));
  session.setDevicePermissionHandler(() => false);
}

/** Guards every page that is ever made. */
export function guardPages(isOwnUrl: (url: string) => boolean): void {
  app.on('web-contents-created', (_event, contents) => guardPage(contents, isOwnUrl));
}

function guardPage(contents: WebContents, isOwnUrl: (url: string) => boolean): void {
  const stayHere = (event: { preventDefault(): void }, url: string) => {
    if (isOwnUrl(url)) return;
    event.preventDefault();
    openOutside(url);
  };
  contents.on('will-navigate', stayHere);
  contents.on('will-redirect', stayHere);
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(({ url }) => {
    openOutside(url);
    return { action: 'deny' };
  });
}

/** Pages of the web belong into the user's browser; any other scheme could start anything, and is dropped. */
function openOutside(url: string): void {
  if (/^https?:\/\//i.test(url)) void shell.openExternal(url);
}
