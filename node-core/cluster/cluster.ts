/**
 * The cluster as one node sees it: who is a member, how members are reached, how nodes come in, and the replication engine
 * over all of that. Built from ports by create-node; this is the only file of the room that knows all others.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Catalog } from '../catalog/catalog.ts';
import type { Config } from '../config/schema.ts';
import type { ContentDigests } from '../domain/digests.ts';
import { ShoalError } from '../domain/errors.ts';
import type { FilesContext } from '../files/context.ts';
import { RemoteRecords } from '../files/remote-records.ts';
import { RemovedMembers } from '../files/removed-members.ts';
import type { FileStorer } from '../files/store-file.ts';
import { WantedContent } from '../files/wanted-content.ts';
import type { Clock } from '../runtime/clock.ts';
import type { EventBus } from '../runtime/events.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Service } from '../runtime/service.ts';
import type { ByteSource } from '../storage/byte-source.ts';
import type { Staging } from '../storage/staging.ts';
import type { DeviceKind } from './care/figures.ts';
import { MemberCare } from './care/member-care.ts';
import { answering, PeerAnswers } from './engine/answers.ts';
import { forgetRemovals } from './engine/forgetting.ts';
import { Holdings } from './engine/holdings.ts';
import { Replicator } from './engine/replicator.ts';
import { SharedEntries } from './engine/shared-entries.ts';
import { WantWorker } from './engine/want-worker.ts';
import type { ClusterEvents } from './events.ts';
import type { NodeIdentity } from './identity.ts';
import { Gatherer } from './joining/gatherer.ts';
import { InviteKeeper } from './joining/invites.ts';
import { JoinDoor } from './joining/join-door.ts';
import { Joiner } from './joining/joiner.ts';
import { LanTrust } from './joining/lan-trust.ts';
import type { Summary } from './joining/merge-rule.ts';
import { type ClusterKey, readClusterKey } from './joining/proofs.ts';
import { StartToken } from './joining/start-token.ts';
import { MemberList } from './members/member-list.ts';
import { Quorum } from './members/quorum.ts';
import { cutsOf, Removals } from './members/removals.ts';
import { followNews } from './news.ts';
import { OwnAddresses } from './own-addresses.ts';
import { peerRoutes } from './peer-routes.ts';
import { AddressBook } from './transport/address-book.ts';
import { BootNumbers } from './transport/boot-numbers.ts';
import { ContentServer } from './transport/content-server.ts';
import type { PeerHints } from './transport/hints.ts';
import { Liveness } from './transport/liveness.ts';
import { ManualPeers } from './transport/manual-peers.ts';
import type { PartialFolder } from './transport/partial-file.ts';
import { PeerClient } from './transport/peer-client.ts';
import { PeerServer } from './transport/peer-server.ts';
import { TransferHistory } from './transport/transfer-history.ts';
import { PeerTransfers } from './transport/transfers.ts';
import { type UploadDoor, UploadPassage } from './transport/upload-passage.ts';
import type { NodeCertificate } from './trust/certificate.ts';

/** What this start was told about joining. None of it is kept. */
export interface ClusterSecrets {
  readonly clusterKey?: string;
  /** Token of an invite to use. */
  readonly joinToken?: string;
  readonly trustLan?: boolean;
}

/** What the cluster is built from. */
export interface ClusterOptions {
  readonly identity: NodeIdentity;
  readonly certificate: NodeCertificate;
  readonly catalog: Catalog;
  readonly files: FilesContext;
  readonly storer: FileStorer;
  readonly staging: Staging;
  readonly parts: PartialFolder;
  readonly config: () => Config;
  readonly secrets: ClusterSecrets;
  /** What the members go by: who joins is told. */
  readonly policy: () => { readonly upload: string; readonly download: string; readonly minReplicas: number };
  /** Counts a use of a link of this node's. */
  readonly redeemLink: (link: string) => Promise<void>;
  /** What this node is shown as to other members. */
  readonly device: DeviceKind;
  /** Name of this node. */
  readonly nodeName: () => string;
  /** Sources of hints besides the configuration. */
  readonly hints: readonly PeerHints[];
  /** Resumable uploads of this node. */
  readonly uploadDoor: UploadDoor;
  readonly clock: Clock;
  readonly events: EventBus<ClusterEvents>;
  readonly logger: Logger;
}

