/**
 * The one shape of message that travels through this router. A single class keeps the hot path monomorphic; the fields that are mutable here are
 * changed only by the router itself, while the message is in exactly one mailbox and nobody outside holds it.
 */
import {
  type Address,
  type LocalInfo,
  type LocalMessage,
  NO_LOCAL_INFO,
  type OutgoingMessage,
  type Producer,
  type Route,
} from '@ockam/core'
import type { Sender } from './sender.ts'

export class RoutedMessage implements LocalMessage {
  onwardRoute: Route
  readonly returnRoute: Route
  payload: Uint8Array
  localInfo: readonly LocalInfo[]
  readonly source: Address
  readonly origin: Producer | undefined
  readonly forwards: number
  isExclusive: boolean
  /** Bytes of memory that this message keeps alive, as its mailbox counts them: what messages share is counted with the last of them. @internal */
  pinned = 0
  /** The memory shared with others that is counted with this message while it waits. @internal */
  shared: ArrayBufferLike | undefined = undefined
  /** True when the payload is a copy of its own, or has been found large enough not to need one. @internal */
  isOwned = false
  /** On whose account a forwarder passes it on. @internal */
  sender: Sender | undefined = undefined
  /** The answer of an access control that could not decide on the spot. Never rejects. @internal */
  admission: Promise<boolean> | undefined = undefined

  constructor(
    onwardRoute: Route,
    returnRoute: Route,
    payload: Uint8Array,
    localInfo: readonly LocalInfo[],
    source: Address,
    origin: Producer | undefined,
    forwards: number,
    isExclusive: boolean,
  ) {
    this.onwardRoute = onwardRoute
    this.returnRoute = returnRoute
    this.payload = payload
    this.localInfo = localInfo
    this.source = source
    this.origin = origin
    this.forwards = forwards
    this.isExclusive = isExclusive
  }

  static from(message: OutgoingMessage, payload: Uint8Array, source: Address): RoutedMessage {
    return new RoutedMessage(
      message.onwardRoute,
      message.returnRoute,
      payload,
      message.localInfo ?? NO_LOCAL_INFO,
      source,
      message.origin,
      message.forwards ?? 0,
      message.isExclusive ?? false,
    )
  }
}
