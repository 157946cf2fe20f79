/**
 * A cluster through a storm: random uploads, overwrites, moves, deletes and restores at all nodes, while the network is cut
 * and loses messages, nodes crash between any two steps, clocks jump, folders come back from backups and months pass. Then
 * everything heals, and what was promised is checked (checks.ts). All of it follows from the seed.
 */
import { createHash } from 'node:crypto';
import type { CataloguedFile } from '../../../node-core/catalog/catalog.ts';
import { CatalogTransaction } from '../../../node-core/catalog/transaction.ts';
import { ShoalError } from '../../../node-core/domain/errors.ts';
import type { VersionVector } from '../../../node-core/domain/version.ts';
import { SeededRandom } from '../../support/seeded-random.ts';
import { checkWorld } from './checks.ts';
import { Ledger } from './ledger.ts';
import { Network } from './network.ts';
import { Life, type Remains } from './node.ts';
import { Timeline } from './timeline.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** How one seed went. */
export interface SeedReport {
  readonly seed: number;
  /** Promises that were broken; none when all is well. */
  readonly broken: readonly string[];
  /** What happened, one line each, when it was asked for. */
  readonly trace: readonly string[];
  readonly nodes: number;
  readonly operations: number;
}

/** A machine: what stays when its node's life ends. */
interface Machine {
  readonly id: string;
  readonly name: string;
  life: Life | undefined;
  remains: Remains | undefined;
  backup: { readonly remains: Remains; readonly atMs: number } | undefined;
  skewMs: number;
  /** Steps until it crashes; undefined for no plan. */
  crashIn: number | undefined;
  /** A clone that runs with its id, and since when. */
  twin: { readonly life: Life; readonly sinceMs: number } | undefined;
}

/** Runs one seed. */
export async function runSeed(seed: number, traced: boolean): Promise<SeedReport> {
  const chance = new SeededRandom(seed ^ 0x5eed);
  // What node-core draws from node:crypto (build.mjs).
  Object.assign(globalThis, { simulatedRandom: () => chance.next() });
  const world = new World(seed, traced);
  const undo = world.ledger.listen(CatalogTransaction.prototype);
  try {
    await world.storm();
    await world.heal();
    const broken = [...world.troubles, ...(await world.check())];
    return { seed, broken, trace: world.trace, nodes: world.machines.length, operations: world.operations };
  } finally {
    undo();
  }
}

/** Runs a storm that somebody wrote down, because chance needs too long to find it. */
export async function runScript(name: keyof typeof scripts, traced: boolean): Promise<SeedReport> {
  const chance = new SeededRandom(0x5eed);
  Object.assign(globalThis, { simulatedRandom: () => chance.next() });
  const world = new World(0, traced, 3);
  const undo = world.ledger.listen(CatalogTransaction.prototype);
  try {
    await scripts[name](world);
    await world.heal();
    const broken = [...world.troubles, ...(await world.check())];
    return { seed: 0, broken, trace: world.trace, nodes: world.machines.length, operations: world.operations };
  } finally {
    undo();
  }
}

