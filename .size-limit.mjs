// Budgets for browser-safe packages: one entry point, bundled for browsers with everything it needs, minified and compressed with
// brotli. Set 15 % above what was measured; raise one only together with the reason in the commit message.

// An entry point may import a chunk only for an export it does not pass on; that is not worth a warning.
const modifyEsbuildConfig = (config) => ({ ...config, logOverride: { 'ignored-bare-import': 'silent' } })

const budget = (entry, limit, used = '*') => ({
  name: entry.replace('/dist', '').replace('/index.js', '') + (used === '*' ? '' : `, ${used} alone`),
  path: `packages/${entry}`,
  import: used,
  limit,
  modifyEsbuildConfig,
})

export default [
  budget('core/dist/index.js', '11.3 kB'),
  budget('core/dist/cbor/index.js', '3.8 kB'),
  budget('core/dist/bare/index.js', '2.2 kB'),
  budget('core/dist/message-pack/index.js', '15.5 kB'),
  budget('conformance/dist/index.js', '27 kB'),
  budget('transport-memory/dist/index.js', '13 kB'),
  // Everything, with sessions and relays that stay registered (about 4 kB); who imports the router alone gets none of them, as the second line holds.
  budget('routing/dist/index.js', '29 kB'),
  budget('routing/dist/index.js', '18.1 kB', '{ createRouter }'),
  budget('vault-software/dist/index.js', '42 kB'),
  budget('identity/dist/index.js', '15.3 kB'),
  budget('secure-channel/dist/index.js', '24.2 kB'),
  budget('credentials/dist/index.js', '14.4 kB'),
  budget('credentials/dist/abac/index.js', '17.2 kB'),
  // Identities with a second kind of purpose key, and the forms of signed things that credentials share: half a kilobyte more.
  budget('node/dist/index.js', '84 kB'),
]
