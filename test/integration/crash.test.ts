/**
 * kill -9 at any moment: several clients upload, overwrite and delete; the node is killed, started again and examined,
 * a hundred times. A failure prints the seed; `SHOAL_CRASH_SEED` repeats the same choices, `SHOAL_CRASH_KILLS` changes
 * their number.
 */
import { readFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import {
  call,
  digest,
  download,
  json,
  listAll,
  sendUpload,
  totals,
  type UploadAnswer,
} from '../support/http-client.ts';
import { writeConfig } from '../support/node-in-process.ts';
import { type NodeProcess, runCommand, serverArguments, startNodeProcess } from '../support/node-process.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { stagedNames, storedFiles } from '../support/store-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const seed = Number(process.env.SHOAL_CRASH_SEED ?? Math.floor(Math.random() * 1_000_000));
const kills = Number(process.env.SHOAL_CRASH_KILLS ?? 100);
const clients = 4;

/** What a path may show: a content by its sha256, or nothing. */
interface Shown {
  readonly sha256: string;
  readonly md5: string;
  readonly size: number;
}

/** One change of a path. Times are counts of events, so that "began after that was acknowledged" is exact. */
interface Change {
  readonly shows: Shown | undefined;
  readonly began: number;
  acknowledged: number | undefined;
}

/** What the node says of an error that it answered with; its log is written a moment behind. */
async function errorsOf({ dataDir }: NodeProcess): Promise<string> {
  await delay(1500);
  const lines = (await readFile(path.join(dataDir, 'log', 'shoal.1.log'), 'utf8')).split('\n');
  return lines.filter((line) => /"level":[56]0/.test(line)).join('\n');
}

/** What happened to each path, as its clients saw it. */
class History {
  readonly #changes = new Map<string, Change[]>();
  #now = 0;

  begin(path: string, shows: Shown | undefined): Change {
    this.#now += 1;
    const change: Change = { shows, began: this.#now, acknowledged: undefined };
    const changes = this.#changes.get(path);
    if (changes) changes.push(change);
    else this.#changes.set(path, [change]);
    return change;
  }

  acknowledge(change: Change): void {
    this.#now += 1;
    change.acknowledged = this.#now;
  }

  /** The change was refused: it never happened. */
  forget(path: string, change: Change): void {
    this.#changes.set(
      path,
      this.changes(path).filter((other) => other !== change),
    );
  }

  changes(path: string): readonly Change[] {
    return this.#changes.get(path) ?? [];
  }

  /** All that a path may show now: every change that no acknowledged later one has certainly replaced. */
  possible(path: string): (Shown | undefined)[] {
    const changes = this.changes(path);
    const replaced = (change: Change) =>
      change.acknowledged !== undefined &&
      changes.some((other) => other.acknowledged !== undefined && other.began > (change.acknowledged ?? 0));
    const open = changes.filter((change) => !replaced(change)).map(({ shows }) => shows);
    return changes.some(({ acknowledged }) => acknowledged !== undefined) ? open : [undefined, ...open];
  }

  /** From now on a path is known to show this. */
  settle(path: string, shows: Shown | undefined): void {
    this.#changes.delete(path);
    if (shows) this.acknowledge(this.begin(path, shows));
  }

  paths(): string[] {
    return [...this.#changes.keys()];
  }
}

/** What several clients do until the node is gone. */
class Workload {
  readonly touched = new Set<string>();
  acknowledged = 0;
  readonly #history: History;
  readonly #shared: readonly Buffer[];
  #names = 0;

  constructor(history: History, random: SeededRandom) {
    this.#history = history;
    // A few contents that come again and again, so that hard links are made, shared and removed.
    this.#shared = [1, 700, 30_000, 300_000].map((bytes) => random.content(bytes));
  }

  /** Runs the clients until their connections break. Any other failure is the node's fault and fails the test. */
  async run(node: NodeProcess, random: SeededRandom): Promise<void> {
    await Promise.all(Array.from({ length: clients }, (_, client) => this.#runClient(node, client, random.fork())));
  }

  async #runClient(node: NodeProcess, client: number, random: SeededRandom): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      for (;;) await this.#change(node, client, random, agent);
    } catch (error) {
      if (!isBroken(error)) throw error;
    } finally {
      agent.destroy();
    }
  }

  async #change(node: NodeProcess, client: number, random: SeededRandom, agent: Agent): Promise<void> {
    const choice = random.next();
    if (choice < 0.45) await this.#upload(node, this.#freshPath(client), random, agent);
    else if (choice < 0.65) await this.#upload(node, `own/${client}.bin`, random, agent);
    else if (choice < 0.75) await this.#upload(node, 'contested.bin', random, agent);
    else await this.#delete(node, this.#pathToDelete(client, random), random.next() < 0.3, agent);
  }

  #freshPath(client: number): string {
    this.#names += 1;
    return `new/${client}/${this.#names % 3}/${this.#names}.bin`;
  }

  /** Each client deletes only its own files, so that it knows what it deletes; the contested one belongs to all. */
  #pathToDelete(client: number, random: SeededRandom): string {
    if (random.next() < 0.1) return 'contested.bin';
    const own = this.#history
      .paths()
      .filter((path) => path.startsWith(`new/${client}/`) || path === `own/${client}.bin`)
      .filter((path) => this.#history.possible(path).every((shows) => shows !== undefined));
    return random.pick(own) ?? 'contested.bin';
  }

  async #upload(node: NodeProcess, path: string, random: SeededRandom, agent: Agent): Promise<void> {
    const content = this.#content(random);
    const shows = { sha256: digest('sha256', content), md5: digest('md5', content), size: content.length };
    this.touched.add(path);
    const change = this.#history.begin(path, shows);
    const slash = path.lastIndexOf('/');
    const fields = {
      output: 'json',
      path: path.slice(0, Math.max(slash, 0)) || 'top',
      filename: path.slice(slash + 1),
    };
    const answer = await sendUpload(node, content, { fields, agent });
    if (answer.status !== 200) expect.fail(`${answer.status} ${answer.text}\n${await errorsOf(node)}`);
    expect(json<UploadAnswer>(answer)).toMatchObject({ path: urlPathOf(path), md5: shows.md5, size: shows.size });
    this.#history.acknowledge(change);
    this.acknowledged += 1;
  }

  #content(random: SeededRandom): Buffer {
    const kind = random.next();
    if (kind < 0.2) return random.pick(this.#shared) ?? Buffer.alloc(0);
    if (kind < 0.95) return random.content(random.integer(1_000, 50_000));
    return random.content(random.integer(5_000_000, 30_000_000));
  }

  /** Deletes by path; a content that no other path can show also by its digest. */
  async #delete(node: NodeProcess, path: string, byDigest: boolean, agent: Agent): Promise<void> {
    this.touched.add(path);
    const [shows] = this.#history.possible(path);
    const unique = shows !== undefined && !this.#shared.some((content) => digest('md5', content) === shows.md5);
    const query = byDigest && unique && path !== 'contested.bin' ? `md5=${shows.md5}` : `path=${urlPathOf(path)}`;
    const change = this.#history.begin(path, undefined);
    const answer = await call(`${node.group}/delete?${query}`, { agent });
    if (answer.status === 404 && path === 'contested.bin') return this.#history.forget(path, change);
    expect(answer.status, `${query} ${answer.text}`).toBe(200);
    this.#history.acknowledge(change);
    this.acknowledged += 1;
  }
}

