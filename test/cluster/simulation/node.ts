/**
 * One simulated node: the real catalogue, the real use cases and the real engine, on a database and a disk in memory. A life
 * lasts from a start to a crash. After a crash the old life may go on computing: nobody hears it, and its disk is a copy.
 */
import { MemoryLevel } from 'memory-level';
import { Catalog } from '../../../node-core/catalog/catalog.ts';
import type { Database } from '../../../node-core/catalog/committer.ts';
import { answering, PeerAnswers } from '../../../node-core/cluster/engine/answers.ts';
import { forgetRemovals } from '../../../node-core/cluster/engine/forgetting.ts';
import { Holdings } from '../../../node-core/cluster/engine/holdings.ts';
import type { Answer, PeerLinks, Question, QuestionKind, Scheduler } from '../../../node-core/cluster/engine/ports.ts';
import { Replicator } from '../../../node-core/cluster/engine/replicator.ts';
import { SharedEntries } from '../../../node-core/cluster/engine/shared-entries.ts';
import { WantWorker } from '../../../node-core/cluster/engine/want-worker.ts';
import type { FileEvents, FilesContext } from '../../../node-core/files/context.ts';
import { FileMover } from '../../../node-core/files/move-file.ts';
import { FileReader } from '../../../node-core/files/read-file.ts';
import { recoverFiles } from '../../../node-core/files/recovery.ts';
import { RemoteRecords } from '../../../node-core/files/remote-records.ts';
import { FileRemover } from '../../../node-core/files/remove-file.ts';
import { RemovedMembers } from '../../../node-core/files/removed-members.ts';
import { FileStorer } from '../../../node-core/files/store-file.ts';
import { TrashKeeper } from '../../../node-core/files/trash.ts';
import { WantedContent } from '../../../node-core/files/wanted-content.ts';
import { EventBus } from '../../../node-core/runtime/events.ts';
import { KeyedLock } from '../../../node-core/runtime/keyed-lock.ts';
import { chunksOf } from '../../../node-core/storage/byte-source.ts';
import { MemoryDisk, MemoryPlaces, MemoryStaging } from './disk.ts';
import type { Network } from './network.ts';
import type { Timeline } from './timeline.ts';

/** What a node leaves when it ends: enough to start again. */
export interface Remains {
  readonly rows: readonly (readonly [string, string])[];
  readonly disk: MemoryDisk;
}

/** What a node is started with. */
export interface LifeOptions {
  readonly id: string;
  readonly timeline: Timeline;
  readonly network: Network;
  readonly random: () => number;
  /** How far the wall clock is off, in milliseconds. */
  readonly skewMs: () => number;
  /** Called before each step that changes something durable; may call {@link Life.crash}. */
  readonly onStep: (what: string) => void;
  readonly trouble: (what: string, error: unknown) => void;
}

/** One life of a node. */
export class Life {
  readonly catalog: Catalog;
  readonly context: FilesContext;
  readonly storer: FileStorer;
  readonly remover: FileRemover;
  readonly mover: FileMover;
  readonly trash: TrashKeeper;
  readonly replicator: Replicator;
  readonly wants: WantWorker;
  readonly answers: PeerAnswers;
  readonly shared: SharedEntries;
  readonly holdings: Holdings;
  readonly disk: MemoryDisk;
  readonly options: LifeOptions;
  alive = true;
  /** Whether it answers: not before it has mended what a crash left. */
  ready = false;
  readonly #db: MemoryLevel<string, string>;
  readonly #removed: RemovedMembers;
  #removing: Promise<void> = Promise.resolve();
  readonly #reader: FileReader;
  readonly #start: Remains | undefined;

  constructor(options: LifeOptions, remains?: Remains) {
    this.options = options;
    this.#start = remains;
    this.disk = remains?.disk ?? new MemoryDisk();
    this.#db = new MemoryLevel<string, string>({ keyEncoding: 'utf8', valueEncoding: 'utf8' });
    const { id, timeline, network } = options;
    const clock = { now: () => timeline.nowMs + options.skewMs(), monotonic: () => timeline.passedMs };
    this.catalog = new Catalog({
      folder: '',
      nodeId: id,
      clock,
      durable: true,
      onWriteError: (error) => options.trouble('a batch failed', error),
      openDatabase: () => this.#database(),
    });
    const step = (what: string) => this.#step(what);
    const store = new MemoryPlaces(this.disk, step);
    this.context = {
      catalog: this.catalog,
      store,
      staging: new MemoryStaging(this.disk, step),
      guard: { checkStore: async () => {}, checkWrite: async () => {} } as unknown as FilesContext['guard'],
      pathLocks: new KeyedLock(),
      unfinished: new Map(),
      contentLocks: new KeyedLock(),
      packs: { store: {} as FilesContext['packs']['store'], limitBytes: () => 0 },
      clock,
      events: new EventBus<FileEvents>((error) => options.trouble('a handler failed', error)),
    };
    this.storer = new FileStorer(this.context);
    this.remover = new FileRemover(this.context);
    this.mover = new FileMover(this.context);
    this.#reader = new FileReader(this.context);
    this.trash = new TrashKeeper(this.context, this.storer, {
      termDays: () => 30,
      now: () => clock.now(),
      onError: (error) => options.trouble('the trash failed', error),
    });
    const scheduler: Scheduler = {
      now: () => clock.now(),
      after: (ms, work) => timeline.after(ms, () => this.alive && work()),
      random: options.random,
    };
    const links: PeerLinks = {
      members: () => network.others(id),
      ask: (member, kind, question) => network.ask(this, member, kind, question),
    };
    const report = (what: string, member: string | undefined, error: unknown) =>
      options.trouble(`${what} (${member?.slice(0, 4) ?? ''})`, error);
    const wanted = new WantedContent(this.context, this.storer);
    this.wants = new WantWorker({
      wanted,
      scheduler,
      report,
      transfers: { fetch: (want) => network.fetch(this, want) },
    });
    const cuts = () => network.removals(id);
    const remote = new RemoteRecords(this.context, cuts);
    this.#removed = new RemovedMembers(this.catalog, remote, cuts);
    this.replicator = new Replicator({
      catalog: this.catalog,
      remote,
      links,
      scheduler,
      report,
      // Small pages, so that a few files make several.
      pageRecords: 3,
      onTakenIn: () => this.wants.wake(),
    });
    this.answers = new PeerAnswers({ catalog: this.catalog, scheduler, report });
    this.shared = new SharedEntries(this.catalog, links);
    this.holdings = new Holdings(id, {
      catalog: this.catalog,
      links,
      scheduler,
      identify: (place) => store.identify(place),
    });
    const announce = () => this.replicator.announce();
    for (const type of ['file-committed', 'file-removed', 'file-moved'] as const)
      this.context.events.on(type, announce);
  }

