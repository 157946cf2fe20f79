/** Who is a member follows from the set of operations alone, and removal wins over what had not seen it. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MemberChange } from '../../../node-core/catalog/member-values.ts';
import type { NodeIdentity } from '../../../node-core/cluster/identity.ts';
import { evaluateMembership, type Membership } from '../../../node-core/cluster/members/evaluate.ts';
import { checkOperation, type KnownOperation, makeOperation } from '../../../node-core/cluster/members/operations.ts';

function identity(): NodeIdentity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const id = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
  return { id, privateKey, publicKey };
}

const nodes = Array.from({ length: 5 }, identity);
const cluster = 'c'.repeat(64);

/** What one node knows: it acts upon that, and learns from others. */
class Knower {
  readonly who: NodeIdentity;
  readonly anchor: string;
  known = new Map<string, KnownOperation>();

  constructor(index: number, anchor = 0) {
    this.who = nodes[index] as NodeIdentity;
    this.anchor = (nodes[anchor] as NodeIdentity).id;
  }

  get now(): Membership {
    return evaluateMembership(this.known.values(), [this.anchor]);
  }

  get members(): number[] {
    return [...this.now.members.keys()].map(indexOf).sort();
  }

  act(change: MemberChange): this {
    const one = makeOperation(this.who, { change, parents: this.now.heads, atMs: this.known.size, by: 'test' });
    this.known.set(one.id, one);
    return this;
  }

  found(): this {
    return this.act({ kind: 'found', cluster, name: 'founder' });
  }

  admit(index: number, keyPrint?: string): this {
    const print = keyPrint === undefined ? {} : { keyPrint };
    return this.act({ kind: 'admit', subject: idAt(index), name: `n${index}`, addresses: [], way: 'key', ...print });
  }

  remove(index: number): this {
    return this.act({ kind: 'remove', subject: idAt(index), cut: { [`${idAt(index)}.e`]: this.known.size } });
  }

  learn(...others: Knower[]): this {
    for (const other of others) for (const one of other.known.values()) this.known.set(one.id, one);
    return this;
  }
}

const idAt = (index: number) => (nodes[index] as NodeIdentity).id;
const indexOf = (id: string) => nodes.findIndex((node) => node.id === id);

/** Knowers of all nodes; 0 has founded and admitted those up to `count`. */
function clusterOf(count: number): Knower[] {
  const all = nodes.map((_node, index) => new Knower(index));
  const [first] = all as [Knower];
  first.found();
  for (let index = 1; index < count; index += 1) first.admit(index);
  for (const knower of all.slice(0, count)) knower.learn(first);
  return all;
}

describe('members', () => {
  it('are who a member admitted; a stranger admits nobody, not even itself', () => {
    const [a, b, c, d] = clusterOf(2) as [Knower, Knower, Knower, Knower];
    expect(a.members).toEqual([0, 1]);
    b.admit(2);
    c.found().admit(3);
    d.found();
    expect(a.learn(b).members).toEqual([0, 1, 2]);
    const heads = a.now.heads;
    // What a member said before it was one counts with its admission; who was admitted by nobody is out.
    expect(a.learn(c).members).toEqual([0, 1, 2, 3]);
    expect(heads.length).toBe(1);
    const stranger = new Knower(4).learn(a);
    stranger
      .admit(4)
      .act({ kind: 'rename', subject: idAt(0), name: 'taken' })
      .remove(0);
    expect(a.learn(stranger).members).toEqual([0, 1, 2, 3]);
    expect(a.now.members.get(idAt(0))?.name).toBe('founder');
  });

  it('found operations of nodes that nobody admitted count for nothing', () => {
    const [a] = clusterOf(2) as [Knower];
    expect(a.learn(new Knower(4).found()).members).toEqual([0, 1]);
  });

  it('removal wins over an admission that had not seen it, not over one that had', () => {
    const [a, b] = clusterOf(3) as [Knower, Knower];
    a.remove(2);
    b.admit(2);
    expect(a.learn(b).members).toEqual([0, 1]);
    expect(a.now.removed.get(idAt(2))?.cut).toEqual({ [`${idAt(2)}.e`]: 3 });
    b.learn(a).admit(2);
    expect(a.learn(b).members).toEqual([0, 1, 2]);
    expect(a.now.removed.size).toBe(0);
  });

  it('refuses what a removed member does beyond the cut, keeps what it did before, and lets it act after coming back', () => {
    const [a, , c] = clusterOf(3) as [Knower, Knower, Knower];
    c.admit(3);
    a.learn(c).remove(2);
    c.admit(4);
    expect(a.learn(c).members).toEqual([0, 1, 3]);
    a.admit(2);
    c.learn(a).admit(4);
    expect(a.learn(c).members).toEqual([0, 1, 2, 3, 4]);
  });

  it('mutual removal: both are out; a circle of three: all are out; a chain: the middle one cannot remove any more', () => {
    const [a, b, c] = clusterOf(4) as [Knower, Knower, Knower];
    b.remove(2);
    c.remove(1);
    expect(a.learn(b, c).members).toEqual([0, 3]);

    const [x, p, q, r] = clusterOf(4) as [Knower, Knower, Knower, Knower];
    p.remove(2);
    q.remove(3);
    r.remove(1);
    expect(x.learn(p, q, r).members).toEqual([0]);

    const [y, m, n] = clusterOf(4) as [Knower, Knower, Knower];
    y.remove(1);
    m.remove(2);
    n.admit(4);
    expect(y.learn(m, n).members).toEqual([0, 2, 3, 4]);
  });

  it('a removed founder leaves the cluster and its id behind', () => {
    const [a, b] = clusterOf(3) as [Knower, Knower];
    b.remove(0);
    const view = b.learn(a).now;
    expect([...view.members.keys()].map(indexOf).sort()).toEqual([1, 2]);
    expect(view.cluster).toBe(cluster);
  });

  it('removal retires the keys that were known by then', () => {
    const [a] = clusterOf(2) as [Knower];
    const print = 'd'.repeat(64);
    a.admit(2, print);
    expect(a.now.retiredKeys.size).toBe(0);
    expect([...a.remove(1).now.retiredKeys]).toEqual([print]);
  });

  it('two cuts of one member keep what either had seen', () => {
    const [a, b] = clusterOf(3) as [Knower, Knower];
    const source = `${idAt(2)}.e`;
    a.act({ kind: 'remove', subject: idAt(2), cut: { [source]: 5, [`${source}2`]: 1 } });
    b.act({ kind: 'remove', subject: idAt(2), cut: { [source]: 9 } });
    expect(a.learn(b).now.removed.get(idAt(2))?.cut).toEqual({ [source]: 9, [`${source}2`]: 1 });
  });
});

