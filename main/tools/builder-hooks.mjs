// What electron-builder calls when it has packed the window: the storage node is put beside it as plain files (a real Node
// reads no asar, and electron-builder copies no node_modules), Electron gets its fuses and, on Linux, the launcher takes
// the program's name.
import { copyFile, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stageNode } from '../../node-core/packaging/stage.mjs';
import { setFuses } from './fuses.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** electron-builder's numbers of architectures. */
const archNames = { 1: 'x64', 3: 'arm64' };

export async function afterPack({ electronPlatformName, arch, appOutDir, packager }) {
  const { productFilename } = packager.appInfo;
  const node = path.join(packager.getResourcesDir(appOutDir), 'node');
  await stageNode(electronPlatformName, archNames[arch], node);
  await copyFile(path.join(root, 'main', 'launcher', 'installed.cjs'), path.join(node, 'installed.cjs'));
  if (electronPlatformName === 'linux') {
    const launcher = path.join(appOutDir, packager.executableName);
    const program = path.join(appOutDir, 'shoal-app');
    await rename(launcher, program);
    await setFuses(await ownFile(program));
    await copyFile(path.join(root, 'assets', 'linux', 'shoal'), launcher);
    await copyFile(
      path.join(root, 'assets', 'linux', 'apparmor'),
      path.join(appOutDir, 'resources', 'apparmor-profile'),
    );
  } else if (electronPlatformName === 'win32') await setFuses(path.join(appOutDir, `${productFilename}.exe`));
  else await setFuses(path.join(appOutDir, `${productFilename}.app`));
}

/** electron-builder may have made links to the runtime it took: what is changed must be a file of its own. */
async function ownFile(file) {
  const { nlink } = await stat(file);
  if (nlink > 1) {
    await copyFile(file, `${file}.own`);
    await rename(`${file}.own`, file);
  }
  return file;
}
