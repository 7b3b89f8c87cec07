/**
 * A message inside a node, and what travels with it that never leaves the node.
 */

import type { Address } from './address.ts'
import type { PeerIdentity } from './identities.ts'
import type { Identifier } from './identifier.ts'
import type { Route } from './route.ts'

/**
 * Something known locally about a message, such as who sent it. Never encoded, never decoded from the wire: whoever takes a message from outside
 * (a transport, a decryptor) makes this list itself.
 */
export interface LocalInfo {
  readonly kind: string
}

/** Put on a message by the decryptor of a secure channel: the identity at its other end. */
export interface ChannelPeerInfo extends LocalInfo {
  readonly kind: 'channel-peer'
  readonly identifier: Identifier
}

/** A source of messages nobody here vouches for: a transport connection, or a secure channel. Flow control is about these. */
export interface Producer {
  readonly kind: 'transport' | 'channel'
  /** 32 hexadecimal digits; local to the node. */
  readonly flowControlId: string
  /** The id of the listener that made this producer; undefined on the side that dialled. */
  readonly spawnerId: string | undefined
  /**
   * The network it comes from, as {@link remoteNetwork} writes it: of a connection its other end's, of a channel that of the connection it was opened
   * over. Undefined when the transport does not know. Many strangers may share one; it proves nothing about who they are.
   */
  readonly remoteNetwork?: string | undefined
}

/** What a transport carries. */
export interface TransportMessage {
  readonly onwardRoute: Route
  readonly returnRoute: Route
  /** Immutable from the moment it is sent, for everyone. */
  readonly payload: Uint8Array
  /** True when the payload is all of its memory, as far as whoever made it knows: then nobody has to copy it to keep it. */
  readonly isPayloadAlone?: boolean
  /** True when nobody else holds the payload's memory: who gets it may write there, or give it back when done ({@link giveBack}). */
  readonly isExclusive?: boolean
}

/** A message on its way through a node. Immutable; forwarding makes a new one. */
export interface LocalMessage extends TransportMessage {
  /** On arrival its first address is the receiving mailbox's own. */
  readonly onwardRoute: Route
  readonly localInfo: readonly LocalInfo[]
  /** The mailbox that sent it. */
  readonly source: Address
  /** The untrusted source it came from, kept when it is forwarded; undefined for messages made by this node's own workers. */
  readonly origin: Producer | undefined
  /** How often it was forwarded within this node: a bound against loops. */
  readonly forwards: number
  readonly isExclusive: boolean
}

export const NO_LOCAL_INFO: readonly LocalInfo[] = Object.freeze([])

/** The identity at the other end of the secure channel a message came through, undefined when it came through none. */
export function peerOf(message: LocalMessage): PeerIdentity | undefined {
  for (const info of message.localInfo) if (info.kind === 'channel-peer') return info as ChannelPeerInfo
  return undefined
}
