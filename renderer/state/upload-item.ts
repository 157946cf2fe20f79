/** One file on its way to the node, and what is said about it. */
import type { ApiError } from '../api/http.ts';

/**
 * `conflict`: something else stands at its path; `lost`: the page was loaded anew and the browser did not keep the file;
 * `here`: the node had its content already.
 */
export type UploadState = 'waiting' | 'running' | 'paused' | 'conflict' | 'lost' | 'failed' | 'done' | 'here';

/** What happens to a file that stands at the path. */
export type Occupied = 'refuse' | 'replace' | 'number';

/** A snapshot of an upload: a change makes a new one. */
export interface UploadItem {
  readonly id: string;
  /** Where it goes, with its name. */
  readonly path: string;
  readonly size: number;
  readonly lastModified: number;
  readonly state: UploadState;
  readonly occupied: Occupied;
  /** Bytes that the node has. */
  readonly sent: number;
  /** Bytes a second, smoothed. */
  readonly speed: number;
  /** Id of the resumable upload on the node, once it has begun. */
  readonly resumable?: string | undefined;
  readonly error?: ApiError | undefined;
  readonly endedMs?: number | undefined;
}

/** Whether nothing more happens to it by itself. */
export function isOver({ state }: UploadItem): boolean {
  return state === 'done' || state === 'here';
}

/** Whether two files are the same, as far as can be told without reading them. */
export function looksLike(item: UploadItem, file: File): boolean {
  return item.size === file.size && item.lastModified === file.lastModified;
}
