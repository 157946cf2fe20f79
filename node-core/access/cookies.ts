/** Cookies (RFC 6265): reading the request's, wording our own. */
import type { IncomingMessage } from 'node:http';

/** The value of a cookie; the first of several of one name counts. */
export function cookieOf(request: IncomingMessage, name: string): string | undefined {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const equals = part.indexOf('=');
    if (equals > 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim();
  }
  return undefined;
}

/** How a cookie is set. */
export interface CookieOptions {
  /** Path of the URLs that get it. */
  readonly path: string;
  /** `strict` never comes along from another site; `lax` does when a link there is followed. */
  readonly sameSite: 'strict' | 'lax';
  /** Only over https. */
  readonly secure: boolean;
  /** Seconds; 0 removes the cookie. */
  readonly maxAgeSeconds: number;
}

/** The text of Set-Cookie. No script of a page can read the cookie. */
export function setCookie(name: string, value: string, options: CookieOptions): string {
  const { path, sameSite, secure, maxAgeSeconds } = options;
  const site = sameSite === 'strict' ? 'Strict' : 'Lax';
  return `${name}=${value}; Path=${path}; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=${site}${secure ? '; Secure' : ''}`;
}
