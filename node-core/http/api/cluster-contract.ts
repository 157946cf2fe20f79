/** The shapes of /api/v1 that concern the cluster: members, ways in, transfers. */
import { z } from 'zod';

const time = z.number();
const count = z.number().int().nonnegative();
const nodeId = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('id of a node');
const name = z
  .string()
  .min(1)
  .max(64)
  .regex(/^\P{Cc}+$/u);
const address = z.string().max(300).describe('host:port');

export const peerHint = z
  .object({ id: z.string(), port: z.number().int().describe('peer port') })
  .meta({ id: 'PeerHint' });

const amount = z.object({ files: z.number().int(), bytes: z.number() });

export const memberFigures = z
  .object({
    total: amount.describe('live files of its catalogue'),
    verified: amount.describe('those of which it has the bytes, verified when they came'),
    missing: amount.describe('those of which it lacks the bytes'),
    lost: count.describe('contents that nobody has any more'),
    stalled: z.boolean().describe('its disk is full: it fetches nothing'),
    disk: z.object({ free: z.number(), total: z.number() }).optional().describe('bytes; the free ones rounded'),
    behind: count.describe('changes that this node has seen and the member has not'),
    ahead: count.describe('changes that the member has seen and this node has not'),
    atMs: time.describe('when it said so'),
  })
  .meta({ id: 'MemberFigures' });

export const unreachedBy = z
  .object({
    node: z.string().describe('id of the member that cannot open connections to it'),
    sinceMs: time,
    tried: z.array(z.string()).describe('host:port of each attempt'),
  })
  .meta({ id: 'UnreachedBy' });

export const member = z
  .object({
    id: z.string(),
    name: z.string(),
    self: z.boolean().describe('this node'),
    online: z.boolean(),
    addresses: z.array(z.string()),
    way: z.enum(['founder', 'pairing', 'invite', 'key', 'lan']).describe('how it came in'),
    admittedBy: z.string().describe('id of the member that let it in'),
    sinceMs: time,
    seenMs: time.optional().describe('heard of last, since this node was started'),
    refusal: z.string().optional().describe('code with which it refuses this node'),
    twin: z.boolean().describe('two machines run with this id: both are refused'),
    unreachedBy: z
      .array(unreachedBy)
      .describe(
        'members that hear of it and cannot open connections to it: of this node all that say so, of others this node',
      ),
    figures: memberFigures.optional().describe('as it said last, since the start of this node'),
  })
  .meta({ id: 'Member' });

export const removedMember = z
  .object({ id: z.string(), name: z.string(), by: z.string(), atMs: time })
  .meta({ id: 'RemovedMember' });

export const memberList = z
  .object({
    cluster: z.string().describe('id of the cluster'),
    members: z.array(member),
    removed: z.array(removedMember),
    selfRemoved: z.boolean().describe('this node was removed by others'),
    nobodyReaches: z
      .boolean()
      .describe('no member that is there can open connections to this node: nothing of its files gets to them'),
    peerPort: z.number().int().describe('port on which this node listens for members'),
    trustLan: z.boolean().describe('nodes of the same network come in without being asked'),
  })
  .meta({ id: 'MemberList' });

export const renameBody = z.object({ id: nodeId, name }).meta({ id: 'RenameMember' });
export const memberQuery = z.object({ id: nodeId });

export const inviteBody = z
  .object({ hours: z.number().min(0.01).max(720).default(24).describe('how long it is good') })
  .meta({ id: 'NewInvite' });

export const invite = z
  .object({
    id: z.string(),
    token: z.string().optional().describe('as long as it can be used'),
    state: z.enum(['good', 'used', 'expired']),
    createdMs: time,
    expiresMs: time,
    by: z.string(),
    usedBy: z.string().optional().describe('id of the node that used it'),
  })
  .meta({ id: 'Invite' });

export const invites = z.object({ invites: z.array(invite) }).meta({ id: 'Invites' });
export const inviteQuery = z.object({ id: z.string().max(64) });

