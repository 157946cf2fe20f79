import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelOf } from '../../../../node-core/cluster/discovery/announcement.ts';
import { asksForNodes, readNotices } from '../../../../node-core/cluster/discovery/packet.ts';

const id = '5a'.repeat(32);
const name = `${labelOf(id)}._shoal._tcp.local`;
const srv = { name, type: 'SRV', ttl: 120, data: { port: 8443, target: 'elsewhere.local' } };
const txt = { name, type: 'TXT', ttl: 4500, data: [Buffer.from('name=A')] };
const here = { kind: 'here', id, port: 8443 };

describe('a packet', () => {
  it.each([
    ['SRV and TXT', { answers: [srv, txt] }, [{ ...here, text: { name: 'A' } }]],
    ['TXT before SRV, in both sections', { answers: [txt], additionals: [srv] }, [{ ...here, text: { name: 'A' } }]],
    ['SRV without TXT', { answers: [srv], additionals: [] }, [here]],
    ['TXT without SRV', { answers: [txt] }, []],
    ['a name in capitals', { answers: [{ ...srv, name: name.toUpperCase() }] }, [here]],
    [
      'a goodbye',
      {
        answers: [
          { ...srv, ttl: 0 },
          { ...txt, ttl: 0 },
        ],
      },
      [{ kind: 'goodbye', id }],
    ],
    ['port 0', { answers: [{ ...srv, data: { port: 0 } }] }, []],
    ['no data', { answers: [{ ...srv, data: undefined }, { ...srv, data: null }, null, 7, 'SRV'] }, []],
    ['another service', { answers: [{ ...srv, name: `${labelOf(id)}._http._tcp.local` }] }, []],
    ['a name below the name', { answers: [{ ...srv, name: `x.${name}` }] }, []],
    ['a name that is no id', { answers: [{ ...srv, name: 'printer._shoal._tcp.local' }] }, []],
    ['no sections', {}, []],
    ['sections that are none', { answers: 'x', additionals: { length: 3 } }, []],
    ['nothing', undefined, []],
  ])('with %s', (_, packet, expected) => {
    expect(readNotices(packet)).toEqual(expected);
  });

  it('speaks of few nodes', () => {
    const answers = Array.from({ length: 200 }, (_, index) => ({
      ...srv,
      name: `${labelOf(index.toString(16).padStart(64, '0'))}._shoal._tcp.local`,
    }));
    expect(readNotices({ answers })).toHaveLength(4);
  });

  it('of any shape is read without an error', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), fc.constantFrom('SRV', 'TXT', 'A'), (data, ttl, type) => {
        const notices = readNotices({ answers: [data, { name, type, ttl, data }], additionals: data });
        expect(Array.isArray(notices)).toBe(true);
      }),
    );
  });
});

describe('a question', () => {
  it.each([
    ['_shoal._tcp.local', true],
    ['_SHOAL._tcp.local', true],
    [name, true],
    ['_services._dns-sd._udp.local', true],
    ['_http._tcp.local', false],
    ['x_shoal._tcp.local', false],
    ['', false],
  ])('for %s is about nodes: %s', (asked, expected) => {
    expect(asksForNodes({ name: asked, type: 'PTR' })).toBe(expected);
  });

  it.each([undefined, null, 7, {}, { name: 7 }, { name: 'x'.repeat(600) }])('%j is about nothing', (question) => {
    expect(asksForNodes(question)).toBe(false);
  });
});
