/** Whoever is slow at the peer port is cut, although uploads that are passed on may take their time. */
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { startCluster } from '../support/cluster-in-process.ts';
import { openPeer, somebody } from '../support/fake-member.ts';

it('a head that never ends is cut within seconds', async () => {
  const [a] = await startCluster(1);
  if (!a) throw new Error('no node');
  const socket = await openPeer(a.node.peerPort, await somebody());
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.write('POST /peer/v1/join/hello HTTP/1.1\r\nhost: peer\r\n');
  const trickle = setInterval(() => socket.write('x: y\r\n'), 500);
  const began = performance.now();
  socket.resume();
  await closed;
  clearInterval(trickle);
  expect(performance.now() - began).toBeLessThan(25_000);
}, 40_000);
