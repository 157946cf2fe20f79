import { describe, expect, it } from 'vitest';
import { AddressSet, callerOf, isLoopback } from '../../../node-core/access/network.ts';
import { requestFrom } from './request.ts';

describe('AddressSet', () => {
  it.each<[string, string[], string, boolean]>([
    ['the address itself', ['10.0.0.1'], '10.0.0.1', true],
    ['not an address that begins alike (fault 18)', ['10.0.0.12'], '10.0.0.1', false],
    ['nor the other way round', ['10.0.0.1'], '10.0.0.12', false],
    ['an IPv4-mapped form', ['10.0.0.1'], '::ffff:10.0.0.1', true],
    ['an IPv4-mapped entry', ['::ffff:10.0.0.1'], '10.0.0.1', true],
    ['a range', ['10.1.0.0/16'], '10.1.255.255', true],
    ['not beside the range', ['10.1.0.0/16'], '10.2.0.0', false],
    ['a range, mapped', ['10.1.0.0/16'], '::ffff:10.1.2.3', true],
    ['a range of one', ['10.1.2.3/32'], '10.1.2.4', false],
    ['a range of all', ['0.0.0.0/0'], '203.0.113.5', true],
    ['not IPv6 in a range of all IPv4', ['0.0.0.0/0'], '2001:db8::1', false],
    ['an IPv6 address in another spelling', ['2001:db8::1'], '2001:0DB8:0:0:0:0:0:1', true],
    ['an IPv6 range', ['2001:db8::/32'], '2001:db8:ffff::1', true],
    ['not beside the IPv6 range', ['2001:db8::/32'], '2001:db9::1', false],
    ['no text', ['10.0.0.1'], 'unknown', false],
    ['no host name', ['10.0.0.1'], '10.0.0.1.example.com', false],
    ['nothing when empty', [], '127.0.0.1', false],
  ])('has %s', (_what, entries, address, expected) => {
    expect(new AddressSet(entries).has(address)).toBe(expected);
  });

  it.each([
    ['10.1.2.3', true],
    ['172.16.0.1', true],
    ['172.32.0.1', false],
    ['192.168.1.1', true],
    ['127.0.0.1', true],
    ['169.254.1.1', true],
    ['::1', true],
    ['fd00::1', true],
    ['fe80::1', true],
    ['::ffff:192.168.1.1', true],
    ['203.0.113.5', false],
    ['100.64.0.1', false],
    ['8.8.8.8', false],
    ['::ffff:8.8.8.8', false],
    ['2001:4860:4860::8888', false],
    ['64:ff9b::808:808', false],
    ['0.0.0.0', false],
    ['::', false],
  ])('takes 0.0.0.0 for private addresses only (fault 19): %s is %s', (address, expected) => {
    expect(new AddressSet(['0.0.0.0'], { zeroIsPrivate: true }).has(address)).toBe(expected);
  });

  it('takes 0.0.0.0 literally where it has no such meaning', () => {
    const set = new AddressSet(['0.0.0.0']);
    expect([set.has('10.0.0.1'), set.has('0.0.0.0')]).toEqual([false, true]);
  });
});

describe('isLoopback', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.255.0.9', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['128.0.0.1', false],
    ['10.0.0.1', false],
    ['localhost', false],
    ['unknown', false],
    ['', false],
  ])('%s: %s', (address, expected) => {
    expect(isLoopback(address)).toBe(expected);
  });
});

describe('callerOf', () => {
  const proxies = new AddressSet(['10.0.0.1', '10.0.0.2', '127.0.0.1']);
  it.each<[string, string | undefined, Record<string, string>, string, boolean]>([
    ['a direct caller', '203.0.113.5', {}, '203.0.113.5', false],
    ['a direct caller, mapped', '::ffff:203.0.113.5', {}, '203.0.113.5', false],
    ['a caller with a zone', 'fe80::1%eth0', {}, 'fe80::1', false],
    ['a socket that is gone', undefined, {}, 'unknown', false],
    ['a stranger that poses as behind a proxy', '203.0.113.5', { 'x-forwarded-for': '127.0.0.1' }, '203.0.113.5', true],
    ['a stranger with Forwarded', '203.0.113.5', { forwarded: 'for=127.0.0.1' }, '203.0.113.5', true],
    ['a proxy that nobody vouched for', '10.0.0.9', { via: '1.1 proxy' }, '10.0.0.9', true],
    ['a client of a trusted proxy', '10.0.0.1', { 'x-forwarded-for': '203.0.113.5' }, '203.0.113.5', false],
    ['two trusted hops', '10.0.0.1', { 'x-forwarded-for': '203.0.113.5, 10.0.0.2' }, '203.0.113.5', false],
    [
      'a client that wrote a hop of its own: the right-most untrusted counts',
      '10.0.0.1',
      { 'x-forwarded-for': '127.0.0.1, 203.0.113.5' },
      '203.0.113.5',
      false,
    ],
    ['rubbish before the proxy', '10.0.0.1', { 'x-forwarded-for': '203.0.113.5, rubbish' }, '10.0.0.1', true],
    ['a trusted proxy that names nobody', '10.0.0.1', {}, '10.0.0.1', true],
    ['trusted hops only', '10.0.0.1', { 'x-forwarded-for': '10.0.0.2' }, '10.0.0.1', true],
    ['a mapped hop', '::ffff:10.0.0.1', { 'x-forwarded-for': '::ffff:203.0.113.5' }, '203.0.113.5', false],
  ])('knows %s', (_what, remote, headers, address, proxied) => {
    expect(callerOf(requestFrom(remote, headers), proxies)).toEqual({ address, proxied });
  });
});
