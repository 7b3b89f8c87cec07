/** Cargo's target folder for the peer. */
export function rustPeerTarget(): string
/** The built program: what OCKAM_RUST_PEER names, or where `npm run interop` builds it. It need not exist. */
export function rustPeerPath(): string
