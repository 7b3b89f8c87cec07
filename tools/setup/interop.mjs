// `npm run interop`: installs, builds packages and the Rust peer, and runs the tests against it. Arguments go to vitest: `npm run interop -- channel`.
// `--build-only` only builds the peer, and fails when it is not there afterwards; it needs nothing installed.
import { buildRustPeer } from './rust-peer.mjs'
import { build, install, run } from './workspace.mjs'

if (process.argv.includes('--build-only')) {
  process.exitCode = (await buildRustPeer()) ? 0 : 1
} else {
  await install()
  await build()
  await buildRustPeer()
  if (!process.env.OCKAM_RUST_COMMAND)
    console.error('The command-line program of Rust is not tested, and not required: OCKAM_RUST_COMMAND names none.')
  const { code } = await run('vitest', ['run', '--project', 'interop', '--project', 'capture', ...process.argv.slice(2)])
  process.exitCode = code
}
