/** What takes the ciphertexts of a channel after its handshake. */

import type { Context, LocalMessage, Pressure } from '@ockam/core'
import type { Refusal } from './opener.ts'

export interface CiphertextReceiver {
  /** Messages handed on into the node. */
  readonly received: number
  /** Ciphertexts, of whatever kind and for whatever service, that proved to be the peer's. */
  readonly authentic: number
  /**
   * Takes messages from `from` on. `messages` is borrowed until the result settles, which never rejects.
   * @param context in whose name what was in them is sent on.
   */
  open(messages: readonly LocalMessage[], from: number, context: Context): Pressure
  /** For the decryption service: a copy of the content, or why there is none. */
  openOne(ciphertext: Uint8Array): Uint8Array<ArrayBuffer> | Refusal
  /** Drops the keys, and whatever waits or still comes; what {@link open} returned settles. */
  destroy(): void
}
