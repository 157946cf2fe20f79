/** Discovery between hosts of a LAN whose cables are pulled, whose addresses change, whose packets are lost. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { bundleProgram } from '../support/bundled-program.ts';
import { describeWithNamespaces } from '../support/describe-with-namespaces.ts';
import type { DiscoveryLine, DiscoveryNodeOptions, Line } from '../support/discovery-node.ts';
import { type LabProcess, NetworkLab } from '../support/network-namespaces.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

const program = await bundleProgram('discovery-node.ts');
const holder = await bundleProgram('lab-holder.ts');

/** The id of a host's node. */
const idOf = (host: number) => String(host).repeat(64);

/** One node: its process, and waiting for what it says. */
class LanNode {
  readonly options: DiscoveryNodeOptions;
  readonly process: LabProcess;

  constructor(options: DiscoveryNodeOptions, process: LabProcess) {
    this.options = options;
    this.process = process;
  }

  /** Events so far. */
  get events(): DiscoveryLine[] {
    return this.process.lines.map(parse).filter((line): line is DiscoveryLine => line.type !== 'starting');
  }

  /** Waits for an event that fits, among those after the first `from` ones. @throws with all it said, in time. */
  async until(
    what: string,
    fits: (line: DiscoveryLine) => boolean,
    { from = 0, withinMs = 10_000 } = {},
  ): Promise<void> {
    const startedMs = performance.now();
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!this.events.slice(from).some(fits)) return;
        clearTimeout(timer);
        stopListening();
        resolve();
      };
      const timer = setTimeout(() => {
        stopListening();
        reject(
          new Error(
            `${this.options.name}: not ${what} in ${withinMs} ms\n${this.process.lines.join('\n')}\n${this.process.errors()}`,
          ),
        );
      }, withinMs);
      const stopListening = this.process.onLine(look);
      look();
    });
    if (process.env.SHOAL_TEST_TIMES) {
      console.log(`${this.options.name}: ${what} after ${Math.round(performance.now() - startedMs)} ms`);
    }
  }

  /** Waits until it has found the node of a host at an address. */
  finds(host: number, options: { from?: number; withinMs?: number } = {}, address = `10.77.0.${host}`): Promise<void> {
    return this.until(
      `finding ${host} at ${address}`,
      (line) =>
        (line.type === 'found' || line.type === 'changed') &&
        line.event.id === idOf(host) &&
        line.event.address === address,
      options,
    );
  }

  /** Waits until its state is this. */
  is(state: string, reason?: string, options: { from?: number; withinMs?: number } = {}): Promise<void> {
    return this.until(
      `${state} ${reason ?? ''}`,
      (line) => line.type === 'state' && line.event.state === state && line.event.reason === reason,
      options,
    );
  }
}

function parse(line: string): Line {
  return JSON.parse(line) as Line;
}

async function startNode(lab: NetworkLab, host: number, change: Partial<DiscoveryNodeOptions> = {}): Promise<LanNode> {
  const options = { id: idOf(host), name: `节点 ${host}`, port: 8443, ...change };
  const node = new LanNode(options, await lab.run(host, process.execPath, program, JSON.stringify(options)));
  started.push(node);
  return node;
}

const startNodes = (lab: NetworkLab, hosts: readonly number[]) =>
  Promise.all(hosts.map((host) => startNode(lab, host)));

/** Everybody finds everybody else. */
async function allFind(nodes: readonly LanNode[], withinMs: number): Promise<void> {
  await Promise.all(
    nodes.flatMap((node, index) =>
      nodes.map((_, other) => (other === index ? Promise.resolve() : node.finds(other + 1, { withinMs }))),
    ),
  );
}

/** Nodes of the test that is running. */
const started: LanNode[] = [];

