/**
 * Hosts on a LAN, as network namespaces of this machine: N hosts `10.77.0.1` ... on one bridge, programs in each, links that
 * are cut and healed. Everything lives below one process that ends when its input ends: whatever becomes of the tests, the
 * kernel cleans up. Linux, root, `ip` (iproute2), `unshare` and `nsenter` (util-linux), `iptables` for lost packets.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const isolation = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];

/** Makes the private folder for `ip netns`; the namespace around the hosts holds the bridge. */
const prelude = `
set -eu
mount -t tmpfs none /run
mkdir /run/netns
ip link set lo up
ip link add br0 type bridge mcast_snooping 0
ip link set br0 up
plug() { # host: a card in it and a cable to the bridge
  ip link add "v$1" type veth peer name eth0 netns "n$1"
  ip link set "v$1" master br0 up
  ip -n "n$1" link set eth0 up
}
address() { # host, address: the only one of its card, and the way to everywhere
  ip -n "n$1" addr flush dev eth0
  ip -n "n$1" addr add "$2/24" dev eth0
  ip -n "n$1" route add default dev eth0
}
`;

/** Each line is a command; its answer ends with a line that tells how it ended. */
const obey = `
set +eu
echo "=0"
while IFS= read -r line; do eval "$line" 2>&1; echo "=$?"; done
`;

/** Why there are no namespaces here; undefined when there are. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are there on Linux only';
  const probe = `${prelude}\nip netns add n1; plug 1; address 1 10.77.0.1; ip netns exec n1 iptables -L INPUT; command -v nsenter`;
  const { status, stderr, error } = spawnSync('unshare', [...isolation, 'bash', '-c', probe], { encoding: 'utf8' });
  if (error) return `unshare: ${error.message}`;
  return status === 0 ? undefined : `network namespaces are not possible here: ${stderr.trim()}`;
}

/** A program in a host. */
export interface LabProcess {
  readonly child: ChildProcess;
  /** Lines of its output so far. */
  readonly lines: readonly string[];
  /** What it printed as errors so far. */
  readonly errors: () => string;
  /** How it ended: its exit code; null after a signal. */
  readonly ended: Promise<number | null>;
  /** Hears every line that comes from now on. @returns the end of listening. */
  readonly onLine: (listener: (line: string) => void) => () => void;
  /** kill -9. */
  readonly kill: () => Promise<void>;
}