/** Files at the top level are not possible with `path`: they stand in a folder. */
function urlPathOf(path: string): string {
  return path.includes('/') ? `/group1/${path}` : `/group1/top/${path}`;
}

/** The connection broke: the node was killed. */
function isBroken(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return ['ECONNRESET', 'ECONNREFUSED', 'EPIPE'].includes(code) || String(error).includes('aborted');
}

/** Downloads paths and holds them against their history, which is then settled. */
async function examine(node: NodeProcess, history: History, paths: Iterable<string>): Promise<void> {
  for (const path of paths) {
    const answer = await download(node, urlPathOf(path));
    const possible = history.possible(path);
    const found = answer.status === 200 ? digest('sha256', answer.body) : undefined;
    if (found === undefined) expect(answer.status, `${path}: ${answer.text}`).toBe(404);
    const match = possible.find((shows) => shows?.sha256 === found);
    if (found !== undefined || !possible.includes(undefined)) {
      const wanted = possible.map((shows) => shows?.sha256 ?? 'nothing');
      expect(wanted, `${path} shows ${found ?? 'nothing'} (${answer.body.length} bytes)`).toContain(found ?? 'nothing');
    }
    history.settle(path, match);
  }
}

/** Counts, listing and disk must agree; nothing is left of what was interrupted. */
async function examineStore(node: NodeProcess, history: History): Promise<void> {
  expect(await stagedNames(node.dataDir), 'left in _tmp').toEqual([]);
  const listed = await listAll(node);
  const known = history.paths().filter((path) => history.possible(path)[0] !== undefined);
  expect(listed.map((entry) => entry.path).sort()).toEqual(known.map(urlPathOf).sort());
  const bytes = listed.reduce((sum, entry) => sum + entry.size, 0);
  expect(await totals(node)).toEqual({ files: listed.length, bytes });
  expect((await storedFiles(node.dataDir)).length, 'files on disk').toBe(listed.length);
}

it(
  `fault 4: nothing acknowledged is lost and nothing partial is served over ${kills} kills`,
  async () => {
    const random = new SeededRandom(seed);
    const history = new History();
    const workload = new Workload(history, random.fork());
    const dataDir = await temporaryFolder();
    await writeConfig(dataDir, { enable_distinct_file: false, trash_days: 0, access_log: false });
    let round = 0;
    let killedWhileStarting = 0;
    try {
      for (; round < kills; round += 1) {
        if (random.next() < 0.15) {
          // While it mends what the kill before has left.
          const starting = runCommand(serverArguments(dataDir));
          await delay(random.integer(150, 600));
          await starting.kill('SIGKILL');
          killedWhileStarting += 1;
          continue;
        }
        const node = await startNodeProcess(dataDir);
        await examine(node, history, workload.touched);
        workload.touched.clear();
        await examineStore(node, history);
        const working = workload.run(node, random.fork());
        await delay(random.integer(20, 500));
        await node.kill('SIGKILL');
        await working;
      }
      const node = await startNodeProcess(dataDir);
      await examine(node, history, history.paths());
      await examineStore(node, history);
      // The last word is a clean stop and start: nothing may change by it.
      expect(await node.kill('SIGTERM')).toEqual({ code: 0, signal: null });
      const again = await startNodeProcess(dataDir);
      await examineStore(again, history);
      expect(await again.kill('SIGTERM')).toEqual({ code: 0, signal: null });
      expect(workload.acknowledged).toBeGreaterThan(kills);
      console.log(
        `crash test: seed ${seed}, ${kills} kills (${killedWhileStarting} while starting), ` +
          `${workload.acknowledged} acknowledged changes, ${history.paths().length} files at the end`,
      );
    } catch (error) {
      console.error(`crash test: seed ${seed}, round ${round}; repeat with SHOAL_CRASH_SEED=${seed}`);
      throw error;
    }
  },
  15 * 60_000,
);
