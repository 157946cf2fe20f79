/** What this browser remembers of its visitor: how folders are shown, and the like. */
import { useCallback, useSyncExternalStore } from 'react';

const prefix = 'shoal.';
const listeners = new Set<() => void>();
const cache = new Map<string, { readonly text: string | null; readonly value: unknown }>();

function read<T>(key: string, initial: T): T {
  const text = localStorage.getItem(prefix + key);
  const kept = cache.get(key);
  if (kept && kept.text === text) return kept.value as T;
  const value = text === null ? initial : parsed(text, initial);
  cache.set(key, { text, value });
  return value;
}

function parsed<T>(text: string, initial: T): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    return initial;
  }
}

/** Remembers a value. */
export function remember(key: string, value: unknown): void {
  try {
    localStorage.setItem(prefix + key, JSON.stringify(value));
  } catch {
    // No room, or storing is forbidden: it holds for this page then.
  }
  for (const listener of listeners) listener();
}

/** What was remembered. */
export function recall<T>(key: string, initial: T): T {
  return read(key, initial);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener('storage', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('storage', listener);
  };
}

/** A remembered value and how to change it. */
export function usePreference<T>(key: string, initial: T): [T, (value: T) => void] {
  const value = useSyncExternalStore(subscribe, () => read(key, initial));
  const set = useCallback((next: T) => remember(key, next), [key]);
  return [value, set];
}
