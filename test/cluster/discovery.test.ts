/** Discovery inside one process, on loopback and a port that the real network does not use: neighbours good and bad. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { NetworkInterfaceInfo } from 'node:os';
import { type Answer, decode, encode, type Packet } from 'dns-packet';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { labelOf, serviceName } from '../../node-core/cluster/discovery/announcement.ts';
import { Discovery, type DiscoveryEvents, type DiscoveryOptions } from '../../node-core/cluster/discovery/discovery.ts';

vi.setConfig({ testTimeout: 30_000 });

const port = 53_999;
const group = '224.0.0.251';
const [idA, idB] = ['a'.repeat(64), 'b'.repeat(64)] as const;
const loopback: NetworkInterfaceInfo = {
  address: '127.0.0.1',
  netmask: '255.0.0.0',
  family: 'IPv4',
  mac: '00:00:00:00:00:00',
  internal: true,
  cidr: '127.0.0.1/8',
};

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

type Told = {
  readonly [K in keyof DiscoveryEvents]: { readonly type: K; readonly event: DiscoveryEvents[K] };
}[keyof DiscoveryEvents];

/** A discovery that keeps what it tells. */
class Node {
  readonly discovery: Discovery;
  readonly told: Told[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(options: Partial<DiscoveryOptions> & Pick<DiscoveryOptions, 'announcement'>) {
    this.discovery = new Discovery({
      onHandlerError: (error) => {
        throw error;
      },
      multicast: { port, interface: '127.0.0.1', bind: '0.0.0.0' },
      ...options,
    });
    for (const type of ['found', 'changed', 'heard', 'gone', 'state'] as const) {
      this.discovery.events.on(type, (event) => {
        this.told.push({ type, event } as Told);
        for (const look of this.#waiting) look();
      });
    }
    open.push(() => this.discovery.stop());
  }

  /** Starts, and waits until it works. */
  async run(): Promise<this> {
    await this.discovery.start();
    await this.until('running', ({ type, event }) => type === 'state' && event.state === 'running');
    return this;
  }

  /** Waits for an event after the first `from`. */
  until(what: string, fits: (told: Told) => boolean, { from = 0, withinMs = 10_000 } = {}): Promise<Told> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`not ${what} in ${withinMs} ms: ${JSON.stringify(this.told)}`));
      }, withinMs);
      const look = () => {
        const told = this.told.slice(from).find(fits);
        if (!told) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(told);
      };
      this.#waiting.add(look);
      look();
    });
  }

  finds(id: string, options: { from?: number } = {}): Promise<Told> {
    return this.until(`finding ${id}`, ({ type, event }) => type === 'found' && event.id === id, options);
  }
}

const nodeA = (options: Partial<DiscoveryOptions> = {}) =>
  new Node({ announcement: { id: idA, name: 'A', port: 1001 }, ...options });
const nodeB = (options: Partial<DiscoveryOptions> = {}) =>
  new Node({ announcement: { id: idB, name: '乙 🐟', port: 1002, httpPort: 8080, tag: 'reef' }, ...options });

/** Anybody on the network: hears every packet, and sends whatever it likes. */
class Stranger {
  readonly socket: Socket = createSocket({ type: 'udp4', reuseAddr: true });

  async open(): Promise<this> {
    this.socket.bind(port, '0.0.0.0');
    await once(this.socket, 'listening');
    this.socket.addMembership(group, '127.0.0.1');
    this.socket.setMulticastInterface('127.0.0.1');
    open.push(async () => this.socket.close());
    return this;
  }

  send(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.send(bytes, port, group, (error) => (error ? reject(error) : resolve()));
    });
  }

  respond(answers: Answer[], additionals: Answer[] = []): Promise<void> {
    return this.send(encode({ type: 'response', answers, additionals }));
  }

  /** Waits for a packet. */
  hears(fits: (packet: Packet) => boolean, withinMs: number): Promise<Packet> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`nothing was heard in ${withinMs} ms`)), withinMs);
      const look = (bytes: Buffer, _: RemoteInfo) => {
        const packet = decode(bytes);
        if (!fits(packet)) return;
        clearTimeout(timer);
        this.socket.off('message', look);
        resolve(packet);
      };
      this.socket.on('message', look);
    });
  }
}