/** The LAN. */
export class NetworkLab implements AsyncDisposable {
  readonly #shell: ChildProcess;
  readonly #pid: number;
  readonly #answers: AsyncIterator<string>;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(shell: ChildProcess, pid: number, answers: AsyncIterator<string>) {
    this.#shell = shell;
    this.#pid = pid;
    this.#answers = answers;
  }

  /** Opens a LAN of hosts 1 to `hosts`. */
  static async open(hosts: number): Promise<NetworkLab> {
    const setup = Array.from({ length: hosts }, (_, index) => {
      const host = index + 1;
      return `ip netns add n${host}; ip -n n${host} link set lo up; plug ${host}; address ${host} 10.77.0.${host}`;
    });
    const script = [prelude, ...setup, obey].join('\n');
    const shell = spawn('unshare', [...isolation, 'bash', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const answers = createInterface({ input: shell.stdout })[Symbol.asyncIterator]();
    const first = await answers.next();
    if (first.value !== '=0') throw new Error(`the LAN did not come up: ${first.value}`);
    return new NetworkLab(shell, childOf(shell.pid ?? 0), answers);
  }

  /** Process id of the shell that everything lives below, as this machine counts. */
  get pid(): number {
    return this.#pid;
  }

  /** Runs a line of shell outside the hosts, where the bridge is. @throws when it fails, with what it printed. */
  sh(line: string): Promise<string> {
    const run = this.#last.then(async () => {
      this.#shell.stdin?.write(`${line}\n`);
      const printed: string[] = [];
      for (;;) {
        const { value, done } = await this.#answers.next();
        if (done) throw new Error(`the LAN is gone: ${line}`);
        if (value === '=0') return printed.join('\n');
        if (/^=\d+$/.test(value)) throw new Error(`${line}: ${printed.join('\n')}`);
        printed.push(value);
      }
    });
    this.#last = run.catch(() => undefined);
    return run;
  }

  /** Runs a line of shell in a host. */
  in(host: number, line: string): Promise<string> {
    return this.sh(`ip netns exec n${host} sh -c '${line.replaceAll("'", "'\\''")}'`);
  }

  /** Pulls the cable of a host. */
  async cut(host: number): Promise<void> {
    await this.sh(`ip link set v${host} down`);
  }

  /** Puts it in again. */
  async heal(host: number): Promise<void> {
    await this.sh(`ip link set v${host} up`);
  }

  /** Loses a share (0 to 1) of the packets that a host would get; 0 ends it. */
  async lose(host: number, share: number): Promise<void> {
    await this.in(host, 'iptables -F INPUT');
    if (share > 0) {
      await this.in(host, `iptables -A INPUT -m statistic --mode random --probability ${share} -j DROP`);
    }
  }

  /** A firewall in a host lets nobody open connections to a port, without a word; none: it is gone. What is open stays open. */
  async block(host: number, port: number | undefined): Promise<void> {
    await this.in(host, 'iptables -F INPUT');
    if (port !== undefined) await this.in(host, `iptables -A INPUT -p tcp --syn --dport ${port} -j DROP`);
  }

  /** Gives a host another address, in place of the one it has. */
  async readdress(host: number, address: string): Promise<void> {
    await this.sh(`address ${host} ${address}`);
  }

  /** Starts a program in a host. */
  run(host: number, command: string, ...args: readonly string[]): Promise<LabProcess> {
    return startBelow(this.#pid, ['ip', 'netns', 'exec', `n${host}`], [command, ...args], (pid) =>
      this.sh(`kill -9 ${pid}`),
    );
  }

  /** The command that runs another in a host, for who starts it with descriptors of their own. */
  wrapperOf(host: number): readonly string[] {
    return ['nsenter', '--target', String(this.#pid), '--net', '--mount', '--pid', 'ip', 'netns', 'exec', `n${host}`];
  }

  /** Ends every program and the LAN. */
  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#shell, 'close');
    this.#shell.stdin?.end();
    await ended;
  }
}

/** Starts a program in the namespaces of a process. It says its own number in there first, by which it is killed. */
async function startBelow(
  pid: number,
  wrapper: readonly string[],
  command: readonly string[],
  kill: (pid: string) => Promise<unknown>,
): Promise<LabProcess> {
  const enter = ['--target', String(pid), '--net', '--mount', '--pid', ...wrapper];
  const child = spawn('nsenter', [...enter, 'sh', '-c', 'echo $$; exec "$@"', 'sh', ...command]);
  const lines: string[] = [];
  const listeners = new Set<(line: string) => void>();
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  // What is written to a program that has just ended is lost, as it would be on a terminal.
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'close').then(([code]) => code as number | null);
  let inner: string | undefined;
  let began = () => {};
  const beginning = new Promise<void>((resolve) => {
    began = resolve;
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (inner === undefined) {
      inner = line;
      return began();
    }
    lines.push(line);
    for (const listener of listeners) listener(line);
  });
  await Promise.race([beginning, ended]);
  const own = inner;
  if (own === undefined) throw new Error(`${command[0]} did not start: ${errors}`);
  return {
    child,
    lines,
    errors: () => errors,
    ended,
    onLine: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    kill: async () => {
      await kill(own);
      await ended;
    },
  };
}

/** The only child of a process. Not every kernel lists children, so that all processes are looked at. */
function childOf(parent: number): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      // `<pid> (<name>) <state> <parent> ...`; the name may hold anything.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ');
      if (fields?.[1] === String(parent)) return Number(pid);
    } catch {
      // It has ended meanwhile.
    }
  }
  throw new Error(`process ${parent} has no child`);
}
