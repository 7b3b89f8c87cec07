/**
 * The route along which a responder answers, and how it moves when the initiator changes its transport (security rule 4).
 *
 * Anybody who sees a ciphertext can copy it and deliver the copy first, with a return route of his own. So a path that is new is only a candidate:
 * it is taken when a second, higher nonce comes along it, or at once when the path in use is closed; and a higher nonce on the path left behind
 * brings everything back. Initiators never follow: they decide.
 */

import { type Address, Route } from '@ockam/core'

export interface PathOptions {
  /** Return route of the ciphertexts of the path in use; no address behind it. */
  readonly path: Route
  /** The peer's decryptor: last hop of every route to it. */
  readonly peerAddress: Address
  /** Whether nothing more can be sent along the path in use. */
  isClosed(): boolean
  /** The route to the peer has changed. */
  onRoute(route: Route): void
}

export class Path {
  readonly #options: PathOptions
  #current: Route
  #former: Route | undefined
  #candidate: Route | undefined
  /** Highest nonce of a Payload so far; that of the first message, 0, never moves anything, as in Rust. */
  #highest = 0

  constructor(options: PathOptions) {
    this.#options = options
    this.#current = options.path
  }

  /** A Payload has been authenticated that came along `path`. */
  received(nonce: number, path: Route): void {
    if (nonce <= this.#highest) return
    this.#highest = nonce
    if (path === this.#current || path.equals(this.#current)) {
      this.#candidate = undefined
      return
    }
    this.#consider(path)
  }

  #consider(path: Route): void {
    if (path.isEmpty) return
    const isReturn = this.#former !== undefined && path.equals(this.#former)
    const isConfirmed = isReturn || (this.#candidate !== undefined && path.equals(this.#candidate)) || this.#options.isClosed()
    if (!isConfirmed) {
      this.#candidate = path
      return
    }
    // Where it returns from may have been an attacker's: that way has to prove itself anew.
    this.#former = isReturn ? undefined : this.#current
    this.#candidate = undefined
    this.#current = path
    this.#options.onRoute(path.concat(Route.of(this.#options.peerAddress)))
  }
}