const instance = (id: string) => `${labelOf(id)}.${serviceName}`;
const srvOf = (id: string, at: number, ttl = 120): Answer => ({
  type: 'SRV',
  name: instance(id),
  ttl,
  data: { port: at, target: 'x.local' },
});
const ptrOf = (id: string, ttl = 28_800): Answer => ({ type: 'PTR', name: serviceName, ttl, data: instance(id) });
const txtOf = (id: string, data: (string | Buffer)[]): Answer => ({ type: 'TXT', name: instance(id), ttl: 4500, data });

describe('two nodes', () => {
  it('find each other, with everything that is announced', async () => {
    const [a, b] = await Promise.all([nodeA().run(), nodeB().run()]);
    await Promise.all([a.finds(idB), b.finds(idA)]);
    expect(a.discovery.nodes()).toEqual([
      { id: idB, name: '乙 🐟', address: '127.0.0.1', port: 1002, httpPort: 8080, tag: 'reef', others: [] },
    ]);
    expect(a.discovery.state()).toMatchObject({
      state: 'running',
      interfaces: [{ name: 'lo', address: '127.0.0.1', health: 'working' }],
      nodes: [{ id: idB }],
    });
  });

  it('hear of another name, port and tag, and keep to them', async () => {
    const [a, b] = await Promise.all([nodeA().run(), nodeB().run()]);
    await a.finds(idB);
    b.discovery.announce({ name: '丙', port: 2002, tag: 'shelf' });
    const last = { id: idB, name: '丙', address: '127.0.0.1', port: 2002, httpPort: 8080, tag: 'shelf', others: [] };
    await a.until('hearing the new name', ({ type, event }) => type === 'changed' && event.name === '丙');
    expect(a.discovery.nodes()).toEqual([last]);
    await a.until('hearing it again', ({ type }) => type === 'heard', { from: a.told.length });
    expect(a.discovery.nodes()).toEqual([last]);
    expect(a.told.filter(({ type }) => type === 'gone')).toEqual([]);
    b.discovery.announce({ tag: undefined });
    await a.until('hearing of no tag', ({ type, event }) => type === 'changed' && event.tag === undefined, {
      from: a.told.length,
    });
  });

  it('hear a goodbye, and find each other again', async () => {
    const [a, b] = await Promise.all([nodeA().run(), nodeB().run()]);
    await a.finds(idB);
    await b.discovery.stop();
    expect(b.discovery.state()).toEqual({ state: 'stopped', interfaces: [], nodes: [] });
    await a.until('losing it', ({ type, event }) => type === 'gone' && event.reason === 'goodbye', { withinMs: 4000 });
    expect(a.discovery.nodes()).toEqual([]);
    const from = a.told.length;
    await nodeB().run();
    await a.finds(idB, { from });
  });

  it('answer a question at once, one packet for each', async () => {
    const stranger = await new Stranger().open();
    const a = await nodeA().run();
    a.discovery.refresh();
    const question = { type: 'PTR', name: serviceName } as const;
    const answer = stranger.hears(({ answers = [] }) => answers.some((one) => one.type === 'PTR'), 1000);
    await stranger.send(encode({ type: 'query', questions: [question] }));
    const { answers, additionals } = await answer;
    expect(answers).toMatchObject([{ type: 'PTR', name: serviceName, data: instance(idA) }]);
    expect(additionals?.map(({ type }) => type)).toEqual(['SRV', 'TXT']);
  });
});