/** Storms of three nodes: a, b and c. */
export const scripts = {
  /** a removes, forgets and writes a path anew while the others, one of whom wrote the old version, are away. */
  'written anew': async (world: World) => {
    const [a, b] = await world.three();
    await world.upload(b, 'x');
    await world.timeline.pass(minuteMs);
    world.link();
    await world.remove(a, 'x');
    await world.timeline.leap(40 * dayMs);
    await world.timeline.pass(2 * minuteMs);
    await world.forget(a);
    await world.upload(a, 'x');
    await world.timeline.pass(minuteMs);
  },
  /** b has caught up with a by a comparison and never read a's removals; c must not take it for one that has. */
  'told by a comparison': async (world: World) => {
    const [a, b, c] = await world.three();
    world.link([a, c]);
    await world.upload(a, 'y');
    await world.timeline.pass(minuteMs);
    await world.remove(a, 'y');
    await world.timeline.pass(minuteMs);
    await world.timeline.leap(40 * dayMs);
    await world.timeline.pass(2 * minuteMs);
    await world.forget(a);
    await world.upload(a, 'x');
    await world.timeline.pass(minuteMs);
    world.link();
    await world.remove(a, 'x');
    world.link([a, b]);
    await world.timeline.pass(3 * minuteMs);
    world.link([b, c]);
    await world.timeline.pass(3 * minuteMs);
    // a hears what c has seen, and c does not hear the answer.
    world.link([a, b], [a, c]);
    world.silence(a, c);
    await world.timeline.pass(2 * minuteMs);
    await world.forget(a);
  },
  /** b was away while a forgot a removal, and wrote a file; b compares with a, who has never heard of that file: it stays. */
  'new while away': async (world: World) => {
    const [a, b, c] = await world.three();
    await world.upload(a, 'y');
    await world.timeline.pass(minuteMs);
    world.link([a, c]);
    await world.remove(a, 'y');
    await world.upload(b, 'z');
    await world.timeline.pass(minuteMs);
    await world.timeline.leap(40 * dayMs);
    await world.timeline.pass(2 * minuteMs);
    await world.forget(a);
    // News of a make b the first to ask.
    world.link([a, b]);
    await world.upload(a, 'x');
    await world.timeline.pass(2 * minuteMs);
  },
  /**
   * a removes b, which goes on and overwrites and deletes what c has; c hears of the removal last, and must have its files
   * back, also the one that nobody besides it had heard of.
   */
  'removed and busy': async (world: World) => {
    const [a, b, c] = await world.three();
    await world.upload(c, 'x');
    await world.upload(c, 'y');
    await world.timeline.pass(minuteMs);
    await world.removeMember(a, b);
    world.link([b, c]);
    await world.upload(c, 'z');
    await world.timeline.pass(2 * minuteMs);
    await world.upload(b, 'x');
    await world.remove(b, 'y');
    await world.remove(b, 'z');
    await world.upload(b, 'w');
    await world.timeline.pass(2 * minuteMs);
  },
} as const;

class World {
  readonly timeline = new Timeline();
  readonly ledger = new Ledger();
  readonly machines: Machine[] = [];
  readonly trace: string[] = [];
  readonly troubles: string[] = [];
  operations = 0;
  readonly #random: SeededRandom;
  readonly #network: Network;
  readonly #traced: boolean;
  readonly #contents: Buffer[] = [];

