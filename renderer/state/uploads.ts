/**
 * The uploads of this browser: a queue that runs a few at a time, outlives the page, and keeps a history. Components read
 * it with {@link useUploads}.
 */
import { useSyncExternalStore } from 'react';
import { ApiError, api, unreachable } from '../api/http.ts';
import type { UploadForm } from '../api/types.ts';
import { dropFile, keepFile, keptFile } from './kept-files.ts';
import { recall, remember } from './preferences.ts';
import { isOver, looksLike, type Occupied, type UploadItem } from './upload-item.ts';
import type { Run } from './upload-run.ts';

/** Uploads that run at the same time. */
const maxRunning = 3;

/** Finished uploads that are remembered. */
const maxHistory = 200;

/** Waiting uploads that outlive the page. */
const maxKept = 1000;

/** Of more files at once only large ones are kept by the browser: each costs it a copy. */
const maxKeptAtOnce = 50;
const largeBytes = 8 * 1024 * 1024;

/** Progress is shown this often, in milliseconds. */
const showMs = 200;

/** What changed is written down after this many milliseconds: thousands of small files change it often. */
const keepMs = 300;

/** What components see. */
export interface UploadsState {
  /** Oldest first. */
  readonly items: readonly UploadItem[];
  /** Finished ones, newest first. */
  readonly history: readonly UploadItem[];
}

/** A file and where it goes. */
export interface NewUpload {
  readonly file: File;
  readonly path: string;
}

class Uploads {
  readonly #items = new Map<string, UploadItem>();
  readonly #files = new Map<string, File>();
  readonly #runs = new Map<string, Run>();
  /** Files that the browser keeps. */
  readonly #kept = new Set<string>();
  readonly #samples = new Map<string, { readonly atMs: number; readonly sent: number }>();
  readonly #listeners = new Set<() => void>();
  #history = recall<readonly UploadItem[]>('history', []);
  #state: UploadsState = { items: [], history: this.#history };
  #form: UploadForm | undefined;
  #timer: number | undefined;
  #keeping: number | undefined;

  /** Takes up what an earlier page left. */
  async restore(): Promise<void> {
    for (const item of recall<readonly UploadItem[]>('uploads', [])) {
      const file = await keptFile(item.id);
      if (file) {
        this.#files.set(item.id, file);
        this.#kept.add(item.id);
      }
      const state = file ? (item.state === 'paused' ? 'paused' : 'waiting') : 'lost';
      this.#items.set(item.id, { ...item, state, speed: 0, error: undefined });
    }
    this.#changed();
  }

  get state(): UploadsState {
    return this.#state;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Puts files into the queue. A file that was lost by a reload goes on where it was. */
  add(files: readonly NewUpload[]): void {
    const waiting = [...this.#items.values()].filter(({ state }) => state === 'lost');
    for (const { file, path } of files) {
      const lost = waiting.find((item) => item.path === path && looksLike(item, file));
      if (lost) {
        this.giveFile(lost.id, file);
        continue;
      }
      const id = newId();
      this.#files.set(id, file);
      if (files.length <= maxKeptAtOnce || file.size > largeBytes) this.#keepFile(id, file);
      this.#items.set(id, {
        id,
        path,
        size: file.size,
        lastModified: file.lastModified,
        state: 'waiting',
        occupied: 'refuse',
        sent: 0,
        speed: 0,
      });
    }
    this.#changed();
  }

  /** Hands the file of an upload in again. @returns false when it is another one. */
  giveFile(id: string, file: File): boolean {
    const item = this.#items.get(id);
    if (!item || !looksLike(item, file)) return false;
    this.#files.set(id, file);
    this.#keepFile(id, file);
    this.#set(id, { state: 'waiting' });
    return true;
  }

  pause(id: string): void {
    this.#runs.get(id)?.stop(false);
    this.#runs.delete(id);
    this.#set(id, { state: 'paused', speed: 0 });
  }

  /** Goes on, or tries again. */
  resume(id: string): void {
    this.#set(id, { state: this.#files.has(id) ? 'waiting' : 'lost', error: undefined });
  }

  cancel(id: string): void {
    this.#runs.get(id)?.stop(true);
    this.#forget(id);
    this.#changed();
  }

