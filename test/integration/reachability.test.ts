/** A node that speaks with others, and with whom nobody can speak: it must learn that from them. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import type { ApiClient } from '../support/api-client.ts';
import { allSee, type ClusterNode, onceFree, startMember, testKey } from '../support/cluster-in-process.ts';
import { EventClient } from '../support/event-client.ts';
import { eventually } from '../support/eventually.ts';

interface Listed {
  readonly nobodyReaches: boolean;
  readonly peerPort: number;
  readonly members: readonly {
    readonly id: string;
    readonly self: boolean;
    readonly online: boolean;
    readonly unreachedBy: readonly { readonly node: string; readonly sinceMs: number; readonly tried: string[] }[];
  }[];
}

const list = (api: ApiClient) => api.ok<Listed>('listMembers');
const entry = async (of: ClusterNode, about: ClusterNode) =>
  (await list(of.api)).members.find(({ id }) => id === about.node.id);

it('nobody can reach a node whose address is wrong: it is told by the others, and that it is over', async () => {
  const key = { cluster_key: testKey };
  const first = await startMember('first', key);
  const second = await startMember('second', { ...key, peers: [first.origin] });
  await allSee([first, second]);
  // It listens where nobody looks for it: others see it come from 127.0.0.1, where this port is not open.
  const behind = await startMember('behind', {
    ...key,
    peers: [first.origin],
    peer_addr: '127.0.0.2:0',
    advertise: '127.0.0.1:9',
  });
  const events = await EventClient.connect(behind);
  await eventually(async () => (await list(behind.api)).nobodyReaches, 'it knows that nobody reaches it', 60_000);
  await events.untilType('reach-changed');
  const own = await entry(behind, behind);
  expect(own?.unreachedBy.map(({ node }) => node).sort()).toEqual([first.node.id, second.node.id].sort());
  for (const { tried, sinceMs } of own?.unreachedBy ?? []) {
    expect(tried).toContain('127.0.0.1:9');
    expect(Math.abs(Date.now() - sinceMs)).toBeLessThan(60_000);
  }
  expect((await list(behind.api)).peerPort).toBe(behind.node.peerPort);
  // The others say the same of it, and count it as there: its heartbeats arrive. Nobody complains of anybody else.
  const there = await entry(first, behind);
  expect(there).toMatchObject({ online: true, unreachedBy: [{ node: first.node.id }] });
  expect((await entry(behind, first))?.unreachedBy).toEqual([]);
  expect((await list(first.api)).nobodyReaches).toBe(false);
  expect((await entry(first, second))?.unreachedBy).toEqual([]);
  // Its port is forwarded to it, and it is reached.
  const { peerPort } = behind.node;
  const forward = createServer((socket) => {
    const onward = connect(peerPort, '127.0.0.2');
    socket
      .on('error', () => onward.destroy())
      .pipe(onward)
      .on('error', () => socket.destroy())
      .pipe(socket);
  });
  await onceFree(() => once(forward.listen(peerPort, '127.0.0.1'), 'listening'));
  onTestFinished(() => {
    forward.close();
  });
  await eventually(async () => (await entry(behind, behind))?.unreachedBy.length === 0, 'both reach it', 60_000);
  expect((await entry(first, behind))?.unreachedBy).toEqual([]);
}, 150_000);
