// The packages that the app is made of, with their licences: the node's at runtime, and those that the sources of the window
// and the web app import, each with what it needs itself. From the lock file.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** @param folders of sources. @returns a line for each package: name, version, licence. */
export async function licencesOf(folders) {
  const { packages } = JSON.parse(await readFile(path.join(root, 'package-lock.json'), 'utf8'));
  const { dependencies, devDependencies } = packages[''];
  const imported = (await Promise.all(folders.map((folder) => importsBelow(path.join(root, folder))))).flat();
  const found = new Map();
  const take = (name, from) => {
    const at = placeOf(packages, name, from);
    if (at === undefined || found.has(at)) return;
    found.set(at, `${name} ${packages[at].version}  ${packages[at].license ?? 'see its package'}`);
    for (const one of Object.keys(packages[at].dependencies ?? {})) take(one, at);
    // Binaries: those of this system stand for the others', which are the same libraries.
    for (const one of Object.keys(packages[at].optionalDependencies ?? {})) if (isOfThisSystem(one, at)) take(one, at);
  };
  const isOfThisSystem = (name, from) => {
    const { os, cpu, libc } = packages[placeOf(packages, name, from)] ?? {};
    return os?.includes(process.platform) && cpu?.includes(process.arch) && !libc?.includes('musl');
  };
  for (const name of Object.keys(dependencies)) take(name, '');
  // The program of that name is told of elsewhere; its package is a way to fetch it.
  for (const name of imported) if (name in devDependencies && name !== 'electron') take(name, '');
  return `${[...new Set(found.values())].sort().join('\n')}\n`;
}

/** Where Node finds a package that another one imports: in its own folder, or in one above it. */
function placeOf(packages, name, from) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const place = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (packages[place]) return place;
    if (folder === '') return undefined;
  }
}

async function importsBelow(folder) {
  const files = await readdir(folder, { recursive: true });
  const sources = files.filter((file) => /\.tsx?$/.test(file));
  const names = await Promise.all(
    sources.map(async (file) => {
      const text = await readFile(path.join(folder, file), 'utf8');
      return [...text.matchAll(/(?:from|import)\s*\(?\s*'((?:@[^/']+\/)?[^./'][^/']*)/g)].map(([, name]) => name);
    }),
  );
  return [...new Set(names.flat())];
}
