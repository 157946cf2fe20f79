// The command of the installed app, on the Node that it ships: the same program as on a server. Commands speak to the
// window's node unless they are told another data folder, so that is the default here.
'use strict';
const { readFileSync } = require('node:fs');
const { homedir } = require('node:os');
const path = require('node:path');

/** The folder of the app's profile, as Electron names it. */
function profileFolder() {
  if (process.env.SHOAL_DESKTOP_PROFILE) return path.resolve(process.env.SHOAL_DESKTOP_PROFILE);
  const home = homedir();
  if (process.platform === 'win32')
    return path.join(process.env.APPDATA || path.join(home, 'AppData', 'Roaming'), 'Shoal');
  if (process.platform === 'darwin') return path.join(home, 'Library', 'Application Support', 'Shoal');
  return path.join(process.env.XDG_CONFIG_HOME || path.join(home, '.config'), 'Shoal');
}

function chosenDataFolder(profile) {
  try {
    const { dataDir } = JSON.parse(readFileSync(path.join(profile, 'desktop.json'), 'utf8'));
    return typeof dataDir === 'string' ? dataDir : undefined;
  } catch {
    return undefined;
  }
}

const profile = profileFolder();
process.env.SHOAL_DEFAULT_DATA ??= chosenDataFolder(profile) ?? path.join(profile, 'store');
require(path.join(__dirname, 'dist', 'node-core', 'shoal.cjs'));
