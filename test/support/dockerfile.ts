/**
 * Executes a Dockerfile without an engine: every stage in a throw-away root, every instruction as the reference says
 * (docs.docker.com, Dockerfile reference). What it does not know it refuses, so that nothing of a Dockerfile goes untested.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Copy, DockerfileParser, type Instruction } from 'dockerfile-ast';
import { executeIn, usualPath } from './throwaway-root.ts';

/** What an image is: its root, and how it is run. */
export interface Image {
  readonly root: string;
  readonly env: Record<string, string>;
  entrypoint: readonly string[];
  command: readonly string[];
  healthcheck: readonly string[];
  stopSignal: string;
  user: string | undefined;
  folder: string;
  readonly volumes: string[];
  readonly ports: string[];
}

/** What the images are made from. */
export interface BuildOptions {
  /** Folder of the sources, with Dockerfile and .dockerignore. */
  readonly context: string;
  /** Makes the root of a base image. */
  readonly base: (name: string) => Promise<{ readonly root: string; readonly env: NodeJS.ProcessEnv }>;
  /** Folders of this host that are seen while instructions run, by their path in the root. */
  readonly mounts?: Readonly<Record<string, string>>;
}

/** Builds all stages. @returns the last one's image. */
export async function buildDockerfile(options: BuildOptions): Promise<Image> {
  const text = await readFile(path.join(options.context, 'Dockerfile'), 'utf8');
  const images = new Map<string, Image>();
  let image: Image | undefined;
  let running: NodeJS.ProcessEnv = {};
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    const keyword = instruction.getKeyword();
    const words = wordsOf(instruction);
    if (keyword === 'FROM') {
      const [name = '', , alias] = words.filter((word) => !word.startsWith('--'));
      const { root, env } = await options.base(name);
      running = env;
      image = emptyImage(root);
      if (alias !== undefined) images.set(alias, image);
      continue;
    }
    if (!image) throw new Error(`${keyword} before FROM`);
    await execute(image, keyword, instruction, options, { images, running });
  }
  if (!image) throw new Error('there is no FROM');
  return image;
}

/** What the instructions of a stage need besides its image. */
interface Stage {
  readonly images: ReadonlyMap<string, Image>;
  /** Variables while instructions run: those of ARG, and this host's way to the registry. */
  readonly running: NodeJS.ProcessEnv;
}

async function execute(
  image: Image,
  keyword: string,
  instruction: Instruction,
  options: BuildOptions,
  { images, running }: Stage,
): Promise<void> {
  const words = wordsOf(instruction);
  const [first = ''] = words;
  switch (keyword) {
    case 'ARG': {
      const [name = '', value = ''] = first.split('=');
      running[name] = value;
      break;
    }
    case 'ENV': {
      const [name = '', value = ''] = first.split('=');
      image.env[name] = value;
      break;
    }
    case 'WORKDIR':
      image.folder = first;
      await mkdir(path.join(image.root, first), { recursive: true });
      break;
    case 'RUN':
      await executeIn(image.root, ['/bin/sh', '-c', instruction.getArgumentsContent() ?? ''], {
        env: { ...running, ...image.env },
        folder: image.folder,
        ...(options.mounts && { mounts: options.mounts }),
      });
      break;
    case 'COPY':
      await copy(image, instruction as Copy, options.context, images);
      break;
    case 'USER':
      image.user = first;
      break;
    case 'VOLUME':
      image.volumes.push(...words);
      break;
    case 'EXPOSE':
      image.ports.push(...words);
      break;
    case 'STOPSIGNAL':
      image.stopSignal = first;
      break;
    case 'HEALTHCHECK':
      image.healthcheck = jsonOf((instruction.getArgumentsContent() ?? '').replace(/^.*?CMD /s, ''));
      break;
    case 'ENTRYPOINT':
      image.entrypoint = jsonOf(instruction.getArgumentsContent());
      break;
    case 'CMD':
      image.command = jsonOf(instruction.getArgumentsContent());
      break;
    default:
      throw new Error(`${keyword} is not known here`);
  }
}

async function copy(
  image: Image,
  instruction: Copy,
  context: string,
  images: ReadonlyMap<string, Image>,
): Promise<void> {
  const from = instruction.getFromFlag()?.getValue() ?? undefined;
  const paths = instruction.getArguments().map((argument) => argument.getValue());
  const target = path.join(image.root, path.posix.resolve(image.folder, paths.at(-1) ?? ''));
  await mkdir(target, { recursive: true });
  for (const source of paths.slice(0, -1)) {
    if (from !== undefined) {
      const stage = images.get(from);
      if (!stage) throw new Error(`there is no stage ${from}`);
      // With owners and modes, as an engine does for folders of a stage.
      await promisify(execFile)('cp', ['-a', `${path.join(stage.root, source)}/.`, target]);
    } else if (source === '.') {
      for (const name of await sentToTheEngine(context))
        await cp(path.join(context, name), path.join(target, name), { recursive: true });
    } else await cp(path.join(context, source), path.join(target, path.basename(source)), { recursive: true });
  }
}

/** What .dockerignore lets through: here it refuses everything and then names what is sent. */
async function sentToTheEngine(context: string): Promise<string[]> {
  const lines = (await readFile(path.join(context, '.dockerignore'), 'utf8')).trim().split('\n');
  if (lines[0] !== '*' || lines.slice(1).some((line) => !/^![\w.-]+$/.test(line)))
    throw new Error('.dockerignore is of another kind than this understands');
  return lines.slice(1).map((line) => line.slice(1));
}

function emptyImage(root: string): Image {
  return {
    root,
    env: { PATH: usualPath },
    entrypoint: [],
    command: [],
    healthcheck: [],
    stopSignal: 'SIGTERM',
    user: undefined,
    folder: '/',
    volumes: [],
    ports: [],
  };
}

function wordsOf(instruction: Instruction): string[] {
  return (instruction.getRawArgumentsContent() ?? '').split(/\s+/).filter((word) => word !== '');
}

function jsonOf(text: string | null): readonly string[] {
  return JSON.parse(text ?? '[]') as string[];
}
