import { describe, expect, it } from 'vitest';
import {
  type HostAddress,
  isOnNetwork,
  isOnPrivateNetwork,
  isVirtualCard,
  networksWith,
  usefulNetworks,
} from '../../../node-core/domain/host-networks.ts';

/** `eth0 10.0.0.1/24`; what is on `lo` is internal. */
function host(...lines: readonly string[]): HostAddress[] {
  return lines.map((line) => {
    const [, card = '', cidr = ''] = /^(.+) (\S+)$/.exec(line) ?? [];
    return {
      card,
      cidr: cidr.includes('/') ? cidr : null,
      address: cidr.split('/')[0] ?? '',
      family: cidr.includes(':') ? 'IPv6' : 'IPv4',
      internal: card === 'lo',
      cardId: '',
    };
  });
}

const shown = (addresses: readonly HostAddress[]) =>
  usefulNetworks(addresses).map(({ card, address, prefix }) => `${card} ${address}/${prefix}`);

describe('the networks to work on', () => {
  it.each([
    { what: 'nothing', of: [], are: [] },
    { what: 'one card', of: ['lo 127.0.0.1/8', 'eth0 192.168.1.5/24'], are: ['eth0 192.168.1.5/24'] },
    { what: 'loopback alone', of: ['lo 127.0.0.1/8', 'lo ::1/128'], are: ['lo 127.0.0.1/8'] },
    { what: 'IPv6 alone', of: ['lo 127.0.0.1/8', 'eth0 fe80::1/64', 'eth0 fd00::1/64'], are: ['lo 127.0.0.1/8'] },
    {
      what: 'two cards',
      of: ['Wi-Fi 192.168.1.5/24', 'Ethernet 10.1.2.3/16'],
      are: ['Wi-Fi 192.168.1.5/24', 'Ethernet 10.1.2.3/16'],
    },
    {
      what: 'private ones first',
      of: ['eth0 203.0.113.5/24', 'eth1 10.0.0.1/8'],
      are: ['eth1 10.0.0.1/8', 'eth0 203.0.113.5/24'],
    },
    { what: 'docker beside the LAN', of: ['docker0 172.17.0.1/16', 'eth0 10.0.0.1/24'], are: ['eth0 10.0.0.1/24'] },
    { what: 'docker alone', of: ['lo 127.0.0.1/8', 'docker0 172.17.0.1/16'], are: ['lo 127.0.0.1/8'] },
    { what: 'a container, whose card is a real one', of: ['eth0 172.17.0.2/16'], are: ['eth0 172.17.0.2/16'] },
    {
      what: 'two addresses in one network',
      of: ['eth0 10.0.0.1/24', 'eth0 10.0.0.2/24'],
      are: ['eth0 10.0.0.1/24'],
    },
    {
      what: 'two cards in one network',
      of: ['eth0 10.0.0.1/24', 'wlan0 10.0.0.2/24'],
      are: ['eth0 10.0.0.1/24', 'wlan0 10.0.0.2/24'],
    },
    {
      what: 'a self-assigned address beside another',
      of: ['eth0 169.254.3.4/16', 'eth0 10.0.0.1/24'],
      are: ['eth0 10.0.0.1/24'],
    },
    {
      what: 'a self-assigned address of its own card',
      of: ['eth0 169.254.3.4/16', 'eth1 10.0.0.1/24'],
      are: ['eth0 169.254.3.4/16', 'eth1 10.0.0.1/24'],
    },
    { what: 'a tunnel from point to point', of: ['tun0 10.8.0.6/32', 'eth0 10.0.0.1/24'], are: ['eth0 10.0.0.1/24'] },
    { what: 'a mask that is none', of: ['eth0 10.0.0.1', 'eth1 10.1.0.1/24'], are: ['eth1 10.1.0.1/24'] },
    { what: 'a card with a Chinese name', of: ['以太网 2 10.0.0.1/24'], are: ['以太网 2 10.0.0.1/24'] },
  ])('of $what', ({ of, are }) => {
    expect(shown(host(...of))).toEqual(are);
  });

  it('are no more than sixteen', () => {
    expect(shown(host(...Array.from({ length: 100 }, (_, index) => `eth${index} 10.0.${index}.1/24`)))).toHaveLength(
      16,
    );
  });

  it('are by wish the one with an address, whatever its card is', () => {
    const addresses = host('lo 127.0.0.1/8', 'docker0 172.17.0.1/16', 'eth0 10.0.0.1/24');
    expect(networksWith(addresses, '172.17.0.1').map(({ card }) => card)).toEqual(['docker0']);
    expect(networksWith(addresses, '127.0.0.1').map(({ card }) => card)).toEqual(['lo']);
    expect(networksWith(addresses, '10.0.0.2')).toEqual([]);
  });
});

describe('cards of containers and virtual machines', () => {
  it.each([
    ...['docker0', 'br-0123456789ab', 'veth12ab', 'virbr0', 'cni0', 'podman1', 'vmnet8', 'vboxnet0', 'bridge100'],
    ...['vEthernet (WSL)', 'vEthernet (Default Switch)', 'lxdbr0', 'flannel.1', 'cali123'],
  ])('%s', (card) => {
    expect(isVirtualCard(card)).toBe(true);
  });

  it.each([
    'eth0',
    'en0',
    'wlp3s0',
    'br0',
    'br-lan',
    'bond0',
    'Wi-Fi',
    'bridge0',
    'zt0',
    'vEthernet (External)',
    '以太网',
  ])('not %s', (card) => {
    expect(isVirtualCard(card)).toBe(false);
  });
});

describe('an address on a network', () => {
  const [network] = usefulNetworks(host('eth0 10.0.0.1/28'));

  it.each([
    ['10.0.0.1', true],
    ['10.0.0.14', true],
    // By number, not by text: 10.0.0.1 is a prefix of these.
    ['10.0.0.16', false],
    ['10.0.0.123', false],
    ['10.0.1.1', false],
    ['0x0a000001', false],
    ['::ffff:10.0.0.1', false],
    ['', false],
    ['10.0.0', false],
    ['名字', false],
  ])('%s: %s', (address, expected) => {
    if (!network) throw new Error('no network');
    expect(isOnNetwork(address, network)).toBe(expected);
  });

  it.each([
    ['a private network', '10.0.0.2', 'eth0 10.0.0.1/24', true],
    ['another private network', '10.0.1.2', 'eth0 10.0.0.1/24', false],
    ['a public network', '203.0.113.6', 'eth0 203.0.113.5/24', false],
    // A mask that is much too wide makes no public address private.
    ['a private network with the mask of the world', '203.0.113.6', 'eth0 10.0.0.1/1', false],
    ['self-assigned addresses', '169.254.1.1', 'eth0 169.254.9.9/16', true],
    ['the host itself', '127.0.0.1', 'lo 127.0.0.1/8', true],
  ])('is on the same private network: %s', (_, address, line, expected) => {
    expect(isOnPrivateNetwork(address, usefulNetworks(host(line)))).toBe(expected);
  });
});