describe('neighbours who send what they like', () => {
  const loops = Buffer.concat([
    encode({ type: 'response', answers: [] }).fill(1, 7, 8),
    Buffer.from([0xc0, 0x0c, 0, 33, 0, 1, 0, 0, 0, 9, 0, 0]),
  ]);
  const whole = encode({ type: 'response', answers: [ptrOf(idB), srvOf(idB, 7)] });

  it.each<[string, readonly Buffer[]]>([
    ['nothing', [Buffer.alloc(0)]],
    ['noise', Array.from({ length: 20 }, (_, index) => Buffer.alloc(index * 60, index * 37))],
    ['a packet cut off anywhere', Array.from(whole, (_, end) => whole.subarray(0, end))],
    ['a name that points to itself', [loops]],
    ['SRV with port 0', [encode({ type: 'response', answers: [srvOf('c'.repeat(64), 0)] })]],
    ['TXT alone', [encode({ type: 'response', answers: [txtOf('c'.repeat(64), ['name=x'])] })]],
    [
      'a PTR to nowhere',
      [encode({ type: 'response', answers: [{ type: 'PTR', name: serviceName, data: 'x.local' }] })],
    ],
    ['our own name at another port', [encode({ type: 'response', answers: [srvOf(idA, 6666)] })]],
    ['a goodbye of ours', [encode({ type: 'response', answers: [ptrOf(idA, 0), srvOf(idA, 1001, 0)] })]],
    ['a goodbye of nobody', [encode({ type: 'response', answers: [srvOf('d'.repeat(64), 1, 0)] })]],
  ])('change nothing: %s', async (_, packets) => {
    const stranger = await new Stranger().open();
    const a = await nodeA().run();
    for (const packet of packets) await stranger.send(packet);
    // Packets arrive in order: this one is found after the others have been read.
    const proof = 'e'.repeat(64);
    await vi.waitFor(async () => {
      await stranger.respond([srvOf(proof, 7)]);
      expect(a.discovery.nodes().map(({ id }) => id)).toContain(proof);
    }, 5000);
    expect(a.discovery.nodes().map(({ id }) => id)).toEqual([proof]);
    expect(a.discovery.state().state).toBe('running');
    await nodeB().run();
    await a.until('finding B', ({ type, event }) => (type === 'found' || type === 'changed') && event.id === idB);
  });

  it('give a hint without a name by SRV alone, and one with strings that are too long', async () => {
    const stranger = await new Stranger().open();
    const a = await nodeA().run();
    await stranger.respond([srvOf(idB, 7)]);
    expect(await a.finds(idB)).toMatchObject({ event: { name: '', port: 7, address: '127.0.0.1' } });
    const many = [Buffer.from(`name=${'长'.repeat(80)}`), ...Array.from({ length: 60 }, () => Buffer.alloc(255, 120))];
    await stranger.respond([srvOf('c'.repeat(64), 7), txtOf('c'.repeat(64), many)]);
    expect(await a.finds('c'.repeat(64))).toMatchObject({ event: { name: '长'.repeat(64) } });
  });

  it('remove nobody by a goodbye in its name', async () => {
    const stranger = await new Stranger().open();
    const [a] = await Promise.all([nodeA().run(), nodeB().run()]);
    await a.finds(idB);
    const from = a.told.length;
    await stranger.respond([ptrOf(idB, 0), srvOf(idB, 1002, 0)]);
    // Two more answers of B: whatever the goodbye would have done has been done by then.
    for (let time = 0; time < 2; time += 1) {
      await a.until('hearing B', ({ type, event }) => type === 'heard' && event.id === idB, { from: a.told.length });
    }
    expect(a.told.slice(from).filter(({ type }) => type === 'gone')).toEqual([]);
    expect(a.discovery.nodes()).toHaveLength(1);
  });

  it('fill no memory with forged nodes, and hide nobody', async () => {
    const stranger = await new Stranger().open();
    const a = await nodeA().run();
    for (let index = 0; index < 2000; index += 1) {
      await stranger.respond([srvOf(index.toString(16).padStart(64, '0'), 7)]);
    }
    // Loopback is the node's own address, which has no limit of packets: the limit of nodes at an address holds.
    await vi.waitFor(() => expect(a.discovery.nodes()).toHaveLength(16), 5000);
    expect(a.discovery.state().state).toBe('running');
  });

  it('get no flood of answers out of one packet', async () => {
    const stranger = await new Stranger().open();
    await nodeA().run();
    let answers = 0;
    const mark = 'the last answer';
    const counted = new Promise<void>((resolve) => {
      stranger.socket.on('message', (bytes) => {
        const packet = decode(bytes);
        if (packet.type === 'response' && packet.answers?.[0]?.name === instance(idA)) answers += 1;
        if (packet.answers?.[0]?.name === mark) resolve();
      });
    });
    const question = { type: 'SRV', name: instance(idA) } as const;
    const first = stranger.hears(({ answers: [one] = [] }) => one?.name === instance(idA), 5000);
    await stranger.send(encode({ type: 'query', questions: Array.from({ length: 500 }, () => question) }));
    await first;
    await stranger.respond([{ type: 'A', name: mark, data: '127.0.0.1' }]);
    await counted;
    expect(answers).toBe(4);
  });
});

