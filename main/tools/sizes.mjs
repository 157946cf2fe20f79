// How large the packages are, and what of: printed after every build.
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';

/** Parts of the packed folder that are told apart. */
const parts = {
  'the window: app.asar': 'resources/app.asar',
  'the Node of the storage node': 'resources/node/shoal-node',
  'packages of the storage node': 'resources/node/node_modules',
  'the storage node and the web app': 'resources/node/dist',
};

/** @returns lines: each package, and the folder by its parts; what is none of them is Electron. */
export async function sizeReport(folder) {
  const lines = ['Sizes in MB:'];
  for (const name of (await readdir(folder)).sort()) {
    if (/\.(deb|tar\.gz|AppImage|exe|dmg|zip)$/.test(name))
      lines.push(line(name, await sizeOf(path.join(folder, name))));
  }
  const packed = path.join(folder, 'linux-unpacked');
  const all = await sizeOf(packed).catch(() => undefined);
  if (all !== undefined) {
    lines.push(line('linux-unpacked', all));
    let rest = all;
    for (const [title, place] of Object.entries(parts)) {
      const size = await sizeOf(path.join(packed, place));
      rest -= size;
      lines.push(line(`  ${title}`, size));
    }
    lines.push(line('  Electron', rest));
  }
  return lines.join('\n');
}

function line(title, bytes) {
  return `${(bytes / 1e6).toFixed(1).padStart(8)}  ${title}`;
}

/** Bytes of a file or folder; links are not followed. */
export async function sizeOf(entry) {
  const stats = await lstat(entry);
  if (!stats.isDirectory()) return stats.size;
  const names = await readdir(entry);
  const sizes = await Promise.all(names.map((name) => sizeOf(path.join(entry, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}
