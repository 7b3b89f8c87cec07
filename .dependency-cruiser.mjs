// The boundaries of the repository. Rule D1: a protocol or a plug-in imports `@ockam/core` and third-party libraries, nothing else
// of ours; only the facade composes. Tests may use packages below their own in one fixed order, so that no cycle can arise.

const protocols = ['routing', 'identity', 'secure-channel', 'credentials', 'portals']
const plugIns = ['transport-[a-z0-9-]+', 'vault-[a-z0-9-]+', 'aead-[a-z0-9-]+', 'storage-[a-z0-9-]+']
const facade = ['core', 'routing', 'identity', 'secure-channel', 'vault-software']

/** The order in which tests may look down. Packages that are not in it (plug-ins) may use the kits and what the kits use. */
const testOrder = [
  'core',
  'conformance',
  'transport-memory',
  'routing',
  'vault-software',
  'identity',
  'secure-channel',
  'credentials',
  'node',
]
const testBase = ['core', 'conformance', 'transport-memory', 'routing']

const anyOf = (names) => `(${names.join('|')})`
const publicEntry = '^packages/[^/]+/src/(index|[^/]+/index)\\.ts$'
const source = (names) => `^packages/${anyOf(names)}/src/`

const testRule = (name, below) => ({
  name: `tests-of-${name}-look-down-only`,
  severity: 'error',
  from: { path: `^packages/${name}/test/` },
  to: { path: '^packages/', pathNot: `^packages/${anyOf([name, ...below])}/` },
})

export default {
  forbidden: [
    {
      name: 'core-stands-alone',
      comment: 'core has no neighbours',
      severity: 'error',
      from: { path: source(['core']) },
      to: { path: '^(packages|apps|tools)/', pathNot: '^packages/core/src/' },
    },
    {
      name: 'protocols-and-plug-ins-import-core-only',
      comment: 'D1: what it needs of a neighbour it takes as an argument typed by an interface in core',
      severity: 'error',
      from: { path: source([...protocols, ...plugIns, 'conformance']) },
      to: { path: '^(packages|apps|tools)/', pathNot: ['^packages/core/src/', '^packages/$1/'] },
    },
    {
      name: 'facade-composes-portable-packages-only',
      comment: 'transports and stores are handed to createNode()',
      severity: 'error',
      from: { path: source(['node']) },
      to: { path: '^(packages|apps|tools)/', pathNot: ['^packages/node/src/', source(facade)] },
    },
    {
      name: 'only-public-entry-points',
      comment: "a package is used through its exports, never through its neighbour's files",
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/', pathNot: ['^packages/$1/', publicEntry] },
    },
    {
      name: 'programs-use-public-entry-points',
      severity: 'error',
      from: { path: '^(apps|tools)/' },
      to: { path: '^packages/', pathNot: publicEntry },
    },
    {
      name: 'message-pack-is-not-for-plug-ins',
      comment: 'application bodies are the business of applications; plug-ins and protocols stay free of msgpackr',
      severity: 'error',
      from: { path: source([...protocols, ...plugIns]) },
      to: { path: '^packages/core/src/message-pack/' },
    },
    {
      name: 'sources-do-not-import-tests',
      severity: 'error',
      from: { pathNot: '/test/' },
      to: { path: '/test/' },
    },
    ...testOrder.map((name, at) => testRule(name, testOrder.slice(0, at))),
    ...['transport-tcp', 'storage-file', 'storage-sqlite'].map((name) => testRule(name, testBase)),
    ...['portals', 'aead-native'].map((name) => testRule(name, [...testOrder, 'transport-tcp'])),
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'everything-resolves', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'declared-dependencies-only',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev', 'npm-optional'], pathNot: '^packages/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|\\.turbo)/|^tools/bench/peers/' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: {
      conditionNames: ['@ockam/source', 'types', 'node', 'import', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.mts', '.mjs', '.js', '.json'],
    },
  },
}