describeWithNamespaces('discovery on a LAN', () => {
  const opened: NetworkLab[] = [];

  /** A LAN that is gone after the test. */
  async function openLab(hosts: number): Promise<NetworkLab> {
    const lab = await NetworkLab.open(hosts);
    opened.push(lab);
    return lab;
  }

  afterEach(async () => {
    // Whatever the network did, nobody has complained; what is uncaught ends a node with words.
    for (const node of started.splice(0)) expect(node.process.errors()).toBe('');
    for (const lab of opened.splice(0)) await lab[Symbol.asyncDispose]();
  });

  it('finds three nodes that start at once in under two seconds', async () => {
    const nodes = await startNodes(await openLab(3), [1, 2, 3]);
    await Promise.all(nodes.map((node) => node.is('running')));
    await allFind(nodes, 2000);
  });

  it('finds its neighbours again within five seconds after the cable is back, in both directions', async () => {
    const lab = await openLab(3);
    const nodes = await startNodes(lab, [1, 2, 3]);
    await allFind(nodes, 10_000);
    const [first, second] = nodes as [LanNode, LanNode, LanNode];
    await lab.cut(1);
    await first.until(
      'losing 2',
      (line) => line.type === 'gone' && line.event.hint.id === idOf(2) && line.event.reason === 'network',
    );
    await first.until('losing 3', (line) => line.type === 'gone' && line.event.hint.id === idOf(3));
    const [from, heardFrom] = [first.events.length, second.events.length];
    await lab.heal(1);
    await Promise.all([
      first.finds(2, { from, withinMs: 5000 }),
      first.finds(3, { from, withinMs: 5000 }),
      second.until('hearing 1', (line) => line.type === 'heard' && line.event.id === idOf(1), {
        from: heardFrom,
        withinMs: 5000,
      }),
    ]);
  });

  it('is found after the heal when it was started without a cable', async () => {
    const lab = await openLab(2);
    await lab.cut(2);
    const [first, second] = (await startNodes(lab, [1, 2])) as [LanNode, LanNode];
    await Promise.all([first.is('running'), second.is('running')]);
    await lab.heal(2);
    await Promise.all([first.finds(2, { withinMs: 5000 }), second.finds(1, { withinMs: 5000 })]);
  });

  it('tells the new address of a node, and goes on finding at it', async () => {
    const lab = await openLab(3);
    const nodes = await startNodes(lab, [1, 2]);
    await allFind(nodes, 10_000);
    const [first, second] = nodes as [LanNode, LanNode];
    await lab.readdress(2, '10.77.0.99');
    await first.finds(2, { withinMs: 5000 }, '10.77.0.99');
    await second.until('working at the new address', (line) => line.type === 'heard' && line.event.id === idOf(1), {
      from: second.events.length,
      withinMs: 5000,
    });
    const third = await startNode(lab, 3);
    await Promise.all([third.finds(2, {}, '10.77.0.99'), second.finds(3)]);
  });

  it('learns the new port of a node that was killed and started again', async () => {
    const lab = await openLab(2);
    const nodes = await startNodes(lab, [1, 2]);
    await allFind(nodes, 10_000);
    await nodes[1]?.process.kill();
    await startNode(lab, 2, { port: 9443 });
    await nodes[0]?.until(
      'learning the port',
      (line) => line.type === 'changed' && line.event.id === idOf(2) && line.event.port === 9443,
    );
  });

  it('works without a default route', async () => {
    const lab = await openLab(2);
    for (const host of [1, 2]) await lab.sh(`ip -n n${host} route del default`);
    await allFind(await startNodes(lab, [1, 2]), 5000);
  });

  it('finds a second node of the host when there is loopback only', async () => {
    const lab = await openLab(1);
    await lab.cut(1);
    const first = await startNode(lab, 1);
    const second = await startNode(lab, 1, { id: idOf(2), port: 9443 });
    await Promise.all([first.finds(2, {}, '127.0.0.1'), second.finds(1, {}, '127.0.0.1')]);
  });

  it('finds two nodes of one host at the address of the LAN', async () => {
    const lab = await openLab(2);
    const first = await startNode(lab, 1);
    const second = await startNode(lab, 1, { id: idOf(3), port: 9443 });
    const other = await startNode(lab, 2);
    await Promise.all([
      first.finds(3, {}, '10.77.0.1'),
      second.finds(1, {}, '10.77.0.1'),
      other.finds(1),
      other.finds(3, {}, '10.77.0.1'),
    ]);
  });

  it('says that port 5353 is taken, and works when it is free', async () => {
    const lab = await openLab(2);
    const holding = "const s = require('dgram').createSocket('udp4'); s.bind(5353, () => console.log('bound'));";
    const squatter = await lab.run(1, process.execPath, '-e', holding);
    await vi.waitFor(() => expect(squatter.lines).toContain('bound'), 10_000);
    const [first, second] = (await startNodes(lab, [1, 2])) as [LanNode, LanNode];
    await first.is('unavailable', 'port-in-use');
    await second.is('running');
    await squatter.kill();
    await Promise.all([first.is('running'), first.finds(2), second.finds(1)]);
  });

  it('says that multicast does not get through, and works when it does', async () => {
    const lab = await openLab(2);
    await lab.in(1, 'iptables -A INPUT -d 224.0.0.0/4 -j DROP');
    const [first, second] = (await startNodes(lab, [1, 2])) as [LanNode, LanNode];
    await first.is('unavailable', 'no-multicast', { withinMs: 20_000 });
    // What it sends gets through: it is found all the same.
    await second.finds(1);
    await lab.in(1, 'iptables -F INPUT');
    await Promise.all([first.is('running', undefined, { withinMs: 20_000 }), first.finds(2, { withinMs: 20_000 })]);
  });

  it('survives that nothing can be sent while neighbours ask, and is told so', async () => {
    const lab = await openLab(2);
    const nodes = await startNodes(lab, [1, 2]);
    await allFind(nodes, 10_000);
    const [first] = nodes as [LanNode, LanNode];
    const from = first.events.length;
    // Dropped on its way out, a packet is an error of whoever sends it.
    await lab.in(1, 'iptables -A OUTPUT -d 224.0.0.0/4 -j DROP');
    await first.is('unavailable', 'no-multicast', { from, withinMs: 20_000 });
    const state = first.events.findLast((line) => line.type === 'state');
    expect(state?.event).toMatchObject({ interfaces: [{ health: 'silent', error: 'EPERM' }] });
    await lab.in(1, 'iptables -F OUTPUT');
    await first.is('running', undefined, { from, withinMs: 20_000 });
  });

  it('survives that its address is taken away while neighbours ask', async () => {
    const lab = await openLab(2);
    const nodes = await startNodes(lab, [1, 2]);
    await allFind(nodes, 10_000);
    const [first, second] = nodes as [LanNode, LanNode];
    const asked = first.events.length;
    await lab.sh('ip -n n1 addr flush dev eth0');
    // A new name is announced and asked for at once: it meets a socket whose address is no more.
    second.process.child.stdin?.write('name 新名字\n');
    await first.until('losing 2', (line) => line.type === 'gone' && line.event.reason === 'network', { from: asked });
    const from = first.events.length;
    await lab.readdress(1, '10.77.0.1');
    await first.finds(2, { from });
  });

  it('works with a card that was taken out and put in again', async () => {
    const lab = await openLab(2);
    const nodes = await startNodes(lab, [1, 2]);
    await allFind(nodes, 10_000);
    const [first, second] = nodes as [LanNode, LanNode];
    const mac = (await lab.sh('ip netns exec n1 cat /sys/class/net/eth0/address')).trim();
    // All at once, with the same address of the card, so that no look at the cards sees it missing.
    await lab.sh(`ip -n n1 link del eth0; plug 1; ip -n n1 link set eth0 address ${mac}; address 1 10.77.0.1`);
    await second.process.kill();
    await startNode(lab, 2, { port: 9443 });
    await first.until('learning the port', (line) => line.type === 'changed' && line.event.port === 9443, {
      withinMs: 15_000,
    });
  });

  it('finds all although half of the packets are lost', async () => {
    const lab = await openLab(3);
    for (const host of [1, 2, 3]) await lab.lose(host, 0.5);
    await allFind(await startNodes(lab, [1, 2, 3]), 30_000);
  });

  it('takes a sender who is not on its network for no neighbour', async () => {
    const lab = await openLab(3);
    await lab.readdress(2, '192.168.9.2');
    const stranger = await startNode(lab, 2);
    await stranger.is('running');
    const [first] = (await startNodes(lab, [1, 3])) as [LanNode, LanNode];
    await first.finds(3);
    stranger.process.child.stdin?.write('name 陌生人\n');
    // Two more rounds of questions and answers.
    for (let round = 0; round < 2; round += 1) {
      await first.until('hearing 3', (line) => line.type === 'heard', { from: first.events.length });
    }
    expect(first.process.lines.join('\n')).not.toContain(idOf(2));
  });

  it('announces nothing of a bridge of containers that each host has', async () => {
    const lab = await openLab(2);
    for (const host of [1, 2]) {
      await lab.sh(`ip -n n${host} link add docker0 type bridge`);
      await lab.sh(`ip -n n${host} addr add 172.17.0.1/16 dev docker0; ip -n n${host} link set docker0 up`);
    }
    const nodes = await startNodes(lab, [1, 2]);
    await Promise.all(nodes.map((node) => node.is('running')));
    await allFind(nodes, 10_000);
    for (const node of nodes) {
      const state = node.events.find((line) => line.type === 'state');
      expect(state?.event).toMatchObject({ interfaces: [{ name: 'eth0' }] });
      expect(node.process.lines.join('\n')).not.toContain('172.17.0.1');
    }
  });

  it('says goodbye when it is stopped, on request and when its input ends', async () => {
    const lab = await openLab(3);
    const nodes = await startNodes(lab, [1, 2, 3]);
    await allFind(nodes, 10_000);
    const [first, second, third] = nodes as [LanNode, LanNode, LanNode];
    second.process.child.stdin?.write('stop\n');
    third.process.child.stdin?.end();
    for (const host of [2, 3]) {
      await first.until(
        `losing ${host}`,
        (line) => line.type === 'gone' && line.event.hint.id === idOf(host) && line.event.reason === 'goodbye',
        { withinMs: 5000 },
      );
    }
    expect([await second.process.ended, await third.process.ended]).toEqual([0, 0]);
  });

  it('leaves nothing behind when whoever opened the LAN is killed', async () => {
    const child = spawn(process.execPath, [holder], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pids = await new Promise<number[]>((resolve) => {
      child.stdout.once('data', (text) => resolve(JSON.parse(String(text)) as number[]));
    });
    expect(pids).toHaveLength(2);
    const alive = () => pids.filter((pid) => isAlive(pid));
    expect(alive()).toEqual(pids);
    child.kill('SIGKILL');
    await vi.waitFor(() => expect(alive()).toEqual([]), 5000);
  });
});

function isAlive(pid: number): boolean {
  try {
    return !readFileSync(path.join('/proc', String(pid), 'stat'), 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
