/**
 * One side of a connection within the process. Payloads are never marked exclusive: the sender, a tap or a duplicate may hold the same array.
 */

import {
  type AddressedConnection,
  type ClosedReason,
  type Connection,
  OckamError,
  type Pressure,
  type TransportErrorCode,
  type TransportMessage,
} from '@ockam/core'

/** The way to the other side. */
export interface Outgoing {
  send(message: TransportMessage): Pressure
  /** Undefined when the message may cross; its encoded length when it is over the limit; `drop` when it then vanishes. */
  overLimit(message: TransportMessage): { readonly length: number; readonly limit: number; readonly isDropped: boolean } | undefined
  /** What was sent still crosses, then the end. */
  end(): void
  /** Nothing crosses towards this side any more. */
  stopIncoming(): void
}

export class MemoryConnection implements Connection, AddressedConnection {
  readonly remote: string
  /** The node at the other end, whichever of its listeners was dialled. */
  readonly remoteAddress: string
  readonly closed: Promise<ClosedReason>
  #resolveClosed: (reason: ClosedReason) => void = () => undefined
  #isOpen = true
  readonly #outgoing: () => Outgoing

  /** @param outgoing a function, because the two sides of a connection refer to each other. */
  constructor(remote: string, remoteAddress: string, outgoing: () => Outgoing) {
    this.remote = remote
    this.remoteAddress = remoteAddress
    this.#outgoing = outgoing
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  send(message: TransportMessage): Pressure {
    if (!this.#isOpen) return undefined
    const outgoing = this.#outgoing()
    const over = outgoing.overLimit(message)
    if (over === undefined) return outgoing.send(message)
    if (over.isDropped) return undefined
    throw new OckamError<TransportErrorCode>(
      'transport/message-too-large',
      `A message of ${over.length} bytes to ${this.remote} is over this link's limit of ${over.limit}: send it in parts.`,
    )
  }

  close(): Promise<void> {
    this.#finish('local')
    return this.closed.then(() => undefined)
  }

  /** The other side closed, and all it sent has arrived. */
  peerEnded(): void {
    this.#finish('peer')
  }

  #finish(reason: ClosedReason): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#outgoing().stopIncoming()
    this.#outgoing().end()
    this.#resolveClosed(reason)
  }
}
