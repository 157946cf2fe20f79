/** Links `shoal://<screen>/<path>`: they show a place in the app. They change nothing, because any web page can hold one. */
import { screens } from './screens.ts';
import { parseUrl } from './urls.ts';

/** @returns the part of the page's address behind `#`, or undefined for what is no link of ours. */
export function hashOf(link: string): string | undefined {
  const url = link.startsWith('shoal://') && link.length <= 4096 ? parseUrl(link) : undefined;
  if (!url) return undefined;
  const { host, pathname } = url;
  const screen = screens.find((name) => name === host);
  if (screen === undefined) return undefined;
  const parts = pathname.split('/').filter((part) => part !== '');
  return `#/${[screen, ...parts.map((part) => encodeURIComponent(decoded(part)))].join('/')}`;
}

/** The link of a command line. */
export function linkIn(argv: readonly string[]): string | undefined {
  return argv.find((word) => word.startsWith('shoal://'));
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
