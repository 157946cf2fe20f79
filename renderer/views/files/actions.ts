/** What can be done with entries. Each says what it did, and how it is undone. */
import type { QueryClient } from '@tanstack/react-query';
import i18next from 'i18next';
import { ApiError, api, apiUrl, nodeUrl } from '../../api/http.ts';
import type { Changed, Entry } from '../../api/types.ts';
import { tell, tellError, tellWithAction } from '../../components/notify.tsx';
import { uploads } from '../../state/uploads.ts';
import type { Dropped } from './dropped.ts';

/** Requests that run at the same time when many entries are changed. */
const parallel = 4;

/** Longest address that is sent as it is. */
const maxUrlLength = 6000;

/** Joins a folder and what stands in it. */
export function joined(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** The folder of a path. */
export function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}

/** The last part of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Address of a file's content. */
export function contentUrl(path: string, download = false): string {
  return apiUrl('/files/content', {
    path,
    download: download ? '1' : undefined,
    name: download ? nameOf(path) : undefined,
  });
}

/** What shows entries is read again: events say the same, but not while the stream is broken. */
function refresh(client: QueryClient): void {
  for (const key of ['view', 'tree', 'search', 'trash']) void client.invalidateQueries({ queryKey: [key] });
}

async function forEach<T>(list: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const rest = [...list];
  const next = async (): Promise<void> => {
    for (let one = rest.shift(); one !== undefined; one = rest.shift()) await work(one);
  };
  await Promise.all(Array.from({ length: Math.min(parallel, list.length) }, next));
}

/** Moves entries to the trash; the word about it undoes it. */
export async function removeEntries(client: QueryClient, entries: readonly Entry[]): Promise<void> {
  const paths: string[] = [];
  let sinceMs = Number.POSITIVE_INFINITY;
  try {
    await forEach(entries, async ({ path }) => {
      const { atMs } = await api<Changed>('/files', { method: 'DELETE', query: { path, recursive: true } });
      paths.push(path);
      sinceMs = Math.min(sinceMs, atMs ?? sinceMs);
    });
  } catch (error) {
    tellError(error);
  }
  refresh(client);
  const [first] = paths;
  if (first === undefined) return;
  const message = i18next.t('files.removed', { count: paths.length, name: nameOf(first) });
  tellWithAction(message, i18next.t('common.undo'), () => void undoRemoval(client, paths, sinceMs));
}

async function undoRemoval(client: QueryClient, paths: readonly string[], sinceMs: number): Promise<void> {
  try {
    let done = 0;
    let folders = 0;
    let failed = 0;
    for (let at = 0; at < paths.length; at += 1000) {
      const json = { paths: paths.slice(at, at + 1000), sinceMs };
      const answer = await api<Changed>('/trash/undo', { method: 'POST', json });
      done += answer.done;
      folders += answer.folders ?? 0;
      failed += answer.failed;
    }
    if (failed > 0) tell(i18next.t('files.restoredSome', { done, failed }));
    else if (done === 0 && folders > 0) tell(i18next.t('files.restoredFolders', { count: folders }));
    else tell(i18next.t('files.restored', { count: done }));
  } catch (error) {
    tellError(error);
  }
  refresh(client);
}

/** Gives an entry another name. @throws ApiError. */
export async function renameEntry(client: QueryClient, { path }: Entry, name: string): Promise<void> {
  await api('/files/move', { method: 'POST', json: { from: path, to: joined(folderOf(path), name) } });
  refresh(client);
}

/** Moves entries into a folder; the word about it undoes it. */
export async function moveEntries(client: QueryClient, entries: readonly Entry[], folder: string): Promise<void> {
  const moved: { from: string; to: string }[] = [];
  let failed = 0;
  await forEach(entries, async ({ path, name }) => {
    const to = joined(folder, name);
    if (to === path) return;
    try {
      const answer = await api<Changed>('/files/move', { method: 'POST', json: { from: path, to } });
      failed += answer.failed;
      moved.push({ from: path, to });
    } catch (error) {
      tellError(error);
    }
  });
  refresh(client);
  if (failed > 0) tell(i18next.t('files.movedSome', { failed }));
  if (moved.length === 0) return;
  tellWithAction(i18next.t('files.moved', { count: moved.length }), i18next.t('common.undo'), () => {
    void forEach(moved, async ({ from, to }) => {
      await api('/files/move', { method: 'POST', json: { from: to, to: from } }).catch(tellError);
    }).then(() => refresh(client));
  });
}

/** Makes a folder. @throws ApiError. */
export async function makeFolder(client: QueryClient, path: string): Promise<void> {
  await api('/folders', { method: 'POST', json: { path } });
  refresh(client);
}

/** Downloads one file as it is, anything else as a zip. */
export async function downloadEntries(entries: readonly Entry[], zipName: string): Promise<void> {
  const [first] = entries;
  if (!first) return;
  if (entries.length === 1 && first.kind === 'file') {
    save(contentUrl(first.path, true));
    return;
  }
  const name = entries.length === 1 ? first.name : zipName;
  const paths = entries.map(({ path }) => path);
  const direct = apiUrl('/zip', { path: paths, name });
  try {
    if (direct.length <= maxUrlLength && paths.length <= 1000) save(direct);
    else {
      const { ticket } = await api<{ ticket: string }>('/zip/tickets', { method: 'POST', json: { paths } });
      save(apiUrl('/zip', { ticket, name }));
    }
  } catch (error) {
    tellError(error);
  }
}

function save(url: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = '';
  link.click();
}

/** Puts files into the queue, and makes the folders that would be lost because they hold nothing. */
export async function uploadInto(client: QueryClient, folder: string, { files, emptyFolders }: Dropped): Promise<void> {
  uploads.add(files.map(({ file, path }) => ({ file, path: joined(folder, path) })));
  if (files.length > 0) tell(i18next.t('files.uploading', { count: files.length }));
  try {
    for (const path of emptyFolders) await api('/folders', { method: 'POST', json: { path: joined(folder, path) } });
  } catch (error) {
    tellError(error);
  }
  if (emptyFolders.length > 0) refresh(client);
}

/** Whether something went wrong because of the name that was chosen: it is said beside the field. */
export function isAboutName(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 400 || error.status === 409);
}

/** Address of a path on the compatible interface, for programs that need no signing in where downloads are open. */
export function plainUrl(action: string, path: string): string {
  const prefix = action.replace(/\/upload$/, '');
  return nodeUrl(`${prefix}/${path.split('/').map(encodeURIComponent).join('/')}`);
}
