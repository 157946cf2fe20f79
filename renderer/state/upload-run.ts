/** How one file gets to the node: small ones in one request, large ones so that they can go on after a break (tus). */
import i18next from 'i18next';
import { DetailedError, Upload } from 'tus-js-client';
import { ApiError, api, apiUrl, errorOf, nodeUrl, unreachable } from '../api/http.ts';
import type { FileDetails, UploadForm } from '../api/types.ts';
import type { UploadItem } from './upload-item.ts';

/** Files up to this size go in one request, in bytes. */
const smallBytes = 8 * 1024 * 1024;

/** Pauses before a request is tried again, in milliseconds: a node that is restarted is back within them. */
const retryDelays = [500, 1000, 2000, 3000, 5000, 5000, 10_000, 10_000, 20_000, 30_000];

/** What a run tells while it goes on. */
export interface RunReport {
  readonly onSent: (bytes: number) => void;
  readonly onResumable: (id: string) => void;
}

/** How a run ended: stored, or the node had the content already. */
export type Outcome = 'done' | 'here';

/** An upload that is under way. */
export interface Run {
  readonly ended: Promise<Outcome>;
  /** Stops; `ended` is never settled then. @param forget the node forgets what it has. */
  readonly stop: (forget: boolean) => void;
}

/** Sends a file. `ended` rejects with an {@link ApiError}. */
export function runUpload(item: UploadItem, file: File, form: UploadForm | undefined, report: RunReport): Run {
  const resumable = form?.resumable;
  if (file.size <= smallBytes || resumable === undefined) return runSmall(item, file, report);
  return runResumable(item, file, resumable, report);
}

function runSmall(item: UploadItem, file: File, report: RunReport): Run {
  let stopped = false;
  let request: XMLHttpRequest | undefined;
  const once = () =>
    new Promise<Outcome>((resolve, reject) => {
      const sending = new XMLHttpRequest();
      request = sending;
      const { path, occupied, lastModified } = item;
      const query = { path, replace: occupied === 'replace', numbered: occupied === 'number', mtimeMs: lastModified };
      sending.open('PUT', apiUrl('/files/content', query));
      sending.setRequestHeader('Content-Type', 'application/octet-stream');
      sending.setRequestHeader('Accept-Language', i18next.language);
      sending.upload.onprogress = ({ loaded }) => report.onSent(Math.min(loaded, file.size));
      sending.onerror = () => reject(unreachable());
      sending.onload = () => {
        if (sending.status !== 200) reject(errorOf(sending.status, sending.responseText));
        else resolve((JSON.parse(sending.responseText) as FileDetails).existed ? 'here' : 'done');
      };
      sending.send(file);
    });
  const run = async (): Promise<Outcome> => {
    for (const delay of retryDelays) {
      try {
        return await once();
      } catch (error) {
        if (stopped || !(error instanceof ApiError) || !isPassing(error.status)) throw error;
        await new Promise((resolve) => setTimeout(resolve, delay));
        if (stopped) throw error;
      }
    }
    return once();
  };
  return {
    ended: neverAfter(run(), () => stopped),
    stop: () => {
      stopped = true;
      request?.abort();
    },
  };
}

function runResumable(item: UploadItem, file: File, endpoint: string, report: RunReport): Run {
  let stopped = false;
  let upload: Upload | undefined;
  const run = async (): Promise<Outcome> => {
    await refuseIfTaken(item);
    if (stopped) return 'done';
    const sending = new Promise<Outcome>((resolve, reject) => {
      upload = newUpload(item, file, endpoint, {
        ...report,
        onDone: () => resolve('done'),
        onError: reject,
      });
      upload.start();
    });
    // The node may have the content: that is found out while the bytes are on their way.
    const known = knownContent(item, file, () => stopped).then((isKnown) => (isKnown ? ('here' as const) : sending));
    const outcome = await Promise.race([sending, known]);
    if (outcome === 'here') await upload?.abort(true).catch(() => undefined);
    return outcome;
  };
  return {
    ended: neverAfter(run(), () => stopped),
    stop: (forget) => {
      stopped = true;
      // What the node cannot be told now it forgets by itself, after some days.
      upload?.abort(forget).catch(() => undefined);
    },
  };
}

