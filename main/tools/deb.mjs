// The Debian package, by dpkg-deb from a packed folder: what electron-builder needs a download for.
import { chmod, copyFile, cp, lstat, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../node-core/packaging/package-cache.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const architectures = { x64: 'amd64', arm64: 'arm64' };

/**
 * Builds it.
 * @param packed folder of the packed app. @param config what electron-builder.yml says. @param app package.json of the app.
 * @param level of compression, 1 to 9. @returns path of the package.
 */
export async function buildDeb({ packed, config, app, arch, level, outDir }) {
  const folder = path.join(outDir, 'deb');
  await rm(folder, { recursive: true, force: true });
  const at = (...parts) => path.join(folder, ...parts);
  await mkdir(at('opt'), { recursive: true });
  // Hard links where possible: some hundred megabytes are only passing through.
  await run('cp', ['-al', packed, at('opt', config.productName)]).catch(() =>
    cp(packed, at('opt', config.productName), { recursive: true }),
  );
  // A file of this package alone; electron-updater reads which kind it updates.
  await writeFile(at('opt', config.productName, 'resources', 'package-type'), 'deb');
  await mkdir(at('usr', 'share', 'applications'), { recursive: true });
  await writeFile(at('usr', 'share', 'applications', 'shoal.desktop'), desktopEntry(config, app));
  for (const name of await readdir(path.join(root, 'dist', 'icons'))) {
    const [size] = /^\d+x\d+(?=\.png$)/.exec(name) ?? [];
    if (size !== undefined)
      await copyTo(path.join(root, 'dist', 'icons', name), at('usr/share/icons/hicolor', size, 'apps/shoal.png'));
  }
  await copyTo(path.join(root, 'assets', 'icon.svg'), at('usr/share/icons/hicolor/scalable/apps/shoal.svg'));
  await copyTo(path.join(root, 'LICENSE'), at('usr/share/doc/shoal/copyright'));
  const control = { ...config.deb, kib: await kibOf(folder) };
  await mkdir(at('DEBIAN'));
  await writeFile(at('DEBIAN', 'control'), controlFile(config, app, architectures[arch], control));
  for (const script of ['postinst', 'postrm']) {
    await copyFile(path.join(root, 'assets', 'linux', script), at('DEBIAN', script));
    await chmod(at('DEBIAN', script), 0o755);
  }
  const file = path.join(outDir, `shoal_${app.version}_${architectures[arch]}.deb`);
  await run('dpkg-deb', ['--root-owner-group', '-Zgzip', `-z${level}`, '--build', folder, file]);
  await rm(folder, { recursive: true, force: true });
  return file;
}

async function copyTo(from, to) {
  await mkdir(path.dirname(to), { recursive: true });
  await copyFile(from, to);
}

function controlFile({ linux }, app, architecture, { depends, recommends, kib }) {
  const lines = {
    Package: app.name,
    Version: app.version,
    Architecture: architecture,
    Maintainer: linux.maintainer,
    'Installed-Size': kib,
    Depends: depends.join(', '),
    Recommends: recommends.join(', '),
    Section: 'net',
    Priority: 'optional',
    Description: `${linux.synopsis}\n ${app.description}.`,
  };
  return `${Object.entries(lines)
    .map(([key, value]) => `${key}: ${value}`)
    .join('\n')}\n`;
}

/** The same as electron-builder makes for its own packages. */
export function desktopEntry({ productName, linux, protocols }, app) {
  const types = protocols.flatMap(({ schemes }) => schemes).map((scheme) => `x-scheme-handler/${scheme};`);
  const lines = {
    Name: productName,
    Exec: `/opt/${productName}/shoal %U`,
    Terminal: 'false',
    Type: 'Application',
    Icon: 'shoal',
    StartupWMClass: 'shoal',
    ...linux.desktop.entry,
    Comment: app.description,
    MimeType: types.join(''),
    Categories: linux.category,
  };
  return `[Desktop Entry]\n${Object.entries(lines)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')}`;
}

async function kibOf(entry) {
  const stats = await lstat(entry);
  if (!stats.isDirectory()) return Math.ceil(stats.size / 1024);
  const names = await readdir(entry);
  const sizes = await Promise.all(names.map((name) => kibOf(path.join(entry, name))));
  return sizes.reduce((sum, size) => sum + size, 4);
}
