// Builds the Rust peer of the interoperability tests, once: cargo sees by itself when there is nothing to do.
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { rustPeerPath, rustPeerTarget } from '../rust-peer/path.mjs'
import { root, run } from './workspace.mjs'

/** Resolves with whether the program is there now. Says in one line what stands in the way. */
export const buildRustPeer = async () => {
  if (process.env.OCKAM_RUST_PEER) {
    if (existsSync(rustPeerPath())) return true
    console.error(`error: OCKAM_RUST_PEER names ${rustPeerPath()}, which does not exist.`)
    return false
  }
  const cwd = join(root, 'tools', 'rust-peer')
  const cargo = await run('cargo', ['--version'], { capture: true })
  if (cargo.code !== 0) {
    console.error('The Rust peer cannot be built: cargo (Rust 1.88 or newer) is not installed.')
    return existsSync(rustPeerPath())
  }
  const startedAt = performance.now()
  const args = ['build', '--release', '--locked', '--quiet', '--target-dir', rustPeerTarget()]
  // What is fetched already is enough: without a network the second attempt still works.
  const online = await run('cargo', args, { cwd })
  const { code } = online.code === 0 ? online : await run('cargo', [...args, '--offline'], { cwd })
  if (code !== 0) {
    // What an earlier build has left is made of other sources: tests must not run against it.
    rmSync(rustPeerPath(), { force: true })
    console.error('The Rust peer could not be built (see above): are the crates reachable or fetched?')
  } else console.error(`The Rust peer is built (${Math.round((performance.now() - startedAt) / 1000)} s).`)
  return code === 0
}
