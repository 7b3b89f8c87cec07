/**
 * The receiving side of a channel that only exchanged keys: nothing may come through its decryptor, and the decryption service opens ciphertexts in any
 * order and as often as asked. There is no replay protection, no new key and no end on the wire; whoever carries the ciphertexts has to see to that.
 */

import type { AeadKey, LocalMessage, Pressure, Primitives } from '@ockam/core'
import { CIPHERTEXT_OVERHEAD, MAX_NONCE, NONCE_LENGTH, readNonce } from '../protocol/nonce.ts'
import type { CiphertextReceiver } from './ciphertext-receiver.ts'
import type { Refusal } from './opener.ts'

export interface KeyExchangeReceiverOptions {
  readonly primitives: Primitives
  readonly key: AeadKey
  /** A ciphertext came to the decryptor instead of the service. */
  onRefused(): void
}

export class KeyExchangeReceiver implements CiphertextReceiver {
  readonly received = 0
  authentic = 0
  readonly #options: KeyExchangeReceiverOptions

  constructor(options: KeyExchangeReceiverOptions) {
    this.#options = options
  }

  open(messages: readonly LocalMessage[], from: number): Pressure {
    for (let at = from; at < messages.length; at++) this.#options.onRefused()
    return undefined
  }

  openOne(ciphertext: Uint8Array): Uint8Array<ArrayBuffer> | Refusal {
    if (ciphertext.length < CIPHERTEXT_OVERHEAD) return 'short'
    const nonce = readNonce(ciphertext, 0)
    if (nonce > MAX_NONCE) return 'ahead'
    const content = this.#options.primitives.allocate(ciphertext.length - CIPHERTEXT_OVERHEAD)
    const length = ciphertext.length - NONCE_LENGTH
    if (this.#options.key.openInto(content, 0, ciphertext, NONCE_LENGTH, length, nonce) !== true) return 'forged'
    this.authentic++
    return content
  }

  destroy(): void {
    this.#options.key.destroy()
  }
}