  constructor(seed: number, traced: boolean, nodes?: number) {
    this.#random = new SeededRandom(seed);
    this.#traced = traced;
    this.#network = new Network(this.timeline, this.#random.fork());
    const count = nodes ?? (this.#random.next() < 0.75 ? this.#random.integer(2, 4) : this.#random.integer(5, 12));
    for (let index = 0; index < count; index += 1) {
      const id = createHash('sha256').update(`${seed} ${index}`).digest('hex');
      const name = `n${index}`;
      this.machines.push({
        ...{ id, name, life: undefined, remains: undefined, backup: undefined, crashIn: undefined, twin: undefined },
        skewMs: this.#random.integer(-2000, 2000),
      });
    }
    this.#network.members = this.machines.map(({ id }) => id);
  }

  lives(): Life[] {
    return this.machines.flatMap(({ life }) => (life?.alive ? [life] : []));
  }

  /** Everything at once, for some minutes or for months. */
  async storm(): Promise<void> {
    for (const machine of this.machines) this.#boot(machine);
    await this.timeline.pass(5_000);
    const events = this.#random.integer(20, 70);
    // In some storms members are away for long, and what was removed is forgotten early and often.
    const months = this.#random.next() < 0.35;
    for (let event = 0; event < events; event += 1) {
      if (months && this.#random.next() < 0.35) this.#partWays();
      else this.#happen();
      if (months && this.#random.next() < 0.15) {
        this.#say('weeks pass');
        await this.timeline.leap(this.#random.integer(1, 40) * dayMs);
      }
      await this.timeline.pass(this.#random.integer(1, this.#random.next() < 0.3 ? 30_000 : 3_000));
    }
  }

  /** The network is whole, every machine runs, and there is time enough. */
  async heal(): Promise<void> {
    this.#say('all heals');
    this.#network.cut.clear();
    this.#network.lossRate = 0;
    this.#network.slowMs = 20;
    for (const machine of this.machines) await this.#endTwin(machine);
    for (const machine of this.machines) {
      machine.crashIn = undefined;
      machine.skewMs = Math.max(-2000, Math.min(2000, machine.skewMs));
      if (!machine.life?.alive) this.#boot(machine);
    }
    await this.timeline.pass(4 * minuteMs);
    // What was forgotten by some only must not bring anything back.
    for (const life of this.lives()) await this.#attempt(life, 'forgets removals', () => life.forget());
    await this.timeline.pass(2.5 * minuteMs);
  }

  /** Holds the members against what was promised. */
  check(): Promise<string[]> {
    this.ledger.cuts = this.#network.allRemovals();
    return checkWorld(
      this.lives().filter(({ id }) => !this.ledger.cuts.has(id)),
      this.ledger,
    );
  }

  /** One member removes another, which does not hear of it. */
  async removeMember(actor: Machine, subject: Machine): Promise<void> {
    const { life } = actor;
    if (!life?.alive || !life.ready || this.ledger.cuts.has(actor.id)) return;
    const seen = await life.catalog.seen();
    const cut = Object.fromEntries(Object.entries(seen).filter(([source]) => source.startsWith(`${subject.id}.`)));
    const known = await this.#seenBesides(subject);
    this.ledger.removedMember(subject.id, known, await this.#contentsBesides(subject));
    this.#network.removals(actor.id).set(subject.id, cut);
    this.#say(`${actor.name} removes ${subject.name}`);
    await life.followRemovals();
  }

  /** Starts three nodes. */
  async three(): Promise<readonly [Machine, Machine, Machine]> {
    const [a, b, c] = this.machines;
    if (!a || !b || !c) throw new Error('a script has three nodes');
    for (const machine of this.machines) this.#boot(machine);
    await this.timeline.pass(1000);
    return [a, b, c];
  }

  /** From now on only these speak with each other. */
  link(...pairs: readonly (readonly [Machine, Machine])[]): void {
    const linked = new Set(pairs.flatMap(([a, b]) => [`${a.id}>${b.id}`, `${b.id}>${a.id}`]));
    this.#network.cut.clear();
    for (const a of this.machines)
      for (const b of this.machines) if (!linked.has(`${a.id}>${b.id}`)) this.#network.cut.add(`${a.id}>${b.id}`);
    this.#say(`only these speak with each other: ${pairs.map(([a, b]) => `${a.name}-${b.name}`).join(' ')}`);
  }

  /** From now on nothing that one says reaches the other. */
  silence(from: Machine, to: Machine): void {
    this.#network.cut.add(`${from.id}>${to.id}`);
    this.#say(`${to.name} does not hear ${from.name}`);
  }

  upload({ life }: Machine, path: string): Promise<void> {
    return life ? this.#upload(life, path) : Promise.resolve();
  }

  remove({ life }: Machine, path: string): Promise<void> {
    return life ? this.#delete(life, path) : Promise.resolve();
  }

  async forget({ life }: Machine): Promise<void> {
    if (life) await this.#attempt(life, 'forgets removals', () => life.forget());
  }

  #happen(): void {
    const dice = this.#random.integer(0, 99);
    if (dice < 62) this.#operate();
    else if (dice < 70) this.#cutNetwork();
    else if (dice < 76) this.#say('the network heals', () => this.#network.cut.clear());
    else if (dice < 80) {
      this.#network.lossRate = this.#random.next() < 0.5 ? 0 : this.#random.next() * 0.4;
      this.#network.slowMs = this.#random.next() < 0.5 ? 20 : 2000;
      this.#say(`messages: ${Math.round(this.#network.lossRate * 100)} % lost, up to ${this.#network.slowMs} ms`);
    } else if (dice < 90) this.#crashSomebody();
    else if (dice < 92) this.#jumpClock();
    else if (dice < 93) this.#removeSomebody();
    else if (dice < 94) void this.#cloneSomebody();
    else if (dice < 96) void this.#backUpOrRestore();
    else this.#forget();
  }

  /** Who can speak with whom changes, and somebody forgets. */
  #partWays(): void {
    const dice = this.#random.next();
    if (dice < 0.3) this.#forget();
    else if (dice < 0.45) this.#operate();
    else if (dice < 0.55) this.#say('the network heals', () => this.#network.cut.clear());
    else {
      const linked: string[] = [];
      this.#network.cut.clear();
      for (const [index, a] of this.machines.entries()) {
        for (const b of this.machines.slice(index + 1)) {
          if (this.#random.next() < 0.4) linked.push(`${a.name}-${b.name}`);
          else
            for (const [from, to] of [
              [a, b],
              [b, a],
            ] as const)
              this.#network.cut.add(`${from.id}>${to.id}`);
        }
      }
      this.#say(`only these speak with each other: ${linked.join(' ')}`);
    }
  }

  #operate(): void {
    const life = this.#random.pick(this.lives().filter(({ ready }) => ready));
    if (!life) return;
    this.operations += 1;
    const dice = this.#random.integer(0, 99);
    const path = this.#path();
    if (dice < 50) void this.#upload(life, path);
    else if (dice < 70) void this.#delete(life, path);
    else if (dice < 85) void this.#move(life, path, this.#path());
    else void this.#restore(life);
  }

  async #upload(life: Life, path: string): Promise<void> {
    const again = this.#random.next() < 0.15 ? this.#random.pick(this.#contents) : undefined;
    const bytes = again ?? Buffer.from(`content ${this.#contents.length} of ${life.id}`);
    if (!again) this.#contents.push(bytes);
    const occupied = this.#random.next() < 0.7 ? 'replace' : 'number';
    await this.#attempt(life, `uploads "${bytes.toString().slice(0, 10)}" to ${path}`, async () => {
      const writer = await life.context.staging.begin();
      await writer.write(bytes);
      const staged = await writer.finish();
      const request = { path, name: path, scene: 's', occupied, by: 'somebody' } as const;
      const { file } = await life.storer.store(staged, request);
      this.#acknowledge(life, file);
    });
  }

