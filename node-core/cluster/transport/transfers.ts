/**
 * Brings contents from members. Small ones in one go; larger ones block by block from several members at once, each block
 * verified before it is kept, in a partial file that survives restarts (replication.md, 12).
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Want } from '../../catalog/replication-values.ts';
import { blockBytes, type CompatibleAlgorithm } from '../../domain/digests.ts';
import { ShoalError } from '../../domain/errors.ts';
import type { FileVersion } from '../../domain/file-record.ts';
import type { EventSink } from '../../runtime/events.ts';
import type { ByteSource } from '../../storage/byte-source.ts';
import type { StagedFile, Staging } from '../../storage/staging.ts';
import type { ContentTransfers } from '../engine/ports.ts';
import { blockListOf, isBlock } from './content-server.ts';
import { PartialFile, type PartialFolder, sweepParts } from './partial-file.ts';
import { type PeerClient, readAll } from './peer-client.ts';
import { ProgressMeter } from './progress-meter.ts';
import { RemoteContent } from './remote-content.ts';

/** News of transfers. */
export interface TransferEvents {
  'transfer-progress': TransferProgress;
}

/** How far a content is. */
export interface TransferProgress {
  readonly sha256: string;
  readonly size: number;
  /** Bytes that are here and verified. */
  readonly done: number;
  /** Members that bytes come from. */
  readonly from: readonly string[];
  readonly state: 'running' | 'done' | 'failed';
  readonly bytesPerSecond: number;
}

/** Members from which one content comes at the same time. */
const maxSources = 4;

/** Blocks asked for in one request. */
const blocksPerRequest = 4;

/** Progress of a large content is told this often, in milliseconds. */
const progressMs = 250;

/** What a content is known by. */
type Content = Pick<Want, 'sha256' | 'size' | 'blockRoot'>;

/** What transfers are built with. */
export interface TransferOptions {
  readonly client: PeerClient;
  readonly isOnline: (member: string) => boolean;
  readonly staging: Staging;
  readonly parts: PartialFolder;
  readonly algorithm: () => CompatibleAlgorithm;
  /** Versions that need a content now. */
  readonly needing: (sha256: string) => Promise<readonly FileVersion[]>;
  /** Whether a content is still wanted. */
  readonly isWanted: (sha256: string) => boolean;
  /** Throws DISK_FULL when so many more bytes would go below the floor. */
  readonly checkSpace: (bytes: number) => Promise<void>;
  readonly events: EventSink<TransferEvents>;
  /** A transfer that is silent for so long is tried elsewhere, in milliseconds. */
  readonly idleMs: () => number;
  /** Bytes a second of all transfers together; 0: as many as come. */
  readonly bytesPerSecond: () => number;
  /** Members whose bytes were not what they should be. */
  readonly onLiar: (member: string, sha256: string) => void;
}

/** The real transfers. */
export class PeerTransfers implements ContentTransfers {
  readonly #options: TransferOptions;
  readonly #running = new Map<string, TransferProgress>();
  readonly #meters = new Map<string, ProgressMeter>();
  readonly #stopping = new AbortController();
  readonly #open = new Set<Promise<unknown>>();
  #paused: Promise<void> | undefined;
  #resume: () => void = () => undefined;
  #allowedAtMs = 0;
  /** Contents whose record says something else than their bytes: not fetched again and again. */
  readonly #quarantined = new Set<string>();

  constructor(options: TransferOptions) {
    this.#options = options;
  }