  get id(): string {
    return this.options.id;
  }

  /** Mends what the life before left, and begins to speak with the others. */
  async start(): Promise<void> {
    if (this.#start) {
      await this.#db.open();
      const batch = this.#db.batch();
      for (const [key, value] of this.#start.rows) batch.put(key, value);
      await batch.write();
    }
    await this.catalog.start();
    const { lost } = await recoverFiles(this.context);
    for (const path of lost) this.options.trouble('bytes of an acknowledged file are missing', new Error(path));
    await this.followRemovals();
    if (!this.alive) return;
    this.ready = true;
    this.replicator.start();
    this.wants.wake(true);
  }

  /** Takes back what removed members did beyond their cuts, as far as this node knows of removals. */
  followRemovals(): Promise<void> {
    this.#removing = this.#removing.then(async () => {
      if (!this.alive) return;
      try {
        const changed = await this.#removed.apply(this.options.network.others(this.id));
        if (changed === undefined || !this.alive || !this.ready) return;
        this.wants.wake();
        this.replicator.announce('anew');
        this.replicator.readAll();
      } catch (error) {
        this.options.trouble('changes could not be taken back', error);
      }
    });
    return this.#removing;
  }

  /** Ends this life at once; what was durable is taken along. */
  async crash(): Promise<Remains> {
    this.alive = false;
    const snapshot = this.#db.snapshot();
    const disk = this.disk.clone();
    const rows = await this.#db.iterator({ snapshot }).all();
    await snapshot.close();
    return { rows, disk };
  }

  /** A copy of everything, as a backup takes it. The node goes on. */
  async backup(): Promise<Remains> {
    const snapshot = this.#db.snapshot();
    const disk = this.disk.clone();
    const rows = await this.#db.iterator({ snapshot }).all();
    await snapshot.close();
    return { rows, disk };
  }

  /** Answers a member's question as the real transport would hand it on. */
  async answer<K extends QuestionKind>(from: string, kind: K, question: Question<K>): Promise<Answer<K>> {
    if (!this.ready) throw new Error('not ready');
    const handlers = answering(
      this.answers,
      this.shared,
      this.holdings,
      (member, seen) => void this.replicator.hear(member, seen),
    );
    return (await handlers[kind](from, question)) as Answer<K>;
  }

  /** The bytes of a content, if a file here shows it or the trash holds it. */
  async content(sha256: string): Promise<Buffer | undefined> {
    if (!this.ready) throw new Error('not ready');
    for (const place of await this.catalog.placesOf(sha256)) {
      const opened = await this.context.store.open(place);
      if (opened) return collect(chunksOf(opened.handle, 1024 * 1024));
    }
    return undefined;
  }

  /** The bytes that a path shows. @throws when they are not here. */
  async read(path: string): Promise<Buffer> {
    const { handle } = await this.#reader.open(path);
    return collect(chunksOf(handle, 1024 * 1024));
  }

  async forget(): Promise<number> {
    const now = this.context.clock.now();
    await this.#removed.tidy(this.options.network.others(this.id));
    return forgetRemovals(this.catalog, this.options.network.others(this.id), now);
  }

  #step(what: string): void {
    if (this.alive && this.ready) this.options.onStep(what);
  }

  #database(): Database {
    const db = this.#db as unknown as Database;
    const batchOf = db.batch.bind(db) as unknown as () => { write: (options?: object) => Promise<void> };
    const stepped = () => {
      const batch = batchOf();
      const write = batch.write.bind(batch);
      batch.write = async (options) => {
        this.#step('commit');
        await write(options);
        this.#step('committed');
      };
      return batch;
    };
    return Object.assign(db, { batch: stepped }) as unknown as Database;
  }
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
