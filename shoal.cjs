// `npm run server` and `npm run shoal` in the repository: builds what changed, then runs it in this very process, so that
// signals reach the node. CommonJS, and the pool's size first: see build.mjs.
'use strict';
process.env.UV_THREADPOOL_SIZE ??= '16';
process.env.SHOAL_DEFAULT_DATA ??= require('node:path').join(__dirname, 'shoal-data');
require('node:v8').setFlagsFromString('--semi-space-growth-factor=1');
import('./build.mjs')
  .then(({ buildIfChanged }) => buildIfChanged())
  .then(() => import('./dist/node-core/cli.mjs'))
  .catch((error) => {
    console.error(error);
    process.exit(1);
  });
