/** Requests to the node. Every failure is an {@link ApiError} with the node's own words in the visitor's language. */
import i18next from 'i18next';

/** Values of a query; those that are undefined are left out, arrays are repeated. */
export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** A refusal of the node, or a request that did not reach it (`code` is `UNREACHABLE`, status 0). */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  readonly hint: string | undefined;

  constructor(code: string, status: number, message: string, hint?: string) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.status = status;
    this.hint = hint;
  }
}

/** Address of an operation of /api/v1. Relative to the page: the node may stand below a path of a proxy. */
export function apiUrl(path: string, query: Query = {}): string {
  const url = new URL(`./api/v1${path}`, document.baseURI);
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(one));
  }
  return url.href;
}

/** Address below the root of the node. */
export function nodeUrl(path: string): string {
  return new URL(`.${path}`, document.baseURI).href;
}

/** What a request carries. */
export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly query?: Query;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly signal?: AbortSignal;
}

let onRefused: () => void = () => undefined;

/** Tells when the node no longer takes the caller for one who may manage. */
export function whenRefused(handler: () => void): void {
  onRefused = handler;
}

/** Calls an operation and returns its answer. @throws ApiError. */
export async function api<T>(path: string, { method = 'GET', query, json, signal }: ApiRequest = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(apiUrl(path, query), {
      method,
      headers: {
        'Accept-Language': i18next.language,
        Accept: 'application/json',
        ...(json !== undefined && { 'Content-Type': 'application/json' }),
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
      ...(signal && { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unreachable();
  }
  const text = await response.text().catch(() => {
    throw unreachable();
  });
  if (response.ok) return JSON.parse(text) as T;
  const error = errorOf(response.status, text);
  if (error.code === 'MANAGEMENT_REFUSED') onRefused();
  throw error;
}

/** What a refusal says. @param text its body. */
export function errorOf(status: number, text: string): ApiError {
  try {
    const { code, message, hint } = JSON.parse(text) as Record<string, unknown>;
    if (typeof code === 'string' && typeof message === 'string') {
      const tip = typeof hint === 'string' ? hint : undefined;
      // The envelope of go-fastdfs has one text: the hint stands behind the message in brackets.
      const words = tip !== undefined ? message.replace(` (${tip})`, '') : message;
      return new ApiError(code, status, sentence(words), tip && sentence(tip));
    }
  } catch {
    // A proxy on the way answered, not the node.
  }
  return status === 0 ? unreachable() : new ApiError('UNEXPECTED', status, i18next.t('errors.unexpected', { status }));
}

/** Words of the node stand alone here; those of programs begin small. */
function sentence(words: string): string {
  return words.charAt(0).toLocaleUpperCase(i18next.language) + words.slice(1);
}

/** The node could not be reached. */
export function unreachable(): ApiError {
  return new ApiError('UNREACHABLE', 0, i18next.t('errors.unreachable'), i18next.t('errors.unreachableHint'));
}
