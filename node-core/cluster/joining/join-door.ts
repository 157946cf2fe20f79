/**
 * The side that is asked to let somebody in. An attempt lives in memory, belongs to the node that began it, and is over after
 * a while; there are never many. What a stranger can find out: that a node is here.
 */
import { randomBytes } from 'node:crypto';
import type { JoinWay } from '../../catalog/member-values.ts';
import { ShoalError } from '../../domain/errors.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { EventSink } from '../../runtime/events.ts';
import type { MemberList } from '../members/member-list.ts';
import { addressText } from '../transport/hints.ts';
import { jsonRoute, type PeerCaller, type PeerRoute } from '../transport/peer-server.ts';
import type { InviteKeeper } from './invites.ts';
import type { LanTrust } from './lan-trust.ts';
import { decideMerge, type Summary, whoFollows } from './merge-rule.ts';
import { type ClusterKey, commitmentOf, digitsOf, isSameProof, newNonce, proofOf, type Transcript } from './proofs.ts';
import { type JoinStep, joinSteps } from './steps.ts';

/** News of people who must decide. */
export interface JoinEvents {
  'pairing-changed': { readonly id: string; readonly state: PairingState };
  /** A window of trust was opened or closed, or somebody waits to come in by it. */
  'trust-changed': Record<string, never>;
  /** So many nodes are near and no members. */
  'near-changed': { readonly count: number };
}

/** How a request to join by comparing digits stands. */
export type PairingState = 'waiting' | 'approved' | 'refused' | 'done' | 'failed';

/** A request that somebody decides on. */
export interface PairingRequest {
  readonly id: string;
  /** The other node. */
  readonly node: string;
  readonly direction: 'in' | 'out';
  readonly address: string;
  readonly digits: string;
  /** Name that the other node goes by. */
  readonly name: string;
  /** What the other side tells of itself, as far as it has. */
  readonly summary?: Summary;
  readonly state: PairingState;
  /** Whether this side has said yes. */
  readonly confirmed: boolean;
  readonly startedMs: number;
  readonly expiresMs: number;
  /** Why it failed. */
  readonly reason?: string;
}

/** How long an attempt may take, in milliseconds: of machines, and of people. */
const machineMs = 60_000;
export const peopleMs = 10 * 60_000;

/** Most attempts at the same time, and of one address; most requests that wait for people. */
const maxAttempts = { all: 64, address: 16, people: 8 } as const;

/** Attempts of one address in a minute: proofs are strong, but they cost this node work. */
const maxPerMinute = 120;

interface Attempt {
  readonly session: string;
  readonly node: string;
  readonly way: JoinWay;
  readonly address: string;
  readonly startedMs: number;
  readonly expiresAtMs: number;
  readonly transcript: Transcript;
  readonly invite?: string;
  /** What it proves, where there is something to prove. */
  readonly secret?: string;
  /** Of pairing: what the joiner is bound to. */
  readonly commitment?: string;
  summary?: Summary;
  state: 'begun' | 'proved' | 'waiting' | 'approved' | 'refused' | 'done';
  digits?: string;
}

/** What the door is built with. */
export interface JoinDoorOptions {
  readonly members: MemberList;
  readonly clock: Clock;
  readonly key: ClusterKey | undefined;
  readonly invites: InviteKeeper;
  readonly lan: LanTrust;
  readonly summary: () => Summary;
  readonly events: EventSink<JoinEvents>;
}

/** Lets nodes in. */
export class JoinDoor {
  readonly #options: JoinDoorOptions;
  readonly #attempts = new Map<string, Attempt>();
  readonly #recent = new Map<string, number[]>();

  constructor(options: JoinDoorOptions) {
    this.#options = options;
  }