describe('a host that changes', () => {
  it('says that its port is taken, and works when it is free', async () => {
    const squatter = createSocket('udp4').bind(port, '0.0.0.0');
    await once(squatter, 'listening');
    const a = nodeA();
    await a.discovery.start();
    await a.until('unavailable', ({ type, event }) => type === 'state' && event.reason === 'port-in-use');
    expect(a.discovery.state()).toMatchObject({
      state: 'unavailable',
      interfaces: [{ health: 'failed', error: 'EADDRINUSE' }],
    });
    squatter.close();
    await a.until('running', ({ type, event }) => type === 'state' && event.state === 'running');
  });

  it('says that there is no network, and works when there is one; what it knew there is gone when it leaves', async () => {
    let cards: NodeJS.Dict<NetworkInterfaceInfo[]> = {};
    const a = nodeA({ interfaces: () => cards });
    await Promise.all([a.discovery.start(), nodeB().run()]);
    await a.until('unavailable', ({ type, event }) => type === 'state' && event.reason === 'no-interface');
    cards = { lo: [loopback] };
    await a.until('running', ({ type, event }) => type === 'state' && event.state === 'running');
    await a.finds(idB);
    cards = {};
    await a.until('losing B', ({ type, event }) => type === 'gone' && event.reason === 'network');
    await a.until('unavailable', ({ type, event }) => type === 'state' && event.reason === 'no-interface', { from: 1 });
    const from = a.told.length;
    cards = { lo: [loopback] };
    await a.finds(idB, { from });
  });

  it('takes a system that tells no cards for one without a network', async () => {
    const a = nodeA({
      interfaces: () => {
        throw new Error('EPERM');
      },
    });
    await a.discovery.start();
    await a.until('unavailable', ({ type, event }) => type === 'state' && event.reason === 'no-interface');
  });

  it('announces itself anew when it wakes up', async () => {
    let sleptMs = 0;
    const clock = { now: () => Date.now() + sleptMs, monotonic: () => performance.now() };
    const stranger = await new Stranger().open();
    // Unasked, a node sends all its records as answers: at once, then 3 s and 12 s later.
    const announced = ({ type, answers = [] }: Packet) =>
      type === 'response' && answers.some((one) => one.type === 'SRV');
    const first = stranger.hears(announced, 5000);
    await nodeA({ clock }).run();
    await first;
    await stranger.hears(announced, 5000);
    sleptMs = 3_600_000;
    await stranger.hears(announced, 4000);
  });

  it('can be stopped at any moment, also before it has opened anything', async () => {
    const a = nodeA();
    await a.discovery.start();
    await a.discovery.stop();
    const stranger = await new Stranger().open();
    await expect(stranger.hears(() => true, 500)).rejects.toThrow('nothing was heard');
    expect(a.told).toEqual([]);
  });
});
