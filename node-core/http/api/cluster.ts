/** /api/v1: the cluster: members, ways in, transfers. */
import type { Response } from 'express';
import type { Manager } from '../../access/management.ts';
import type { Invite } from '../../catalog/member-values.ts';
import { writeToken } from '../../cluster/joining/invites.ts';
import type { PairingRequest } from '../../cluster/joining/join-door.ts';
import type { Summary } from '../../cluster/joining/merge-rule.ts';
import type { Member } from '../../cluster/members/evaluate.ts';
import { tryParseListenAddress } from '../../config/addresses.ts';
import { describeError, ShoalError } from '../../domain/errors.ts';
import { languageOf } from '../language.ts';
import type { HttpServices } from '../services.ts';
import * as shape from './cluster-contract.ts';
import { nothing } from './contract.ts';
import { type Operation, operation } from './operation.ts';

const tag = 'cluster';

/** Files that a transfer names. */
const namedFiles = 3;

/** The operations on the cluster. */
export function clusterOperations(services: HttpServices): readonly Operation[] {
  return [...memberOperations(services), ...joiningOperations(services), ...transferOperations(services)];
}

function memberOperations(services: HttpServices): readonly Operation[] {
  const { cluster } = services;
  return [
    operation({
      id: 'peerHint',
      method: 'get',
      path: '/peer-hint',
      tag,
      access: 'open',
      summary: 'Where the peer port of this node is, for other nodes; what stands there proves who it is',
      answer: shape.peerHint,
      handle: () => ({ id: services.nodeId, port: cluster.port }),
    }),
    operation({
      id: 'listMembers',
      method: 'get',
      path: '/members',
      tag,
      summary: 'The members of the cluster, and who was removed',
      answer: shape.memberList,
      handle: () => listMembers(services),
    }),
    operation({
      id: 'renameMember',
      method: 'patch',
      path: '/members',
      tag,
      summary: 'Renames a member, for everybody',
      body: shape.renameBody,
      answer: nothing,
      handle: async ({ body }, _request, response) => {
        await cluster.members.rename(body.id, body.name, nameOf(response));
        return {};
      },
    }),
    operation({
      id: 'removeMember',
      method: 'delete',
      path: '/members',
      tag,
      summary: 'Removes a member: nothing of it counts from now on, and the cluster key lets nobody in any more',
      query: shape.memberQuery,
      answer: nothing,
      handle: async ({ query }, _request, response) => {
        await cluster.remove(query.id, nameOf(response));
        return {};
      },
    }),
  ];
}

function joiningOperations(services: HttpServices): readonly Operation[] {
  const { cluster } = services;
  return [
    operation({
      id: 'listNearNodes',
      method: 'get',
      path: '/nearby',
      tag,
      summary: 'Nodes that are near and no members',
      answer: shape.nearNodes,
      handle: () => ({ nodes: cluster.gatherer.near() }),
    }),
    operation({
      id: 'createInvite',
      method: 'post',
      path: '/invites',
      tag,
      summary: 'Makes a token with which one node can join',
      body: shape.inviteBody,
      answer: shape.invite,
      handle: async ({ body }, _request, response) =>
        inviteOf(services, await cluster.invites.create(body.hours, nameOf(response))),
    }),
    operation({
      id: 'listInvites',
      method: 'get',
      path: '/invites',
      tag,
      summary: 'The invites that this node gave out',
      answer: shape.invites,
      handle: async () => ({ invites: (await cluster.invites.list()).map((invite) => inviteOf(services, invite)) }),
    }),
    operation({
      id: 'revokeInvite',
      method: 'delete',
      path: '/invites',
      tag,
      summary: 'Ends an invite',
      query: shape.inviteQuery,
      answer: nothing,
      handle: async ({ query }) => {
        await cluster.invites.revoke(query.id);
        return {};
      },
    }),
    operation({
      id: 'joinByInvite',
      method: 'post',
      path: '/join',
      tag,
      summary: 'Joins the cluster of whoever gave the token out',
      body: shape.joinBody,
      answer: shape.joined,
      handle: async ({ body }) => {
        const joined = await cluster.joiner.byInvite(body.token, body.merge);
        if (!joined) throw new ShoalError('ALREADY_MEMBERS');
        return joined;
      },
    }),
    operation({
      id: 'lookByInvite',
      method: 'post',
      path: '/join/look',
      tag,
      summary: 'What is where an invite leads to; nobody joins, and the invite stays unused',
      body: shape.joinBody,
      answer: shape.joinView,
      handle: async ({ body }) => {
        const found = await cluster.joiner.lookByInvite(body.token, body.merge);
        if (!found) throw new ShoalError('ALREADY_MEMBERS');
        return { name: found.name, ...holdingsOf(found) };
      },
    }),
    ...pairingOperations(services),
  ];
}