/** Gigabytes later is too late to hear that the name is taken. */
async function refuseIfTaken({ path, occupied, resumable }: UploadItem): Promise<void> {
  if (occupied !== 'refuse' || resumable !== undefined) return;
  try {
    await api<FileDetails>('/files/stat', { query: { path } });
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return;
    throw error;
  }
  throw new ApiError('TARGET_EXISTS', 409, i18next.t('transfers.taken'));
}

function newUpload(
  { path, occupied, lastModified, resumable }: UploadItem,
  file: File,
  endpoint: string,
  report: RunReport & { onDone: () => void; onError: (error: ApiError) => void },
): Upload {
  const upload = new Upload(file, {
    endpoint: nodeUrl(endpoint),
    ...(resumable !== undefined && { uploadUrl: nodeUrl(endpoint + resumable) }),
    metadata: {
      filename: path.slice(path.lastIndexOf('/') + 1),
      'shoal-path': path,
      'shoal-replace': String(occupied === 'replace'),
      'shoal-mtime': String(lastModified),
    },
    headers: { 'Accept-Language': i18next.language },
    chunkSize: 64 * 1024 * 1024,
    retryDelays,
    storeFingerprintForResuming: false,
    onShouldRetry: (error) => isPassing(error.originalResponse?.getStatus() ?? 0),
    onProgress: report.onSent,
    onUploadUrlAvailable: () => {
      const id = upload.url?.replace(/\/$/, '').split('/').at(-1);
      if (id === undefined) return;
      // The node may name itself by an address that the page is not allowed to call.
      upload.url = nodeUrl(endpoint + id);
      report.onResumable(id);
    },
    onSuccess: report.onDone,
    onError: (error) => {
      const response = error instanceof DetailedError ? error.originalResponse : undefined;
      report.onError(response ? errorOf(response.getStatus(), response.getBody()) : unreachable());
    },
  });
  return upload;
}

/** Failures that pass by themselves: the node is away, is being started, or is busy. */
function isPassing(status: number): boolean {
  return status === 0 || status === 423 || status === 429 || status === 502 || status === 503 || status === 504;
}

/** One file is hashed at a time. */
let hashing: Promise<unknown> = Promise.resolve();

/** Whether the node had the content, and has stored it under the path. */
async function knownContent(item: UploadItem, file: File, isStopped: () => boolean): Promise<boolean> {
  const digest = hashing.then(() => (isStopped() ? undefined : digestOf(file)));
  hashing = digest.catch(() => undefined);
  try {
    const sha256 = await digest;
    if (sha256 === undefined || isStopped()) return false;
    const { path, size, lastModified, occupied } = item;
    await api('/files/known', { method: 'POST', json: { path, sha256, size, mtimeMs: lastModified, occupied } });
    return true;
  } catch {
    // Not known, or not now: the bytes are on their way anyway.
    return false;
  }
}

function digestOf(file: File): Promise<string> {
  const worker = new Worker(new URL('./hash-worker.ts', import.meta.url), { type: 'module' });
  return new Promise<string>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<string>) => resolve(data);
    worker.onerror = () => reject(new Error('the file cannot be read'));
    worker.postMessage(file);
  }).finally(() => worker.terminate());
}

/** Whoever stopped a run wants to hear nothing more of it. */
function neverAfter<T>(promise: Promise<T>, isStopped: () => boolean): Promise<T> {
  return new Promise((resolve, reject) => {
    promise.then(
      (value) => {
        if (!isStopped()) resolve(value);
      },
      (error: unknown) => {
        if (!isStopped()) reject(error);
      },
    );
  });
}