  async #delete(life: Life, path: string): Promise<void> {
    await this.#attempt(life, `deletes ${path}`, async () => {
      const file = await life.remover.removePath(path, 'somebody');
      if (life.alive) this.ledger.deleted(life.id, file, this.timeline.nowMs);
    });
  }

  async #move(life: Life, from: string, to: string): Promise<void> {
    const replace = this.#random.next() < 0.5;
    await this.#attempt(life, `moves ${from} to ${to}`, async () => {
      this.#acknowledge(life, await life.mover.move(from, to, { by: 'somebody', replace }));
    });
  }

  async #restore(life: Life): Promise<void> {
    const choice = this.#random.next();
    await this.#attempt(life, 'restores from the trash', async () => {
      const entries = await life.trash.list(20);
      const entry = entries[Math.floor(choice * entries.length)];
      if (!entry) return;
      this.#acknowledge(life, await life.trash.restore(entry.id, { occupied: 'replace', by: 'somebody' }));
    });
  }

  #acknowledge(life: Life, file: CataloguedFile): void {
    if (life.alive) this.ledger.acknowledged(life.id, file, this.timeline.nowMs);
  }

  /** Coded refusals are answers; a life that ends in the middle has answered nothing. */
  async #attempt(life: Life, what: string, work: () => Promise<unknown>): Promise<void> {
    const name = this.#nameOf(life);
    try {
      await work();
      if (life.alive) this.#say(`${name} ${what}`);
    } catch (error) {
      if (!life.alive) return;
      if (error instanceof ShoalError) this.#say(`${name} ${what}: ${error.code}`);
      else this.troubles.push(`${name} ${what}: ${String(error)}`);
    }
  }

  #cutNetwork(): void {
    const names: string[] = [];
    if (this.#random.next() < 0.4) {
      const [from, to] = [this.#random.pick(this.machines), this.#random.pick(this.machines)];
      if (from && to && from !== to) {
        this.#network.cut.add(`${from.id}>${to.id}`);
        names.push(`${from.name} to ${to.name}`);
      }
    } else {
      const side = new Set(this.machines.filter(() => this.#random.next() < 0.5));
      for (const a of this.machines) {
        for (const b of this.machines) if (side.has(a) !== side.has(b)) this.#network.cut.add(`${a.id}>${b.id}`);
      }
      names.push([...side].map(({ name }) => name).join(' '), 'from the others');
    }
    this.#say(`the network is cut: ${names.join(' ')}`);
  }

  #crashSomebody(): void {
    const machine = this.#random.pick(this.machines);
    if (!machine?.life?.alive) return;
    machine.crashIn = this.#random.integer(0, 12);
    this.#say(`${machine.name} will crash in ${machine.crashIn} steps`);
    // One that does nothing crashes all the same.
    this.timeline.after(this.#random.integer(1, 30_000), () => {
      if (machine.crashIn !== undefined) this.#crash(machine, 'idle');
    });
  }

  #crash(machine: Machine, where: string): void {
    const { life } = machine;
    machine.crashIn = undefined;
    if (!life?.alive) return;
    this.#say(`${machine.name} crashes: ${where}`);
    const remains = life.crash();
    const away = this.#random.next() < 0.1 ? 40 * dayMs : this.#random.integer(1, 5 * minuteMs);
    void remains.then((left) => {
      machine.remains = left;
    });
    this.timeline.after(away, () => {
      if (!machine.life?.alive) this.#boot(machine);
    });
  }

  #boot(machine: Machine): void {
    const life = this.#live(machine, machine.remains);
    machine.life = life;
    this.#network.connect(life);
    this.#say(`${machine.name} starts`);
    life.start().catch((error: unknown) => this.#trouble(life, machine, 'start failed', error));
  }

  #live(machine: Machine, remains: Remains | undefined): Life {
    const life: Life = new Life(
      {
        id: machine.id,
        timeline: this.timeline,
        network: this.#network,
        random: () => this.#random.next(),
        skewMs: () => machine.skewMs,
        onStep: (what) => {
          if (machine.crashIn === undefined || machine.life !== life) return;
          machine.crashIn -= 1;
          if (machine.crashIn < 0) this.#crash(machine, what);
        },
        trouble: (what, error) => this.#trouble(life, machine, what, error),
      },
      remains,
    );
    return life;
  }

  /** Broken connections are weather. Everything else that goes wrong in a living node is not. */
  #trouble(life: Life, machine: Machine, what: string, error: unknown): void {
    if (!life.alive) return;
    const reason = error instanceof Error ? error.message : String(error);
    if (/no answer in time|not ready/.test(reason)) return;
    this.troubles.push(`${machine.name}: ${what}: ${error instanceof Error ? (error.stack ?? reason) : reason}`);
  }

  /**
   * A copy of a machine is switched on, with its id and its data. For some seconds members speak with either; then they see two
   * and refuse both, until one of them is switched off for good. Both take files meanwhile.
   */
  async #cloneSomebody(): Promise<void> {
    const machine = this.#random.pick(this.machines.filter(({ twin }) => !twin));
    if (!machine?.life?.alive || !machine.life.ready) return;
    const sinceMs = this.timeline.nowMs;
    const remains = await machine.life.backup();
    if (machine.twin || !machine.life.alive) return;
    this.#say(`a clone of ${machine.name} is switched on`);
    const twin = this.#live(machine, remains);
    machine.twin = { life: twin, sinceMs };
    this.#network.connectTwin(machine.id, twin);
    twin.start().catch((error: unknown) => this.#trouble(twin, machine, 'start failed', error));
    this.timeline.after(this.#random.integer(2_000, 10_000), () => {
      if (machine.twin?.life === twin) this.#network.refused.add(machine.id);
    });
    for (let uploads = this.#random.integer(0, 3); uploads > 0; uploads -= 1)
      this.timeline.after(this.#random.integer(1_000, 20_000), () => {
        if (twin.alive && twin.ready) void this.#upload(twin, this.#path());
      });
    this.timeline.after(this.#random.integer(20_000, 90_000), () => {
      if (machine.twin?.life === twin) void this.#endTwin(machine);
    });
  }

  /** One of two machines with an id is switched off for good, and what only it knew is gone. */
  async #endTwin(machine: Machine): Promise<void> {
    const { life } = machine;
    if (!machine.twin) return;
    const { life: twin, sinceMs } = machine.twin;
    machine.twin = undefined;
    this.#network.connectTwin(machine.id, undefined);
    const known = await this.#seenBesides(machine);
    const stays = twin.alive && this.#random.next() < 0.5 ? twin : life;
    this.#say(`${stays === twin ? machine.name : `the clone of ${machine.name}`} is switched off for good`);
    if (stays === twin) {
      void life?.crash();
      machine.life = twin;
      this.#network.connect(twin);
      machine.crashIn = undefined;
    } else void twin.crash();
    this.ledger.lostDisk(machine.id, sinceMs, known, await this.#contentsBesides(machine));
    this.#network.refused.delete(machine.id);
  }

  /** At most every third member goes. */
  #removeSomebody(): void {
    const removed = this.#network.allRemovals();
    const staying = this.machines.filter(({ id }) => !removed.has(id));
    const [actor, subject] = [this.#random.pick(staying), this.#random.pick(staying)];
    if (!actor || !subject || actor === subject || (removed.size + 1) * 3 > this.machines.length) return;
    void this.removeMember(actor, subject);
  }

  #jumpClock(): void {
    const machine = this.#random.pick(this.machines);
    if (!machine) return;
    machine.skewMs = this.#random.integer(-5, 5) * 60 * minuteMs + this.#random.integer(-2000, 2000);
    this.#say(`the clock of ${machine.name} is off by ${Math.round(machine.skewMs / 1000)} s`);
  }

  async #backUpOrRestore(): Promise<void> {
    const machine = this.#random.pick(this.machines);
    if (!machine?.life?.alive || !machine.life.ready) return;
    const { backup, life } = machine;
    if (!backup || this.#random.next() < 0.3) {
      machine.backup = { remains: await life.backup(), atMs: this.timeline.nowMs };
      this.#say(`${machine.name} is backed up`);
      return;
    }
    this.#say(`${machine.name} comes back from its backup`);
    machine.crashIn = undefined;
    const known = await this.#seenBesides(machine);
    void life.crash();
    // What only this disk knew is gone with it: no promise covers the loss of the only copy.
    this.ledger.lostDisk(machine.id, backup.atMs, known, await this.#contentsBesides(machine));
    machine.remains = { rows: backup.remains.rows, disk: backup.remains.disk.clone() };
    this.timeline.after(this.#random.integer(1, minuteMs), () => {
      if (!machine.life?.alive) this.#boot(machine);
    });
  }

  /** What the others that run have seen. */
  #seenBesides(machine: Machine): Promise<VersionVector[]> {
    const others = this.machines.filter((other) => other !== machine).map(({ life }) => life);
    return Promise.all(others.flatMap((life) => (life?.alive && life.ready ? [life.catalog.seen()] : [])));
  }

  /** Contents that stand on some disk besides that of a machine, and in its backup. */
  async #contentsBesides(machine: Machine): Promise<Set<string>> {
    const rows = machine.backup?.remains.rows ?? [];
    const found = new Set(rows.flatMap(([key]) => (key.startsWith('c\0') ? [key.slice(2, 66)] : [])));
    for (const other of this.machines) {
      if (other === machine) continue;
      if (other.life?.alive) for await (const { sha256 } of other.life.catalog.places()) found.add(sha256);
      else for (const [key] of other.remains?.rows ?? []) if (key.startsWith('c\0')) found.add(key.slice(2, 66));
    }
    return found;
  }

  #forget(): void {
    const life = this.#random.pick(this.lives().filter(({ ready }) => ready));
    if (life) void this.#attempt(life, 'forgets removals', () => life.forget());
  }

  #path(): string {
    const folder = this.#random.pick(['', 'a/', 'b/', 'a/c/']) ?? '';
    return `${folder}${this.#random.integer(0, 5)}`;
  }

  #nameOf(life: Life): string {
    return this.machines.find(({ id }) => id === life.id)?.name ?? '';
  }

  #say(line: string, work?: () => void): void {
    work?.();
    if (this.#traced) this.trace.push(`${(this.timeline.passedMs / 1000).toFixed(3).padStart(12)}  ${line}`);
  }
}
