/** Addresses that others hand over. */

/** @returns undefined for what is no address. Not `URL.canParse`: older runtimes have none. */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
