import type { IncomingHttpHeaders } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { evaluateConditions, rangeApplies } from '../../../../node-core/http/download/conditions.ts';

const etag = '"abc"';
const same = 'Sun, 06 Nov 1994 08:49:37 GMT';
const earlier = 'Sun, 06 Nov 1994 08:49:36 GMT';
const later = 'Sun, 06 Nov 1994 08:49:38 GMT';
const validators = { etag, lastModifiedSeconds: Date.parse(same) / 1000 };

const zone = process.env.TZ;

afterEach(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

describe('evaluateConditions, by RFC 9110, 13.1 and 13.2.2', () => {
  it.each<[IncomingHttpHeaders, string]>([
    [{}, 'send'],
    // 13.1.1 If-Match: strong comparison.
    [{ 'if-match': etag }, 'send'],
    [{ 'if-match': '*' }, 'send'],
    [{ 'if-match': `"x", ${etag}` }, 'send'],
    [{ 'if-match': '"x"' }, 'failed'],
    [{ 'if-match': `W/${etag}` }, 'failed'],
    [{ 'if-match': '"x", "y"' }, 'failed'],
    [{ 'if-match': '' }, 'failed'],
    // 13.1.2 If-None-Match: weak comparison.
    [{ 'if-none-match': etag }, 'not-modified'],
    [{ 'if-none-match': `W/${etag}` }, 'not-modified'],
    [{ 'if-none-match': '*' }, 'not-modified'],
    [{ 'if-none-match': `"x",${etag}` }, 'not-modified'],
    [{ 'if-none-match': '"x"' }, 'send'],
    [{ 'if-none-match': 'abc' }, 'send'],
    // 13.1.3 If-Modified-Since.
    [{ 'if-modified-since': same }, 'not-modified'],
    [{ 'if-modified-since': later }, 'not-modified'],
    [{ 'if-modified-since': earlier }, 'send'],
    [{ 'if-modified-since': 'rubbish' }, 'send'],
    [{ 'if-modified-since': '' }, 'send'],
    // 13.1.4 If-Unmodified-Since.
    [{ 'if-unmodified-since': same }, 'send'],
    [{ 'if-unmodified-since': later }, 'send'],
    [{ 'if-unmodified-since': earlier }, 'failed'],
    [{ 'if-unmodified-since': 'rubbish' }, 'send'],
    // 13.2.2: the tags go before the dates, preconditions before validation.
    [{ 'if-match': etag, 'if-unmodified-since': earlier }, 'send'],
    [{ 'if-match': '"x"', 'if-none-match': etag }, 'failed'],
    [{ 'if-none-match': '"x"', 'if-modified-since': later }, 'send'],
    [{ 'if-none-match': etag, 'if-modified-since': earlier }, 'not-modified'],
    [{ 'if-match': etag, 'if-none-match': etag }, 'not-modified'],
    [{ 'if-unmodified-since': earlier, 'if-modified-since': later }, 'failed'],
  ])('%j: %s', (headers, expected) => {
    expect(evaluateConditions(headers, validators)).toBe(expected);
  });

  it.each([
    ['the usual form', 'Sun, 06 Nov 1994 08:49:37 GMT'],
    ['RFC 850', 'Sunday, 06-Nov-94 08:49:37 GMT'],
    ['asctime', 'Sun Nov  6 08:49:37 1994'],
  ])('reads %s of an HTTP date, in any time zone of the node (5.6.7)', (_form, date) => {
    for (const timeZone of ['UTC', 'Asia/Shanghai', 'America/New_York']) {
      process.env.TZ = timeZone;
      expect(evaluateConditions({ 'if-modified-since': date }, validators), timeZone).toBe('not-modified');
      expect(evaluateConditions({ 'if-unmodified-since': date }, validators), timeZone).toBe('send');
    }
  });

  it.each(['5', '2020', '2026-01-01T00:00:00Z', '2026-01-01', 'Jan 1 2026'])(
    'ignores %j, which is no HTTP date (13.1.3, 13.1.4)',
    (date) => {
      expect(evaluateConditions({ 'if-modified-since': date }, validators)).toBe('send');
      const modified = { ...validators, lastModifiedSeconds: Date.UTC(2030, 0, 1) / 1000 };
      expect(evaluateConditions({ 'if-unmodified-since': date }, modified)).toBe('send');
    },
  );
});

describe('rangeApplies, by RFC 9110, 13.1.5', () => {
  it.each<[string | undefined, boolean]>([
    [undefined, true],
    [etag, true],
    ['"x"', false],
    [`W/${etag}`, false],
    [same, true],
    [earlier, false],
    [later, false],
    ['rubbish', false],
    ['', false],
  ])('If-Range %j: %s', (value, expected) => {
    expect(rangeApplies(value === undefined ? {} : { 'if-range': value }, validators)).toBe(expected);
  });
});
