/** The side that wants to join: by key, invite or trust of the network in one go, by comparing digits in two. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import type { JoinWay } from '../../catalog/member-values.ts';
import { tryParseListenAddress } from '../../config/addresses.ts';
import { ShoalError, toShoalError } from '../../domain/errors.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { EventSink } from '../../runtime/events.ts';
import type { MemberList } from '../members/member-list.ts';
import { addressText } from '../transport/hints.ts';
import { isSuccess, parseAnswer, readAll, readRefusal, sendRequest } from '../transport/peer-client.ts';
import { connectTo, connectToAny, type PeerAddress, PinnedAgent } from '../transport/pinned-connection.ts';
import type { NodeCertificate } from '../trust/certificate.ts';
import { type InviteToken, readToken } from './invites.ts';
import { type JoinEvents, type PairingRequest, type PairingState, peopleMs } from './join-door.ts';
import type { LanTrust } from './lan-trust.ts';
import { decideMerge, type Summary, whoFollows } from './merge-rule.ts';
import { type ClusterKey, commitmentOf, digitsOf, isSameProof, newNonce, proofOf, type Transcript } from './proofs.ts';
import { type JoinStep, joinSteps } from './steps.ts';

/** How long one step may take, in milliseconds. */
const stepMs = 15_000;

/** How often the other side is asked whether somebody has decided, in milliseconds. */
const waitMs = 1000;

/** Most bytes of a step's answer. */
const maxAnswerBytes = 16 * 1024 * 1024;

/** Requests of this node's own that wait for people. */
const maxRequests = 8;

/** What the joiner is built with. */
export interface JoinerOptions {
  readonly members: MemberList;
  readonly certificate: NodeCertificate;
  readonly boot: string;
  readonly clock: Clock;
  readonly key: ClusterKey | undefined;
  readonly lan: LanTrust;
  readonly summary: () => Summary;
  readonly events: EventSink<JoinEvents>;
  /** Whether a node is a member that answers this one: then there is nothing to do. */
  readonly isConnected: (node: string) => boolean;
}

/** Who was joined. */
export interface Joined {
  readonly node: string;
  readonly name: string;
}

/** A conversation with a node that is no member. */
interface Talk {
  readonly node: string;
  readonly address: PeerAddress;
  readonly agent: PinnedAgent;
  step<S extends JoinStep>(
    step: S,
    question: z.input<(typeof joinSteps)[S]['question']>,
  ): Promise<z.output<(typeof joinSteps)[S]['answer']>>;
  close(): void;
}

/** What an invite brings along. */
interface Invited {
  readonly invite?: string;
  readonly merge?: boolean;
}

/** Two sides that have proved to each other that they may meet. */
interface Met {
  readonly session: string;
  readonly own: Summary;
  readonly theirs: Summary;
}

interface OwnRequest {
  request: PairingRequest;
  readonly talk: Talk;
  readonly session: string;
}

/** Asks to be let in. One attempt at a time changes the list of members. */
export class Joiner {
  readonly #options: JoinerOptions;
  readonly #requests = new Map<string, OwnRequest>();
  #turn: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(options: JoinerOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopped = true;
    for (const { talk } of this.#requests.values()) talk.close();
  }

  /** Joins by the cluster key. @throws ShoalError JOIN_REFUSED and what connecting throws. */
  byKey(address: PeerAddress, expected?: string): Promise<Joined | undefined> {
    const { key } = this.#options;
    if (!key) throw new ShoalError('JOIN_NOT_POSSIBLE');
    return this.#inTurn(async () => this.#prove(await this.#talk(address, expected), 'key', key.secret));
  }

