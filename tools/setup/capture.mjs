// `npm run capture`: installs, builds the Rust peer, and records anew what packages have in test/vectors/rust. `--verify` compares instead of writing;
// other arguments go to vitest: `npm run capture -- -t portals`.
import { existsSync } from 'node:fs'
import { rustPeerPath } from '../rust-peer/path.mjs'
import { buildRustPeer } from './rust-peer.mjs'
import { install, run } from './workspace.mjs'

const isVerifying = process.argv.includes('--verify')
await install()
await buildRustPeer()
if (existsSync(rustPeerPath())) {
  const args = ['run', '--project', 'capture', ...process.argv.slice(2).filter((argument) => argument !== '--verify')]
  const { code } = await run('vitest', args, { env: isVerifying ? {} : { OCKAM_CAPTURE: 'write' } })
  process.exitCode = code
} else {
  console.error(
    'Nothing was recorded: there is no Rust peer (see above). The recorded vectors stay as they are, and their tests need none.',
  )
  process.exitCode = isVerifying || process.env.OCKAM_TEST_REQUIRE === 'all' ? 1 : 0
}