function pairingOperations({ cluster }: HttpServices): readonly Operation[] {
  return [
    operation({
      id: 'listPairings',
      method: 'get',
      path: '/pairings',
      tag,
      summary: 'Requests to join that wait for somebody to compare the digits, in both directions',
      answer: shape.pairings,
      handle: () => ({ pairings: [...cluster.door.requests(), ...cluster.joiner.requests()].map(pairingOf) }),
    }),
    operation({
      id: 'requestPairing',
      method: 'post',
      path: '/pairings',
      tag,
      summary: 'Asks a node to let this one into its cluster; both show six digits',
      body: shape.pairingBody,
      answer: shape.pairing,
      handle: async ({ body }) => {
        const address = tryParseListenAddress(body.address);
        if (address?.host === undefined || address.port === 0)
          throw new ShoalError('PARAMETER_INVALID', { details: { name: 'address', reason: 'it must be host:port' } });
        return pairingOf(await cluster.joiner.request({ host: address.host, port: address.port }));
      },
    }),
    operation({
      id: 'decidePairing',
      method: 'post',
      path: '/pairings/decide',
      tag,
      summary: 'Says that the digits are the same, or refuses; both sides must say yes',
      body: shape.decisionBody,
      answer: nothing,
      handle: ({ body }) => {
        cluster.decide(body.id, body.approve);
        return {};
      },
    }),
  ];
}

function transferOperations({ catalog, cluster }: HttpServices): readonly Operation[] {
  const { care, history, transfers, wanted, wants } = cluster;
  const filesOf = async (sha256: string) =>
    (await catalog.findByDigest('sha256', sha256, namedFiles)).map(({ path }) => path);
  const state = async () => ({
    paused: transfers.isPaused,
    stalled: wants.isStalled,
    quarantined: [...transfers.quarantined],
    waiting: (await care.figures.own()).missing,
    transfers: await Promise.all(
      transfers.list().map(async (one) => {
        const files = (await wanted.needing(one.sha256)).slice(0, namedFiles).map(({ path }) => path);
        return { ...one, from: [...one.from], files };
      }),
    ),
  });
  return [
    operation({
      id: 'listTransfers',
      method: 'get',
      path: '/transfers',
      tag,
      summary: 'Contents that are on their way to this node',
      answer: shape.transfers,
      handle: state,
    }),
    operation({
      id: 'listEndedTransfers',
      method: 'get',
      path: '/transfers/history',
      tag,
      summary: 'Contents that came from members or could not be fetched since the start, the latest first',
      query: shape.historyQuery,
      answer: shape.transferHistory,
      handle: async ({ query: { limit, cursor } }, request) => {
        const found = history.list(limit + 1, cursor);
        const page = found.slice(0, limit);
        const language = languageOf(request);
        return {
          transfers: await Promise.all(
            page.map(async ({ failure, ...one }) => ({
              ...{ ...one, from: [...one.from], files: await filesOf(one.sha256) },
              ...(failure && { code: failure.code, message: describeError(failure, language).message }),
            })),
          ),
          ...(found.length > limit && { cursor: page.at(-1)?.number }),
        };
      },
    }),
    operation({
      id: 'forgetEndedTransfers',
      method: 'delete',
      path: '/transfers/history',
      tag,
      summary: 'Empties the list of transfers that have ended',
      answer: nothing,
      handle: () => {
        history.clear();
        return {};
      },
    }),
    operation({
      id: 'pauseTransfers',
      method: 'put',
      path: '/transfers',
      tag,
      summary: 'Pauses transfers to this node, or lets them go on',
      body: shape.pauseBody,
      answer: shape.transfers,
      handle: ({ body }) => {
        cluster.pauseTransfers(body.paused);
        return state();
      },
    }),
  ];
}