  /** Decides about a file that stands at the path. @param all for all that wait for the same decision. */
  decide(id: string, occupied: Exclude<Occupied, 'refuse'> | 'skip', all: boolean): void {
    const meant = all
      ? [...this.#items.values()].filter(({ state }) => state === 'conflict').map((item) => item.id)
      : [id];
    for (const one of meant) {
      if (occupied === 'skip') this.#forget(one);
      else this.#set(one, { state: 'waiting', occupied, error: undefined });
    }
    this.#changed();
  }

  pauseAll(): void {
    for (const { id, state } of [...this.#items.values()])
      if (state === 'running' || state === 'waiting') this.pause(id);
  }

  resumeAll(): void {
    for (const { id, state } of [...this.#items.values()])
      if (state === 'paused' || state === 'failed') this.resume(id);
  }

  clearHistory(): void {
    this.#history = [];
    remember('history', this.#history);
    this.#changed();
  }

  #keepFile(id: string, file: File): void {
    this.#kept.add(id);
    void keepFile(id, file);
  }

  #set(id: string, change: Partial<UploadItem>): void {
    const item = this.#items.get(id);
    if (!item) return;
    this.#items.set(id, { ...item, ...change });
    this.#changed();
  }

  #forget(id: string): void {
    this.#runs.delete(id);
    this.#items.delete(id);
    this.#files.delete(id);
    this.#samples.delete(id);
    if (this.#kept.delete(id)) void dropFile(id);
  }

  /** Something else than progress: is kept, shown, and may let the next one begin. */
  #changed(): void {
    this.#fill();
    this.#keeping ??= window.setTimeout(() => this.keep(), keepMs);
    // Of thousands of small files each ends one of these: the page would do nothing but draw.
    const soon = this.#items.size > 20 ? showMs : 0;
    this.#timer ??= window.setTimeout(() => this.#show(), soon);
  }

  /** Writes down what is not over, for the page after this one. */
  keep(): void {
    window.clearTimeout(this.#keeping);
    this.#keeping = undefined;
    const unfinished = [...this.#items.values()].slice(0, maxKept).map(({ error: _, ...item }) => item);
    remember('uploads', unfinished);
    remember('history', this.#history);
  }

  #fill(): void {
    for (const item of this.#items.values()) {
      if (this.#runs.size >= maxRunning) return;
      const file = this.#files.get(item.id);
      if (item.state === 'waiting' && file) this.#start(item, file);
    }
  }

  #start(item: UploadItem, file: File): void {
    const { id } = item;
    let inner: Run | undefined;
    let stopped: boolean | undefined;
    this.#items.set(id, { ...item, state: 'running', error: undefined });
    const begin = async () => {
      this.#form ??= await api<UploadForm>('/upload-form');
      // How files are sent is loaded with the first that is.
      const { runUpload } = await import('./upload-run.ts').catch(() => {
        throw unreachable();
      });
      if (stopped !== undefined) return new Promise<never>(() => undefined);
      inner = runUpload(item, file, this.#form, {
        onSent: (sent) => this.#progress(id, sent),
        onResumable: (resumable) => this.#set(id, { resumable }),
      });
      return inner.ended;
    };
    const run: Run = {
      ended: begin(),
      stop: (forget) => {
        stopped = forget;
        inner?.stop(forget);
      },
    };
    this.#runs.set(id, run);
    run.ended.then(
      (outcome) => this.#finish(id, outcome),
      (error: unknown) => {
        if (this.#runs.get(id) !== run) return;
        this.#runs.delete(id);
        const known = error instanceof ApiError ? error : new ApiError('UNEXPECTED', 0, String(error));
        const state = known.code === 'TARGET_EXISTS' ? 'conflict' : 'failed';
        // What was sent in one request counts for nothing when that is refused.
        const kept = this.#items.get(id)?.resumable !== undefined;
        this.#set(id, { state, error: known, speed: 0, ...(!kept && { sent: 0 }) });
      },
    );
  }

  #finish(id: string, state: 'done' | 'here'): void {
    const item = this.#items.get(id);
    this.#forget(id);
    if (item) {
      const ended = { ...item, state, sent: item.size, speed: 0, endedMs: Date.now() };
      this.#history = [ended, ...this.#history].slice(0, maxHistory);
    }
    this.#changed();
  }

  #progress(id: string, sent: number): void {
    const item = this.#items.get(id);
    if (!item) return;
    const now = performance.now();
    const last = this.#samples.get(id);
    let { speed } = item;
    if (!last || now - last.atMs > 400) {
      if (last && sent >= last.sent) {
        const current = ((sent - last.sent) * 1000) / (now - last.atMs);
        speed = speed === 0 ? current : speed * 0.7 + current * 0.3;
      }
      this.#samples.set(id, { atMs: now, sent });
    }
    this.#items.set(id, { ...item, sent, speed });
    this.#timer ??= window.setTimeout(() => this.#show(), showMs);
  }

  #show(): void {
    window.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#state = { items: [...this.#items.values()], history: this.#history };
    for (const listener of this.#listeners) listener();
  }
}

function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The queue. */
export const uploads = new Uploads();
void uploads.restore();
window.addEventListener('pagehide', () => uploads.keep());

/** What a selector reads from the queue; it must return the same value for the same state. */
export function useUploads<T>(select: (state: UploadsState) => T): T {
  return useSyncExternalStore(uploads.subscribe, () => select(uploads.state));
}

/** Uploads that are not over. */
export function unfinished({ items }: UploadsState): readonly UploadItem[] {
  return items.filter((item) => !isOver(item));
}
