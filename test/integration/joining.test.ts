/** The ways into a cluster: key, invite, six digits, trust of the network. Real nodes, real handshakes. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadIdentity } from '../../node-core/cluster/identity.ts';
import { proofOf } from '../../node-core/cluster/joining/proofs.ts';
import { makeOperation } from '../../node-core/cluster/members/operations.ts';
import {
  allSee,
  type ClusterNode,
  membersOf,
  startCluster,
  startMember,
  testKey,
} from '../support/cluster-in-process.ts';
import { eventually } from '../support/eventually.ts';
import { callPeer, openPeer, somebody } from '../support/fake-member.ts';
import { download, json, upload } from '../support/http-client.ts';
import { runToEnd, startNodeProcess } from '../support/node-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Invite {
  readonly id: string;
  readonly token: string;
  readonly state: string;
  readonly usedBy?: string;
}

interface Pairing {
  readonly id: string;
  readonly node: string;
  readonly name: string;
  readonly direction: string;
  readonly digits: string;
  readonly state: string;
  readonly confirmed: boolean;
  readonly reason?: string;
}

const near = async ({ api }: ClusterNode) =>
  (await api.ok<{ nodes: { failure?: string }[] }>('listNearNodes')).nodes.map(({ failure }) => failure);
const pairingsOf = async ({ api }: ClusterNode) => (await api.ok<{ pairings: Pairing[] }>('listPairings')).pairings;
const isThere = async (node: ClusterNode, file: string) => (await download(node, file)).status === 200;

describe('the cluster key', () => {
  it('makes one cluster of nodes that were started at the same moment, files of before included', async () => {
    const first = await startMember('n0', { cluster_key: testKey });
    const { path: file } = await upload(first, 'from before');
    const peers = [first.origin];
    const others = await Promise.all(
      [1, 2, 3, 4].map((index) => startMember(`n${index}`, { cluster_key: testKey, peers })),
    );
    await allSee([first, ...others]);
    const clusters = await Promise.all([first, ...others].map(async ({ api }) => (await membersOf(api)).cluster));
    expect(new Set(clusters).size).toBe(1);
    for (const node of others) await eventually(() => isThere(node, file), `the file is on ${node.name}`);
    // Everybody remembers everybody: no key and no list are needed any more.
    for (const node of others) await node.node.stop();
    const again = await Promise.all(others.map(({ name, dataDir }) => startMember(name, {}, dataDir)));
    await allSee([first, ...again]);
  });

  it('lets nobody in who has another one, or none', async () => {
    const owner = await startMember('owner', { cluster_key: testKey });
    const wrong = await startMember('wrong', { cluster_key: `${testKey}!`, peers: [owner.origin] });
    await eventually(async () => (await near(wrong)).includes('JOIN_PROOF_WRONG'), 'it is refused');
    const none = await startMember('none', { peers: [owner.origin] });
    await eventually(async () => (await near(none)).length === 1, 'it knows who is near');
    // An address that is added later is looked at as well.
    const later = await startMember('later', { cluster_key: testKey });
    await later.api.ok('changeSettings', { json: { changes: { peers: [owner.origin] } } });
    await allSee([owner, later]);
    await owner.api.ok('removeMember', { query: { id: later.node.id } });
    for (const { api } of [owner, wrong, none]) expect((await membersOf(api)).members).toHaveLength(1);
  });

  it('must be long, and may stand in a file', async () => {
    await expect(startMember('short', { cluster_key: 'short' })).rejects.toMatchObject({ code: 'CLUSTER_KEY_UNFIT' });
    const folder = await temporaryFolder();
    const clusterKeyFile = path.join(folder, 'key');
    await writeFile(clusterKeyFile, `${testKey}\n`);
    const a = await startMember('a', {}, undefined, { clusterKeyFile });
    const b = await startMember('b', { cluster_key: testKey, peers: [a.origin] });
    await allSee([a, b]);
    const missing = startMember('c', {}, undefined, { clusterKeyFile: path.join(folder, 'none') });
    await expect(missing).rejects.toMatchObject({ code: 'FLAG_INVALID' });
  });

  it('is proved anew each time: what was proved once, or to somebody else, is worth nothing', async () => {
    const owner = await startMember('owner', { cluster_key: testKey });
    const [thief, victim] = [await somebody(), await somebody()];
    const socket = await openPeer(owner.node.peerPort, thief);
    const joinerNonce = 'a'.repeat(64);
    const begin = async () => {
      const body = { way: 'key', nonce: joinerNonce };
      return json<{ session: string; nonce: string }>(await callPeer(socket, '/peer/v1/join/begin', { body }));
    };
    const summary = {
      name: 'x',
      cluster: '0'.repeat(64),
      alone: true,
      byLan: true,
      members: 1,
      files: 0,
      bytes: 0,
      addresses: [],
      port: 1,
    };
    const prove = async (session: string, proof: string) => {
      const answer = await callPeer(socket, '/peer/v1/join/prove', { body: { session, proof, summary } });
      return (JSON.parse(answer.text) as { code?: string }).code;
    };
    const { session, nonce } = await begin();
    const transcript = { way: 'key', acceptor: owner.node.id, joinerNonce, acceptorNonce: nonce } as const;
    // The proof of somebody else, that the thief has listened to.
    const theirs = proofOf(testKey, 'joiner', { ...transcript, joiner: victim.id });
    expect(await prove(session, theirs)).toBe('JOIN_PROOF_WRONG');
    // One try an attempt, and none without a proof.
    expect(await prove(session, theirs)).toBe('JOIN_SESSION_UNKNOWN');
    const second = await begin();
    const admit = await callPeer(socket, '/peer/v1/join/admit', { body: { session: second.session, operations: [] } });
    expect(JSON.parse(admit.text).code).toBe('JOIN_NOT_POSSIBLE');
    // An old number of the other side.
    expect(await prove(second.session, proofOf(testKey, 'joiner', { ...transcript, joiner: thief.id }))).toBe(
      'JOIN_PROOF_WRONG',
    );
    // The other side's own kind of proof, sent back to it.
    const third = await begin();
    const mirrored = proofOf(testKey, 'acceptor', { ...transcript, acceptorNonce: third.nonce, joiner: thief.id });
    expect(await prove(third.session, mirrored)).toBe('JOIN_PROOF_WRONG');
    expect((await membersOf(owner.api)).members).toHaveLength(1);
  });
});

describe('an invite', () => {
  it('lets one node in, once; the files of both are everywhere', async () => {
    const inviter = await startMember('inviter');
    const joiner = await startMember('joiner');
    const late = await startMember('late');
    const [ours, theirs] = [await upload(inviter, 'ours'), await upload(joiner, 'theirs')];
    const invite = await inviter.api.ok<Invite>('createInvite', { json: { hours: 1 } });
    const before = await Promise.all([inviter, joiner].map(async ({ api }) => (await membersOf(api)).cluster));
    const look = await joiner.api.ok('lookByInvite', { json: { token: `shoal://devices/${invite.token}` } });
    expect(look).toMatchObject({ name: 'inviter', files: 1, members: 1, policy: { minReplicas: 1 } });
    expect(await membersOf(inviter.api)).toMatchObject({ members: [{ self: true }] });
    await joiner.api.ok('joinByInvite', { json: { token: invite.token } });
    await allSee([inviter, joiner]);
    await late.api.refused('lookByInvite', 403, 'JOIN_REFUSED', { json: { token: invite.token } });
    await late.api.refused('joinByInvite', 403, 'JOIN_REFUSED', { json: { token: invite.token } });
    await joiner.api.refused('joinByInvite', 409, 'ALREADY_MEMBERS', { json: { token: invite.token } });
    const { invites } = await inviter.api.ok<{ invites: Invite[] }>('listInvites');
    expect(invites).toMatchObject([{ id: invite.id, state: 'used', usedBy: joiner.node.id }]);
    expect(invites[0]?.token).toBeUndefined();
    const [smaller] = before.sort();
    for (const { api } of [inviter, joiner]) expect((await membersOf(api)).cluster).toBe(smaller);
    for (const node of [inviter, joiner])
      for (const { path: file } of [ours, theirs]) await eventually(() => isThere(node, file), 'all files are here');
    expect((await membersOf(late.api)).members).toHaveLength(1);
  });

  it('is refused when it was ended, has expired, or is none', async () => {
    const inviter = await startMember('inviter');
    const joiner = await startMember('joiner');
    const make = (hours: number) => inviter.api.ok<Invite>('createInvite', { json: { hours } });
    const ended = await make(1);
    await inviter.api.ok('revokeInvite', { query: { id: ended.id } });
    await inviter.api.refused('revokeInvite', 404, 'INVITE_NOT_FOUND', { query: { id: ended.id } });
    await joiner.api.refused('joinByInvite', 403, 'JOIN_REFUSED', { json: { token: ended.token } });
    for (const token of ['', 'x', 'shoal1.', 'shoal1.e30', `${ended.token.slice(0, 40)}`])
      await joiner.api.refused('joinByInvite', 400, 'INVITE_INVALID', { json: { token } });
    // Somebody else at the address of the inviter gets no proof.
    const other = await startMember('other');
    const fields = JSON.parse(Buffer.from(ended.token.slice(7), 'base64url').toString());
    const moved = `shoal1.${Buffer.from(JSON.stringify({ ...fields, a: [`127.0.0.1:${other.node.peerPort}`] })).toString('base64url')}`;
    await joiner.api.refused('joinByInvite', 503, 'PEER_UNREACHABLE', { json: { token: moved } });
  });

  it('does not take a node out of a cluster with others', async () => {
    const [a] = (await startCluster(2)) as [ClusterNode];
    const other = (await startCluster(2, { cluster_key: `${testKey} 2` }))[0] as ClusterNode;
    const { token } = await a.api.ok<Invite>('createInvite', { json: {} });
    await other.api.refused('joinByInvite', 403, 'JOIN_REFUSED', { json: { token } });
    expect((await membersOf(a.api)).members).toHaveLength(2);
    // A node that is alone may invite one that has company: it is the one that moves.
    const lonely = await startMember('lonely');
    const mine = await lonely.api.ok<Invite>('createInvite', { json: {} });
    await a.api.ok('joinByInvite', { json: { token: mine.token } });
    await eventually(async () => (await membersOf(lonely.api)).members.length === 3, 'three members');
    expect((await membersOf(lonely.api)).cluster).toBe((await membersOf(a.api)).cluster);
  });

  it('brings a node back that was removed; what it says of old does not', async () => {
    const [a, b] = (await startCluster(2)) as [ClusterNode, ClusterNode];
    await a.api.ok('removeMember', { query: { id: b.node.id } });
    await eventually(
      async () => (await membersOf(b.api)).members.some(({ refusal }) => refusal === 'PEER_REMOVED'),
      'it is told',
    );
    const { token } = await a.api.ok<Invite>('createInvite', { json: {} });
    await b.api.ok('joinByInvite', { json: { token } });
    await allSee([a, b]);
    const { path: file } = await upload(b, 'again');
    await eventually(() => isThere(a, file), 'its files count again');
  });

  it('works from the command line', async () => {
    const [inviter, joiner] = [
      await startNodeProcess(await temporaryFolder()),
      await startNodeProcess(await temporaryFolder()),
    ];
    const made = await runToEnd(['invite', '--data', inviter.dataDir]);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const joined = await runToEnd(['join', made.stdout.trim(), '--data', joiner.dataDir]);
    expect(joined).toMatchObject({ code: 0, stderr: '' });
    const twice = await runToEnd(['join', made.stdout.trim(), '--data', joiner.dataDir], { LANG: 'zh_CN.UTF-8' });
    expect([twice.code, twice.stderr]).toEqual([1, expect.stringContaining('已在同一集群')]);
    const status = await runToEnd(['status', '--data', inviter.dataDir]);
    expect(status.stdout).toMatch(/Cluster +[12] of 2 members are there\n/);
    const list = await runToEnd(['invite', '--list', '--data', inviter.dataDir]);
    expect(list.stdout).toMatch(/^[0-9a-f]{16} {2}used by [0-9a-f]{8}\n$/);
    const [one, two] = [await runToEnd(['key']), await runToEnd(['key'])];
    expect(one.stdout).toMatch(/^[\w-]{43}\n$/);
    expect(one.stdout).not.toBe(two.stdout);
    expect((await runToEnd(['join', '--data', joiner.dataDir])).code).toBe(1);
    expect((await runToEnd(['invite', '--what', '--data', joiner.dataDir])).code).toBe(1);
  });

  it('given at the start is used as soon as the inviter is there', async () => {
    const inviter = await startMember('inviter');
    const { token } = await inviter.api.ok<Invite>('createInvite', { json: {} });
    await inviter.node.stop();
    const joiner = await startMember('joiner', {}, undefined, { joinToken: token });
    const peer_addr = `127.0.0.1:${inviter.node.peerPort}`;
    const back = await startMember('inviter', { peer_addr }, inviter.dataDir);
    await allSee([back, joiner]);
  });
});

describe('pairing', () => {
  const ask = (from: ClusterNode, to: ClusterNode) =>
    from.api.ok<Pairing>('requestPairing', { json: { address: `127.0.0.1:${to.node.peerPort}` } });

  it('shows the same six digits on both sides, and joins when both say yes', async () => {
    const [member, joiner] = [await startMember('会员'), await startMember('joiner')];
    const own = await ask(joiner, member);
    const [seen] = (await pairingsOf(member)) as [Pairing];
    expect(own.digits).toMatch(/^\d{6}$/);
    expect(seen).toMatchObject({
      digits: own.digits,
      node: joiner.node.id,
      name: 'joiner',
      direction: 'in',
      state: 'waiting',
    });
    expect(own).toMatchObject({ node: member.node.id, name: '会员', direction: 'out', confirmed: false });
    await member.api.ok('decidePairing', { json: { id: seen.id, approve: true } });
    // The member has said yes; whoever sits before the other screen has not.
    expect((await membersOf(member.api)).members).toHaveLength(1);
    await joiner.api.ok('decidePairing', { json: { id: own.id, approve: true } });
    await allSee([member, joiner]);
    await member.api.refused('decidePairing', 404, 'PAIRING_NOT_FOUND', { json: { id: seen.id, approve: true } });
    await joiner.api.refused('requestPairing', 409, 'ALREADY_MEMBERS', {
      json: { address: `127.0.0.1:${member.node.peerPort}` },
    });
  });

  it('shows other digits on the two sides of somebody in between', async () => {
    const [member, joiner, between] = [
      await startMember('member'),
      await startMember('joiner'),
      await startMember('between'),
    ];
    const own = await ask(joiner, between);
    await ask(between, member);
    const [seen] = (await pairingsOf(member)) as [Pairing];
    expect(seen.digits).not.toBe(own.digits);
  });

  it('ends when either side says no', async () => {
    const [member, joiner] = [await startMember('member'), await startMember('joiner')];
    const first = await ask(joiner, member);
    await joiner.api.ok('decidePairing', { json: { id: first.id, approve: true } });
    const [seen] = (await pairingsOf(member)) as [Pairing];
    await member.api.ok('decidePairing', { json: { id: seen.id, approve: false } });
    await eventually(async () => (await pairingsOf(joiner))[0]?.state === 'refused', 'it is told');
    const second = await ask(joiner, member);
    await joiner.api.ok('decidePairing', { json: { id: second.id, approve: false } });
    for (const { api } of [member, joiner]) expect((await membersOf(api)).members).toHaveLength(1);
  });

  it('is bound to what was committed before, and bounded', async () => {
    const member = await startMember('member');
    const socket = await openPeer(member.node.peerPort, await somebody());
    const begun = await callPeer(socket, '/peer/v1/join/begin', { body: { way: 'pairing', nonce: 'a'.repeat(64) } });
    const summary = {
      name: 'x',
      cluster: '0'.repeat(64),
      alone: true,
      byLan: true,
      members: 1,
      files: 0,
      bytes: 0,
      addresses: [],
      port: 1,
    };
    const body = { session: json<{ session: string }>(begun).session, nonce: 'b'.repeat(64), summary };
    const revealed = await callPeer(socket, '/peer/v1/join/reveal', { body });
    expect(JSON.parse(revealed.text).code).toBe('JOIN_PROOF_WRONG');
    expect(await pairingsOf(member)).toEqual([]);
    const statuses = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const one = await openPeer(member.node.peerPort, await somebody());
        return (await callPeer(one, '/peer/v1/join/begin', { body: { way: 'pairing', nonce: 'a'.repeat(64) } })).status;
      }),
    );
    expect(statuses.filter((status) => status === 503).length).toBeGreaterThanOrEqual(2);
  });
});

interface Trust {
  readonly open: boolean;
  readonly leftMs: number;
  readonly waiting: readonly { readonly node: string; readonly name: string; readonly files: number }[];
}

describe('trust of the network', () => {
  it('needs both sides, and joins all that were started together', async () => {
    const lan = { trustLan: true } as const;
    const first = await startMember('n0', {}, undefined, lan);
    const shy = await startMember('shy', { peers: [first.origin] });
    const others = await Promise.all(
      [1, 2, 3].map((index) => startMember(`n${index}`, { peers: [first.origin] }, undefined, lan)),
    );
    await allSee([first, ...others]);
    expect((await membersOf(shy.api)).members).toHaveLength(1);
    // A start without it keeps the members and closes the door.
    await first.node.stop();
    const again = await startMember('n0', {}, first.dataDir);
    const late = await startMember('late', { peers: [again.origin] }, undefined, lan);
    await eventually(async () => (await near(late)).includes('JOIN_NOT_POSSIBLE'), 'the door is closed');
    expect((await membersOf(again.api)).members).toHaveLength(4);
  });

  it('for some minutes joins empty nodes without digits, only while both windows are open', async () => {
    const a = await startMember('a');
    const b = await startMember('b', { peers: [a.origin] });
    await a.api.ok('openTrust', { json: {} });
    expect(await a.api.ok<Trust>('getTrust')).toMatchObject({ open: true, waiting: [] });
    expect((await a.api.ok<Trust>('getTrust')).leftMs).toBeGreaterThan(14 * 60_000);
    expect((await membersOf(b.api)).members).toHaveLength(1);
    await b.api.ok('openTrust', { json: { minutes: 5 } });
    await allSee([a, b]);
    await a.api.ok('closeTrust');
    await b.api.ok('closeTrust');
    const late = await startMember('late', { peers: [a.origin] });
    await late.api.ok('openTrust', { json: {} });
    await eventually(async () => (await near(late)).includes('JOIN_NOT_POSSIBLE'), 'the door is closed');
    expect((await membersOf(a.api)).members).toHaveLength(2);
  });

  it('for some minutes asks somebody where there are files already, and lets in whom they admit', async () => {
    const a = await startMember('a');
    await upload(a, 'held already', { name: 'x.txt' });
    await a.api.ok('openTrust', { json: {} });
    const b = await startMember('b', { peers: [a.origin] });
    await b.api.ok('openTrust', { json: {} });
    await eventually(async () => (await a.api.ok<Trust>('getTrust')).waiting.length === 1, 'somebody waits');
    const [waiting] = (await a.api.ok<Trust>('getTrust')).waiting;
    expect(waiting).toMatchObject({ node: b.node.id, name: 'b', files: 0 });
    expect((await membersOf(a.api)).members).toHaveLength(1);
    await a.api.refused('admitByTrust', 404, 'PAIRING_NOT_FOUND', { json: { node: 'f'.repeat(64), admit: true } });
    await a.api.ok('admitByTrust', { json: { node: b.node.id, admit: true } });
    await allSee([a, b]);
    // The other way round nobody is taken in: who brings files waits to be asked.
    const c = await startMember('c', { peers: [a.origin] });
    await upload(c, 'of its own', { name: 'y.txt' });
    await c.api.ok('openTrust', { json: {} });
    await eventually(async () => (await a.api.ok<Trust>('getTrust')).waiting.length === 1, 'it waits as well');
    await a.api.ok('closeTrust');
    expect((await a.api.ok<Trust>('getTrust')).waiting).toEqual([]);
    expect((await membersOf(c.api)).members).toHaveLength(1);
  });

  it('does not let anybody in again who was removed', async () => {
    const lan = { trustLan: true } as const;
    const a = await startMember('a', {}, undefined, lan);
    const b = await startMember('b', { peers: [a.origin] }, undefined, lan);
    await allSee([a, b]);
    await a.api.ok('removeMember', { query: { id: b.node.id } });
    await b.node.stop();
    const gone = await somebody(b.dataDir);
    const body = { way: 'lan', nonce: 'a'.repeat(64) };
    const answer = await callPeer(await openPeer(a.node.peerPort, gone), '/peer/v1/join/begin', { body });
    expect(JSON.parse(answer.text).code).toBe('JOIN_NOT_POSSIBLE');
  });
});

it('a list of members that nobody signed, or that is too long, is refused whole', async () => {
  const [a, b] = (await startCluster(2)) as [ClusterNode, ClusterNode];
  await b.node.stop();
  const member = await somebody(b.dataDir);
  const identity = await loadIdentity(path.join(b.dataDir, 'data'));
  const socket = await openPeer(a.node.peerPort, member);
  const admit = makeOperation(identity, {
    change: { kind: 'admit', subject: 'e'.repeat(64), name: 'friend', addresses: [], way: 'key' },
    parents: [],
    atMs: 0,
    by: '',
  });
  const forged = { ...admit.operation, change: { ...admit.operation.change, subject: 'f'.repeat(64) } };
  const answer = await callPeer(socket, '/peer/v1/members', { body: { operations: [admit.operation, forged] } });
  expect(JSON.parse(answer.text).code).toBe('PEER_DATA_INVALID');
  const long = await callPeer(socket, '/peer/v1/members', { body: { operations: Array(10_001).fill(0) } });
  expect(JSON.parse(long.text).code).toBe('BAD_REQUEST');
  // Without anything that it had seen, even a member's own operation admits nobody.
  await callPeer(socket, '/peer/v1/members', { body: { operations: [admit.operation] } });
  expect((await membersOf(a.api)).members).toHaveLength(2);
  expect(await readFile(path.join(a.dataDir, 'data', 'identity.pem'), 'utf8')).toContain('PRIVATE');
});