/** Removals that everybody has seen are forgotten this often; partial files that nobody wants go; in milliseconds. */
const tidyMs = 10 * 60_000;

/** How long a transfer may be silent unless the configuration says otherwise, in milliseconds. */
const idleMs = 20_000;

/** Everything of the cluster. What it answers stands in peer-routes.ts, what follows from which news in news.ts. */
export class Cluster implements Service {
  readonly name = 'cluster';
  readonly members: MemberList;
  readonly invites: InviteKeeper;
  readonly lan: LanTrust;
  readonly door: JoinDoor;
  readonly joiner: Joiner;
  readonly gatherer: Gatherer;
  readonly liveness: Liveness;
  readonly transfers: PeerTransfers;
  readonly history: TransferHistory;
  readonly replicator: Replicator;
  readonly wants: WantWorker;
  readonly wanted: WantedContent;
  readonly addresses: OwnAddresses;
  readonly shared: SharedEntries;
  readonly holdings: Holdings;
  readonly quorum: Quorum;
  readonly uploads: UploadPassage;
  readonly care: MemberCare;
  readonly events: EventBus<ClusterEvents>;
  /** Whether two machines run with the id of a member. */
  readonly isTwin = (member: string): boolean => this.#boots.isTwin(member);
  readonly #options: ClusterOptions;
  readonly #client: PeerClient;
  readonly #server: PeerServer;
  readonly #answers: PeerAnswers;
  readonly #manual: ManualPeers;
  readonly #boot = randomBytes(8).toString('hex');
  readonly #boots: BootNumbers;
  readonly #removed: RemovedMembers;
  readonly #removals: Removals;
  readonly #token: StartToken;
  #unsubscribe: readonly (() => void)[] = [];
  #tidy: NodeJS.Timeout | undefined;
  #tidying: Promise<void> = Promise.resolve();