describe('evaluation', () => {
  const step = fc.record({
    actor: fc.nat(4),
    kind: fc.constantFrom('admit', 'remove', 'rename', 'learn'),
    subject: fc.nat(4),
  });

  it('is the same for any order, with doubles, and in parts; nobody removed for good is a member', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), fc.infiniteStream(fc.nat()), (steps, numbers) => {
        const all = clusterOf(3);
        const at = (index: number) => all[index] as Knower;
        for (const { actor, kind, subject } of steps) {
          if (kind === 'learn') at(actor).learn(at(subject));
          else if (kind === 'admit') at(actor).admit(subject);
          else if (kind === 'remove') at(actor).remove(subject);
          else at(actor).act({ kind: 'rename', subject: idAt(subject), name: `r${actor}` });
        }
        const everything = new Map(all.flatMap(({ known }) => [...known]));
        const list = [...everything.values()];
        const expected = evaluateMembership(list, [idAt(0)]);
        const shuffled = list
          .map((one) => ({ one, rank: numbers.next().value ?? 0 }))
          .sort((x, y) => x.rank - y.rank)
          .map(({ one }) => one);
        expect(evaluateMembership([...shuffled, ...list], [idAt(0)])).toEqual(expected);
        for (const one of all) {
          one.learn(...all);
          expect(one.now.members).toEqual(expected.members);
        }
        for (const id of expected.removed.keys()) expect(expected.members.has(id)).toBe(false);
        // Whoever is a member stays one, and whoever is out stays out, when a removed node goes on talking.
        for (const id of expected.removed.keys()) {
          const talker = new Knower(indexOf(id)).learn(...all);
          for (let index = 0; index < 5; index += 1) talker.remove(index).admit(index);
          const after = evaluateMembership([...list, ...talker.known.values()], [idAt(0)]);
          expect([...after.members.keys()]).toEqual([...expected.members.keys()]);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('operations', () => {
  it('are refused when anything of them was changed', () => {
    const [a] = clusterOf(2) as [Knower];
    for (const { id, operation } of a.known.values()) {
      expect(checkOperation(JSON.parse(JSON.stringify(operation))).id).toBe(id);
      const changed: unknown[] = [
        { ...operation, atMs: operation.atMs + 1 },
        { ...operation, parents: [...operation.parents, 'a'.repeat(64)] },
        { ...operation, actor: idAt(3) },
        { ...operation, key: new Knower(3).found().known.values().next().value?.operation.key },
        { ...operation, more: true },
        { ...operation, signature: '' },
        { ...operation, key: 'AAAA' },
        { ...operation, format: 2 },
        {},
        null,
      ];
      for (const one of changed) expect(() => checkOperation(one)).toThrow(/member sent/);
    }
  });
});
