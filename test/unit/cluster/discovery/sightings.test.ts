import { beforeEach, describe, expect, it } from 'vitest';
import { Sightings } from '../../../../node-core/cluster/discovery/sightings.ts';

const id = 'a'.repeat(64);
const text = { name: 'A' };
const here = { address: '10.0.0.1', port: 8443 };
const moved = { address: '10.0.0.2', port: 8443 };
const everywhere = () => true;
const minute = 60_000;

describe('what has been heard of nodes', () => {
  let sightings: Sightings;
  beforeEach(() => {
    sightings = new Sightings();
  });
  /** Queries that nobody answered. */
  const ask = (times: number) => {
    for (let time = 0; time < times; time += 1) sightings.asked(everywhere);
  };

  it('tells a new node, a known one, and each thing that changes', () => {
    expect(sightings.hear(id, here, text, 0)).toBe('found');
    expect(sightings.hear(id, here, text, 1)).toBe('heard');
    expect(sightings.hear(id, { ...here, port: 9 }, text, 2)).toBe('changed');
    expect(sightings.hear(id, { ...here, port: 9 }, { name: 'B' }, 3)).toBe('changed');
    expect(sightings.hear(id, { ...here, port: 9 }, { name: 'B', tag: 't' }, 4)).toBe('changed');
    expect(sightings.hint(id)).toEqual({ id, name: 'B', tag: 't', address: '10.0.0.1', port: 9, others: [] });
  });

  it('keeps what was said when a packet holds the port alone', () => {
    sightings.hear(id, here, { name: 'A', httpPort: 80 }, 0);
    expect(sightings.hear(id, here, undefined, 1)).toBe('heard');
    expect(sightings.hear(id, moved, undefined, 2)).toBe('changed');
    expect(sightings.hint(id)).toEqual({ id, name: 'A', httpPort: 80, ...moved, others: [here] });
  });

  it('does not change to and fro when a node is heard on two networks', () => {
    sightings.hear(id, here, text, 0);
    sightings.hear(id, moved, text, 1);
    expect([sightings.hear(id, here, text, 2), sightings.hear(id, moved, text, 3)]).toEqual(['heard', 'heard']);
  });

  it('leaves the true address beside a forged one', () => {
    sightings.hear(id, here, text, 0);
    for (let forger = 3; forger < 6; forger += 1) {
      sightings.hear(id, { address: `10.0.0.${forger}`, port: 1 }, text, forger);
      sightings.hear(id, here, text, forger);
    }
    expect(sightings.hint(id)?.others).toContainEqual(here);
  });

  it('drops the old address after three queries when the node answers from a new one', () => {
    sightings.hear(id, here, text, 0);
    sightings.hear(id, moved, text, 1);
    for (let query = 1; query <= 3; query += 1) {
      expect(sightings.removeSilent(query)).toEqual({ gone: [], changed: [] });
      ask(1);
      sightings.hear(id, moved, text, query);
    }
    expect(sightings.removeSilent(4)).toEqual({ gone: [], changed: [{ id, name: 'A', ...moved, others: [] }] });
  });

  it.each([
    { queries: 4, afterMs: 3 * minute, gone: true },
    { queries: 3, afterMs: 60 * minute, gone: false },
    { queries: 30, afterMs: minute, gone: false },
  ])('forgets after $queries queries and $afterMs ms: $gone', ({ queries, afterMs, gone }) => {
    sightings.hear(id, here, text, 0);
    ask(queries);
    expect(sightings.removeSilent(afterMs).gone).toHaveLength(gone ? 1 : 0);
    expect(sightings.hints()).toHaveLength(gone ? 0 : 1);
  });

  it('does not count queries that cannot have reached the node', () => {
    sightings.hear(id, here, text, 0);
    for (let query = 0; query < 9; query += 1) sightings.asked((address) => address === '10.0.0.2');
    expect(sightings.removeSilent(60 * minute).gone).toEqual([]);
  });

  it('believes a goodbye when the next query is not answered', () => {
    sightings.hear(id, here, text, 0);
    ask(1);
    expect(sightings.goodbye(id, '10.0.0.1')).toBe(true);
    expect([sightings.hasUnaskedGoodbyes(), sightings.removeLeaving().gone]).toEqual([true, []]);
    ask(1);
    expect(sightings.hasUnaskedGoodbyes()).toBe(false);
    expect(sightings.removeLeaving().gone).toEqual([{ id, name: 'A', ...here, others: [] }]);
  });

  it('does not believe a goodbye of a node that answers, or from another address', () => {
    sightings.hear(id, here, text, 0);
    sightings.goodbye(id, '10.0.0.1');
    ask(1);
    sightings.hear(id, here, text, 1);
    expect(sightings.goodbye(id, '10.0.0.66')).toBe(false);
    ask(1);
    expect(sightings.removeLeaving()).toEqual({ gone: [], changed: [] });
  });

  it('loses what is on a network that the host has left, and keeps the other address', () => {
    const other = 'b'.repeat(64);
    sightings.hear(id, here, text, 0);
    sightings.hear(id, moved, text, 0);
    sightings.hear(other, moved, text, 0);
    const removal = sightings.removeUnreachable((address) => address !== '10.0.0.2');
    expect(removal.gone.map((hint) => hint.id)).toEqual([other]);
    expect(removal.changed).toEqual([{ id, name: 'A', ...here, others: [] }]);
  });

  it('stays small when thousands are forged, and finds others beside them', () => {
    const forged = (index: number) => index.toString(16).padStart(64, '0');
    const hearings = Array.from({ length: 1000 }, (_, index) => sightings.hear(forged(index), here, text, 0));
    expect(hearings.filter((hearing) => hearing === 'found')).toHaveLength(16);
    expect(sightings.hear(id, moved, text, 0)).toBe('found');
    for (let index = 0; index < 5000; index += 1) {
      sightings.hear(forged(index), { address: `10.1.${index >> 8}.${index & 255}`, port: 1 }, text, 0);
    }
    expect(sightings.hints()).toHaveLength(512);
    // Known nodes go on being heard.
    expect(sightings.hear(id, moved, text, 1)).toBe('heard');
    for (let index = 0; index < 50; index += 1) sightings.hear(id, { address: `10.2.0.${index}`, port: 1 }, text, 2);
    expect(sightings.hint(id)?.others).toHaveLength(3);
  });
});
