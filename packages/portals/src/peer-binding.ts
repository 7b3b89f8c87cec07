/**
 * Whom a connection through a portal belongs to: the connection or channel its first message was delivered by, and the identity behind it. Later
 * messages count only when both are the same. Knowing the address of somebody else's connection, or being as welcome, is of no use.
 */

import { type LocalInfo, type LocalMessage, peerOf, type Producer } from '@ockam/core'

export class PeerBinding {
  /** Where messages come from; undefined when the other end is a worker of this node. */
  readonly origin: Producer | undefined
  /** Identifier at the other end of the channel; undefined when there is no channel. */
  readonly identifier: string | undefined
  /** A channel puts the same list on all of its messages. */
  #lastInfo: readonly LocalInfo[]

  constructor(message: LocalMessage) {
    this.origin = message.origin
    this.identifier = peerOf(message)?.identifier.toString()
    this.#lastInfo = message.localInfo
  }

  isFrom(message: LocalMessage): boolean {
    if (message.origin !== this.origin) return false
    if (message.localInfo === this.#lastInfo) return true
    if (peerOf(message)?.identifier.toString() !== this.identifier) return false
    this.#lastInfo = message.localInfo
    return true
  }
}