  /** Joins because both sides trust the network. */
  byLan(address: PeerAddress, expected?: string): Promise<Joined | undefined> {
    return this.#inTurn(async () => {
      const talk = await this.#talk(address, expected);
      const allowed = this.#options.lan.allows(talk.node, address.host);
      if (allowed) return this.#prove(talk, 'lan', '');
      talk.close();
      throw new ShoalError('JOIN_NOT_POSSIBLE');
    });
  }

  /** Joins by a one-time invite. Nobody but the inviter is spoken with. */
  byInvite(token: string, merge = false): Promise<Joined | undefined> {
    const read = readToken(token);
    return this.#inTurn(async () => {
      const talk = await this.#talkToInviter(read);
      return talk && this.#prove(talk, 'invite', read.secret, { invite: read.invite, merge });
    });
  }

  /**
   * What is where an invite leads to, before anybody joins: both sides have proved that they know it, nobody is admitted, and the
   * invite stays unused. @throws as {@link byInvite}, so whoever may look may join.
   */
  async lookByInvite(token: string, merge = false): Promise<Summary | undefined> {
    const read = readToken(token);
    const talk = await this.#talkToInviter(read);
    return (
      talk && this.#meet(talk, 'invite', read.secret, { invite: read.invite, merge }, async ({ theirs }) => theirs)
    );
  }

  /** @returns undefined when the inviter is a member already. */
  async #talkToInviter({ inviter, addresses }: InviteToken): Promise<Talk | undefined> {
    const { certificate, boot, isConnected } = this.#options;
    if (isConnected(inviter)) return undefined;
    const candidates = addresses.flatMap((text) => {
      const parsed = tryParseListenAddress(text);
      return parsed?.host === undefined ? [] : [{ address: { host: parsed.host, port: parsed.port } }];
    });
    const { socket, by } = await connectToAny(candidates, certificate, inviter);
    return talkOver(socket, inviter, by.address, certificate, boot);
  }

  /** Begins to join by comparing digits. @throws ShoalError JOIN_REFUSED, ALREADY_MEMBERS, TOO_MANY_JOINING. */
  async request(address: PeerAddress, expected?: string): Promise<PairingRequest> {
    this.#sweep();
    if (this.#requests.size >= maxRequests) throw new ShoalError('TOO_MANY_JOINING');
    const talk = await this.#talk(address, expected);
    try {
      if (this.#options.isConnected(talk.node)) throw new ShoalError('ALREADY_MEMBERS');
      return await this.#compare(talk);
    } catch (error) {
      talk.close();
      throw asRefusal(error);
    }
  }

  /** This node's own requests. */
  requests(): PairingRequest[] {
    this.#sweep();
    return [...this.#requests.values()].map(({ request }) => request);
  }

  /** Somebody has compared the digits on this side. @throws ShoalError PAIRING_NOT_FOUND. */
  decide(id: string, approve: boolean): void {
    this.#sweep();
    const own = this.#requests.get(id);
    if (own?.request.state !== 'waiting' || own.request.confirmed) throw new ShoalError('PAIRING_NOT_FOUND');
    if (!approve) {
      this.#end(own, 'refused');
      return;
    }
    own.request = { ...own.request, confirmed: true };
    this.#options.events.emit('pairing-changed', { id, state: 'waiting' });
  }

  async #compare(talk: Talk): Promise<PairingRequest> {
    const { members, clock, summary, events } = this.#options;
    const nonce = newNonce();
    const begun = await talk.step('begin', { way: 'pairing', nonce: commitmentOf('joiner', members.self, nonce) });
    const own = summary();
    const revealed = await talk.step('reveal', { session: begun.session, nonce, summary: own });
    if (!isSameProof(commitmentOf('acceptor', talk.node, revealed.nonce), begun.nonce))
      throw new ShoalError('PEER_UNPROVEN');
    const transcript: Transcript = {
      way: 'pairing',
      joiner: members.self,
      acceptor: talk.node,
      joinerNonce: nonce,
      acceptorNonce: revealed.nonce,
    };
    const request: PairingRequest = {
      id: randomBytes(16).toString('hex'),
      node: talk.node,
      direction: 'out',
      address: addressText(talk.address.host, talk.address.port),
      digits: digitsOf(transcript),
      name: revealed.name,
      state: 'waiting',
      confirmed: false,
      startedMs: clock.now(),
      expiresMs: clock.now() + peopleMs,
    };
    const kept = { request, talk, session: begun.session };
    this.#requests.set(request.id, kept);
    events.emit('pairing-changed', { id: request.id, state: 'waiting' });
    void this.#waitForOther(kept);
    return request;
  }

  async #waitForOther(own: OwnRequest): Promise<void> {
    const { talk, session, request } = own;
    try {
      while (!this.#stopped && this.#requests.get(request.id) === own) {
        const { state, summary } = await talk.step('wait', { session });
        if (state === 'refused') {
          this.#end(own, 'refused');
          return;
        }
        // Who has said yes tells what is there: this side can look at it before it says yes as well.
        if (summary && !own.request.summary) {
          own.request = { ...own.request, summary };
          this.#options.events.emit('pairing-changed', { id: request.id, state: 'waiting' });
        }
        if (state === 'approved' && summary && own.request.confirmed) {
          await this.#inTurn(() => this.#enter(talk, 'pairing', session, this.#options.summary(), summary));
          this.#end(own, 'done');
          return;
        }
        await sleep(waitMs, undefined, { ref: false });
      }
    } catch (error) {
      this.#end(own, 'failed', toShoalError(asRefusal(error)).message);
    }
  }

  #end(own: OwnRequest, state: PairingState, reason?: string): void {
    own.request = { ...own.request, state, ...(reason !== undefined && { reason }) };
    own.talk.close();
    this.#options.events.emit('pairing-changed', { id: own.request.id, state });
  }

  #prove(talk: Talk, way: JoinWay, secret: string, invited: Invited = {}): Promise<Joined | undefined> {
    return this.#meet(talk, way, secret, invited, ({ session, own, theirs }) =>
      this.#enter(talk, way, session, own, theirs),
    );
  }

  /** Both sides prove that they know the secret, and tell what they are. The talk ends with `then`. */
  async #meet<T>(
    talk: Talk,
    way: JoinWay,
    secret: string,
    { invite, merge = false }: Invited,
    then: (met: Met) => Promise<T>,
  ): Promise<T | undefined> {
    const { members, isConnected } = this.#options;
    const own: Summary = { ...this.#options.summary(), ...(merge && { merge }) };
    try {
      if (talk.node === members.self || isConnected(talk.node)) return undefined;
      const nonce = newNonce();
      const begun = await talk.step('begin', { way, nonce, ...(invite !== undefined && { invite }) });
      const transcript: Transcript = {
        way,
        joiner: members.self,
        acceptor: talk.node,
        joinerNonce: nonce,
        acceptorNonce: begun.nonce,
      };
      const proof = proofOf(secret, 'joiner', transcript);
      const proved = await talk.step('prove', { session: begun.session, proof, summary: own });
      if (!isSameProof(proved.proof, proofOf(secret, 'acceptor', transcript))) throw new ShoalError('JOIN_PROOF_WRONG');
      return await then({ session: begun.session, own, theirs: proved.summary });
    } catch (error) {
      throw asRefusal(error);
    } finally {
      talk.close();
    }
  }

  /** The last step: both sides admit each other. */
  async #enter(talk: Talk, way: JoinWay, session: string, own: Summary, theirs: Summary): Promise<Joined> {
    const { members, key, lan } = this.#options;
    const check = () => {
      if (way === 'key' && key && members.current.retiredKeys.has(key.print))
        throw new ShoalError('CLUSTER_KEY_RETIRED');
    };
    const { joinerAdopts } = decideMerge(own, theirs, way === 'lan');
    const follows = whoFollows(own, theirs) === 'joiner';
    const union = { check, follows, ...(joinerAdopts !== undefined && { adopt: joinerAdopts }) };
    const here = addressText(talk.address.host, talk.address.port);
    const draft = members.draft(
      {
        subject: talk.node,
        name: theirs.name,
        addresses: [...new Set([here, ...theirs.addresses])].slice(0, 16),
        way,
        by: way,
        ...(way === 'key' && key && { keyPrint: key.print }),
      },
      union,
    );
    const operations = draft.all.map(({ operation }) => operation);
    const answer = await talk.step('admit', { session, operations });
    await members.join(draft, { ...union, operations: answer.operations });
    if (way === 'lan') lan.used(talk.address.host);
    return { node: talk.node, name: theirs.name };
  }

  async #talk(address: PeerAddress, expected: string | undefined): Promise<Talk> {
    const { certificate, boot } = this.#options;
    const { socket, id } = await connectTo(address, certificate, expected);
    return talkOver(socket, id, address, certificate, boot);
  }

  #sweep(): void {
    const now = this.#options.clock.now();
    for (const [id, own] of this.#requests) {
      if (own.request.expiresMs > now) continue;
      if (own.request.state === 'waiting') this.#end(own, 'failed', 'nobody has decided in time');
      this.#requests.delete(id);
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#turn.then(work);
    this.#turn = next.catch(() => undefined);
    return next;
  }
}

