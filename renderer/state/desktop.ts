/** The desktop app around the page, when there is one: `window.desktop`. In a browser nothing of this happens. */
import i18next from 'i18next';
import type { DesktopBridge } from '../../main/bridge/contract.ts';
import { isOver } from './upload-item.ts';
import { uploads } from './uploads.ts';

/** The bridge; undefined in a browser. */
export const desktop = (window as { readonly desktop?: DesktopBridge }).desktop;

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