  /** Removes partial files that nobody wants. */
  sweep(): Promise<number> {
    const { parts, isWanted } = this.#options;
    return sweepParts(parts, (sha256) => isWanted(sha256) || this.#running.has(sha256));
  }

  /** Ends what runs; partial files stay. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.resume();
    await Promise.allSettled([...this.#open]);
  }

  /** Nothing more is asked for until {@link resume}. */
  pause(): void {
    this.#paused ??= new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  resume(): void {
    this.#paused = undefined;
    this.#resume();
  }

  get isPaused(): boolean {
    return this.#paused !== undefined;
  }

  /** Contents that came, but whose other digests are not those of their records: not fetched again before the next start. */
  get quarantined(): readonly string[] {
    return [...this.#quarantined];
  }

  /** What is under way. */
  list(): TransferProgress[] {
    return [...this.#running.values()];
  }

  /**
   * Opens a content that is elsewhere for reading while it is being brought.
   * @returns undefined when no member that can be reached has it. @throws when those that have it do not deliver.
   */
  async open(content: Content): Promise<ByteSource | undefined> {
    const members = this.#options.client.members().filter((member) => this.#options.isOnline(member));
    const { list, sources } = await this.#findSources(content, members);
    if (!list) return undefined;
    return new RemoteContent(content.size, async (block) => {
      let failure: unknown;
      for (const member of shuffled(sources)) {
        try {
          const end = Math.min(content.size, (block + 1) * blockBytes);
          const bytes = await this.#ask(member, content, block * blockBytes, end, true);
          if (!isBlock(bytes, list, block)) throw this.#lied(member, content);
          return bytes;
        } catch (error) {
          failure = error;
        }
      }
      // What members say to each other is no answer to a client.
      throw new ShoalError('BYTES_ELSEWHERE', { details: { what: content.sha256 }, cause: failure });
    });
  }

  fetch(want: Want): Promise<StagedFile | undefined> {
    const work = this.#fetch(want).finally(() => this.#open.delete(work));
    this.#open.add(work);
    return work;
  }

  async #fetch(want: Want): Promise<StagedFile | undefined> {
    await this.#paused;
    const members = this.#options.client.members().filter((member) => this.#options.isOnline(member));
    if (members.length === 0 || this.#stopping.signal.aborted) return undefined;
    if (this.#quarantined.has(want.sha256)) throw quarantined(want);
    let state: TransferProgress['state'] = 'failed';
    this.#tell(want, 0, [], 'running');
    try {
      const staged =
        want.size <= blockBytes ? await this.#fetchSmall(want, members) : await this.#fetchLarge(want, members);
      if (!staged) return undefined;
      await this.#compare(want, staged);
      state = 'done';
      return staged;
    } finally {
      const { done = 0, from = [], bytesPerSecond = 0 } = this.#running.get(want.sha256) ?? {};
      this.#running.delete(want.sha256);
      this.#meters.delete(want.sha256);
      const { sha256, size } = want;
      this.#options.events.emit('transfer-progress', { sha256, size, done, from, state, bytesPerSecond });
    }
  }

  /** Compares what was computed here with what the records say (replication.md, 13). @throws ShoalError CONTENT_QUARANTINED; nothing is kept then. */
  async #compare(want: Want, staged: StagedFile): Promise<void> {
    const { needing, staging } = this.#options;
    const { md5, sha1 } = staged.digests;
    const differs = (said: string | undefined, found: string | undefined) =>
      said !== undefined && found !== undefined && said !== found;
    const versions = await needing(want.sha256);
    if (!versions.some((version) => differs(version.md5, md5) || differs(version.sha1, sha1))) return;
    this.#quarantined.add(want.sha256);
    await staging.discard(staged);
    throw quarantined(want);
  }

  /** One block: its list is known without asking, and nothing of it is kept before all of it is here. */
  async #fetchSmall(want: Want, members: readonly string[]): Promise<StagedFile | undefined> {
    let failure: unknown;
    // Who wrote a file of it has it before anybody else does.
    const writers = new Set((await this.#options.needing(want.sha256)).map(({ dot }) => dot.node));
    for (const member of shuffled(members).sort((a, b) => Number(writers.has(b)) - Number(writers.has(a)))) {
      try {
        const bytes = await this.#ask(member, want, 0, want.size);
        if (createHash('sha256').update(bytes).digest('hex') !== want.sha256) throw this.#lied(member, want);
        this.#tell(want, want.size, [member], 'running');
        const writer = await this.#options.staging.begin({ expectedBytes: want.size });
        if (bytes.byteLength > 0) await writer.write(bytes);
        return await writer.finish();
      } catch (error) {
        if (isFinal(error)) throw error;
        if (!hasNot(error)) failure = error;
      }
    }
    if (failure !== undefined) throw failure;
    return undefined;
  }

  async #fetchLarge(want: Want, members: readonly string[]): Promise<StagedFile | undefined> {
    const { list, sources } = await this.#findSources(want, members);
    if (!list) return undefined;
    const { checkSpace, parts, staging, algorithm } = this.#options;
    const part = await PartialFile.open(parts, want);
    try {
      await checkSpace(want.size - part.bytes);
      // What came before this try is no speed of it.
      this.#meters.set(want.sha256, new ProgressMeter(part.bytes));
      await this.#fill(part, list, want, sources);
      const hashed = await part.hash(algorithm());
      if (hashed.digests.sha256 !== want.sha256 || hashed.digests.blockRoot !== want.blockRoot) {
        // A disk that does not keep what it was given, or a map that came from somewhere else: all of it again.
        await part.remove();
        throw quarantined(want);
      }
      await part.close();
      const staged = await staging.takeOver(part.file, hashed);
      await part.remove();
      return staged;
    } catch (error) {
      await part.save().catch(() => undefined);
      throw error;
    } finally {
      await part.close().catch(() => undefined);
    }
  }

  /** Who has the content, and the list of its blocks, which its root proves. */
  async #findSources(want: Content, members: readonly string[]): Promise<{ list?: Buffer; sources: string[] }> {
    const { client, idleMs } = this.#options;
    const listBytes = Math.ceil(want.size / blockBytes) * 32;
    let list: Buffer | undefined;
    let failure: unknown;
    const ask = (asked: readonly string[]) =>
      Promise.all(
        asked.map(async (member) => {
          try {
            const request = { method: 'GET', path: `blocks?sha256=${want.sha256}`, timeoutMs: idleMs() } as const;
            const found = await readAll(await client.open(member, request), listBytes);
            const root = createHash('sha256').update(found).digest('hex');
            if (root !== want.blockRoot || !blockListOf(want.sha256, want.size, found)) throw this.#lied(member, want);
            list = found;
            return [member];
          } catch (error) {
            if (!hasNot(error)) failure = error;
            return [];
          }
        }),
      );
    const order = shuffled(members);
    let sources: string[] = [];
    // A few know usually; that nobody has it is said only when all were asked.
    for (let next = 0; next < order.length && sources.length === 0; next += maxSources * 2)
      sources = (await ask(order.slice(next, next + maxSources * 2))).flat().slice(0, maxSources);
    if (!list && failure !== undefined) throw failure;
    return { ...(list && { list }), sources };
  }

  /** Fills what is lacking: every source takes the next few blocks whenever it is done with those before. */
  async #fill(part: PartialFile, list: Buffer, want: Want, sources: readonly string[]): Promise<void> {
    const queue = part.missing();
    let failure: unknown;
    let told = 0;
    const progress = () => {
      if (performance.now() - told < progressMs) return;
      told = performance.now();
      this.#tell(want, part.bytes, sources, 'running');
    };
    const work = async (member: string) => {
      for (;;) {
        const run = takeRun(queue);
        if (run.length === 0) return;
        try {
          await this.#fetchRun(member, part, list, want, run);
          progress();
        } catch (error) {
          queue.unshift(...run.filter((block) => !part.has(block)));
          failure = error;
          if (isFinal(error)) queue.length = 0;
          return;
        }
      }
    };
    // What a source that failed gave back is for those that still work; who has ended meanwhile is not asked again.
    await Promise.all(sources.map(work));
    if (part.missing().length > 0) throw failure ?? new ShoalError('PEER_HAS_NOT');
    this.#tell(want, want.size, sources, 'running');
  }

  async #fetchRun(member: string, part: PartialFile, list: Buffer, want: Want, run: readonly number[]): Promise<void> {
    const [first = 0] = run;
    const from = first * blockBytes;
    const to = Math.min(want.size, (first + run.length) * blockBytes);
    let block = first;
    let gathered: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of this.#stream(member, want, from, to)) {
      let rest = chunk;
      while (rest.byteLength > 0) {
        const taken = rest.subarray(0, part.sizeOf(block) - bytes);
        gathered.push(taken);
        bytes += taken.byteLength;
        rest = rest.subarray(taken.byteLength);
        if (bytes < part.sizeOf(block)) continue;
        const whole = Buffer.concat(gathered);
        if (!isBlock(whole, list, block)) throw this.#lied(member, want);
        await part.write(block, whole);
        block += 1;
        gathered = [];
        bytes = 0;
      }
    }
  }

  async #ask(member: string, want: Content, from: number, to: number, urgent = false): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.#stream(member, want, from, to, urgent)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /**
   * Exactly the bytes from `from` up to `to`. @throws when fewer or more come.
   * @param urgent somebody waits for them just now: neither limit nor pause holds them up.
   */
  async *#stream(member: string, want: Content, from: number, to: number, urgent = false): AsyncGenerator<Buffer> {
    const { client, idleMs } = this.#options;
    const whole = from === 0 && to === want.size;
    const response = await client.open(member, {
      method: 'GET',
      path: `bytes?sha256=${want.sha256}`,
      timeoutMs: idleMs(),
      signal: this.#stopping.signal,
      ...(!whole && { headers: { range: `bytes=${from}-${to - 1}` } }),
    });
    let left = to - from;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        left -= chunk.byteLength;
        if (left < 0) throw this.#lied(member, want);
        yield chunk;
        if (urgent) continue;
        await this.#throttle(chunk.byteLength);
        await this.#paused;
      }
    } finally {
      if (!response.complete) response.destroy();
    }
    if (left > 0) throw new Error('the transfer broke off');
  }

  /** Waits as long as the limit asks for; all transfers share one account. */
  async #throttle(bytes: number): Promise<void> {
    const limit = this.#options.bytesPerSecond();
    if (limit === 0) return;
    const now = performance.now();
    this.#allowedAtMs = Math.max(now, this.#allowedAtMs) + (bytes * 1000) / limit;
    const wait = this.#allowedAtMs - now;
    if (wait > 5) await sleep(wait, undefined, { signal: this.#stopping.signal });
  }

  #tell({ sha256, size }: Want, done: number, from: readonly string[], state: TransferProgress['state']): void {
    const meter = this.#meters.get(sha256) ?? new ProgressMeter(done);
    this.#meters.set(sha256, meter);
    const progress = { sha256, size, done, from, state, bytesPerSecond: meter.note(done) };
    this.#running.set(sha256, progress);
    this.#options.events.emit('transfer-progress', progress);
  }

  #lied(member: string, { sha256 }: Content): ShoalError {
    this.#options.onLiar(member, sha256);
    return new ShoalError('PEER_BYTES_WRONG', { details: { member: member.slice(0, 8) } });
  }
}

function quarantined({ sha256 }: Want): ShoalError {
  return new ShoalError('CONTENT_QUARANTINED', { details: { sha256 } });
}

/** Takes the next few blocks that stand one behind the other. */
function takeRun(queue: number[]): number[] {
  let length = 1;
  while (length < blocksPerRequest && queue[length] === (queue[0] ?? 0) + length) length += 1;
  return queue.splice(0, length);
}

/** The member does not have the content: another one may. */
function hasNot(error: unknown): boolean {
  return error instanceof ShoalError && error.details.code === 'PEER_HAS_NOT';
}

/** No other member would do better. */
function isFinal(error: unknown): boolean {
  return error instanceof ShoalError && ['DISK_FULL', 'STORE_MISSING'].includes(error.code);
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((value) => ({ value, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ value }) => value);
}
