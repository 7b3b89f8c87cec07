/**
 * A tap sees every message that is about to cross a network, and may do what a hostile network may: change, hold back, drop, repeat, invent.
 */

import type { TransportMessage } from '@ockam/core'

/** A message that was sent and has not yet crossed. */
export interface TappedMessage {
  /** Names of the nodes, as given to `transport(name)`. */
  readonly from: string
  readonly to: string
  /** Tells connections apart: 1 for the first of this network. Both directions have the same. */
  readonly connection: number
  readonly message: TransportMessage
  /**
   * Puts a message on this connection, now or later, past all taps: towards the receiver of this one, or back to its sender. The settings of the
   * link hold for it.
   */
  readonly inject: (message: TransportMessage, toward?: 'receiver' | 'sender') => void
}

/** Returns what crosses instead: undefined for the message as it is, `[]` for nothing. Must not throw. */
export type Tap = (tapped: TappedMessage) => readonly TransportMessage[] | undefined