/** What members hold and lack, as they said last: by id, those of this node included. */
export async function allFigures({ clock, cluster, nodeId }: HttpServices) {
  const { figures } = cluster.care;
  const [others, { seen: _seen, ...own }] = await Promise.all([figures.members(), figures.own()]);
  const all = new Map([...others, [nodeId, { ...own, behind: 0, ahead: 0, atMs: clock.now() }]]);
  return Object.fromEntries(
    [...all].map(([id, known]) => {
      const { total, missing } = known;
      const verified = { files: total.files - missing.files, bytes: total.bytes - missing.bytes };
      return [id, { ...known, verified }];
    }),
  );
}

async function listMembers(services: HttpServices) {
  const { clock, cluster, nodeId } = services;
  const figures = await allFigures(services);
  const { members, removed } = cluster.members.current;
  return {
    cluster: cluster.members.cluster,
    members: [...members.values()].map((member) => ({
      ...memberOf(cluster, nodeId, member),
      unreachedBy: unreachedBy(cluster, nodeId, member.id, clock.now()),
      ...(figures[member.id] && { figures: figures[member.id] }),
    })),
    removed: [...removed.values()].map(({ id, name, by, atMs }) => ({ id, name, by, atMs })),
    selfRemoved: cluster.members.isRemoved,
    nobodyReaches: isReachedByNobody(cluster),
    peerPort: cluster.port,
    trustLan: cluster.lan.isPermanent,
  };
}

/** Every member that is there says that it cannot open connections to this node, and there is one. */
function isReachedByNobody({ liveness, members }: HttpServices['cluster']): boolean {
  const there = members.others().filter((id) => liveness.isOnline(id));
  const claims = liveness.reach.claims();
  return there.length > 0 && there.every((id) => claims.has(id));
}

/** Who cannot reach a member, as far as this node knows. */
function unreachedBy({ liveness: { reach } }: HttpServices['cluster'], nodeId: string, id: string, nowMs: number) {
  const own = id === nodeId ? undefined : reach.unreached(id);
  const found = id === nodeId ? [...reach.claims()] : own ? [[nodeId, own] as const] : [];
  return found.map(([node, { forMs, tried }]) => ({ node, sinceMs: nowMs - forMs, tried: [...tried] }));
}

function memberOf({ liveness, addresses, isTwin }: HttpServices['cluster'], nodeId: string, member: Member) {
  const { id, name, way, admittedBy, sinceMs } = member;
  const self = id === nodeId;
  const seenMs = liveness.seenMs(id);
  const refusal = liveness.refusal(id);
  return {
    id,
    name,
    self,
    online: self || liveness.isOnline(id),
    addresses: self ? addresses.list() : [...liveness.addressesOf(id)],
    way,
    admittedBy,
    sinceMs,
    ...(seenMs !== undefined && { seenMs }),
    ...(refusal !== undefined && { refusal }),
    twin: isTwin(id),
  };
}

function inviteOf({ clock, cluster, nodeId }: HttpServices, { id, secret, createdMs, expiresMs, by, used }: Invite) {
  const state = used ? ('used' as const) : expiresMs <= clock.now() ? ('expired' as const) : ('good' as const);
  const token = writeToken({ invite: id, secret, inviter: nodeId, addresses: cluster.addresses.list() });
  return {
    id,
    ...(state === 'good' && { token }),
    state,
    createdMs,
    expiresMs,
    by,
    ...(used && { usedBy: used.node }),
  };
}

function pairingOf({ summary, ...request }: PairingRequest) {
  return {
    ...request,
    ...(summary && holdingsOf(summary)),
  };
}

/** What another node has told that it holds and goes by. */
function holdingsOf({ files, bytes, members, policy }: Summary) {
  return { files, bytes, members, ...(policy && { policy }) };
}

function nameOf(response: Response): string {
  const { session, kind, address } = response.locals.manager as Manager;
  return session?.name ?? `${kind} ${address}`;
}
