/** The desktop app around the page, when there is one: `window.desktop`. In a browser nothing of this happens. */
import i18next from 'i18next';
import type { DesktopBridge } from '../../main/bridge/contract.ts';
import type { Entry } from '../api/types.ts';
import { tellError } from '../components/notify.tsx';
import { isOver } from './upload-item.ts';
import { uploads } from './uploads.ts';

/** The bridge; undefined in a browser. */
export const desktop = (window as { readonly desktop?: DesktopBridge }).desktop;

/** Entries that are dragged out of the window right now. */
let dragged: readonly Entry[] = [];

/** Lets files be dragged out of the window: to the desktop, to another application, or back onto a folder here. */
export function dragOut(entries: readonly Entry[]): void {
  if (!desktop) return;
  const { startDrag, endDrag } = desktop;
  dragged = entries;
  const letGo = () => {
    dragged = [];
    void endDrag();
  };
  // While the system has the drag, the page hears nothing of the pointer: the next it hears is that it is over.
  window.addEventListener('pointerup', letGo, { once: true });
  window.addEventListener('pointermove', function after({ buttons }) {
    if (buttons !== 0) return;
    window.removeEventListener('pointermove', after);
    window.removeEventListener('pointerup', letGo);
    letGo();
  });
  startDrag({ paths: entries.map(({ path }) => path) }).catch(tellError);
}

/** What is dropped now was dragged from here: those entries, once. */
export function takeDragged(): readonly Entry[] {
  const entries = dragged;
  dragged = [];
  return entries;
}

/** Whether what is over the window comes from here. */
export function isOwnDrag(): boolean {
  return dragged.length > 0;
}

/** Hands the app what it shows outside of the window, and follows what it says. */
export function startDesktop(): void {
  if (!desktop) return;
  const { onCommand, progress, setLanguage, uploaded } = desktop;
  onCommand(({ hash }) => {
    window.location.hash = hash;
  });
  const tellLanguage = () => void setLanguage({ language: i18next.language === 'zh-CN' ? 'zh-CN' : 'en' });
  tellLanguage();
  i18next.on('languageChanged', tellLanguage);
  // What was begun while something ran belongs to it: it is told of once, when all of it is over.
  const done = new Set(uploads.state.history.map(({ id }) => id));
  let batch: string[] = [];
  uploads.subscribe(() => {
    const { items, history } = uploads.state;
    for (const { id, path } of history) {
      if (done.has(id)) continue;
      done.add(id);
      batch.push(path);
    }
    const running = items.filter((item) => !isOver(item));
    const total = running.reduce((sum, { size }) => sum + size, 0);
    const sent = running.reduce((sum, one) => sum + one.sent, 0);
    void progress({ done: running.length === 0 ? undefined : total === 0 ? 0 : sent / total, left: running.length });
    if (running.length > 0 || batch.length === 0) return;
    const paths = batch;
    batch = [];
    void uploaded({ paths, folder: commonFolder(paths) }).catch(() => undefined);
  });
}

/** The folder below which all of them stand; '' is the root. A single file stands in its own. */
function commonFolder(paths: readonly string[]): string {
  const folders = paths.map((path) => path.split('/').slice(0, -1));
  const [first = []] = folders;
  const length = first.findIndex((part, index) => folders.some((folder) => folder[index] !== part));
  return first.slice(0, length < 0 ? first.length : length).join('/');
}
