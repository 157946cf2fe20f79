/** Conditional requests: RFC 9110, 13. */
import type { IncomingHttpHeaders } from 'node:http';

/** What identifies the content that would be sent. */
export interface Validators {
  /** Strong entity tag, quotes included. */
  readonly etag: string;
  /** Last-Modified, in whole seconds since 1970: the header knows no fractions. */
  readonly lastModifiedSeconds: number;
}

/** How a request is to be answered, in the order of RFC 9110, 13.2.2. */
export type Condition = 'send' | 'not-modified' | 'failed';

/** Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since. */
export function evaluateConditions(headers: IncomingHttpHeaders, validators: Validators): Condition {
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, validators.etag, 'strong')) return 'failed';
  } else {
    const since = secondsOf(headers['if-unmodified-since']);
    if (since !== undefined && validators.lastModifiedSeconds > since) return 'failed';
  }
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, validators.etag, 'weak') ? 'not-modified' : 'send';
  const since = secondsOf(headers['if-modified-since']);
  return since !== undefined && validators.lastModifiedSeconds <= since ? 'not-modified' : 'send';
}

/** Whether a Range header counts: If-Range (RFC 9110, 13.1.5) is absent or names this very content. */
export function rangeApplies(headers: IncomingHttpHeaders, validators: Validators): boolean {
  const ifRange = headers['if-range'];
  if (typeof ifRange !== 'string') return true;
  if (/^(w\/)?"/i.test(ifRange.trim())) return ifRange.trim() === validators.etag;
  return secondsOf(ifRange) === validators.lastModifiedSeconds;
}

function matches(header: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  return header.split(',').some((part) => {
    const tag = part.trim();
    if (tag === '*') return true;
    return comparison === 'weak' ? tag.replace(/^W\//, '') === etag : tag === etag;
  });
}

function secondsOf(header: string | undefined): number | undefined {
  // RFC 9110, 5.6.7: these three forms and nothing else; the last one has no zone and means UTC.
  const text = header?.trim() ?? '';
  const zoned = /^[a-z]{3,9}, \d{2}[ -][a-z]{3}[ -]\d{2,4} \d{2}:\d{2}:\d{2} GMT$/i.test(text);
  const asctime = /^[a-z]{3} [a-z]{3} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/i.test(text);
  if (!zoned && !asctime) return undefined;
  const ms = Date.parse(asctime ? `${text} GMT` : text);
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}