export const joinBody = z
  .object({
    token: z.string().max(8192),
    merge: z
      .boolean()
      .default(false)
      .describe('both are clusters of several: all members and files of both become one cluster'),
  })
  .meta({ id: 'JoinByInvite' });
export const joined = z.object({ node: z.string(), name: z.string() }).meta({ id: 'Joined' });

const rules = z.object({ upload: z.string(), download: z.string(), minReplicas: z.number().int() });
export const joinView = z
  .object({
    name: z.string(),
    files: count,
    bytes: count,
    members: count,
    policy: rules.optional().describe('what its members go by, where it tells'),
  })
  .meta({ id: 'JoinView' });

export const nearNode = z
  .object({
    id: z.string().optional().describe('as it is said; nothing has been proved'),
    name: z.string().optional(),
    address,
    source: z.string(),
    heardMs: time,
    failure: z.string().optional().describe('code of why it did not join by itself'),
  })
  .meta({ id: 'NearNode' });
export const nearNodes = z.object({ nodes: z.array(nearNode) }).meta({ id: 'NearNodes' });

export const pairing = z
  .object({
    id: z.string(),
    node: z.string().describe('id of the other node, proved'),
    name: z.string(),
    direction: z.enum(['in', 'out']).describe('in: the other node wants to join'),
    address: z.string(),
    digits: z.string().describe('the same on both screens, else somebody is in between'),
    state: z.enum(['waiting', 'approved', 'refused', 'done', 'failed']),
    confirmed: z.boolean().describe('this side has said yes'),
    files: count.optional().describe('of the other node, where it has told'),
    bytes: count.optional(),
    members: count.optional(),
    policy: rules.optional().describe('what the members of the other node go by, where it has told'),
    startedMs: time,
    expiresMs: time,
    reason: z.string().optional(),
  })
  .meta({ id: 'Pairing' });
export const pairings = z.object({ pairings: z.array(pairing) }).meta({ id: 'Pairings' });
export const pairingBody = z
  .object({ address: address.describe('host:port of the peer port') })
  .meta({ id: 'NewPairing' });
export const decisionBody = z.object({ id: z.string().max(64), approve: z.boolean() }).meta({ id: 'PairingDecision' });

export const transfer = z
  .object({
    sha256: z.string(),
    size: count,
    done: count.describe('bytes that are here and verified'),
    from: z.array(z.string()).describe('members that bytes come from'),
    state: z.enum(['running', 'done', 'failed']),
    bytesPerSecond: count,
    files: z.array(z.string()).describe('paths that wait for it, at most three'),
  })
  .meta({ id: 'Transfer' });
export const transfers = z
  .object({
    paused: z.boolean(),
    stalled: z.boolean().describe('the disk is full: nothing is fetched until there is room'),
    waiting: z
      .object({ files: count, bytes: z.number() })
      .describe('files whose bytes are not here yet, those of the transfers included'),
    quarantined: z.array(z.string()).describe('contents that came and do not fit what their records say'),
    transfers: z.array(transfer),
  })
  .meta({ id: 'Transfers' });
export const pauseBody = z.object({ paused: z.boolean() }).meta({ id: 'PauseTransfers' });

export const historyQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.coerce.number().int().nonnegative().optional().describe('of the page before'),
});
export const endedTransfer = z
  .object({
    number: count.describe('higher for whatever ended later'),
    sha256: z.string(),
    size: count,
    from: z.array(z.string()).describe('ids of the members that bytes came from'),
    state: z.enum(['done', 'failed']).describe('what failed is tried again by itself'),
    endedMs: time,
    tookMs: z.number().describe('how long the last try took'),
    tries: count.describe('tries so far'),
    files: z.array(z.string()).describe('paths that have this content now, at most three'),
    code: z.string().optional().describe('why the last try failed'),
    message: z.string().optional().describe('the same in words'),
  })
  .meta({ id: 'EndedTransfer' });
export const transferHistory = z
  .object({ transfers: z.array(endedTransfer), cursor: z.number().optional().describe('there is more') })
  .meta({ id: 'TransferHistory' });
