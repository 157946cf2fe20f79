// The layer rules. .layers.json: rooms of node-core and what each may import besides itself. docs/architecture.md shows
// the same matrix; test/unit/architecture.test.ts holds the two together.
const layers = require('./.layers.json');

const room = (name) => `^node-core/${name}/`;

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-undeclared-package',
      comment: 'what is imported stands in package.json',
      severity: 'error',
      from: { path: '^node-core/', pathNot: '^node-core/packaging/' },
      to: {
        dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'],
        pathNot: ['^node_modules/(@types|sonic-boom)/'],
      },
    },
    ...Object.entries(layers).map(([name, allowed]) => ({
      name: `${name}-imports-lower-rooms-only`,
      severity: 'error',
      from: { path: room(name) },
      to: { path: '^(node-core|main|renderer|test)/', pathNot: [name, ...allowed].map(room) },
    })),
    {
      name: 'cli-uses-the-index',
      severity: 'error',
      from: { path: '^node-core/cli(\\.ts$|/)' },
      to: { path: '^node-core/', pathNot: '^node-core/(index\\.ts$|cli/)' },
    },
    {
      name: 'only-create-node-composes',
      severity: 'error',
      from: { path: '^node-core/', pathNot: '^node-core/(compose/|create-node\\.ts$)' },
      to: { path: '^node-core/compose/' },
    },
    {
      name: 'main-uses-the-index',
      severity: 'error',
      from: { path: '^main/', pathNot: '^main/tools/' },
      to: { path: '^(node-core|renderer)/', pathNot: '^node-core/index\\.ts$' },
    },
    {
      name: 'no-undeclared-package-in-the-app',
      comment: 'the build bundles what the app uses: nothing of it is installed with a node',
      severity: 'error',
      from: { path: '^renderer/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'], pathNot: '^node_modules/@types/' },
    },
    {
      name: 'renderer-knows-types-of-the-contract-only',
      severity: 'error',
      from: { path: '^renderer/' },
      to: { path: '^(node-core|main|test)/', pathNot: '^(node-core/http/api/[a-z-]*|main/bridge/)contract\\.ts$' },
    },
    {
      name: 'renderer-takes-nothing-but-types',
      severity: 'error',
      from: { path: '^renderer/' },
      to: { path: '^(node-core|main)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'main-takes-nothing-but-types',
      comment: 'the node is a process of its own: nothing of it may end up in the app',
      severity: 'error',
      from: { path: '^main/', pathNot: '^main/tools/' },
      to: { path: '^node-core/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'tools-of-the-app-pack-the-node',
      comment: 'what builds packages of the app takes from node-core what builds those of the node',
      severity: 'error',
      from: { path: '^main/tools/' },
      to: { path: '^(node-core|renderer)/', pathNot: '^node-core/packaging/' },
    },
    {
      name: 'nothing-runs-what-packs',
      severity: 'error',
      from: { path: '^node-core/', pathNot: '^node-core/packaging/' },
      to: { path: '^node-core/packaging/' },
    },
    {
      name: 'no-undeclared-package-in-the-desktop-app',
      comment: 'bundled like the web app',
      severity: 'error',
      from: { path: '^main/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'], pathNot: '^node_modules/@types/' },
    },
    {
      name: 'nothing-knows-the-renderer',
      severity: 'error',
      from: { path: '^(node-core|main)/' },
      to: { path: '^renderer/' },
    },
    {
      name: 'no-electron-in-the-node',
      severity: 'error',
      from: { path: '^(node-core|renderer)/' },
      to: { path: '^(electron$|node_modules/electron/|main/)', pathNot: '^main/bridge/contract\\.ts$' },
    },
    {
      name: 'domain-does-no-io',
      severity: 'error',
      from: { path: room('domain') },
      to: { dependencyTypes: ['core'], path: '^(node:)?(fs|net|http|https|child_process|dns|tls)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.mjs', '.cjs', '.js', '.json', '.d.ts'],
      // Packages that only say what they export.
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'require', 'types', 'default'],
    },
  },
};
