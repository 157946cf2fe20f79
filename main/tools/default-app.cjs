// Starts an app that stands in a folder, for a runtime without Electron's own default app: `electron [-r module] folder`.
'use strict';
const Module = require('node:module');
const path = require('node:path');
const { app } = require('electron');

const args = process.argv.slice(1);
const preloaded = [];
let folder;
for (let index = 0; index < args.length; index += 1) {
  const word = args[index];
  if (word === '-r' || word === '--require') {
    index += 1;
    preloaded.push(args[index]);
  } else if (!word.startsWith('-')) {
    folder = path.resolve(word);
    break;
  }
}
if (preloaded.length > 0) Module._preloadModules(preloaded);
if (folder === undefined) {
  process.stderr.write('electron: no app was given\n');
  process.exit(1);
}
const description = require(path.join(folder, 'package.json'));
if (description.version) app.setVersion(description.version);
app.name = description.productName ?? description.name;
app.setAppPath(folder);
Module._load(path.join(folder, description.main ?? 'index.js'), module, true);
