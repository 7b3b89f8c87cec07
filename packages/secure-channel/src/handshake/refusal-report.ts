/**
 * Tells diagnostics about handshakes that came to nothing. Anybody can cause those, so only so many are told per second; the rest are counted, and the
 * next one told says how many were left out.
 */

import type { Clock, Diagnostics, Identifier } from '@ockam/core'
import type { Role } from '../noise/handshake.ts'

const PER_SECOND = 16

export class RefusalReport {
  readonly #clock: Clock
  readonly #diagnostics: Diagnostics
  #secondStartedMs = Number.NEGATIVE_INFINITY
  #told = 0
  #leftOut = 0

  constructor(clock: Clock, diagnostics: Diagnostics) {
    this.#clock = clock
    this.#diagnostics = diagnostics
  }

  /**
   * @param code an error's stable code: never a message with a peer's bytes in it.
   * @param peer who it was, if that was proved before the refusal.
   */
  report(role: Role, code: string, peer: Identifier | undefined): void {
    const nowMs = this.#clock.monotonic()
    if (nowMs - this.#secondStartedMs >= 1000) {
      this.#secondStartedMs = nowMs
      this.#told = 0
    }
    if (this.#told >= PER_SECOND) {
      this.#leftOut++
      return
    }
    this.#told++
    this.#diagnostics.event('secure-channel/handshake-refused', { role, code, peer: peer?.toString(), leftOut: this.#leftOut })
    this.#leftOut = 0
  }
}
