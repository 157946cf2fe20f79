import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import canonicalize from 'canonicalize';
import { LRUCache } from 'lru-cache';
import { ShoalError } from '../domain/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { post } from '../runtime/outgoing.ts';

/** How long the service may take, in milliseconds. */
const timeoutMs = 5000;

/** How long its consent counts for the very same question, in milliseconds. */
const consentMs = 5000;

/** Headers that belong to the caller's connection or body, not to the question (RFC 9110, 7.6.1). */
const notTold: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'content-length',
  'content-type',
  'content-encoding',
  'accept-encoding',
  'range',
  'if-range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
]);

/** What the service is asked. */
export interface AuthQuestion {
  readonly headers: IncomingHttpHeaders;
  /** Fields of form and query, or metadata of a resumable upload. */
  readonly fields: Readonly<Record<string, string>>;
}

/** The part of the configuration that names the service. */
export interface AuthPolicy {
  /** Empty: nobody is asked. */
  readonly auth_url: string;
}

/**
 * Asks the service at `auth_url` whether something is allowed, as go-fastdfs does: a POST of the form fields and headers of
 * the request; `ok`, or JSON whose `data` is `ok`, is consent. Anything else, silence too, is none.
 */
export class ExternalAuth {
  readonly #policy: () => AuthPolicy;
  readonly #logger: Pick<Logger, 'warn'>;
  readonly #consents = new LRUCache<string, true>({ max: 10_000, ttl: consentMs });

  constructor(policy: () => AuthPolicy, logger: Pick<Logger, 'warn'>) {
    this.#policy = policy;
    this.#logger = logger;
  }

  /** Whether there is a service to ask. */
  get isNeeded(): boolean {
    return this.#policy().auth_url !== '';
  }

  /** Returns when the service consents, or when there is none. @throws ShoalError AUTH_REFUSED. */
  async check(question: AuthQuestion): Promise<void> {
    const url = this.#policy().auth_url;
    if (url === '') return;
    const { headers, fields } = toldOf(question);
    const key = createHash('sha256')
      .update(canonicalize({ url, headers, fields }) ?? '')
      .digest('base64');
    if (this.#consents.has(key)) return;
    const answer = await post({ url, body: new URLSearchParams(fields), headers, timeoutMs, trust: 'operator' }).catch(
      (error: unknown) => {
        // A refusal is its business; that it cannot be reached is the operator's.
        this.#logger.warn({ err: error }, 'auth_url gave no consent');
        throw new ShoalError('AUTH_REFUSED', { cause: error });
      },
    );
    if (!isConsent(answer.body)) throw new ShoalError('AUTH_REFUSED');
    this.#consents.set(key, true);
  }
}

/** The token may come as header or as field; the service finds it in both. */
function toldOf({ headers, fields }: AuthQuestion) {
  const told: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || notTold.has(name)) continue;
    told[name] = withoutOwnCookies(name, Array.isArray(value) ? value.join(', ') : value);
  }
  const token = told['auth-token'] ?? fields.auth_token;
  if (token === undefined) return { headers: told, fields };
  // A field is a stranger's text: what no header may hold stays out of it.
  const fits = /^[\u0021-\u007e]*$/.test(token);
  return { headers: fits ? { ...told, 'auth-token': token } : told, fields: { ...fields, auth_token: token } };
}

/** Logins of this node are nobody else's business. */
function withoutOwnCookies(name: string, value: string): string {
  if (name !== 'cookie') return value;
  const parts = value.split(';').map((part) => part.trim());
  return parts.filter((part) => !part.startsWith('shoal_')).join('; ');
}

function isConsent(body: string): boolean {
  const text = body.trim();
  if (text === 'ok') return true;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'data' in value && value.data === 'ok';
  } catch {
    return false;
  }
}
