/** Rows of a folder, read window by window as they come into view; or those of a search. */
import { useQueries, useQueryClient } from '@tanstack/react-query';
import { useCallback, useMemo, useRef, useState } from 'react';
import { api } from '../../api/http.ts';
import { useSearch, type View, viewWindow, windowRows } from '../../api/queries.ts';
import type { Entry, FileDetails, FolderView } from '../../api/types.ts';

/** Rows of which only some are in memory. */
export interface Rows {
  /** Undefined until the first answer. */
  readonly total: number | undefined;
  /** Files and the sum of their sizes, where it is known. */
  readonly sum: { readonly files: number; readonly bytes: number } | undefined;
  readonly at: (index: number) => Entry | undefined;
  /** Says which rows are in view. */
  readonly show: (first: number, last: number) => void;
  /** All rows from one to another, read if they are not there yet. */
  readonly range: (first: number, last: number) => Promise<readonly Entry[]>;
  readonly error: unknown;
  readonly retry: () => void;
}

/** Rows of a folder. */
export function useFolderRows(view: View): Rows {
  const client = useQueryClient();
  const [range, setRange] = useState({ first: 0, last: 0 });
  // A window before and one behind: who scrolls finds them there.
  const indexes = useMemo(
    () => Array.from({ length: range.last - range.first + 1 }, (_, index) => range.first + index),
    [range],
  );
  const results = useQueries({ queries: indexes.map((index) => viewWindow(view, index)) });
  const key = JSON.stringify(view);
  // What is known of a view stays while other windows of it are read.
  const known = useRef<{ key: string; view: FolderView | undefined }>({ key, view: undefined });
  const answered = results.find((result) => result.data)?.data;
  if (answered || known.current.key !== key) known.current = { key, view: answered };
  const { view: last } = known.current;
  const show = useCallback((first: number, end: number) => {
    const from = Math.max(0, Math.floor(first / windowRows));
    const to = Math.floor(end / windowRows);
    setRange((old) => (old.first === from && old.last === to ? old : { first: from, last: to }));
  }, []);
  const failed = results.find((result) => result.isError);
  return {
    total: last?.total,
    sum: last && { files: last.files, bytes: last.bytes },
    at: (index) => {
      const data = results[Math.floor(index / windowRows) - range.first]?.data;
      return data?.entries[index % windowRows];
    },
    show,
    range: async (first, end) => {
      const entries: Entry[] = [];
      for (let window = Math.floor(first / windowRows); window <= Math.floor(end / windowRows); window += 1) {
        const { entries: found } = await client.fetchQuery(viewWindow(view, window));
        entries.push(...found.filter((_, index) => isWithin(window * windowRows + index, first, end)));
      }
      return entries;
    },
    error: failed?.error,
    retry: () => {
      for (const result of results) void result.refetch();
    },
  };
}

function isWithin(value: number, first: number, last: number): boolean {
  return value >= first && value <= last;
}

/** Rows of a search. @param accepts what the filter lets through. */
export function useSearchRows(text: string, accepts: (file: FileDetails) => boolean): Rows {
  const search = useSearch(text);
  const entries = (search.data?.files ?? []).filter(accepts).map(entryOf);
  return {
    total: search.data ? entries.length : undefined,
    sum: search.data && { files: entries.length, bytes: entries.reduce((sum, { size }) => sum + size, 0) },
    at: (index) => entries[index],
    show: () => undefined,
    range: async (first, last) => entries.slice(first, last + 1),
    error: search.error,
    retry: () => void search.refetch(),
  };
}

function entryOf({ path, size, mtimeMs, sha256, mediaType }: FileDetails) {
  return { kind: 'file' as const, name: path.slice(path.lastIndexOf('/') + 1), path, size, mtimeMs, sha256, mediaType };
}

/** One entry as it is now. */
export function readDetails(path: string): Promise<FileDetails> {
  return api<FileDetails>('/files/stat', { query: { path } });
}
