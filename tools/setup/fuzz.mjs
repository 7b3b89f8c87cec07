// `npm run fuzz`: installs, builds the Rust peer, and gives the same bytes to it and to our decoders: `npm run fuzz -- --minutes 30 --seed 7`.
// Without `--minutes` ten; without `--seed` another seed each time. `--examples` also writes new examples into the packages' tests.
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { rustPeerPath } from '../rust-peer/path.mjs'
import { buildRustPeer } from './rust-peer.mjs'
import { install, run } from './workspace.mjs'

const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' }, examples: { type: 'boolean' } } })
const minutes = Number(values.minutes ?? 10)
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32))
if (!(minutes > 0) || !Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
  console.error('error: --minutes is a number over 0, --seed a whole number below 2^32.')
  process.exit(2)
}

await install()
await buildRustPeer()
if (!existsSync(rustPeerPath())) {
  console.error('error: without the Rust peer there is nothing to compare with.')
  process.exit(1)
}
console.log(`seed ${seed}, ${minutes} minutes`)
const env = {
  OCKAM_FUZZ_SEED: String(seed),
  OCKAM_FUZZ_SECONDS: String(60 * minutes),
  ...(values.examples && { OCKAM_FUZZ_EXAMPLES: 'write' }),
}
const { code } = await run('vitest', ['run', '--project', 'interop', 'test/fuzz.test.ts'], { env })
process.exitCode = code
