/** Where in the app the visitor is: the part of the address behind `#`, which no server sees. */
import { useSyncExternalStore } from 'react';

/** The screens that have an address. */
export const screens = [
  'files',
  'transfers',
  'devices',
  'share',
  'trash',
  'health',
  'settings',
  'welcome',
  'upload',
] as const;
export type Screen = (typeof screens)[number];

/** A place in the app. */
export interface Route {
  readonly screen: Screen;
  /** What stands behind the screen: a folder, a part of the settings. */
  readonly rest: string;
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  return () => window.removeEventListener('hashchange', listener);
}

/** Where the visitor is. */
export function useRoute(): Route {
  return parse(useSyncExternalStore(subscribe, () => window.location.hash));
}

function parse(hash: string): Route {
  const [first = '', ...rest] = hash.replace(/^#\/?/, '').split('/');
  const screen = screens.find((name) => name === first) ?? 'files';
  return { screen, rest: rest.map(decoded).filter(Boolean).join('/') };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Address of a place, for links. */
export function hrefOf(screen: Screen, rest = ''): string {
  const path = rest === '' ? '' : `/${rest.split('/').map(encodeURIComponent).join('/')}`;
  return `#/${screen}${path}`;
}

/** Goes there. */
export function go(screen: Screen, rest = ''): void {
  window.location.hash = hrefOf(screen, rest);
}
