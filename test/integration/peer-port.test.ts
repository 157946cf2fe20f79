/** The peer port gives strangers nothing, whatever they send, and looks at who asks for every request. */

import type { AddressInfo } from 'node:net';
import { createServer as createSecureServer, type TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connectTo } from '../../node-core/cluster/transport/pinned-connection.ts';
import { provenId } from '../../node-core/cluster/trust/certificate.ts';
import {
  allSee,
  type ClusterNode,
  membersOf,
  startCluster,
  startMember,
  testKey,
} from '../support/cluster-in-process.ts';
import { eventually } from '../support/eventually.ts';
import { callPeer, openPeer, type PeerCall, somebody } from '../support/fake-member.ts';
import { json, rawConnection, upload } from '../support/http-client.ts';
import { startNode } from '../support/node-in-process.ts';

const codeOf = (text: string) => (JSON.parse(text) as { code: string }).code;

let node: ClusterNode;
beforeAll(async () => {
  node = await startMember('alone', { cluster_key: testKey });
  await upload(node, 'a secret');
});

describe('a stranger', () => {
  it.each([
    ['changes', { body: { seen: {}, limit: 10 } }],
    ['head', {}],
    ['buckets', {}],
    ['leaves', { body: { bucket: '000' } }],
    ['records', { body: { paths: ['a.txt'] } }],
    ['news', {}],
    ['heartbeat', { body: { boot: '0'.repeat(16), addresses: [], port: 1, members: '0'.repeat(64) } }],
    ['members', { body: { operations: [] } }],
    [`blocks?sha256=${'0'.repeat(64)}`, { method: 'GET' }],
    [`bytes?sha256=${'0'.repeat(64)}`, { method: 'GET' }],
    ['nothing', {}],
    ['__proto__', {}],
    ['../../etc/passwd', {}],
  ] satisfies [string, PeerCall][])('is told nothing by %s', async (path, call) => {
    const socket = await openPeer(node.node.peerPort, await somebody());
    const answer = await callPeer(socket, `/peer/v1/${path}`, call);
    expect([answer.status, codeOf(answer.text)]).toEqual([403, 'PEER_UNKNOWN']);
  });

  it('with the id of the node itself is none of its members', async () => {
    const socket = await openPeer(node.node.peerPort, await somebody(node.dataDir));
    const answer = await callPeer(socket, '/peer/v1/head');
    expect([answer.status, codeOf(answer.text)]).toEqual([403, 'PEER_UNKNOWN']);
  });

  it('gets no connection without a certificate, with TLS 1.2, or without TLS', async () => {
    const { peerPort } = node.node;
    const closed = (socket: TLSSocket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));
    // Without a certificate the handshake ends for the client before the server has looked.
    await openPeer(peerPort, undefined).then(closed, () => undefined);
    const old = openPeer(peerPort, await somebody(), { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
    await expect(old).rejects.toThrow();
    const raw = rawConnection(peerPort);
    raw.socket.write('GET /peer/v1/head HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await raw.received).not.toContain('HTTP/1.1 200');
  });

  it.each([
    ['a body that is too large', { body: 'x'.repeat(2 * 1024 * 1024) }, 413, 'BODY_TOO_LARGE'],
    ['no JSON', { body: '{' }, 400, 'BAD_REQUEST'],
    ['another shape', { body: { way: 'magic', nonce: 1 } }, 400, 'BAD_REQUEST'],
    ['another method', { method: 'GET' }, 405, 'METHOD_NOT_ALLOWED'],
    ['an older protocol', { headers: { 'shoal-protocol': '0-0' } }, 409, 'PEER_PROTOCOL'],
    ['no protocol', { headers: { 'shoal-protocol': '' } }, 409, 'PEER_PROTOCOL'],
  ] satisfies [string, PeerCall, number, string][])(
    'is refused with a code for %s at the door',
    async (_what, call, status, code) => {
      const socket = await openPeer(node.node.peerPort, await somebody());
      const answer = await callPeer(socket, '/peer/v1/join/begin', call);
      expect([answer.status, codeOf(answer.text)]).toEqual([status, code]);
    },
  );

  it('cannot take all connections of one address', async () => {
    const who = await somebody();
    const sockets = await Promise.all(Array.from({ length: 24 }, () => openPeer(node.node.peerPort, who)));
    await eventually(() => sockets.filter(({ destroyed }) => !destroyed).length <= 16, 'the rest is closed');
  });
});

describe('connections', () => {
  it('are made only to the id that is expected', async () => {
    const { certificate, id } = await somebody();
    const address = { host: '127.0.0.1', port: node.node.peerPort };
    await expect(connectTo(address, certificate, id)).rejects.toMatchObject({ code: 'PEER_UNPROVEN' });
    const { socket, id: proved } = await connectTo(address, certificate, node.node.id);
    socket.destroy();
    expect(proved).toBe(node.node.id);
  });

  it('are never resumed: the node gives out no session', async () => {
    const who = await somebody();
    const first = await openPeer(node.node.peerPort, who);
    await callPeer(first, '/peer/v1/head');
    const session = first.getSession();
    const again = await openPeer(node.node.peerPort, who, session ? { session } : {});
    expect(again.isSessionReused()).toBe(false);
  });

  it('that were resumed prove nothing', async () => {
    const who = await somebody();
    const ids: (string | undefined)[] = [];
    const server = createSecureServer(
      { ...who.certificate, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3' },
      (socket) => {
        socket.on('error', () => undefined);
        ids.push(provenId(socket));
        socket.write('x');
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const first = await openPeer(port, who);
    const session = await new Promise<Buffer>((resolve) => first.once('session', resolve));
    const second = await openPeer(port, who, { session });
    await new Promise((resolve) => second.once('data', resolve));
    expect(second.isSessionReused()).toBe(true);
    expect([ids, provenId(second)]).toEqual([[who.id, undefined], undefined]);
  });
});

describe('members', () => {
  it('are refused from the moment they are removed, on connections that are open too', async () => {
    const [a, b, c] = (await startCluster(3)) as [ClusterNode, ClusterNode, ClusterNode];
    const file = await upload(b, 'before');
    await c.node.stop();
    // Somebody goes on with the key of the third.
    const gone = await somebody(c.dataDir);
    const sockets = await Promise.all([a, b].map(({ node: { peerPort } }) => openPeer(peerPort, gone)));
    for (const socket of sockets) expect((await callPeer(socket, '/peer/v1/head')).status).toBe(200);
    await a.api.ok('removeMember', { query: { id: gone.id } });
    await eventually(() => sockets.every(({ destroyed }) => destroyed), 'its connections are closed');
    for (const {
      node: { peerPort },
      api,
    } of [a, b]) {
      const answer = await callPeer(await openPeer(peerPort, gone), '/peer/v1/head');
      expect([answer.status, codeOf(answer.text)]).toEqual([403, 'PEER_REMOVED']);
      const bytes = await callPeer(
        await openPeer(peerPort, gone),
        `/peer/v1/bytes?sha256=${file.md5.padEnd(64, '0')}`,
        { method: 'GET' },
      );
      expect(codeOf(bytes.text)).toBe('PEER_REMOVED');
      expect((await membersOf(api)).removed.map(({ id }) => id)).toEqual([gone.id]);
    }
    // Nor does the key that it knows let it in again.
    const again = await startMember('n2', { cluster_key: testKey, peers: [a.origin] }, c.dataDir);
    const stranger = await startMember('n3', { cluster_key: testKey, peers: [a.origin] });
    const near = () => stranger.api.ok<{ nodes: { failure?: string }[] }>('listNearNodes');
    await eventually(async () => (await near()).nodes[0]?.failure === 'CLUSTER_KEY_RETIRED', 'the key is refused');
    await eventually(
      async () => (await membersOf(again.api)).members.some(({ refusal }) => refusal === 'PEER_REMOVED'),
      'the removed node is told',
    );
    expect((await membersOf(a.api)).members.map(({ name }) => name).sort()).toEqual(['n0', 'n1']);
  });

  it('that run twice are both refused, until only one is left', async () => {
    const [a, b] = (await startCluster(2)) as [ClusterNode, ClusterNode];
    const who = await somebody(b.dataDir);
    const beat = { boot: 'ab'.repeat(8), addresses: [], port: 1, members: '0'.repeat(64) };
    await eventually(async () => {
      // Connections of both are cut when it turns out.
      const answer = await openPeer(a.node.peerPort, who)
        .then((twin) => callPeer(twin, '/peer/v1/heartbeat', { body: beat, boot: beat.boot }))
        .catch(() => undefined);
      return answer?.status === 409 && codeOf(answer.text) === 'PEER_TWIN';
    }, 'the twin is refused');
    await eventually(async () => {
      const { members } = await membersOf(a.api);
      return members.some(({ twin: isTwin, online }) => isTwin && !online);
    }, 'the member is refused');
    const twinAlarms = async ({ api }: ClusterNode) => {
      const { alarms } = await api.ok<{ alarms: { kind: string; subject: string }[] }>('listAlarms');
      return alarms.filter(({ kind }) => kind === 'twin-seen').map(({ subject }) => subject);
    };
    // Both sides say so: the member that refuses, and the one that is refused.
    for (const node of [a, b])
      await eventually(async () => (await twinAlarms(node)).includes('n1'), 'people are told', 20_000);
    expect(await twinAlarms(a)).toEqual(['n1']);
  }, 45_000);

  it('have a name that any of them can change', async () => {
    const nodes = (await startCluster(2)) as [ClusterNode, ClusterNode];
    const [a, b] = nodes;
    await a.api.ok('renameMember', { json: { id: b.node.id, name: '书房' } });
    await eventually(async () => (await membersOf(b.api)).members.some(({ name }) => name === '书房'), 'it is known');
    const health = () => b.api.ok<{ name: string }>('health');
    await eventually(async () => (await health()).name === '书房', 'the node goes by it');
    await b.node.stop();
    await allSee([a, await startMember('书房', { cluster_key: testKey }, b.dataDir)]);
    await a.api.refused('renameMember', 404, 'MEMBER_NOT_FOUND', { json: { id: '0'.repeat(64), name: 'x' } });
    await a.api.refused('removeMember', 409, 'MEMBER_IS_SELF', { query: { id: a.node.id } });
  });

  it('tell others of their peer port, and nothing else', async () => {
    const { node: own, origin } = await startNode();
    const answer = await (await fetch(`${origin}/api/v1/peer-hint`)).json();
    expect(answer).toEqual({ id: own.id, port: own.peerPort });
  });
});

it('a member that was killed is away within ten seconds, and back within three', async () => {
  const [a, b] = (await startCluster(2)) as [ClusterNode, ClusterNode];
  await b.node.stop();
  const isThere = async () => (await membersOf(a.api)).members.every(({ online }) => online);
  await eventually(async () => !(await isThere()), 'it is away', 10_000);
  const again = await startMember('n1', { cluster_key: testKey, peer_addr: `127.0.0.1:${b.node.peerPort}` }, b.dataDir);
  await eventually(isThere, 'it is back', 3000);
  expect(json<{ id: string }>(await again.api.send('peerHint')).id).toBe(b.node.id);
});
