/** The end of a handshake, the same for both sides: transport keys, the stored decryptor where there is one, the live channel. */

import type { Route, VerifiedPeer } from '@ockam/core'
import { LiveChannel } from '../channel/live-channel.ts'
import type { ChannelAddresses, ChannelServices } from '../channel/services.ts'
import { channelError } from '../error.ts'
import type { Finished, Role } from '../noise/handshake.ts'
import type { Gate } from './gate.ts'
import type { CheckedSideOptions } from './handshake-options.ts'

export interface FinishOptions {
  readonly services: ChannelServices
  readonly side: CheckedSideOptions
  readonly role: Role
  readonly addresses: ChannelAddresses
  readonly peer: VerifiedPeer
  /** Whole route to the peer's decryptor. */
  readonly route: Route
  /** Return route of the peer's last handshake message. */
  readonly returnRoute: Route
  readonly gate: Gate
  readonly spawnerId: string | undefined
  /** How long nothing authentic may come before the channel ends; Infinity: for ever. */
  readonly idleTimeoutMs: number
  /** Whether somebody still wants the channel. */
  isWanted(): boolean
  onEnded?(): void
}

/** @throws {OckamError} `secure-channel/closed` when nobody wants the channel any more. */
export async function finishHandshake(finished: Finished, options: FinishOptions): Promise<LiveChannel> {
  const { services, side, role, addresses, peer } = options
  const { handshakeHash } = finished
  const keys = finished.split()
  try {
    if (side.isKeyExchangeOnly) {
      const { decryptorRemote: decryptorAddress, decryptorApi } = addresses
      const { identity } = side
      await services.decryptors?.save({ role, identity, peer: peer.identifier, decryptorAddress, decryptorApi, key: keys.receivingKey })
    }
    if (!options.isWanted()) {
      if (side.isKeyExchangeOnly) await services.decryptors?.delete(addresses.decryptorRemote)
      throw channelError('secure-channel/closed', 'The handshake was given up.')
    }
    return new LiveChannel({ ...options, peer: peer.identifier, expiresAtMs: peer.expiresAtMs, keys, handshakeHash })
  } finally {
    keys.sendingKey.fill(0)
    keys.receivingKey.fill(0)
    await finished.dispose()
  }
}
