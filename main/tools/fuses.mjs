// Electron's fuses: abilities of the program that are switched off for good, so that nobody uses the installed app as a
// Node of their own, or loads other code into it. Older runtimes have fewer.
import { FuseState, FuseV1Options, FuseVersion, flipFuses, getCurrentFuseWire } from '@electron/fuses';

const wanted = {
  [FuseV1Options.RunAsNode]: false,
  [FuseV1Options.EnableCookieEncryption]: true,
  [FuseV1Options.EnableNodeOptionsEnvironmentVariable]: false,
  [FuseV1Options.EnableNodeCliInspectArguments]: false,
  [FuseV1Options.EnableEmbeddedAsarIntegrityValidation]: true,
  [FuseV1Options.OnlyLoadAppFromAsar]: true,
  [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
  [FuseV1Options.GrantFileProtocolExtraPrivileges]: false,
};

/** Sets those that a program has. @returns the names of those that it has not. */
export async function setFuses(program) {
  const wire = await getCurrentFuseWire(program);
  const has = (fuse) => wire[fuse] !== undefined && wire[fuse] !== FuseState.REMOVED;
  const there = Object.entries(wanted).filter(([fuse]) => has(fuse));
  await flipFuses(program, {
    version: FuseVersion.V1,
    resetAdHocDarwinSignature: program.endsWith('.app'),
    ...Object.fromEntries(there),
  });
  const missing = Object.keys(wanted).filter((fuse) => !has(fuse));
  return missing.map((fuse) => FuseV1Options[fuse]);
}

/** @returns every fuse of a program by name: on, off, or as Electron decides. */
export async function readFuses(program) {
  const { version: _version, ...wire } = await getCurrentFuseWire(program);
  const words = { [FuseState.ENABLE]: 'on', [FuseState.DISABLE]: 'off' };
  return Object.fromEntries(
    Object.entries(wire).map(([fuse, state]) => [FuseV1Options[fuse], words[state] ?? 'other']),
  );
}
