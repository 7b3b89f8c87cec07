/**
 * Who races where. A contestant is a module with roles (see runner/child.mjs); `takes` says in which cases it can run, `relayFirst` that its receiver registers
 * with the relay instead of being dialled by it, `needs` which install, or which compiled part, it needs. One that is not there is reported as absent, never replaced by a number.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { findNativeAead } from '@ockam/aead-native'

const at = (path) => new URL(path, import.meta.url)
const isRelayed = (aCase) => aCase.isRelayed
const isSecure = (aCase) => aCase.isSecure
const isHandshake = (aCase) => aCase.scenario === 'handshake'
const isThroughput = (aCase) => aCase.scenario === 'throughput'
const both =
  (...conditions) =>
  (aCase) =>
    conditions.every((condition) => condition(aCase))
const not = (condition) => (aCase) => !condition(aCase)

/** `ours`: fill ours/node.mjs (all cases) to enter the race; it imports the built packages. */
export const CONTESTANTS = [
  { name: 'ceiling', module: at('ceiling.mjs').href, takes: not(isHandshake) },
  {
    name: 'ceiling, batch',
    module: at('ceiling.mjs').href,
    takes: both(isSecure, not(isHandshake)),
    with: { isBatched: true },
    note: 'small messages sealed many at once, as by ours',
  },
  { name: 'ceiling', module: at('ceiling-handshake.mjs').href, takes: both(isHandshake, isSecure) },
  { name: 'ours', module: at('ours/node.mjs').href, takes: (aCase) => aCase.isSecure || !isHandshake(aCase), relayFirst: true },
  {
    name: 'ours, in place',
    module: at('ours/node.mjs').href,
    takes: both(isThroughput, not(isSecure)),
    with: { isInPlace: true },
    relayFirst: true,
    note: 'the receiving worker keeps no payload and says so, as the ceiling does; nothing is copied for it',
  },
  {
    name: 'ours, no cache',
    module: at('ours/node.mjs').href,
    takes: both(isHandshake, isSecure),
    with: { forgetsVerified: true },
    note: 'verifies every history and attestation anew',
  },
  {
    name: 'ours, native',
    module: at('ours/node.mjs').href,
    takes: isSecure,
    with: { isNative: true },
    needs: 'native',
    relayFirst: true,
    note: 'messages sealed by @ockam/aead-native',
  },
  { name: 'net', module: at('peers/net.mjs').href, takes: not(isSecure), note: 'byte stream; relayed by a blind byte proxy' },
  {
    name: 'tls',
    module: at('peers/tls.mjs').href,
    takes: isSecure,
    note: 'byte stream, writes share records; relayed by a blind byte proxy',
  },
  {
    name: 'secret-stream',
    module: at('peers/secret-stream.mjs').href,
    takes: both(isSecure, not(isRelayed)),
    needs: 'peers',
    note: 'keeps message boundaries; raw keys only',
  },
  {
    name: 'libp2p',
    module: at('peers/libp2p.mjs').href,
    takes: isSecure,
    needs: 'peers',
    relayFirst: true,
    note: 'byte stream in yamux; relayed by circuit relay v2 without limits',
  },
]

/** Why a contestant cannot run, or undefined when it can. */
export function absence(contestant, peers) {
  if (contestant.needs === 'peers' && peers.absence !== undefined) return peers.absence
  if (contestant.needs === 'native' && findNativeAead() === undefined) return 'the native AEAD is not built, or does not run here'
  if (!existsSync(new URL(contestant.module))) return 'its program is not there'
  return undefined
}

/** Contestants of the codec race: each module exports `create()`, see codec/race.mjs. */
export const CODECS = [
  { name: 'ceiling', module: at('codec/hand-written.mjs').href },
  { name: 'ours', module: at('codec/ours.mjs').href },
  { name: 'ours, changing routes', module: at('codec/ours-changing-routes.mjs').href },
  { name: 'msgpackr', module: at('peers/msgpackr.mjs').href, needs: 'peers' },
]

/** Versions as installed, for the report. */
export function peerVersions() {
  const require = createRequire(at('peers/package.json'))
  return require('./package.json').dependencies
}
