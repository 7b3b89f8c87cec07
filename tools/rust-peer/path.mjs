// Where the Rust peer is built and found: a cache of the machine's user, so that it survives checkouts and runs.
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Cargo's target folder for the peer. */
export const rustPeerTarget = () => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ockam-typescript', 'rust-peer')

/** The built program: what OCKAM_RUST_PEER names, or where `npm run interop` builds it. It need not exist. */
export const rustPeerPath = () =>
  process.env.OCKAM_RUST_PEER || join(rustPeerTarget(), 'release', process.platform === 'win32' ? 'rust-peer.exe' : 'rust-peer')