/** A conversation that begins on a connection that is open, and goes on with the same node if that breaks. */
function talkOver(
  first: Awaited<ReturnType<typeof connectTo>>['socket'],
  node: string,
  address: PeerAddress,
  certificate: NodeCertificate,
  boot: string,
): Talk {
  let open: typeof first | undefined = first;
  const agent = new PinnedAgent(async () => {
    const ready = open;
    open = undefined;
    return ready && !ready.destroyed ? ready : (await connectTo(address, certificate, node)).socket;
  }, 1);
  return {
    node,
    address,
    agent,
    step: async (step, question) => {
      const request = { method: 'POST', path: `join/${step}`, body: question, timeoutMs: stepMs } as const;
      const response = await sendRequest(agent, boot, request);
      if (!isSuccess(response)) throw await readRefusal(response, node);
      const shape = joinSteps[step].answer as unknown as z.ZodType<z.output<(typeof joinSteps)[typeof step]['answer']>>;
      return parseAnswer(await readAll(response, maxAnswerBytes), shape);
    },
    close: () => {
      open?.destroy();
      agent.destroy();
    },
  };
}

/** What the other side said, in its own words. */
function asRefusal(error: unknown): unknown {
  if (!(error instanceof ShoalError) || error.code !== 'PEER_REFUSED') return error;
  const { code = '', reason = '' } = error.details;
  return new ShoalError('JOIN_REFUSED', { details: { reason, code }, cause: error });
}