  /** The routes of the peer port that are open to strangers. */
  routes(): Record<string, PeerRoute> {
    const route = <S extends JoinStep>(step: S, handle: (caller: PeerCaller, body: never) => unknown) => [
      `join/${step}`,
      jsonRoute<unknown>(joinSteps[step].question, handle as never, true),
    ];
    return Object.fromEntries([
      route('begin', (caller, body) => this.#begin(caller, body)),
      route('prove', (caller, body) => this.#prove(caller, body)),
      route('reveal', (caller, body) => this.#reveal(caller, body)),
      route('wait', (caller, body) => this.#wait(caller, body)),
      route('admit', (caller, body) => this.#admit(caller, body)),
    ]);
  }

  /** Requests that wait for people, or were decided a moment ago. */
  requests(): PairingRequest[] {
    this.#sweep();
    return [...this.#attempts.values()].flatMap((attempt) => {
      const { session, node, address, digits, summary, state, startedMs } = attempt;
      if (digits === undefined || !summary || state === 'begun' || state === 'proved') return [];
      return [
        {
          id: session,
          node,
          direction: 'in' as const,
          address,
          digits,
          name: summary.name,
          summary,
          state,
          confirmed: state === 'approved' || state === 'done',
          startedMs,
          expiresMs: startedMs + peopleMs,
        },
      ];
    });
  }

  /** Somebody has compared the digits. @throws ShoalError PAIRING_NOT_FOUND. */
  decide(id: string, approve: boolean): void {
    this.#sweep();
    const attempt = this.#attempts.get(id);
    if (attempt?.state !== 'waiting') throw new ShoalError('PAIRING_NOT_FOUND');
    attempt.state = approve ? 'approved' : 'refused';
    this.#options.events.emit('pairing-changed', { id, state: attempt.state });
  }

  #begin(
    caller: PeerCaller,
    body: { way: JoinWay; nonce: string; invite?: string },
  ): { session: string; nonce: string } {
    const { members, clock } = this.#options;
    if (caller.id === members.self) throw new ShoalError('JOIN_NOT_POSSIBLE');
    this.#makeRoom(caller, body.way);
    const secret = this.#secretFor(caller, body);
    const pairing = body.way === 'pairing';
    const acceptorNonce = newNonce();
    const attempt: Attempt = {
      session: randomBytes(16).toString('hex'),
      node: caller.id,
      way: body.way,
      address: caller.address,
      startedMs: clock.now(),
      expiresAtMs: clock.monotonic() + (pairing ? peopleMs : machineMs),
      transcript: {
        way: body.way,
        joiner: caller.id,
        acceptor: members.self,
        joinerNonce: pairing ? '' : body.nonce,
        acceptorNonce,
      },
      ...(secret !== undefined && { secret }),
      ...(body.invite !== undefined && { invite: body.invite }),
      ...(pairing && { commitment: body.nonce }),
      state: 'begun',
    };
    this.#attempts.set(attempt.session, attempt);
    const shown = pairing ? commitmentOf('acceptor', members.self, acceptorNonce) : acceptorNonce;
    return { session: attempt.session, nonce: shown };
  }

  /** What has to be proved. @throws ShoalError JOIN_NOT_POSSIBLE, CLUSTER_KEY_RETIRED. */
  #secretFor(caller: PeerCaller, { way, invite }: { way: JoinWay; invite?: string }): string | undefined {
    const { key, lan, members, invites } = this.#options;
    if (members.isRemoved) throw new ShoalError('JOIN_NOT_POSSIBLE');
    switch (way) {
      case 'key':
        if (!key || members.current.removed.has(caller.id)) throw new ShoalError('JOIN_NOT_POSSIBLE');
        if (members.current.retiredKeys.has(key.print)) throw new ShoalError('CLUSTER_KEY_RETIRED');
        return key.secret;
      case 'lan':
        if (!lan.allows(caller.id, caller.address)) throw new ShoalError('JOIN_NOT_POSSIBLE');
        return undefined;
      case 'invite':
        // An invite that is not good is told by its proof only: strangers cannot try ids.
        return invites.usable(invite ?? '', caller.id)?.secret ?? newNonce();
      case 'pairing':
        return undefined;
    }
  }

  #prove(caller: PeerCaller, body: { session: string; proof: string; summary: Summary }) {
    const attempt = this.#find(caller, body.session, 'begun');
    const { transcript, secret, way } = attempt;
    // A second try needs a new attempt.
    this.#attempts.delete(attempt.session);
    if (way === 'pairing') throw new ShoalError('JOIN_NOT_POSSIBLE');
    // On a trusted network there is nothing to prove: both sides look at the address.
    const proving = secret ?? '';
    if (!isSameProof(body.proof, proofOf(proving, 'joiner', transcript))) throw new ShoalError('JOIN_PROOF_WRONG');
    const summary = this.#options.summary();
    if (way === 'lan') this.#options.lan.judge(caller.id, caller.address, body.summary, summary);
    decideMerge(body.summary, summary, way === 'lan');
    attempt.summary = body.summary;
    attempt.state = 'proved';
    this.#attempts.set(attempt.session, attempt);
    return { proof: proofOf(proving, 'acceptor', transcript), summary };
  }

  #reveal(caller: PeerCaller, body: { session: string; nonce: string; summary: Summary }) {
    const attempt = this.#find(caller, body.session, 'begun');
    this.#attempts.delete(attempt.session);
    const { commitment, transcript } = attempt;
    if (commitment === undefined) throw new ShoalError('JOIN_NOT_POSSIBLE');
    if (!isSameProof(commitmentOf('joiner', caller.id, body.nonce), commitment))
      throw new ShoalError('JOIN_PROOF_WRONG');
    const { name } = this.#options.summary();
    const whole = { ...transcript, joinerNonce: body.nonce };
    const { session } = attempt;
    this.#attempts.set(session, {
      ...attempt,
      transcript: whole,
      summary: body.summary,
      state: 'waiting',
      digits: digitsOf(whole),
    });
    this.#options.events.emit('pairing-changed', { id: session, state: 'waiting' });
    return { nonce: transcript.acceptorNonce, name };
  }

  #wait(caller: PeerCaller, { session }: { session: string }) {
    const { state } = this.#find(caller, session);
    if (state !== 'waiting' && state !== 'approved' && state !== 'refused')
      throw new ShoalError('JOIN_SESSION_UNKNOWN');
    return { state, ...(state === 'approved' && { summary: this.#options.summary() }) };
  }

  async #admit(caller: PeerCaller, body: { session: string; operations: unknown[] }) {
    const { members, invites, lan, key } = this.#options;
    const attempt = this.#find(caller, body.session);
    const { way, summary, invite, state } = attempt;
    if (!summary || state !== (way === 'pairing' ? 'approved' : 'proved')) throw new ShoalError('JOIN_NOT_POSSIBLE');
    // Nobody comes in twice by one attempt.
    this.#attempts.delete(attempt.session);
    const own = this.#options.summary();
    const { acceptorAdopts } = decideMerge(summary, own, way === 'lan');
    if (way === 'invite') await invites.use(invite ?? '', caller.id);
    const here = addressText(caller.address, summary.port);
    await members.accept(
      {
        subject: caller.id,
        name: summary.name,
        addresses: [...new Set([here, ...summary.addresses])].slice(0, 16),
        way,
        by: way === 'pairing' ? 'approved here' : way,
        ...(way === 'key' && key && { keyPrint: key.print }),
      },
      {
        operations: body.operations,
        follows: whoFollows(summary, own) === 'acceptor',
        ...(acceptorAdopts !== undefined && { adopt: acceptorAdopts }),
        check: () => {
          if (way === 'key' && key && members.current.retiredKeys.has(key.print))
            throw new ShoalError('CLUSTER_KEY_RETIRED');
          if (way === 'lan' && !lan.allows(caller.id, caller.address)) throw new ShoalError('JOIN_NOT_POSSIBLE');
        },
      },
    );
    if (way === 'lan') lan.used(caller.address);
    if (way === 'pairing') this.#options.events.emit('pairing-changed', { id: attempt.session, state: 'done' });
    return { operations: members.operations() };
  }

  /** @throws ShoalError JOIN_SESSION_UNKNOWN. */
  #find(caller: PeerCaller, session: string, state?: Attempt['state']): Attempt {
    this.#sweep();
    const attempt = this.#attempts.get(session);
    if (attempt?.node !== caller.id || (state !== undefined && attempt.state !== state))
      throw new ShoalError('JOIN_SESSION_UNKNOWN');
    return attempt;
  }

  #makeRoom({ id, address }: PeerCaller, way: JoinWay): void {
    this.#sweep();
    const now = this.#options.clock.monotonic();
    const recent = (this.#recent.get(address) ?? []).filter((atMs) => now - atMs < 60_000);
    // Whoever begins again has given up what it began before.
    for (const one of this.#attempts.values())
      if (one.node === id && one.way === way && one.state !== 'approved') this.#drop(one);
    const all = [...this.#attempts.values()];
    const people = all.filter((one) => one.way === 'pairing').length;
    const ofAddress = all.filter((one) => one.address === address).length;
    const full =
      all.length >= maxAttempts.all ||
      ofAddress >= maxAttempts.address ||
      recent.length >= maxPerMinute ||
      (way === 'pairing' && people >= maxAttempts.people);
    if (full) throw new ShoalError('TOO_MANY_JOINING');
    this.#recent.set(address, [...recent, now]);
  }

  #drop({ session, digits }: Attempt): void {
    this.#attempts.delete(session);
    if (digits !== undefined) this.#options.events.emit('pairing-changed', { id: session, state: 'failed' });
  }

  #sweep(): void {
    const now = this.#options.clock.monotonic();
    for (const attempt of this.#attempts.values()) if (attempt.expiresAtMs < now) this.#drop(attempt);
    for (const [address, times] of this.#recent)
      if (times.every((atMs) => now - atMs >= 60_000)) this.#recent.delete(address);
  }
}
