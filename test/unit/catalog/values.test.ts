import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../../node-core/catalog/values.ts';
import { emptyRecord, writeVersion } from '../../../node-core/domain/file-record.ts';
import { dot, version } from '../domain/versions.ts';
import { errorOf } from '../temp-folder.ts';

const record = writeVersion(emptyRecord('a/b'), version(dot('a', 1), 1_700_000_000_000));
const identity = { size: 1, ino: '2', mtimeNs: '3', ctimeNs: '4' };

describe('encode', () => {
  it('gives the same bytes whatever the order of the fields', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse());
        expect(encode(turned)).toBe(encode(value));
        expect(JSON.parse(encode(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe('decode', () => {
  it('reads back what was written', () => {
    expect(decode.record('k', encode(record))).toEqual(record);
    const local = { place: 'a/b', identity, verifiedMs: 5 };
    expect(decode.local('k', encode(local))).toEqual(local);
    const intent = { id: 'i', path: 'a', retire: [{ trashId: 't', place: 'a' }] };
    expect(decode.intent('k', encode(intent))).toEqual(intent);
  });

  it('keeps fields that a newer node added to a record and its versions', () => {
    const [first] = record.versions;
    const newer = {
      ...record,
      format: 2,
      colour: 'green',
      versions: [{ ...first, stars: 5 }],
      removal: { dot: dot('b', 1), clock: '0'.repeat(16), by: 'x', why: 'because' },
    };
    const read = decode.record('k', encode(newer));
    expect(encode(read)).toBe(encode(newer));
  });

  const broken: readonly (readonly [string, keyof typeof decode, string])[] = [
    ['no JSON', 'record', '{"format":1'],
    ['nothing', 'record', ''],
    ['null', 'record', 'null'],
    ['another type', 'record', '[]'],
    ['a record without versions', 'record', '{"format":1,"path":"a","context":{}}'],
    ['a dot of no node', 'record', encode({ ...record, versions: [{ ...record.versions[0], dot: { node: 'x' } }] })],
    ['a short sha256', 'record', encode({ ...record, versions: [{ ...record.versions[0], sha256: 'abc' }] })],
    ['an unknown kind', 'record', encode({ ...record, versions: [{ ...record.versions[0], kind: 'link' }] })],
    ['a negative size', 'record', encode({ ...record, versions: [{ ...record.versions[0], size: -1 }] })],
    ['bytes without a place', 'local', encode({ identity, verifiedMs: 1 })],
    ['bytes at an empty place', 'local', encode({ place: '', identity, verifiedMs: 1 })],
    ['an entry of no kind', 'entry', '{"size":1}'],
    ['statistics of parts of files', 'day', '{"files":1.5,"bytes":2}'],
    ['a text where a number stands', 'number', '"1"'],
    ['a number where a text stands', 'string', '1'],
    ['an alias to nowhere', 'alias', '{"path":"a"}'],
    ['a trash entry without reason', 'trash', '{"id":"x"}'],
    ['an intent without bytes to move', 'intent', '{"id":"x","path":"a"}'],
    ['a link source without identity', 'linkSource', '{"place":"a"}'],
  ];

  it.each(broken)('calls %s damage: CATALOG_CORRUPT with the key', async (_what, table, text) => {
    const error = await errorOf(() => decode[table]('r\0some/path', text));
    expect(error.code).toBe('CATALOG_CORRUPT');
    expect(error.details).toEqual({ key: 'r some/path' });
    expect(error.cause).toBeDefined();
  });
});