  /** @throws ShoalError CLUSTER_KEY_UNFIT, INVITE_INVALID. */
  constructor(options: ClusterOptions) {
    this.#options = options;
    const { catalog, clock, certificate, config, events, identity, logger, secrets } = options;
    const key = keyOf(secrets);
    const boot = this.#boot;
    this.events = events;
    this.members = new MemberList({ catalog, identity, clock, events, name: options.nodeName, key });
    this.addresses = new OwnAddresses(config, () => this.port);
    this.#boots = new BootNumbers(
      () => clock.monotonic(),
      (id) => events.emit('twin-seen', { id }),
    );
    const book = new AddressBook({
      catalog,
      admittedAt: (member) => this.members.current.members.get(member)?.addresses ?? [],
      onError: (error) => logger.error({ err: error }, 'an address could not be kept'),
    });
    this.#client = new PeerClient({
      members: this.members,
      certificate,
      boot,
      addresses: book,
      isOnline: (member) => this.liveness.isOnline(member),
      onUnreachable: (member) => this.liveness.suspect(member),
    });
    this.liveness = new Liveness({
      members: this.members,
      client: this.#client,
      addresses: book,
      clock,
      events,
      own: () => ({
        boot,
        addresses: this.addresses.list(),
        port: this.port,
        members: this.members.digest,
        shared: this.shared.digest,
        nowMs: clock.now(),
        peerId: this.peerId,
      }),
      heardShared: (member, digest) => {
        if (digest !== this.shared.digest) void this.#pullShared(member);
      },
      heardBoot: (member, number) => this.#boots.heard(member, number),
      logger,
    });
    this.quorum = new Quorum(this.members, this.liveness);
    this.invites = new InviteKeeper(catalog, clock);
    this.lan = new LanTrust(this.members, secrets.trustLan === true, clock, () => {
      events.emit('trust-changed', {});
      this.gatherer.tryAll();
    });
    const joining = { members: this.members, clock, key, lan: this.lan, summary: () => this.summary(), events };
    this.door = new JoinDoor({ ...joining, invites: this.invites });
    const isConnected = (node: string) => this.members.isMember(node) && this.liveness.isOnline(node);
    this.joiner = new Joiner({ ...joining, certificate, boot, isConnected });
    this.#manual = new ManualPeers(() => config().peers, logger);
    this.gatherer = new Gatherer({
      ...joining,
      joiner: this.joiner,
      addresses: book,
      sources: [this.#manual, ...options.hints],
      logger,
      isUnknownTo: (member) => this.liveness.refusal(member) === 'PEER_UNKNOWN',
    });
    this.uploads = new UploadPassage({
      client: this.#client,
      isOnline: (member) => this.liveness.isOnline(member),
      onOffline: (handler) => events.on('member-offline', ({ id }) => handler(id)),
    });
    this.wanted = new WantedContent(options.files, options.storer);
    this.transfers = this.#createTransfers();
    this.history = new TransferHistory(() => clock.now());
    events.on('transfer-progress', (progress) => this.history.progressed(progress));
    this.shared = new SharedEntries(catalog, this.#client);
    const scheduler = { now: () => clock.now(), after: later, random: Math.random };
    this.holdings = new Holdings(identity.id, {
      catalog,
      links: this.#client,
      scheduler,
      identify: (place) => options.files.store.identify(place),
    });
    const report = (what: string, member: string | undefined, error: unknown) => {
      // That a member is away was told once already.
      const away = error instanceof ShoalError && error.code === 'PEER_UNREACHABLE';
      logger[away ? 'debug' : 'warn']({ member, err: error }, what);
    };
    const isComplete = () => this.members.others().every((member) => this.liveness.isOnline(member));
    this.wants = new WantWorker({
      wanted: this.wanted,
      transfers: this.history.remembering(this.transfers),
      scheduler,
      report,
      isComplete,
      checkRoom: () => options.files.guard.checkWrite(0),
      onStalled: (stalled) => {
        logger[stalled ? 'error' : 'info'](stalled ? 'the disk is full: nothing is fetched' : 'there is room again');
        events.emit('fetching-changed', { stalled, paused: this.transfers.isPaused });
      },
    });
    const cuts = () => cutsOf(this.members);
    const remote = new RemoteRecords(options.files, cuts);
    this.#removed = new RemovedMembers(catalog, remote, cuts);
    this.#removals = new Removals({
      members: this.members,
      removed: this.#removed,
      onDone: () => this.#readAnew(),
      logger,
    });
    this.#answers = new PeerAnswers({ catalog, scheduler, report });
    this.replicator = new Replicator({
      catalog,
      remote,
      links: this.#client,
      scheduler,
      report,
      onTakenIn: () => this.wants.wake(),
    });
    this.care = new MemberCare({
      catalog,
      remote,
      wanted: this.wanted,
      wants: this.wants,
      replicator: this.replicator,
      client: this.#client,
      isOnline: (member) => this.liveness.isOnline(member),
      isRepairEnabled: () => config().auto_repair,
      isStalled: () => this.wants.isStalled,
      device: options.device,
      space: () => options.files.guard.space(),
      clock,
      scheduler,
      report,
      events,
    });
    this.#server = new PeerServer({
      listen: config().peer_addr,
      certificate,
      members: this.members,
      heardBoot: (member, number) => {
        const fine = this.#boots.heard(member, number);
        if (fine) this.liveness.heardOf(member);
        return fine;
      },
      routes: peerRoutes({
        answer: answering(
          this.#answers,
          this.shared,
          this.holdings,
          (member, seen) => void this.replicator.hear(member, seen),
        ),
        members: this.members,
        liveness: this.liveness,
        contents: new ContentServer({
          catalog,
          open: (place) => options.files.store.open(place),
          onDamaged: (sha256, place) => void this.#tellDamaged(sha256, place),
        }),
        uploadDoor: options.uploadDoor,
        redeemLink: options.redeemLink,
        more: { ...this.door.routes(), ...this.care.routes() },
      }),
      logger,
    });
    this.#token = new StartToken(secrets.joinToken, this.members, this.joiner, logger);
  }

  /** Opens a content that is on other members, and has it brought here at once. */
  openElsewhere(content: ContentDigests): Promise<ByteSource | undefined> {
    this.wants.prefer(content.sha256);
    return this.transfers.open(content);
  }

  /** Comes after catalogue and store. @throws ShoalError ADDRESS_IN_USE, ADDRESS_UNUSABLE. */
  async start(): Promise<void> {
    const { logger } = this.#options;
    await this.members.start();
    await this.#server.start();
    if (this.lan.isPermanent)
      logger.warn('every node of the same private network may join until the next start (--trust-lan)');
    this.#unsubscribe = followNews({
      ...{ events: this.events, files: this.#options.files.events, logger, client: this.#client, server: this.#server },
      ...{ liveness: this.liveness, replicator: this.replicator, wants: this.wants, holdings: this.holdings },
      removals: this.#removals,
    });
    await this.#removals.follow();
    await this.shared.start();
    this.liveness.start();
    this.replicator.start();
    this.care.repairer.start();
    this.wants.wake(true);
    await this.gatherer.start();
    const tidy = () => {
      this.#tidying = this.#tidyUp().catch((error: unknown) =>
        logger.error({ err: error }, 'the cluster could not be tidied up'),
      );
    };
    tidy();
    this.#tidy = setInterval(tidy, tidyMs).unref();
    this.#token.start();
  }

  async stop(): Promise<void> {
    clearInterval(this.#tidy);
    this.#token.stop();
    for (const end of this.#unsubscribe) end();
    await this.gatherer.stop();
    this.joiner.stop();
    this.lan.close();
    this.liveness.stop();
    this.#answers.stop();
    // What is under way on members fails at once, and ends before the catalogue does.
    this.#client.close();
    await this.transfers.stop();
    await Promise.all([
      this.replicator.stop(),
      this.care.repairer.stop(),
      this.wants.stop(),
      this.#removals.stop(),
      this.#tidying,
    ]);
    await this.#server.stop();
  }

  /** Whether this start joins nodes that are near without anybody's doing: it has a key, or trusts the network. */
  get gathersByItself(): boolean {
    return this.#options.secrets.clusterKey !== undefined || this.lan.isOn;
  }

  /**
   * What stands for this node in the paths of new uploads: `peer_id`, unless another member uses that, as after a configuration
   * was copied; then, and where it is empty, eight digits of the node's id.
   */
  get peerId(): string {
    const { peer_id } = this.#options.config();
    return peer_id === '' || this.liveness.usesPeerId(peer_id) ? this.members.self.slice(0, 8) : peer_id;
  }

  /** Port on which other nodes reach this one. */
  get port(): number {
    return this.#server.address.port;
  }

  /** Somebody wants nothing to be fetched, or wants it to go on. */
  pauseTransfers(paused: boolean): void {
    if (paused) this.transfers.pause();
    else this.transfers.resume();
    this.events.emit('fetching-changed', { stalled: this.wants.isStalled, paused });
  }

  /** Looks at the list `peers` of the configuration again. */
  followPeers(): void {
    this.#manual.follow();
  }

  /** Removes a member, and tells all others before it is told to the caller. @throws ShoalError MEMBER_NOT_FOUND, MEMBER_IS_SELF. */
  async remove(member: string, by: string): Promise<void> {
    await this.members.remove(member, by);
    await this.liveness.spread();
  }

  /** Counts a use of a link at the member that made it. @throws ShoalError LINK_CREATOR_AWAY, or what that member says. */
  async redeem(creator: string, link: string): Promise<void> {
    try {
      await this.#client.call(creator, { method: 'POST', path: 'redeem', body: { link } }, z.object({}));
    } catch (error) {
      const code = error instanceof ShoalError && error.code === 'PEER_REFUSED' ? String(error.details.code) : '';
      const told = (['LINK_USED_UP', 'LINK_REVOKED', 'LINK_EXPIRED'] as const).find((one) => one === code);
      throw new ShoalError(told ?? 'LINK_CREATOR_AWAY', { cause: error });
    }
  }

  /** Somebody has compared the digits of a request. @throws ShoalError PAIRING_NOT_FOUND. */
  decide(id: string, approve: boolean): void {
    if (this.joiner.requests().some((request) => request.id === id)) this.joiner.decide(id, approve);
    else this.door.decide(id, approve);
  }

  /** What is told of this node to one that may know. */
  summary(): Summary {
    const { catalog, nodeName } = this.#options;
    const { members } = this.members.current;
    const ways = [...members.values()].map(({ way }) => way);
    return {
      name: nodeName().slice(0, 64),
      cluster: this.members.cluster,
      alone: this.members.isAlone || this.members.isRemoved,
      byLan: ways.every((way) => way === 'lan' || way === 'founder'),
      members: members.size,
      ...catalog.totals(),
      addresses: this.addresses.list(),
      port: this.port,
      policy: this.#options.policy(),
    };
  }

  #createTransfers(): PeerTransfers {
    const { config, events, files, logger, parts, staging } = this.#options;
    return new PeerTransfers({
      client: this.#client,
      isOnline: (member) => this.liveness.isOnline(member),
      staging,
      parts,
      algorithm: () => config().file_sum_arithmetic,
      isWanted: (sha256) => this.wanted.find(sha256) !== undefined,
      needing: async (sha256) => (await this.wanted.needing(sha256)).map(({ version }) => version),
      checkSpace: (bytes) => files.guard.checkWrite(bytes),
      events,
      idleMs: () => (config().sync_timeout > 0 ? config().sync_timeout * 1000 : idleMs),
      bytesPerSecond: () => config().peer_bandwidth_kib * 1024,
      onLiar: (member, sha256) =>
        logger.error({ member, sha256 }, 'a member sent bytes that are not what was asked for'),
    });
  }

  /** Links, rules and policy of a member differ from those here. */
  async #pullShared(member: string): Promise<void> {
    try {
      if ((await this.shared.pull(member)) > 0) this.liveness.hurry();
    } catch (error) {
      this.#options.logger.debug({ member, err: error }, 'what members share could not be read');
    }
  }

  /** What was taken back may be with others as it was before. */
  #readAnew(): void {
    this.wants.wake();
    this.replicator.announce('anew');
    this.replicator.readAll();
  }

  async #tellDamaged(sha256: string, place: string): Promise<void> {
    const { catalog, files } = this.#options;
    const [file] = await catalog.findByDigest('sha256', sha256, 1);
    files.events.emit('bytes-damaged', { path: file?.path ?? sha256, place });
  }

  async #tidyUp(): Promise<void> {
    await forgetRemovals(this.#options.catalog, this.members.others(), this.#options.clock.now());
    await this.#removed.tidy(this.members.others());
    await this.transfers.sweep();
  }
}

function keyOf({ clusterKey }: ClusterSecrets): ClusterKey | undefined {
  return clusterKey === undefined || clusterKey === '' ? undefined : readClusterKey(clusterKey);
}

function later(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms);
  timer.unref();
  return () => clearTimeout(timer);
}
