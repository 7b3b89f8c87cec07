/**
 * The worker at the one address the peer knows: handshake messages first, ciphertexts once the handshake has ended. Handshake messages are taken one
 * at a time; what arrives behind the last of them in one batch is already a ciphertext.
 */

import type { BatchWorker, Context, LocalMessage, Pressure } from '@ockam/core'
import type { CiphertextReceiver } from '../channel/ciphertext-receiver.ts'

/** A handshake under way. `undefined`: go on waiting. Never rejects. */
export type HandshakeReceiver = (message: LocalMessage, context: Context) => Promise<CiphertextReceiver | undefined>

export class Gate implements BatchWorker {
  readonly #handshake: HandshakeReceiver
  readonly #onStopped: () => void
  #receiver: CiphertextReceiver | undefined
  #isShut = false

  constructor(handshake: HandshakeReceiver, onStopped: () => void) {
    this.#handshake = handshake
    this.#onStopped = onStopped
  }

  handleBatch(messages: readonly LocalMessage[], context: Context): Pressure {
    if (this.#isShut) return undefined
    return this.#receiver === undefined ? this.#shakeHands(messages, context) : this.#receiver.open(messages, 0, context)
  }

  /** Takes nothing more. */
  shut(): void {
    this.#isShut = true
  }

  stop(): void {
    this.#isShut = true
    this.#onStopped()
  }

  async #shakeHands(messages: readonly LocalMessage[], context: Context): Promise<void> {
    for (let at = 0; at < messages.length && !this.#isShut; at++) {
      if (this.#receiver !== undefined) return this.#receiver.open(messages, at, context)
      this.#receiver = await this.#handshake(messages[at] as LocalMessage, context)
    }
  }
}
