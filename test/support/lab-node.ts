/** Real nodes on hosts of a LAN: the built program, its own data folder, and a client beside it. */
import { createHash } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundleProgram } from './bundled-program.ts';
import { eventually } from './eventually.ts';
import { type LabAnswer, type LabQuestion, seededBytes } from './lab-http.ts';
import type { LabProcess, NetworkLab } from './network-namespaces.ts';

const program = path.join(import.meta.dirname, '..', '..', 'dist', 'node-core', 'shoal.cjs');
const client = await bundleProgram('lab-http.ts');

/** A member, as the API tells. */
export interface LabMember {
  readonly id: string;
  readonly online: boolean;
  readonly self: boolean;
}

/** A node on a host. */
export class LabNode {
  readonly host: number;
  readonly dataDir: string;
  readonly #lab: NetworkLab;
  readonly #client: LabProcess;
  readonly #waiting = new Map<number, (answer: LabAnswer) => void>();
  #process: LabProcess | undefined;
  #count = 0;

  private constructor(lab: NetworkLab, host: number, dataDir: string, process: LabProcess) {
    this.#lab = lab;
    this.host = host;
    this.dataDir = dataDir;
    this.#client = process;
    process.onLine((line) => {
      const answer = JSON.parse(line) as LabAnswer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  /** A host with a client and an empty data folder; nothing runs yet. */
  static async on(lab: NetworkLab, host: number): Promise<LabNode> {
    const dataDir = await mkdtemp(path.join(tmpdir(), `shoal-lab-${host}-`));
    return new LabNode(lab, host, dataDir, await lab.run(host, process.execPath, client));
  }

  /** Starts the node. @returns when it says that it is ready. */
  async start(...options: readonly string[]): Promise<void> {
    const command = [program, '--server', '--data', this.dataDir, '--name', `host ${this.host}`, ...options];
    this.#process = await this.#lab.run(this.host, 'env', 'LANG=C', process.execPath, ...command);
    await eventually(async () => this.output.includes('http://'), `host ${this.host} is ready`, 30_000);
  }

  /** What the node has printed since it was started. */
  get output(): string {
    return `${this.#process?.lines.join('\n') ?? ''}\n${this.#process?.errors() ?? ''}`;
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#process?.kill();
    this.#process = undefined;
  }

  /** Process id as this machine counts it. */
  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  /** Asks the node of this host. */
  ask(method: string, address: string, more: Pick<LabQuestion, 'json' | 'file'> = {}): Promise<LabAnswer> {
    this.#count += 1;
    const question: LabQuestion = { id: this.#count, method, url: `http://127.0.0.1:8080${address}`, ...more };
    return new Promise((resolve) => {
      this.#waiting.set(question.id, resolve);
      this.#client.child.stdin?.write(`${JSON.stringify(question)}\n`);
    });
  }

  /** Uploads bytes of a seed. @returns their path below the group, and their digest. @throws when it is not acknowledged. */
  async upload(seed: string, bytes: number, name = `${seed}.bin`): Promise<{ path: string; sha256: string }> {
    const answer = await this.ask('POST', '/group1/upload', { file: { name, seed, bytes } });
    if (answer.status !== 200) throw new Error(`upload at host ${this.host}: ${answer.status} ${answer.text}`);
    const sha256 = createHash('sha256').update(seededBytes(seed, bytes)).digest('hex');
    return { path: (JSON.parse(answer.text) as { path: string }).path, sha256 };
  }

  /** Status and digest of a download. */
  async download(file: string): Promise<{ status: number; sha256: string }> {
    const { status, sha256 } = await this.ask('GET', file.split('/').map(encodeURIComponent).join('/'));
    return { status, sha256 };
  }

  /** Deletes a path. */
  async remove(file: string): Promise<void> {
    const { status, text } = await this.ask('GET', `/group1/delete?path=${encodeURIComponent(file)}`);
    if (status !== 200) throw new Error(`delete at host ${this.host}: ${status} ${text}`);
  }

  /** The members that the node knows. */
  async members(): Promise<readonly LabMember[]> {
    const { status, text } = await this.ask('GET', '/api/v1/members');
    return status === 200 ? (JSON.parse(text) as { members: LabMember[] }).members : [];
  }

  /** A copy of the data folder, as a backup of yesterday would be; the node does not run. */
  async backUp(): Promise<() => Promise<void>> {
    const copy = `${this.dataDir}.backup`;
    await cp(this.dataDir, copy, { recursive: true });
    return async () => {
      await rm(this.dataDir, { recursive: true });
      await cp(copy, this.dataDir, { recursive: true });
    };
  }

  /** Removes what it left on the disk; the LAN is gone by then. */
  async clean(): Promise<void> {
    await rm(this.dataDir, { recursive: true, force: true });
    await rm(`${this.dataDir}.backup`, { recursive: true, force: true });
  }
}

/** Waits until each of some nodes sees exactly these as members that are there. @returns milliseconds that it took. */
export async function allSee(nodes: readonly LabNode[], withinMs = 30_000): Promise<number> {
  const began = performance.now();
  for (const node of nodes)
    await eventually(
      async () => {
        const members = await node.members();
        return members.length === nodes.length && members.every(({ online }) => online);
      },
      `host ${node.host} sees ${nodes.length} members`,
      withinMs,
    );
  return Math.round(performance.now() - began);
}

/** Waits until all of some nodes serve a file, or none does. @returns milliseconds that it took. */
export async function everywhere(
  nodes: readonly LabNode[],
  { path: file, sha256 }: { readonly path: string; readonly sha256: string | undefined },
  withinMs = 30_000,
): Promise<number> {
  const began = performance.now();
  for (const node of nodes)
    await eventually(
      async () => {
        const found = await node.download(file);
        return sha256 === undefined ? found.status === 404 : found.sha256 === sha256;
      },
      `host ${node.host} ${sha256 === undefined ? 'has not' : 'has'} ${file}`,
      withinMs,
    );
  return Math.round(performance.now() - began);
}
