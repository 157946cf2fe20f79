/**
 * Executes what documents tell people to type: the blocks of a page marked `sh`, in their order, in one shell and one folder,
 * against a real node. Programs that would reach out of the test stand in front of the real ones (`shims`): `npm` runs this
 * build, `ssh` runs here. A command that fails, and an answer of HTTP that is none of success, fails the test.
 *
 * A block whose info string is `sh elsewhere` needs what no test has (a container engine, another host): it is only listed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll } from 'vitest';
import { temporaryFolder } from './temporary-folder.ts';

/** A block of commands. */
export interface CommandBlock {
  readonly text: string;
  /** Line of the page on which it begins. */
  readonly line: number;
  readonly elsewhere: boolean;
}

/** The blocks of a page of Markdown. */
export function commandBlocks(markdown: string): CommandBlock[] {
  const blocks: CommandBlock[] = [];
  const fence = /^```sh(?<how>[^\n]*)\n(?<text>[\s\S]*?)^```$/gm;
  for (const { groups, index } of markdown.matchAll(fence)) {
    const elsewhere = groups?.how?.trim() === 'elsewhere';
    blocks.push({ text: groups?.text ?? '', line: markdown.slice(0, index).split('\n').length, elsewhere });
  }
  return blocks;
}

/** A folder with a shell in which pages are followed. */
export interface Follower {
  readonly folder: string;
  /** Address of the node that was started last. */
  readonly origin: () => Promise<string>;
  /** Executes a block. @returns all that it printed. @throws with that when it fails. */
  readonly follow: (text: string) => Promise<string>;
}

const root = path.join(import.meta.dirname, '..', '..');
const followers = new Set<string>();

afterAll(async () => {
  for (const folder of followers) await stopNode(folder);
});

/** A new folder with nothing in it but an empty home. */
export async function newFollower(): Promise<Follower> {
  const top = await temporaryFolder();
  const folder = path.join(top, 'shoal');
  const shims = path.join(top, 'shims');
  const home = path.join(top, 'home');
  for (const made of [folder, shims, home]) await mkdir(made);
  followers.add(folder);
  for (const [name, text] of Object.entries(shimTexts(folder))) {
    await writeFile(path.join(shims, name), text);
    await chmod(path.join(shims, name), 0o755);
  }
  const env = Object.entries(process.env).filter(([name]) => !/^(SHOAL_|GO_FASTDFS_|LC_|LANG)/.test(name));
  const shell = {
    ...Object.fromEntries(env),
    PATH: `${shims}:${process.env.PATH}`,
    HOME: home,
    LANG: 'C',
    SHOAL_NO_DISCOVERY: '1',
    SHOAL_PEER_ADDR: '127.0.0.1:0',
    SHOAL_DEFAULT_DATA: path.join(folder, 'shoal-data'),
  };
  return {
    folder,
    origin: async () => (await readFile(path.join(folder, '..', 'origin'), 'utf8')).trim(),
    // Functions and these variables live on from block to block, as in the shell of a reader.
    follow: (text) =>
      runShell(
        `set -euo pipefail\n. ../variables 2>/dev/null || true\n${text}\nset +u\n{ declare -f; declare -p KEY TOKEN LINK; } > ../variables 2>/dev/null || true`,
        folder,
        shell,
      ),
  };
}

function runShell(script: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  const child: ChildProcess = spawn('bash', ['-c', script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`ended with ${code}:\n${script}\n---\n${output}`));
    });
  });
}

/** Programs that stand in front of the real ones, by name. */
function shimTexts(folder: string): Record<string, string> {
  const program = `exec '${process.execPath}' '${path.join(root, 'dist', 'node-core', 'shoal.cjs')}'`;
  const { out, pid, origin } = nodeFiles(folder);
  return {
    // Starts the node in the background; one that runs is stopped first: a reader does that, too.
    'start-node': `#!/bin/bash
set -euo pipefail
stop-node
addr=()
[ -e '${origin}' ] && addr=(--addr "$(sed 's|http://||' '${origin}')") || addr=(--addr 127.0.0.1:0)
(${program} --server "\${addr[@]}" "$@" > '${out}' 2>&1) &
echo $! > '${pid}'
for _ in $(seq 300); do
  if found=$(grep -om1 'http://127.0.0.1:[0-9]*' '${out}'); then echo "$found" > '${origin}'; exit 0; fi
  kill -0 $(cat '${pid}') || { cat '${out}'; exit 1; }
  sleep 0.1
done
cat '${out}'; exit 1
`,
    'stop-node': `#!/bin/bash
[ -e '${pid}' ] || exit 0
kill $(cat '${pid}') 2>/dev/null || exit 0
while kill -0 $(cat '${pid}') 2>/dev/null; do sleep 0.05; done
`,
    npm: `#!/bin/bash
set -euo pipefail
case "$*" in
  ci|test|'run build'|'run desktop') ;;
  'run server'*) shift 2; [ "\${1-}" != -- ] || shift; exec start-node "$@" ;;
  'run shoal -- '*) shift 3; ${program} "$@" ;;
  'run -s shoal -- '*) shift 4; ${program} "$@" ;;
  *) echo "npm $* is not known here" >&2; exit 1 ;;
esac
`,
    // One with a data folder of its own is the page's affair: it may start several, and writes down their ids (NAME.pid).
    shoal: `#!/bin/bash
case "$*" in --server*' --data '*) ${program} "$@" ;; --server*) shift; exec start-node "$@" ;; esac
${program} "$@"
`,
    ssh: '#!/bin/bash\nshift\nexec sh -c "$*"\n',
    // What a reader would see as an error is one.
    curl: `#!/bin/bash
case " $* " in *' -f '*) fail=--fail ;; *) fail=--fail-with-body ;; esac
exec /usr/bin/curl --silent --show-error $fail --max-time 60 "$@"
`,
  };
}

function nodeFiles(folder: string) {
  const at = (name: string) => path.join(folder, '..', name);
  return { out: at('out'), pid: at('pid'), origin: at('origin') };
}

/** Ends the node of a page, and those that the page started itself. */
async function stopNode(folder: string): Promise<void> {
  const own = (await readdir(folder)).filter((name) => name.endsWith('.pid')).map((name) => path.join(folder, name));
  for (const file of [nodeFiles(folder).pid, ...own]) {
    const text = await readFile(file, 'utf8').catch(() => '');
    try {
      if (text !== '') process.kill(Number(text), 'SIGKILL');
    } catch {
      // It has ended already.
    }
  }
}
