/** The small rules of trust, one by one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readToken, writeToken } from '../../../node-core/cluster/joining/invites.ts';
import { LanTrust } from '../../../node-core/cluster/joining/lan-trust.ts';
import { decideMerge } from '../../../node-core/cluster/joining/merge-rule.ts';
import {
  commitmentOf,
  digitsOf,
  isSameProof,
  newClusterKey,
  newNonce,
  proofOf,
  readClusterKey,
  type Transcript,
} from '../../../node-core/cluster/joining/proofs.ts';
import type { MemberList } from '../../../node-core/cluster/members/member-list.ts';
import { BootNumbers } from '../../../node-core/cluster/transport/boot-numbers.ts';
import { negotiate } from '../../../node-core/cluster/transport/protocol.ts';
import { systemClock } from '../../../node-core/runtime/clock.ts';

const id = (digit: string) => digit.repeat(64);
const transcript: Transcript = {
  way: 'key',
  joiner: id('a'),
  acceptor: id('b'),
  joinerNonce: id('1'),
  acceptorNonce: id('2'),
};

describe('proofs', () => {
  it('change with everything that they are bound to', () => {
    const changes: Partial<Transcript>[] = [
      { way: 'invite' },
      { joiner: id('c') },
      { acceptor: id('c') },
      { joinerNonce: id('3') },
      { acceptorNonce: id('3') },
      { joiner: transcript.acceptor, acceptor: transcript.joiner },
    ];
    const all = [transcript, ...changes.map((change) => ({ ...transcript, ...change }))];
    const proofs = all.flatMap((one) => [
      proofOf('k', 'joiner', one),
      proofOf('k', 'acceptor', one),
      proofOf('l', 'joiner', one),
    ]);
    expect(new Set(proofs).size).toBe(proofs.length);
    expect(new Set(all.map(digitsOf)).size).toBe(all.length);
    expect(commitmentOf('joiner', id('a'), id('1'))).not.toBe(commitmentOf('acceptor', id('a'), id('1')));
    expect([isSameProof('a', 'a'), isSameProof('a', 'b'), isSameProof('', 'a'), isSameProof('é', 'e')]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it('digits are always six, evenly spread over all tens', () => {
    const tens = new Set<string>();
    for (let index = 0; index < 2000; index += 1) {
      const digits = digitsOf({ ...transcript, joinerNonce: newNonce() });
      expect(digits).toMatch(/^\d{6}$/);
      tens.add(digits.slice(0, 2));
    }
    expect(tens.size).toBe(100);
  });

  it('keys give the same cluster to everybody, and do not show in what follows from them', () => {
    const key = newClusterKey();
    expect(readClusterKey(` ${key}\n`)).toEqual(readClusterKey(key));
    const { cluster, print } = readClusterKey(key);
    expect(new Set([key, cluster, print]).size).toBe(3);
    for (const unfit of ['', 'x'.repeat(19), 'x'.repeat(1025)])
      expect(() => readClusterKey(unfit)).toThrow(/not usable/);
  });
});

describe('invite tokens', () => {
  it('come back as they were written; anything else is refused', () => {
    const token = {
      invite: 'ab'.repeat(8),
      secret: 's'.repeat(32),
      inviter: id('a'),
      addresses: ['[fe80::1]:8443', 'h:1'],
    };
    expect(readToken(` ${writeToken(token)}\n`)).toEqual(token);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `shoal1.${text}`),
        ),
        (text) => {
          expect(() => readToken(text)).toThrow(/not an invite/);
        },
      ),
    );
  });
});

describe('which cluster stays', () => {
  const one = { cluster: id('1'), alone: true, byLan: true };
  const two = { cluster: id('2'), alone: true, byLan: true };
  it.each([
    ['equal ones', one, { ...one, alone: false }, false, {}],
    ['two singles: the smaller', two, one, false, { joinerAdopts: one.cluster }],
    ['two singles: the smaller, asked the other way', one, two, false, { acceptorAdopts: one.cluster }],
    ['a single adopts', one, { ...two, alone: false }, false, { joinerAdopts: two.cluster }],
    ['a single that is asked adopts too', { ...two, alone: false }, one, false, { acceptorAdopts: two.cluster }],
    ['clusters of one network', { ...one, alone: false }, { ...two, alone: false }, true, {}],
  ])('%s', (_what, joiner, acceptor, lan, expected) => {
    expect(decideMerge(joiner, acceptor, lan)).toEqual(expected);
  });

  it.each([
    ['without trust of the network', { ...one, alone: false }, { ...two, alone: false }, false],
    ['with a member that came another way', { ...one, alone: false, byLan: false }, { ...two, alone: false }, true],
  ])('two of several do not merge %s', (_what, joiner, acceptor, lan) => {
    expect(() => decideMerge(joiner, acceptor, lan)).toThrow(/do not merge/);
  });
});

describe('trust of the network', () => {
  const members = { current: { removed: new Map([[id('d'), {}]]) }, isRemoved: false } as unknown as MemberList;
  const subnets = () => ['192.168.1.0/24', '10.0.0.0/8', 'fd00:1::/64', '8.8.8.0/24'];

  it.each([
    ['192.168.1.77', true],
    ['::ffff:192.168.1.77', true],
    ['192.168.2.77', false],
    ['10.200.0.1', true],
    ['fd00:1::5', true],
    ['fd00:2::5', false],
    ['8.8.8.8', false],
    ['no address', false],
    ['', false],
  ])('%s: %s', (address, expected) => {
    expect(new LanTrust(members, true, systemClock, () => undefined, subnets).allows(id('a'), address)).toBe(expected);
    expect(new LanTrust(members, false, systemClock, () => undefined, subnets).allows(id('a'), address)).toBe(false);
    expect(new LanTrust(members, true, systemClock, () => undefined, subnets).allows(id('d'), address)).toBe(false);
  });

  it('holds for the subnet of its first use, and not where that is gone', () => {
    let here = subnets();
    const lan = new LanTrust(
      members,
      true,
      systemClock,
      () => undefined,
      () => here,
    );
    lan.used('192.168.1.5');
    expect([lan.allows(id('a'), '192.168.1.6'), lan.allows(id('a'), '10.0.0.1')]).toEqual([true, false]);
    here = ['172.16.0.0/16'];
    expect([lan.allows(id('a'), '172.16.0.1'), lan.allows(id('a'), '192.168.1.6')]).toEqual([false, false]);
  });

  it('for some minutes ends with them, and with a change of network', () => {
    const time = { ms: 0 };
    let here = subnets();
    let changes = 0;
    const clock = { now: () => time.ms, monotonic: () => time.ms };
    const lan = new LanTrust(
      members,
      false,
      clock,
      () => (changes += 1),
      () => here,
    );
    expect([lan.isOn, lan.allows(id('a'), '192.168.1.6')]).toEqual([false, false]);
    lan.open(60_000);
    expect([lan.isOn, lan.isPermanent, lan.allows(id('a'), '192.168.1.6')]).toEqual([true, false, true]);
    time.ms = 59_999;
    expect(lan.leftMs).toBe(1);
    time.ms = 60_000;
    expect([lan.isOn, lan.allows(id('a'), '192.168.1.6')]).toEqual([false, false]);
    lan.open(60_000);
    here = ['192.168.7.0/24'];
    expect([lan.isOn, lan.allows(id('a'), '192.168.7.6')]).toEqual([false, false]);
    expect(changes).toBeGreaterThanOrEqual(3);
  });
});

describe('boot numbers', () => {
  const watch = () => {
    let now = 0;
    const twins: string[] = [];
    const numbers = new BootNumbers(
      () => now,
      (node) => twins.push(node),
    );
    return { numbers, twins, pass: (ms: number) => (now += ms) };
  };

  it('of a node that is started again and again are fine, also when a request comes late', () => {
    const { numbers, twins, pass } = watch();
    for (let boot = 0; boot < 50; boot += 1) {
      expect(numbers.heard('n', `b${boot}`)).toBe(true);
      if (boot > 0) expect(numbers.heard('m', 'late')).toBe(true);
      pass(1000);
    }
    expect(numbers.heard('n', 'b48')).toBe(true);
    expect(twins).toEqual([]);
  });

  it('that take turns are two machines: told once, both refused until one has been silent for a while', () => {
    const { numbers, twins, pass } = watch();
    for (let beat = 0; beat < 20; beat += 1) {
      numbers.heard('n', beat % 2 === 0 ? 'x' : 'y');
      pass(1000);
    }
    expect([numbers.heard('n', 'x'), numbers.heard('n', 'y'), numbers.isTwin('n')]).toEqual([false, false, true]);
    expect(twins).toEqual(['n']);
    for (let beat = 0; beat < 29; beat += 1) {
      pass(1000);
      expect(numbers.heard('n', 'x')).toBe(false);
    }
    pass(2000);
    expect([numbers.heard('n', 'x'), numbers.isTwin('n')]).toEqual([true, false]);
  });
});

describe('the protocol', () => {
  it.each([['1-1'], ['1-9'], ['0-1']])('%s is understood', (header) => {
    expect(negotiate(header)).toBe(1);
  });
  it.each([['2-3'], ['0-0'], [''], ['1'], ['1-1, 1-1'], [undefined]])('%s is refused', (header) => {
    expect(() => negotiate(header)).toThrow(/do not understand/);
  });
});
